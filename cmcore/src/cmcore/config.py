"""Settings: declared by the core and by plugins, kept in one JSON file of the user.

The environment variable `CM_SETTING_<KEY>` (upper case, `.` and `-` as `_`) wins over the file,
the file over the declared default.
"""

from __future__ import annotations

import os

from cmcore.errors import StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Iterable, Mapping
from cmcore.types import Json, Request, Result, Setting, Table

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.paths import Paths

#: The core's own settings.
CORE_SETTINGS = (
    Setting("core.form", "form of new artifacts' meta files", "cm", ("cm", "mlc")),
    Setting("core.lock_timeout", "seconds to wait for a file that another process changes", 60),
)

_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0"))


class Settings:
    """What is set, and what may be set.

    Args:
        paths: where the file is.
        environ: environment to look in.
        declared: gives the plugins' settings; called only for keys that the core does not know.
        warn: gets a sentence when the file is damaged, and the declared defaults count then; a
            change keeps the damaged file beside the new one. Without it a damaged file is an error.
    """

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str] | None = None,
        declared: Callable[[], Iterable[Setting]] | None = None,
        warn: Callable[[str], object] | None = None,
    ) -> None:
        self._path = paths.config_file
        self._lock_path = os.path.join(paths.locks, "config.lock")
        self._environ = os.environ if environ is None else environ
        self._declared = declared
        self._warn = warn
        self._warned = False
        self._known: dict[str, Setting] = {s.name: s for s in CORE_SETTINGS}
        self._complete = declared is None

    def known(self) -> dict[str, Setting]:
        """Every declared setting by name."""
        self._complete_known()
        return dict(self._known)

    def get(self, key: str, default: Json = None) -> Any:
        """The value of a setting.

        Args:
            key: `<owner>.<name>`.
            default: given instead of the declared default, unless None. Nothing is asked of
                plugins then as long as nobody has set the key.

        Raises:
            UsageError: unknown key, or a value that does not suit it.
            StorageError: the settings file is damaged, and there is nobody to warn.
        """
        variable = variable_name(key)
        stored = {} if variable in self._environ else self._load()
        if default is not None and variable not in self._environ and key not in stored:
            return default
        setting = self._setting(key)
        if variable in self._environ:
            return check(setting, self._environ[variable], f"environment variable {variable}")
        if key in stored:
            return check(setting, stored[key], self._path)
        return setting.default if default is None else default

    def source(self, key: str) -> str:
        """Where the value of `key` comes from: `environment`, `file` or `default`."""
        if variable_name(key) in self._environ:
            return "environment"
        return "file" if key in self._load() else "default"

    def set(self, key: str, value: Json) -> Json:
        """Keep a value for good; gives back what is kept (text becomes what the key wants).

        Raises:
            UsageError: unknown key or unsuitable value.
            StorageError: the file is damaged (and there is nobody to warn) or cannot be written.
        """
        checked = check(self._setting(key), value, f"setting '{key}'")
        self._change(lambda stored: stored.__setitem__(key, checked))
        return checked

    def unset(self, key: str) -> bool:
        """Forget a kept value; True when there was one. Keys of absent plugins may be forgotten.

        Raises:
            UsageError: the key is neither kept nor known.
            StorageError: the file is damaged or cannot be written.
        """
        if key not in self._load():
            self._setting(key)
            return False
        self._change(lambda stored: stored.pop(key, None))
        return True

    def all(self) -> dict[str, Any]:
        """Every known setting with its value, by name."""
        self._complete_known()
        return {key: self.get(key) for key in sorted(self._known)}

    def _setting(self, key: str) -> Setting:
        if key not in self._known:
            self._complete_known()
        setting = self._known.get(key)
        if setting is None:
            from cmcore.naming import did_you_mean, suggestion

            hint = suggestion(did_you_mean(key, self._known)) or "'cm config list' shows all"
            raise UsageError(f"there is no setting '{key}'", hint=hint)
        return setting

    def _complete_known(self) -> None:
        if self._complete or self._declared is None:
            return
        self._complete = True
        for setting in self._declared():
            self._known.setdefault(setting.name, setting)

    def _load(self) -> dict[str, Any]:
        try:
            return self._read()
        except StorageError as error:
            if self._warn is None:
                raise
            if not self._warned:
                self._warned = True
                self._warn(f"the settings are not used: {error}")
            return {}

    def _keep_damaged(self) -> None:
        """Move a damaged file aside, whatever stands there."""
        try:
            self._read()
        except StorageError:
            if self._warn is None:
                raise
            aside = f"{self._path}.damaged-{os.urandom(4).hex()}"
            os.replace(self._path, aside)
            self._warn(f"the damaged settings are kept as {aside}")

    def _read(self) -> dict[str, Any]:
        if not os.path.exists(self._path):
            return {}
        from cmcore.storage import read_json

        stored = read_json(self._path)
        if not isinstance(stored, dict):
            raise StorageError(
                "the settings file must hold one JSON object",
                where=self._path,
                hint="repair or delete it",
            )
        return stored

    def _change(self, edit: Callable[[dict[str, Any]], object]) -> None:
        import json

        from cmcore.storage import lock, make_dir, storage_error, write_atomic

        make_dir(os.path.dirname(self._path))
        with lock(self._lock_path, what="the settings", timeout=60):
            try:
                self._keep_damaged()
            except OSError as error:
                raise storage_error(error, self._path, "keep the damaged settings") from error
            stored = self._load()
            edit(stored)
            write_atomic(self._path, json.dumps(stored, indent=2, sort_keys=True) + "\n")


