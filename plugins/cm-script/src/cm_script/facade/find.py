"""Finding a tool or file on this host for a recipe, and checking that its version fits."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator

from cm_script import versions
from cm_script.merge import copied
from cm_script.step import StepError, run_step
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import RunLike

Answer = dict[str, Any]

#: What may follow the name of a tool, best first: `gcc`, `gcc.9`, `gcc-12`, `python3.11`, ...
_SUFFIXES = (
    "",
    ".[0-9]",
    ".[0-9][0-9]",
    "-[0-9]",
    "-[0-9][0-9]",
    "[0-9]",
    "[0-9][0-9]",
    "[0-9].[0-9]",
    "[0-9][0-9].[0-9]",
    "[0-9][0-9].[0-9][0-9]",
)
_MAGIC = re.compile(r"[*?\[]")
_DEFAULT_DEPTH = 4


def find_artifact(run: RunLike, i: dict[str, Any]) -> Answer:
    """Find `file_name` where the user or the process environment says, and note it in `env`.

    Keys of `i`: `file_name`, `env`, `os_info`; `default_path_env_key` (process variable with
    folders to search); `env_path_key` (gets the path that was found); `detect_version` (take only
    what the native script and the `detect_version` hook say has a version that fits);
    `run_script_input`; `hook` (answers `skip` for a candidate `file`); `extra_paths` (folder
    beside the found one -> variable that it is added to); `force_given_path`.

    Returns:
        `found_path`, `found_file_path`, `found_file_name`, `default_path_list`.

    Raises:
        NotFoundError: nothing fits.
        CmError: a folder or file that the user named does not exist, or a hook failed.
    """
    env, default_key = i["env"], str(i.get("default_path_env_key") or "")
    asked, name = _asked_for(run, i)
    forced = bool(asked and i.get("force_given_path"))
    defaults = [] if forced else _split(os.environ.get(default_key, ""), i) if default_key else []
    first = [] if forced else _search_folders(run, env)
    folders = [*asked, *first] if asked else [*first, *defaults]
    found = find_file_in_paths(
        run,
        {
            **i,
            "paths": list(dict.fromkeys(folders)),
            "file_name": name,
            "select": True,
            "select_default": env.get(run.key("QUIET")) == "yes",
        },
    )["found_files"]
    if not found:
        raise NotFoundError(f"{name} was not found", where=":".join(folders[:8]))
    path = found[0]
    folder = os.path.dirname(path)
    if folder not in defaults:
        _extend_paths(env, default_key, folder, i.get("extra_paths") or {})
    if i.get("env_path_key"):
        env[i["env_path_key"]] = path
    run.console.log(f"{run.spaces}  found {path}", verbose=True)
    return {
        "return": 0,
        "found_path": folder,
        "found_file_path": path,
        "found_file_name": os.path.basename(path),
        "default_path_list": defaults,
    }


def _split(text: str, i: dict[str, Any]) -> list[str]:
    return text.split(i["os_info"]["env_separator"])


def _asked_for(run: RunLike, i: dict[str, Any]) -> tuple[list[str], str]:
    """Folders that the user named (`--path`, `--input`), and the file name to look for."""
    env = i["env"]
    file = str(env.get(run.key("INPUT")) or "").strip()
    folders = str(env.get(run.key("TMP_PATH")) or "")
    if folders and env.get(run.key("TMP_PATH_IGNORE_NON_EXISTANT")) != "yes":
        for folder in _split(folders, i):
            if folder.strip() and not os.path.isdir(folder):
                raise CmError(f"path {folder} does not exist", where="--path")
    if not file:
        return (_split(folders, i) if folders else []), str(i["file_name"])
    if not os.path.isfile(file):
        raise CmError(f"file {file} does not exist", where="--input")
    return [os.path.dirname(file) or os.curdir], os.path.basename(file)


def _search_folders(run: RunLike, env: dict[str, Any]) -> list[str]:
    """The folder of `--search_folder_path` and those below it, to a limited depth."""
    top = str(env.get(run.key("SEARCH_FOLDER_PATH")) or "").strip()
    if not os.path.isdir(top):
        return []
    limit = int(env.get(run.key("TMP_FOLDER_MAX_DEPTH")) or _DEFAULT_DEPTH)
    found = []
    for folder, below, _ in os.walk(top):
        below.sort()
        if folder[len(top) :].count(os.sep) >= limit:
            below.clear()
        found.append(folder)
    return found


def _extend_paths(env: dict[str, Any], key: str, folder: str, extra_paths: dict[str, str]) -> None:
    if key:
        paths = env.setdefault("+" + key, [])
        if folder not in paths:
            paths.insert(0, folder)
    for beside, variable in extra_paths.items():
        path = os.path.normpath(os.path.join(folder, "..", beside))
        if os.path.exists(path):
            env.setdefault(variable, []).append(path)


def find_file_in_paths(run: RunLike, i: dict[str, Any]) -> Answer:
    """`found_files`: the files named `file_name`, or with a version after it, in `paths`.

    `file_name_re` is a regular expression instead. With `select` files are checked
    (`detect_version`) and the choice is narrowed to one.
    """
    files = list(_unskipped(_candidates(i), i.get("hook")))
    if i.get("select"):
        if i.get("detect_version"):
            files = [file for file in files if _version_fits(run, file, i)]
        if len(files) > 1:
            files = [_choose(run, files, bool(i.get("select_default")))]
    return {"return": 0, "found_files": files}


def _candidates(i: dict[str, Any]) -> Iterator[str]:
    """Existing files, in the order of the folders; the same file under two names counts once."""
    seen = set()
    for folder in i["paths"]:
        for path in _in_folder(folder, i):
            try:
                status = os.stat(path)
            except OSError:
                continue
            if os.path.isdir(path) or (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            yield path


def _in_folder(folder: str, i: dict[str, Any]) -> Iterable[str]:
    try:
        names = sorted(os.listdir(folder)) if folder else []
    except OSError:
        return []
    if i.get("file_name_re"):
        pattern = re.compile(i["file_name_re"])
        return [os.path.join(folder, name) for name in names if pattern.match(name)]
    wanted = str(i["file_name"])
    if os.sep in wanted or _MAGIC.search(wanted):
        import glob

        base = os.path.join(glob.escape(folder), wanted)
        return [path for suffix in _SUFFIXES for path in sorted(glob.glob(base + suffix))]
    near = [name for name in names if name.startswith(wanted)]
    return [
        os.path.join(folder, name)
        for suffix in _SUFFIXES
        for name in near
        if re.fullmatch(suffix.replace(".[", r"\.["), name[len(wanted) :])
    ]


def _unskipped(files: Iterable[str], hook: Callable[[Answer], Answer] | None) -> Iterator[str]:
    for file in files:
        answer = hook({"file": file}) if hook is not None else {"return": 0}
        if answer["return"]:
            raise CmError(str(answer.get("error") or "a check failed"), code=answer["return"])
        if not answer.get("skip"):
            yield file


def _version_fits(run: RunLike, file: str, i: dict[str, Any]) -> bool:
    """Whether the recipe's native script and hook report a version that fits the request."""
    env = copied(i.get("env") or {})
    env[i["env_path_key"]] = file
    try:
        version = _detected(run, env, i.get("run_script_input") or {})
    except StepError as error:
        run.console.log(f"{run.spaces}  {file} left out: {error.message}", verbose=True)
        return False
    if version == "":
        return False
    if version == -1:
        run.console.log(f"{run.spaces}  {file} left out: incompatible", verbose=True)
        return False
    request = versions.requested({}, env, {}, run.dialect)
    if not versions.fits(str(version), request, run.dialect):
        told = ", ".join(f"{name} {value}" for name, value in request.items())
        run.console.log(f"{run.spaces}  {file} left out: {version} is not {told}", verbose=True)
        return False
    return True


