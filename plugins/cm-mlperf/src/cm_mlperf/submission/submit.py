"""`cm submit mlperf`: a submission tree from measured results, checked, and packed if wanted."""

from __future__ import annotations

import os

from cm_mlperf import rounds
from cm_mlperf.rounds.reader import CATEGORIES, DIVISIONS
from cm_mlperf.submission import building, findings, gathering, notes
from cm_mlperf.submission.layout import STAMP
from cmcore import storage
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.naming import did_you_mean, suggestion
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_mlperf.rounds import Round
    from cm_mlperf.submission.gathering import Candidate
    from cmcore.context import Context
    from cmcore.types import Request

#: Our own model, and the benchmark whose task it has.
_OWN_MODELS = {"digits": "resnet"}


def submit(ctx: Context, request: Request) -> Result:
    """Make a tree.

    Raises:
        UsageError: a flag is missing or has an impossible value.
        NotFoundError: there are no results.
        CmError: results may not be submitted, or the system description lacks something.
        StorageError: a file cannot be read or written; the old tree is then untouched.
    """
    flags = request.flags
    results = _path(flags.get("results") or (request.artifacts[0] if request.artifacts else ""))
    if not results:
        raise UsageError("where the results are is not said", hint="add --results=DIR")
    if not os.path.isdir(results):
        raise NotFoundError("no such folder of results", where=results)
    of_round = rounds.get(str(flags.get("round") or rounds.newest()))
    division = _one_of(flags, "division", DIVISIONS, "open")
    category = _one_of(flags, "category", CATEGORIES, "edge")
    submitter = _submitter(flags)
    short = _on(flags.get("allow_short"))
    candidates = gathering.gather(results)
    if not candidates:
        raise NotFoundError(
            "no results in this folder",
            where=results,
            hint="measure some with 'cm run mlperf --execution_mode=valid --output_dir=DIR'",
        )
    chosen = gathering.choose(candidates, allow_short=short, open_division=division == "open")
    for one in chosen.candidates:
        _file_names(one)
    systems, warnings = _systems(
        ctx, flags, chosen.candidates, {"division": division, "submitter": submitter}, category
    )
    records = [one.record for one in chosen.candidates]
    text, more = _calibration(flags, division, records)
    plan = building.Plan(
        of_round,
        division,
        submitter,
        _mapping(flags, of_round, division, chosen.candidates),
        systems,
        chosen.candidates,
        short,
        _folder_flag(flags, "src"),
        text,
    )
    target = _path(flags.get("output")) or os.path.join(
        os.getcwd(), f"mlperf-submission-{of_round.name}"
    )
    old = write(target, plan)
    return _answer(request, plan, target, old, chosen, [*warnings, *more])


def write(target: str, plan: building.Plan) -> str:
    """Write the tree beside its place, then move it there; gives back where an older one is now.

    Raises:
        UsageError: something stands there that is no tree of ours.
        CmError, StorageError: as `building.write`; nothing has changed then.
    """
    if os.path.lexists(target) and not _is_tree(target):
        raise UsageError(
            "what stands here is no submission tree", where=target, hint="give another --output=DIR"
        )
    parent = os.path.dirname(target)
    storage.make_dir(parent)
    part = os.path.join(parent, f"{storage.HIDDEN}{os.path.basename(target)}.{os.getpid()}")
    try:
        os.mkdir(part)
        building.write(part, plan)
        return _swap(part, target)
    except OSError as error:
        raise storage.storage_error(error, target, "write the tree") from error
    finally:
        if os.path.isdir(part):
            storage.remove_tree(part)


def _swap(part: str, target: str) -> str:
    """Move the new tree to its place; the old one goes aside, and back when that fails."""
    old = _free_name(target) if os.path.exists(target) else ""
    if old:
        os.rename(target, old)
    try:
        os.rename(part, target)
    except OSError:
        if old:
            os.rename(old, target)
        raise
    return old


def _is_tree(target: str) -> bool:
    try:
        names = set(os.listdir(target))
    except OSError:
        return False
    return names <= {*DIVISIONS, STAMP}


def _free_name(target: str) -> str:
    number = 1
    while os.path.lexists(f"{target}.old-{number}"):
        number += 1
    return f"{target}.old-{number}"


def _answer(
    request: Request,
    plan: building.Plan,
    target: str,
    old: str,
    chosen: gathering.Chosen,
    warnings: list[str],
) -> Result:
    from cm_mlperf.submission.checking import command, tree

    verdict = tree.check(target, plan.round)
    data: dict[str, Any] = {
        "tree": target,
        "round": plan.round.name,
        "results": [plan.place(one).results for one in plan.candidates],
        "left_out": [{"folder": one.folder, "why": why} for one, why in chosen.left_out],
        "for_submission": not plan.short and not verdict.findings,
        "findings": [finding._asdict() for finding in verdict.findings],
    }
    parts = [f"submission tree with {len(plan.candidates)} results: {target}"]
    if old:
        data["old"] = old
        parts.append(f"the tree that stood there is now {old}")
    for one, why in chosen.left_out:
        parts.append(f"left out: {one.name}: {why}")
    if plan.short:
        parts.append("it is stamped as not for submission")
    if _on(request.flags.get("tar")):
        from cm_mlperf.submission.packing import pack

        data["tar"] = f"{target}.tar.gz"
        data["tar_size"] = pack(target, data["tar"])
        parts.append(f"packed: {data['tar']}")
    if verdict.findings:
        parts += [findings.listing(verdict.findings), ""]
    parts.append(command.summary(plan.round.name, verdict))
    code = 1 if verdict.findings and not plan.short else 0
    return Result(data, view="\n".join(parts), code=code, warnings=tuple(warnings))


