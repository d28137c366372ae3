"""A whole tree: which results it holds, what each violates, what they violate together."""

from __future__ import annotations

import os

from cm_mlperf.submission.checking import across, described
from cm_mlperf.submission.checking.scene import Scene
from cm_mlperf.submission.findings import Finding, in_order
from cm_mlperf.submission.layout import FILE_LIMIT, SCENARIO_NAMES, STAMP, Place
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple
from cmcore.naming import did_you_mean, suggestion

if TYPE_CHECKING:
    from cm_mlperf.rounds import Round

DIVISIONS = ("open", "closed", "network")


class Verdict(NamedTuple):
    """What a check of a tree found.

    Attributes:
        results: the results of the tree.
        findings: violated rules, by file.
        stamped: the tree says itself that it is not for submission.
        numbers: result folder to (metric key, value) where the log tells it.
    """

    results: tuple[Place, ...]
    findings: tuple[Finding, ...]
    stamped: bool
    numbers: dict[str, tuple[str, float]]


def check(root: str, of_round: Round, submitter: str = "") -> Verdict:
    """Check a submission tree by the rules of a round.

    Args:
        root: folder that holds open/, closed/ or network/.
        of_round: the round.
        submitter: only this one; all by default.
    """
    found: list[Finding] = []
    scenes: list[Scene] = []
    stamped = os.path.exists(os.path.join(root, STAMP))
    if stamped:
        found.append(Finding("stamp", STAMP, "says that this tree is not for submission"))
    known = {*DIVISIONS, STAMP, "README.md", "LICENSE.md", ".gitignore", ".git"}
    for name in _names(root):
        if name not in known:
            found.append(Finding("extra-file", name, "does not belong at the top of a tree"))
    for division in DIVISIONS:
        for name in _folders(os.path.join(root, division)):
            if not submitter or name == submitter:
                scenes += _submitter(root, of_round, division, name, found)
    if not scenes:
        found.append(
            Finding(
                "tree", "", "holds no result", "results/<system>/<benchmark>/<scenario> is needed"
            )
        )
    for scene in scenes:
        _result(scene)
        found += scene.found
    found += across.check(scenes) + _files(root)
    numbers = {scene.place.results: number for scene in scenes if (number := _number(scene))}
    places = tuple(scene.place for scene in scenes)
    return Verdict(places, tuple(in_order(found)), stamped, numbers)


def _result(scene: Scene) -> None:
    from cm_mlperf.submission.checking import accuracy, audits, energy, performance

    performance.check(scene, scene.performance)
    accuracy.check(scene)
    described.check_measurements(scene)
    described.check_source(scene)
    audits.check(scene)
    energy.check(scene)


def _number(scene: Scene) -> tuple[str, float] | None:
    log = scene.performance.detail
    if log is None or scene.rules is None:
        return None
    scenario = str(log.get("effective_scenario"))
    if scenario not in scene.round.result_keys:
        return None
    key = scene.rules.result_key(scene.round, scenario)
    value = log.number(key)
    return None if value is None else (key, value)


def _submitter(
    root: str, of_round: Round, division: str, name: str, found: list[Finding]
) -> list[Scene]:
    base = f"{division}/{name}"
    folder = os.path.join(root, base)
    known = {"results", "systems", "documentation", "model_mapping.json", "README.md", "LICENSE.md"}
    known |= {of_round.source_folder, of_round.measurements_folder, of_round.compliance_folder}
    for entry in _names(folder):
        if entry not in known:
            near = suggestion(did_you_mean(entry, known))
            found.append(
                Finding("extra-file", f"{base}/{entry}", f"is unknown in {of_round.name}", near)
            )
    mapping = _mapping(folder, base, division, found)
    scenes: list[Scene] = []
    for system in _folders(os.path.join(folder, "results")):
        scenes += _system(root, of_round, Place(division, name, system, "", ""), mapping, found)
    with_results = {scene.place.system for scene in scenes}
    for entry in _names(os.path.join(folder, "systems")):
        described_one = entry.removesuffix("_power.yaml").removesuffix(".json")
        if described_one not in with_results:
            found.append(
                Finding(
                    "system-without-results",
                    f"{base}/systems/{entry}",
                    "describes a system without results",
                    "remove it or add its results",
                )
            )
    return scenes