def _detected(run: RunLike, env: dict[str, Any], rsi: dict[str, Any]) -> Any:
    saved = {key: rsi[key] for key in ("env",) if key in rsi}
    rsi["env"] = env
    try:
        return run_step(run, env, mode="detect_version").get("version", "")
    finally:
        rsi.pop("env")
        rsi.update(saved)


def _choose(run: RunLike, files: list[str], take_first: bool) -> str:
    if take_first or run.engine.quiet or not run.console.interactive:
        number = 0
    else:
        number = run.console.ask("More than one fits. Which one?", files, 0) or 0
    run.console.log(f"{run.spaces}  {len(files)} fit, taking {files[number]}", verbose=True)
    return files[number]


def detect_version_using_script(run: RunLike, i: dict[str, Any]) -> Answer:
    """Run the recipe's native script and hook with `env`; `detected_version` when it fits.

    Raises:
        NotFoundError: no version, or one that does not fit.
    """
    env = i.get("env") or {}
    request = versions.requested({}, env, {}, run.dialect)
    try:
        version = _detected(run, env, i["run_script_input"])
    except CmError as error:
        run.console.log(f"{run.spaces}  no version: {error.message}", verbose=True)
        version = ""
    if version and versions.fits(str(version), request, run.dialect):
        return {"return": 0, "detected_version": version}
    raise NotFoundError("version was not detected")
