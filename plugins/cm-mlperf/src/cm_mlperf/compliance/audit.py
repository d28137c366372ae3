"""What LoadGen is told for a compliance test: the content of audit.config."""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.naming import did_you_mean, suggestion

#: Tests that can be run here. TEST01: do performance runs answer as accuracy runs do?
#: TEST04: is the same sample again and again not answered from a memory?
TESTS = ("TEST01", "TEST04")

SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline")

#: TEST01, answers to be logged: fewer where an answer is large.
_SAMPLED = {
    "3d-unet": 64,
    "retinanet": 256,
    "pointpainting": 256,
    "stable-diffusion-xl": 128,
    "wan-2.2": 50,
    "yolo": 64,
}
_SAMPLED_USUALLY = 4096
#: The round's seed for the choice of answers.
_SEED = 720381539243781796

#: TEST04, models that are too slow for LoadGen's own number of queries.
_FEWER_QUERIES = {
    "stable-diffusion-xl": {"Offline": 500},
    "wan-2.2-t2v-a14b": {"Offline": 20, "SingleStream": 20},
}


def config_text(test: str, model: str = "") -> str:
    """The audit.config of a test.

    Args:
        test: `TEST01` or `TEST04`.
        model: official name of the benchmark.

    Raises:
        UsageError: this test cannot be run here.
    """
    name = known(test)
    if name == "TEST01":
        sampled = _SAMPLED_USUALLY
        for start, count in _SAMPLED.items():
            if model.startswith(start):
                sampled = count
        return (
            "*.*.mode = 2\n"
            f"*.*.accuracy_log_rng_seed = {_SEED}\n"
            f"*.*.accuracy_log_sampling_target = {sampled}\n"
        )
    lines = []
    for scenario in SCENARIOS:
        lines += [
            f"*.{scenario}.mode = 2\n",
            f"*.{scenario}.performance_issue_unique = 0\n",
            f"*.{scenario}.performance_issue_same = 1\n",
            f"*.{scenario}.performance_issue_same_index = 3\n",
        ]
    for scenario, count in _FEWER_QUERIES.get(model, {}).items():
        lines.append(f"{model}.{scenario}.min_query_count = {count}\n")
    return "".join(lines)


def known(test: str) -> str:
    """The test's name in capitals.

    Raises:
        UsageError: there is no such test here.
    """
    name = test.strip().upper()
    if name not in TESTS:
        near = did_you_mean(name, TESTS)
        raise UsageError(
            f"compliance test '{test}' cannot be run here",
            hint=suggestion(near) or f"tests: {', '.join(TESTS)}",
        )
    return name