def variable_name(key: str) -> str:
    """The environment variable that overrides setting `key`."""
    return "CM_SETTING_" + key.upper().replace(".", "_").replace("-", "_")


def check(setting: Setting, value: Json, where: str) -> Json:
    """A value in the type of the setting's default; text is read as that type.

    Raises:
        UsageError: it does not suit; `where` says where it came from.
    """
    wanted = setting.default
    fitting: Json = value
    suits = True
    if isinstance(wanted, bool):
        word = str(value).lower()
        fitting, suits = word in _YES, word in _YES or word in _NO
    elif isinstance(wanted, (int, float)):
        try:
            number = float(str(value))
            fitting = int(number) if number == int(number) else number
        except (ValueError, OverflowError):
            suits = False
    elif isinstance(wanted, (list, dict)) and isinstance(value, str):
        import json

        try:
            fitting = json.loads(value)
        except ValueError:
            fitting = [part.strip() for part in value.split(",") if part.strip()]
        suits = isinstance(fitting, type(wanted))
    elif isinstance(wanted, str):
        suits = isinstance(value, str)
    if not suits:
        kind = {bool: "yes or no", int: "a number", float: "a number", str: "text"}.get(
            type(wanted), "JSON of the same kind as its default"
        )
        raise UsageError(f"setting '{setting.name}' must be {kind}, not {value!r}", where=where)
    if setting.choices and str(fitting) not in setting.choices:
        raise UsageError(
            f"setting '{setting.name}' cannot be '{fitting}'",
            where=where,
            hint=f"it can be {', '.join(setting.choices)}",
        )
    return fitting


def config_get(ctx: Context, request: Request) -> Result:
    """`cm config get KEY`."""
    (key,) = _words(request, "KEY")
    value = ctx.settings.get(key)
    return Result({"key": key, "value": value}, _show(value))


def config_set(ctx: Context, request: Request) -> Result:
    """`cm config set KEY VALUE`."""
    key, value = _words(request, "KEY", "VALUE")
    kept = ctx.settings.set(key, value)
    warnings: tuple[str, ...] = ()
    if ctx.settings.source(key) == "environment":
        warnings = (f"the environment variable {variable_name(key)} still overrides it",)
    return Result({"key": key, "value": kept}, f"{key} = {_show(kept)}", warnings=warnings)


def config_unset(ctx: Context, request: Request) -> Result:
    """`cm config unset KEY`."""
    (key,) = _words(request, "KEY")
    removed = ctx.settings.unset(key)
    view = f"{key} is no longer set" if removed else f"{key} was not set"
    return Result({"key": key, "removed": removed}, view)


def config_list(ctx: Context, request: Request) -> Result:
    """`cm config list`."""
    if request.artifacts:
        raise UsageError("'cm config list' takes no arguments")
    known, values = ctx.settings.known(), ctx.settings.all()
    rows = [(k, _show(v), ctx.settings.source(k), known[k].help) for k, v in values.items()]
    return Result({"settings": values}, Table(("setting", "value", "from", "what it is"), rows))


def _words(request: Request, *names: str) -> tuple[str, ...]:
    if len(request.artifacts) != len(names):
        raise UsageError(f"expected {' '.join(names)}, got {len(request.artifacts)} word(s)")
    return request.artifacts


def _show(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value)