def _mapping(folder: str, base: str, division: str, found: list[Finding]) -> dict[str, Any]:
    file = f"{base}/model_mapping.json"
    path = os.path.join(folder, "model_mapping.json")
    if not os.path.exists(path):
        return {}
    if division != "open":
        found.append(Finding("model-mapping", file, f"has no place in division {division}"))
        return {}
    content, trouble = described.read_system(path)
    if trouble or not all(isinstance(value, str) for value in content.values()):
        found.append(
            Finding("model-mapping", file, trouble or "must map names to names of benchmarks")
        )
        return {}
    return content


def _system(
    root: str, of_round: Round, at: Place, mapping: dict[str, Any], found: list[Finding]
) -> list[Scene]:
    content, trouble = described.read_system(os.path.join(root, at.system_file))
    folder = os.path.join(root, at.base, "results", at.system)
    scenes: list[Scene] = []
    for benchmark in _folders(folder):
        official = of_round.official(benchmark, mapping)
        rules = of_round.models.get(official)
        where = f"{at.base}/results/{at.system}/{benchmark}"
        if rules is None:
            near = did_you_mean(benchmark, of_round.models)
            hint = suggestion(near) or "name its benchmark in model_mapping.json"
            found.append(Finding("model", where, f"is no benchmark of {of_round.name}", hint))
        elif at.division != "open" and official != benchmark:
            found.append(
                Finding("model", where, f"must be called {official} in division {at.division}")
            )
        scenarios = _folders(os.path.join(folder, benchmark))
        for scenario in scenarios:
            place = at._replace(benchmark=benchmark, scenario=scenario)
            if scenario in SCENARIO_NAMES.values():
                scenes.append(Scene(root, of_round, place, rules, content))
            else:
                right = SCENARIO_NAMES.get(scenario.lower().replace("_", ""), "")
                found.append(
                    Finding(
                        "scenario-name",
                        f"{where}/{scenario}",
                        "is no scenario",
                        f"rename it to {right}" if right else "",
                    )
                )
        if rules is not None and at.division != "open":
            kind = str(content.get("system_type", ""))
            found += _required(rules.scenarios, kind, where, set(scenarios))
    if scenes:
        described.check_system(scenes[0], trouble)
    elif trouble:
        found.append(Finding("system", at.system_file, trouble))
    return scenes


def _required(demanded: Any, kind: str, where: str, scenarios: set[str]) -> list[Finding]:
    category = "datacenter,edge" if kind == "edge,datacenter" else kind
    if category not in demanded:
        text = f"is no benchmark for systems of type '{kind}'"
        return [Finding("scenarios", where, text)] if kind else []
    required, optional = demanded[category]
    found = []
    lacking = [scenario for scenario in required if scenario not in scenarios]
    if {"Interactive", "Server"} <= set(optional) and not {"Interactive", "Server"} & scenarios:
        lacking.append("Interactive or Server")
    if lacking:
        found.append(
            Finding("scenarios", where, f"lacks {', '.join(lacking)}", "run the missing scenarios")
        )
    further = [s for s in sorted(scenarios) if s not in (*required, *optional)]
    if further:
        text = f"has {', '.join(further)}, which '{kind}' systems do not submit for it"
        found.append(Finding("scenarios", where, text, "move it to the open division"))
    return found


def _files(root: str) -> list[Finding]:
    """Links, special and very large files, and folders with nothing in them."""
    found = []
    for folder, folders, files in os.walk(root):
        if ".git" in folders:
            folders.remove(".git")
        at = os.path.relpath(folder, root).replace(os.sep, "/")
        if not folders and not files and at != ".":
            found.append(Finding("empty-folder", at, "holds nothing", "remove it"))
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            file = name if at == "." else f"{at}/{name}"
            if os.path.islink(path):
                found.append(Finding("link", file, "is a link", "copy what it leads to"))
            elif name in files and not os.path.isfile(path):
                found.append(Finding("link", file, "is no ordinary file", "remove it"))
            elif name in files and os.path.getsize(path) > FILE_LIMIT:
                text = f"has {os.path.getsize(path) >> 20} MiB, at most 50 are allowed"
                found.append(Finding("size", file, text, "leave it out or shorten it"))
    return found


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _folders(folder: str) -> list[str]:
    return [name for name in _names(folder) if os.path.isdir(os.path.join(folder, name))]