def _systems(
    ctx: Context,
    flags: Mapping[str, Any],
    candidates: tuple[Candidate, ...],
    known: dict[str, str],
    category: str,
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """System name to description: what the run wrote down, the user's file, answers of a person."""
    from cm_mlperf.system import describe
    from cm_mlperf.system.fields import KEYS, text_of

    file = _path(flags.get("system_file"))
    blanks = describe.read_file(file) if file else {}
    blanks = {**blanks, **known, "system_type": category}
    described: dict[str, dict[str, str]] = {}
    warnings = []
    for one in candidates:
        record = one.record
        if record.system in described:
            continue
        told = {"framework": record.backend, "system_name": record.hw_name or record.system}
        path = os.path.join(os.path.dirname(os.path.dirname(one.folder)), "system.json")
        if os.path.isfile(path):
            content: Any = storage.read_json(path)
            base = {**told, **{key: text for key, text in dict(content).items() if text}}
            whole = {**dict.fromkeys(KEYS, ""), **base, **blanks}
            whole = {key: text_of(value) for key, value in whole.items()}
            found = describe.Description(whole, describe.missing(whole))
        else:
            warnings.append(f"{record.system} has no system.json; this machine was described")
            found = describe.describe(told, blanks, device=record.device or "cpu")
        described[record.system] = describe.fill(found, ctx.console, where=record.system)
    return described, warnings


def _mapping(
    flags: Mapping[str, Any], of_round: Round, division: str, candidates: tuple[Candidate, ...]
) -> dict[str, str]:
    """Own names of models to benchmarks, as --model_mapping=NAME:BENCHMARK,... and our own say."""
    given: dict[str, str] = {}
    told = flags.get("model_mapping") or ()
    for word in ",".join([told] if isinstance(told, str) else told).split(","):
        name, colon, benchmark = (part.strip() for part in word.partition(":"))
        if word.strip() and not (colon and name and benchmark):
            raise UsageError(
                f"'{word.strip()}' is no mapping", hint="write --model_mapping=NAME:BENCHMARK"
            )
        if name:
            given[name] = of_round.model(benchmark).name
    found: dict[str, str] = {}
    for model in dict.fromkeys(one.record.model for one in candidates):
        benchmark = given.get(model) or of_round.official(model)
        if not benchmark:
            benchmark = of_round.official(_OWN_MODELS.get(model, ""))
        if not benchmark:
            near = did_you_mean(model, of_round.models)
            raise UsageError(
                f"'{model}' is no benchmark of {of_round.name}",
                hint=suggestion(near) or f"add --model_mapping={model}:BENCHMARK",
            )
        if division != "open" and benchmark != model:
            raise UsageError(
                f"'{model}' is not the official name of a benchmark",
                hint=f"division {division} takes '{benchmark}' only; own models go into open",
            )
        if benchmark != model:
            found[model] = benchmark
    return found


def _calibration(
    flags: Mapping[str, Any], division: str, records: list[Any]
) -> tuple[str, list[str]]:
    path = _path(flags.get("calibration"))
    if path:
        return storage.read_bytes(path).decode("utf-8", "replace"), []
    models = notes.needs_calibration(records)
    if models and division != "open":
        raise CmError(
            f"how {', '.join(models)} was calibrated is not told",
            hint="closed results of reduced precision need --calibration=FILE.md",
        )
    warnings = [f"how {model} got its precision is not told; add --calibration" for model in models]
    return notes.calibration(records), warnings


def _file_names(one: Candidate) -> None:
    for word in one.key:
        if not word or word.startswith(".") or "/" in word or "\\" in word or "\0" in word:
            raise CmError(f"'{word}' cannot be the name of a folder", where=one.folder)


def _submitter(flags: Mapping[str, Any]) -> str:
    name = str(flags.get("submitter") or "").strip()
    if not name or name.startswith(".") or any(sign in name for sign in '/\\:*?"<>|\0\n'):
        raise UsageError(
            f"'{name}' cannot be a submitter" if name else "the submitter is not told",
            hint="add --submitter=NAME, the name of your organization",
        )
    return name


def _one_of(flags: Mapping[str, Any], key: str, words: tuple[str, ...], default: str) -> str:
    told = str(flags.get(key) or default).lower().replace(" ", "")
    told = "datacenter,edge" if told in ("edge,datacenter", "datacenter-edge") else told
    if told not in words:
        hint = suggestion(did_you_mean(told, words)) or f"known: {', '.join(words)}"
        raise UsageError(f"there is no {key} '{told}'", hint=hint)
    return told


def _folder_flag(flags: Mapping[str, Any], key: str) -> str:
    path = _path(flags.get(key))
    if path and not os.path.isdir(path):
        raise NotFoundError(f"no such folder for --{key}", where=path)
    return path


def _path(value: object) -> str:
    return os.path.abspath(os.path.expanduser(value)) if isinstance(value, str) and value else ""


def _on(value: object) -> bool:
    return value is True or str(value).lower() in ("yes", "true", "1", "on")
