"""Where results lie, and what is there already.

`<output_dir>/<execution mode>_results/<system>/<model>/<scenario>/` as in the published workflows.
`cm-result.json` is written last: a point without it was not finished.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cm_mlperf.workflow import names
from cmcore.hints import Any, NamedTuple

DEFAULT_FOLDER = "mlperf-results"
RESULT = "cm-result.json"


class Point(NamedTuple):
    """One point: a model in one scenario on one system, in one execution mode.

    Attributes:
        root: the output folder.
        execution_mode: test, fast or valid.
        system: name of the system under test.
        model: as in requests.
        scenario: as in the rules.
    """

    root: str
    execution_mode: str
    system: str
    model: str
    scenario: str

    @property
    def system_folder(self) -> str:
        """Folder of everything that this system did in this execution mode."""
        return os.path.join(self.root, f"{self.execution_mode}_results", self.system)

    @property
    def folder(self) -> str:
        """The point's own folder."""
        return os.path.join(self.system_folder, self.model, names.SCENARIOS[self.scenario])

    @property
    def result(self) -> str:
        """Its result file."""
        return os.path.join(self.folder, RESULT)

    @property
    def lock(self) -> str:
        """Its lock file, outside of the tree that people look at and hand on."""
        words = (self.execution_mode, self.system, self.model, names.SCENARIOS[self.scenario])
        return os.path.join(self.root, ".locks", "-".join(words))

    def run(self, mode: str) -> str:
        """Folder of the LoadGen logs of a mode."""
        if mode == "accuracy":
            return os.path.join(self.folder, "accuracy")
        if mode == "find_performance":
            return os.path.join(self.folder, "find_performance")
        return os.path.join(self.folder, "performance", "run_1")


def output_folder(asked: str) -> str:
    """The output folder: what was asked for, or one in the current folder."""
    return asked or os.path.join(os.getcwd(), DEFAULT_FOLDER)


def system_name(hw_name: str, implementation: str, device: str, backend: str) -> str:
    """`<hardware>-<implementation>-<device>-<back end>`, safe as a folder's name."""
    import platform

    hardware = _plain(hw_name) or _plain(platform.node().partition(".")[0]) or "default"
    return "-".join((hardware, implementation, device, backend))


def finished(point: Point) -> dict[str, Any] | None:
    """The result that is there, or None when none was finished or it cannot be read."""
    from cmcore.errors import StorageError
    from cmcore.storage import read_json

    if not os.path.isfile(point.result):
        return None
    try:
        found = read_json(point.result)
    except StorageError:
        return None
    return found if isinstance(found, dict) else None


def write_json(path: str, data: Any) -> None:
    """Write a JSON document for people and programs; readers see the old or the new one."""
    import json

    from cmcore.storage import make_dir, write_atomic

    make_dir(os.path.dirname(path))
    write_atomic(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def write_text(path: str, text: str) -> None:
    """The same for text."""
    from cmcore.storage import make_dir, write_atomic

    make_dir(os.path.dirname(path))
    write_atomic(path, text)


def clear(point: Point, modes: tuple[str, ...]) -> None:
    """Take away what these modes left, and the result that was made of it.

    The result goes first: a process that dies in between leaves no result of a run that is gone.
    """
    from cmcore.storage import remove_tree

    if os.path.exists(point.result):
        os.remove(point.result)
    for mode in modes:
        for folder in (point.run(mode), point.run(mode) + ".tmp"):
            if os.path.isdir(folder):
                remove_tree(folder)
    # What compliance tests said was about the runs that are gone.
    for test in ("TEST01", "TEST04"):
        if os.path.isdir(os.path.join(point.folder, test)):
            remove_tree(os.path.join(point.folder, test))


def tuned(root: str, system: str, model: str, scenario: str) -> dict[str, float]:
    """Targets that earlier runs measured: target_qps, target_latency_ms; {} when there are none."""
    found: Any = _tuning(root)
    for key in (system, model, scenario):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return {}
    return {
        key: float(found[key])
        for key in ("target_qps", "target_latency_ms")
        if isinstance(found.get(key), (int, float)) and found[key] > 0
    }


def remember(point: Point, values: Mapping[str, Any]) -> None:
    """Note measured targets for the next run; two processes may do so at once."""
    from cmcore.storage import lock, make_dir

    make_dir(point.root)
    with lock(os.path.join(point.root, ".locks", "tuning"), what="tuning.json", timeout=60):
        all_of_it = _tuning(point.root)
        place = all_of_it.setdefault(point.system, {}).setdefault(point.model, {})
        place[point.scenario] = dict(values)
        write_json(_tuning_path(point.root), all_of_it)


def _tuning_path(root: str) -> str:
    return os.path.join(root, "tuning.json")


def _tuning(root: str) -> dict[str, Any]:
    from cmcore.errors import StorageError
    from cmcore.storage import read_json

    path = _tuning_path(root)
    if not os.path.isfile(path):
        return {}
    try:
        found = read_json(path)
    except StorageError:
        # Measured again soon enough.
        return {}
    return found if isinstance(found, dict) else {}


def _plain(name: str) -> str:
    kept = "".join(char if char.isalnum() or char in "._" else "_" for char in name.strip())
    return kept.strip("._")
