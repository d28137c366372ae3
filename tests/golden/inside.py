"""Ask a reference engine for plans; runs inside that engine's own environment.

    python inside.py cm|mlc REPOSITORY HOME < cases.jsonl > answers.jsonl

Started by `record.py`, with the standard library and the engine only. The engine is the real one,
called in this process as its command line would call it. Watched are the functions at which a plan
becomes visible: variations resolved, dependencies switched off but listed, the environment just
before the export filter. A recipe's `customize.py` is not loaded: no hook runs in a fake run, and
one engine would install what the hooks import.
"""

from __future__ import annotations

import copy
import importlib.machinery
import inspect
import json
import os
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

#: Parts of a dependency entry that are compared as tags or not at all.
NOT_EXTRA = ("tags", "inherit_variation_tags", "skip_inherit_variation_groups")
NOT_EXTRA_PREFIXES = ("enable_if_", "skip_if_")
TAG_SOURCES = ("update_tags_from_env", "update_tags_from_env_with_prefix", "update_tags_if_env")


class Watch:
    """What one request showed."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self.run_state: dict[str, Any] = {}
        self.extras: list[dict[str, Any]] = []
        self.deps: list[list[dict[str, Any]]] = []
        self.taken: list[dict[str, Any]] = []

    def begin(self) -> None:
        self.__init__()

    def patch(self, module: types.ModuleType) -> None:
        """Put the watched functions of a freshly loaded engine module under watch."""
        engine = getattr(module, "CAutomation", None) or module.ScriptAutomation
        engine._update_state_from_variations = self._variations(
            engine._update_state_from_variations
        )
        engine._run_deps = self._run_deps(engine._run_deps)
        module.detect_state_diff = self._export(module.detect_state_diff)
        if hasattr(module, "is_dep_tobe_skipped"):  # not in engines of early 2024
            module.is_dep_tobe_skipped = self._skipped(module.is_dep_tobe_skipped)
        if hasattr(module, "load_customize_with_deps"):
            module.load_customize_with_deps = lambda path: types.ModuleType("customize")

    def _variations(self, real: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(real)

        def watched(*args: Any, **named: Any) -> Any:
            given = signature.bind(*args, **named).arguments
            meta, self.run_state = given["meta"], given["run_state"]
            self.seen["selected"] = f"{meta.get('alias', '')},{meta.get('uid', '')}"
            answer = real(*args, **named)
            if answer["return"] == 0:
                self.seen["variation_tags"] = answer["variation_tags_string"]
                self.seen["explicit"] = answer["explicit_variation_tags"]
            return answer

        return watched

    def _run_deps(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(engine: Any, deps: list[dict[str, Any]], *args: Any, **named: Any) -> Any:
            self.deps.append(deps)
            try:
                return real(engine, deps, *args, **named)
            finally:
                self.deps.pop()
                self.extras += [_extras(dep) for dep in self.taken]
                self.taken = []

        return watched

    def _skipped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(entry: Any, env: Any) -> Any:
            skipped = real(entry, env)
            # The same function judges conditional blocks and edits; those are no entries of a list.
            if not skipped and any(entry is dep for dep in (self.deps or [[]])[-1]):
                self.taken.append(entry)
            return skipped

        return watched

    def _export(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(env: Any, saved: Any, env_keys: Any, state_keys: Any, *rest: Any) -> Any:
            self.seen["env_internal"] = copy.deepcopy(env)
            self.seen["new_env_keys"] = list(env_keys)
            return real(env, saved, env_keys, state_keys, *rest)

        return watched

    def version(self) -> str:
        """The version in effect, as the engine put it down for its own report."""
        info = self.run_state.get("version_info") or [{}]
        return next((str(entry.get("version") or "") for entry in info[-1].values()), "")


def _extras(dep: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(
        {
            key: value
            for key, value in dep.items()
            if value
            and key not in (*NOT_EXTRA, *TAG_SOURCES)
            and not key.startswith(NOT_EXTRA_PREFIXES)
        }
    )


def read_yaml_once() -> None:
    """Parse each text once, with the C parser; every reader still gets data of its own.

    Both engines parse the meta files of all candidates at every request, in pure Python. That is
    nine tenths of a recording's time.
    """
    import pickle

    import yaml

    if not yaml.__with_libyaml__:
        return
    known: dict[Any, bytes] = {}
    real = yaml.load

    def load(stream: Any, Loader: Any) -> Any:
        text = stream.read() if hasattr(stream, "read") else stream
        loader = {"SafeLoader": yaml.CSafeLoader, "FullLoader": yaml.CFullLoader}.get(
            Loader.__name__, Loader
        )
        key = (text, loader)
        if key not in known:
            known[key] = pickle.dumps(real(text, loader))
        return pickle.loads(known[key])

    yaml.load = load


def watch_loading(engine_file: str, watch: Watch) -> None:
    """Patch the engine's module each time the engine loads it anew."""
    loader: Any = importlib.machinery.SourceFileLoader
    real = loader.exec_module

    def exec_module(self: Any, module: types.ModuleType) -> None:
        real(self, module)
        if os.path.realpath(self.path) == engine_file:
            watch.patch(module)

    loader.exec_module = exec_module


