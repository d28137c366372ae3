"""The user.conf of one run: what LoadGen reads after its own mlperf.conf."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.workflow.modes import Settings

#: Field of `Settings` -> key of user.conf.
_KEYS = (
    ("target_qps", "target_qps"),
    ("target_latency_ms", "target_latency"),
    ("min_duration_ms", "min_duration"),
    ("max_duration_ms", "max_duration"),
    ("min_query_count", "min_query_count"),
    ("max_query_count", "max_query_count"),
    ("samples", "performance_sample_count_override"),
)


def text(model: str, scenario: str, settings: Settings) -> str:
    """The file's text.

    Args:
        model: the name under which the harness asks LoadGen for its settings.
        scenario: the scenario; values of others do not belong here.
        settings: None is left out.
    """
    lines = []
    for field, key in _KEYS:
        value = getattr(settings, field)
        if value is not None:
            lines.append(f"{model}.{scenario}.{key} = {_number(value)}\n")
    return "".join(lines)


def _number(value: float) -> str:
    """Without exponent and without digits that nobody needs: LoadGen reads plain decimals."""
    if isinstance(value, int) or float(value).is_integer():
        return str(int(value))
    return f"{value:.6f}".rstrip("0")
