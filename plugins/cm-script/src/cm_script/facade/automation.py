"""The object that hooks get as `i["automation"]`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cm_script import depedit
from cm_script.facade.failure import Failure
from cm_script.facade.logger import RecipeLogger
from cm_script.facade.session import session_of
from cm_script.merge import copied
from cm_script.step import run_step
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike, RunLike

Answer = dict[str, Any]


class AutomationFacade:
    """Helpers of the engine for recipe code; every method takes and answers a dictionary.

    Args:
        run: the recipe's run.
    """

    tmp_file_ver = "tmp-ver.out"

    def __init__(self, run: RunLike) -> None:
        self._run = run
        self._actions = _Actions(run.engine)
        self.logger = self._actions.logger

    def __deepcopy__(self, memo: object) -> AutomationFacade:
        return self

    @property
    def cmind(self) -> Any:
        """CM's name for the core: `.access`, `.logger`, `.utils`."""
        return session_of(self._run.engine).facade("cmind")

    @property
    def action_object(self) -> _Actions:
        """MLCFlow's name for it: `.access`, `.logger`, `.repos`, `.repos_path`."""
        return self._actions

    cache_action = action_object

    @property
    def os_info(self) -> Answer:
        """Facts about the host; see `osinfo.os_info`."""
        return self._run.os_info

    def run(self, i: Mapping[str, Any]) -> Answer:
        """Run another recipe, as `access` with action `run` does."""
        return self._access({**i, "action": "run", "automation": "script"})

    def search(self, i: Mapping[str, Any]) -> Answer:
        """Find recipes, as `access` with action `search` does."""
        return self._access({**i, "action": "search", "automation": "script"})

    def _access(self, i: Mapping[str, Any]) -> Answer:
        return self._run.engine.access(i, dialect=self._run.dialect)

    def find_artifact(self, i: dict[str, Any]) -> Answer:
        """Find a tool or file; see `find.find_artifact`."""
        from cm_script.facade.find import find_artifact

        return _answered(find_artifact, self._run, i)

    def find_file_in_paths(self, i: dict[str, Any]) -> Answer:
        """`found_files` in folders `paths`; see `find.find_in_paths`."""
        from cm_script.facade.find import find_file_in_paths

        return _answered(find_file_in_paths, self._run, i)

    def detect_version_using_script(self, i: dict[str, Any]) -> Answer:
        """`detected_version`, when the native script finds one that fits; else 16."""
        from cm_script.facade.find import detect_version_using_script

        return _answered(detect_version_using_script, self._run, i)

    def run_native_script(self, i: dict[str, Any]) -> Answer:
        """Run native script `script_name` of the recipe with `env`, without dependencies.

        What the script reports is merged into `env` itself and into the state. With
        `detect_version` that hook follows. `env_tmp` is a copy of the environment afterwards.
        """
        rsi = i["run_script_input"]
        env = i.get("env")
        if not isinstance(env, dict):
            env = {}
        saved = {key: rsi.get(key) for key in ("env", "script_name")}
        rsi.update(env=env, script_name=i["script_name"])
        try:
            mode = "detect_version" if i.get("detect_version") else ""
            answer = _answered(_step, self._run, env, mode, str(i["script_name"]))
        finally:
            rsi.update(saved)
            rsi["script_name"] = saved["script_name"] or ""
        answer["env_tmp"] = copied(env)
        return answer

    def parse_version(self, i: Mapping[str, Any]) -> Answer:
        """Find a version in `file_name` (`tmp-ver.out`) with regular expression `match_text`.

        Group `group_number`, followed by `group_join_string` (`-`) and group
        `group_number_extra` if that is asked for and there, becomes `which_env[env_key]`. CM
        knows no extra group; a recipe that names one wants it.

        Returns:
            `version` and `string`, the file's text; 1 when nothing matches.
        """
        from cm_script.facade.files import match_text, read_text

        dialect = self._run.dialect
        answer = read_text(str(i.get("file_name") or self.tmp_file_ver))
        if answer["return"]:
            return {**answer, "return": dialect.missing_file_code}
        text = answer["string"]
        answer = match_text(answer, i["match_text"], "version was not detected")
        if answer["return"]:
            said = f" ({text.strip()})" if text.strip() else ""
            return {**answer, "error": answer["error"] + said}
        found, number = answer["match"], int(i["group_number"])
        groups = found.lastindex or 0
        if number > groups or found.group(number) is None:
            return {
                "return": 1,
                "error": f"version was not detected: the expression has no group {number} here",
            }
        version = found.group(number)
        extra = int(i.get("group_number_extra") or 0)
        if 0 < extra <= groups and found.group(extra) is not None:
            version += f"{i.get('group_join_string', '-')}{found.group(extra)}"
        which = i["which_env"]
        which[i["env_key"]] = version
        which[dialect.key("DETECTED_VERSION")] = version
        if i.get("debug"):
            self.logger.info(f"detected version {version}")
        return {"return": 0, "version": version, "string": text}

    def update_deps(self, i: Mapping[str, Any]) -> Answer:
        """Change entries of the dependency list `deps` by name: `update_deps={name: change}`."""
        env = i.get("env") or {}
        depedit.edit([i["deps"]], i["update_deps"], env, self._run.dialect)
        return {"return": 0}

    def clean_some_tmp_files(self, i: Mapping[str, Any]) -> Answer:
        """Delete generated files that a recipe does not want beside what it downloads."""
        key = self._run.key("TMP_CURRENT_SCRIPT_WORK_PATH")
        folder = str((i.get("env") or {}).get(key) or "")
        for name in ("tmp-run.bat", "tmp-state.json") if folder else ():
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                os.remove(path)
        return {"return": 0}

    def find_file_deep(self, i: Mapping[str, Any]) -> Answer:
        """`found_paths`: folders at or below `paths` that hold `file_name`.

        With `restrict_paths` only folders whose path contains one of these texts.
        """
        wanted, limits = i["file_name"], i.get("restrict_paths") or []
        found = []
        for start in i["paths"]:
            for folder, below, names in os.walk(start):
                below.sort()
                if wanted in names and (not limits or any(limit in folder for limit in limits)):
                    found.append(folder)
        return {"return": 0, "found_paths": found}

    def find_file_back(self, i: Mapping[str, Any]) -> Answer:
        """`found_path`: `path` or the nearest folder above it that holds `file_name`; "": none."""
        folder = str(i["path"])
        while folder:
            if os.path.isfile(os.path.join(folder, i["file_name"])):
                break
            above = os.path.dirname(folder)
            folder = "" if above == folder else above
        return {"return": 0, "found_path": folder}

    def get_default_path_list(self, i: Mapping[str, Any]) -> list[str]:
        """The folders in the process's own variable `default_path_env_key`."""
        key = i.get("default_path_env_key") or ""
        separator = i["os_info"]["env_separator"]
        return os.environ.get(key, "").split(separator) if key else []

    def _available_variations(self, i: Mapping[str, Any]) -> Answer:
        meta = i["meta"]
        known = " ".join(sorted("_" + name for name in meta.get("variations") or {}))
        return {
            "return": 1,
            "error": f"recipe {meta.get('alias', '')} needs one of its variations: {known}",
        }


class _Actions:
    """What MLCFlow calls an action object."""

    def __init__(self, engine: EngineLike) -> None:
        self._engine = engine
        self.logger = RecipeLogger(engine)

    def __deepcopy__(self, memo: object) -> _Actions:
        return self

    def access(self, i: Mapping[str, Any]) -> Answer:
        """A nested request, with MLCFlow's words and answers."""
        from cm_script.dialects import MLC

        return self._engine.access(i, dialect=MLC)

    @property
    def repos(self) -> list[Any]:
        """The registered collections: each has `.path` and `.meta`."""
        return list(self.access({"action": "search", "automation": "repo"}).get("list", []))

    @property
    def repos_path(self) -> str:
        """The folder of the installation."""
        return self._engine.ctx.paths.home


def _step(run: RunLike, env: dict[str, Any], mode: str, name: str) -> Answer:
    return dict(run_step(run, env, mode=mode, script_name=name))


def _answered(function: Any, *args: Any) -> Answer:
    """Call a helper; an error becomes the dictionary that recipe code expects."""
    try:
        answer: Answer = function(*args)
    except CmError as error:
        return Failure(error)
    return answer