class Cm:
    """cmind with the `script` automation that the repository carries."""

    failed: tuple[type[BaseException], ...] = ()

    def __init__(self, repository: str, home: str) -> None:
        os.environ["CM_REPOS"] = os.path.join(home, "CM")
        os.makedirs(os.environ["CM_REPOS"], exist_ok=True)
        with open(os.path.join(os.environ["CM_REPOS"], "repos.json"), "w") as handle:
            json.dump([repository], handle)
        import cmind
        from cmind import utils

        real = utils.load_python_module
        empty = {"return": 0, "code": types.ModuleType("customize"), "path": ""}
        utils.load_python_module = lambda i: (
            dict(empty) if i.get("name") == "customize" else real(i)
        )
        self.cmind = cmind
        inner = os.path.join(repository, "repo")
        self.root = inner if os.path.isdir(os.path.join(inner, "automation")) else repository
        self.engine_file = os.path.realpath(os.path.join(self.root, "automation/script/module.py"))

    def inputs(self, case: dict[str, Any]) -> dict[str, Any]:
        from cmind import cli

        words = ["run", "script", f"--tags={case['tags']}", *case["args"]]
        answer = cli.parse([*words, "--quiet", "--fake_run", "--fake_deps", "--print_deps"])
        return dict(answer["cm_input"])

    def ask(self, inputs: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.cmind.access(inputs)
        return answer


class Mlc:
    """mlcflow with the engine that it carries itself."""

    def __init__(self, repository: str, home: str) -> None:
        self.root = repository
        repos = os.environ["MLC_REPOS"] = os.path.join(home, "MLC", "repos")
        local = os.path.join(repos, "local")
        os.makedirs(local, exist_ok=True)
        with open(os.path.join(repos, "repos.json"), "w") as handle:
            json.dump([local, repository], handle)
        from mlc import action, action_factory, main, script_action

        self.script = action_factory.get_action("script", action.default_parent)
        self.failed = (script_action.ScriptExecutionError,)
        self.main = main
        folder = self.script.find_target_folder("script")
        self.engine_file = os.path.realpath(os.path.join(folder, "module.py"))

    def inputs(self, case: dict[str, Any]) -> dict[str, Any]:
        from mlc import utils

        words = [f"--tags={case['tags']}", *case["args"], "--quiet", "--fake_run", "--fake_deps"]
        sys.argv = ["mlc", *words, "--run_state.fake_deps=True", "--print_deps"]
        self.main.convert_hyphen_to_underscore_in_args()
        return dict(utils.convert_args_to_dictionary(sys.argv[1:])["args_dict"])

    def ask(self, inputs: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.script.run(inputs)
        except self.failed as error:
            if error.__cause__ is not None:
                raise error.__cause__ from None
            return {"return": 1, "error": str(error).partition("Error : ")[2] or str(error)}
        return answer


def answer_of(engine: Any, watch: Watch, case: dict[str, Any]) -> dict[str, Any]:
    """The recorded part of one request's outcome."""
    watch.begin()
    found: dict[str, Any] = {}
    answer: dict[str, Any] = {}
    try:
        answer = engine.ask(engine.inputs(case))
        found["rc"] = answer["return"]
        if found["rc"]:
            found["error"] = str(answer.get("error", ""))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - its answer
        last = traceback.extract_tb(error.__traceback__)[-1]
        found["rc"] = "exception"
        found["error"] = f"{type(error).__name__}: {error}"
        found["at"] = f"{os.path.basename(last.filename)}:{last.lineno} {last.name}"
    blank: dict[str, Any] = {"selected": "", "variation_tags": "", "explicit": []}
    found.update({**blank, "new_env_keys": [], **watch.seen})
    listed = watch.run_state.get("full_deps", watch.run_state.get("deps"))
    found["deps"] = list(listed or []) if found["rc"] == 0 else []
    if found["rc"] == 0 and any(watch.extras):
        found["deps_x"] = watch.extras
    found["new_env"] = answer.get("new_env") or {}
    states = [key for key in answer.get("new_state") or {} if key != "print_deps"]
    found["new_state_keys"] = sorted(states)
    if found["rc"] == 0:
        found["version"] = watch.version()
    return found


def main() -> None:
    dialect, repository, home = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    lines = sys.stdin.readlines()
    # Nobody can be asked, and what an engine says goes nowhere.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    work = os.path.join(home, "work")
    os.makedirs(work, exist_ok=True)
    os.chdir(work)
    read_yaml_once()
    engine: Any = (Cm if dialect == "cm" else Mlc)(repository, home)
    watch = Watch()
    watch_loading(engine.engine_file, watch)
    for line in lines:
        case = json.loads(line)
        os.chdir(work)
        text = json.dumps(answer_of(engine, watch, case), default=str)
        places = {case.pop("path"): "<SCRIPT>", work: "<CWD>", engine.root: "<REPO>"}
        for place, name in {**places, repository: "<REPO>", home: "<HOME>"}.items():
            text = text.replace(json.dumps(place)[1:-1], name)
        print(json.dumps({**case, "shallow": json.loads(text)}), file=out, flush=True)


if __name__ == "__main__":
    main()
