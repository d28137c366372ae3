"""LoadGen's settings from user.conf, and where its logs go."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.config import Config

#: LoadGen's answers of FromConfig that are not 0: -ENOENT and -EINVAL.
NO_FILE = -2


def test_settings(loadgen: Any, config: Config) -> Any:
    """LoadGen's settings: its own mlperf.conf, then user.conf, then scenario and mode.

    Raises:
        CmError: with exit code 2: user.conf cannot be read, or a line of it is wrong; names it.
            A search for the peak that would find no end.
    """
    from cmcore.errors import CmError

    settings = loadgen.TestSettings()
    if config.user_conf:
        check_conf(config.user_conf)
        answer = settings.FromConfig(config.user_conf, config.model.name, config.scenario, 1)
    else:
        answer = settings.FromConfig("", config.model.name, config.scenario, 0)
    if answer:
        why = "cannot be opened" if answer == NO_FILE else "is not understood by LoadGen"
        raise CmError(f"{config.user_conf} {why}", code=2)
    settings.scenario = getattr(loadgen.TestScenario, config.scenario)
    settings.mode = getattr(loadgen.TestMode, config.mode)
    if config.mode == "FindPeakPerformance":
        latency = settings.server_target_latency_ns / 1e6
        # However fast the queries of a shorter run come, all are answered in time: LoadGen raises
        # its target until its own arithmetic fails and it crashes.
        if settings.min_duration_ms < latency:
            raise CmError(
                f"FindPeakPerformance needs a min_duration that is longer than target_latency, "
                f"{latency:g} ms, not {settings.min_duration_ms} ms",
                where=config.user_conf,
                hint=f"min_duration = {round(latency * 15)}",
                code=2,
            )
    return settings


def check_conf(path: str) -> None:
    """Look for lines that LoadGen would refuse or silently pass over.

    Raises:
        CmError: with exit code 2: names the line.
    """
    from cmcore import storage
    from cmcore.errors import CmError

    for number, line in enumerate(storage.read_bytes(path).decode("utf-8", "replace").splitlines()):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        key, found, value = (part.strip() for part in text.partition("="))
        where = f"{path}, line {number + 1}"
        # LoadGen reads words: 'a.b.c=1' without spaces is one word, and says nothing.
        if not found or f" {found} " not in f" {' '.join(text.split())} ":
            raise CmError(
                f"expected 'model.scenario.key = value', not {text!r}", where=where, code=2
            )
        if key.count(".") < 2:
            raise CmError(f"{key!r} is not of the form model.scenario.key", where=where, code=2)
        try:
            int(value, 0)
        except ValueError:
            try:
                float(value)
            except ValueError:
                raise CmError(
                    f"the value of {key} must be a number, not {value!r}", where=where, code=2
                ) from None


def log_settings(loadgen: Any, folder: str) -> Any:
    """Logs into `folder`, under LoadGen's own names; nothing on the terminal."""
    output = loadgen.LogOutputSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = False
    output.copy_detail_to_stdout = False
    settings = loadgen.LogSettings()
    settings.log_output = output
    settings.enable_trace = False
    return settings
