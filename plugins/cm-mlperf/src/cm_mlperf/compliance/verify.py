"""Verification of compliance tests by the official rules, in our own code.

TEST01: every answer logged in performance mode must be the one of the accuracy run, and the speed
must stay within 10 %. TEST04: issuing one sample again and again must not be faster by 10 % or
more. Both allow 20 % where a single query is very short.
"""

from __future__ import annotations

import os

from cm_mlperf.compliance import audit
from cm_mlperf.submission import detail
from cm_mlperf.submission.layout import ACCURACY_LOG, DETAIL, SUMMARY
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.submission.detail import Detail

_RESULT_KEYS = {
    "Offline": "result_samples_per_second",
    "SingleStream": "early_stopping_latency_ss",
    "MultiStream": "early_stopping_latency_ms",
    "Server": "result_completed_samples_per_sec",
}
_LATENCIES = ("SingleStream", "MultiStream")
#: Below this the tolerance is 20 %: nanoseconds for TEST01, queries a second for TEST04.
_VERY_SHORT = {"SingleStream": 200_000, "MultiStream": 1_600_000}

#: Types of answers whose first item is compared, as the official program does.
ITEMS = {"byte": "b", "int32": "i", "int64": "q", "float32": "f"}


class Verdict(NamedTuple):
    """Outcome of one test.

    Attributes:
        test: its name.
        accuracy: whether the answers agree; None for TEST04, which does not look at them.
        performance: whether the speed agrees.
        accuracy_text, performance_text: what the verify files say.
    """

    test: str
    accuracy: bool | None
    performance: bool
    accuracy_text: str
    performance_text: str

    @property
    def passed(self) -> bool:
        """Whether the whole test is passed."""
        return self.performance and self.accuracy is not False


def verify(test: str, result: str, raw: str, item: str = "") -> Verdict:
    """Judge a test.

    Args:
        test: `TEST01` or `TEST04`.
        result: folder with performance/run_1 and accuracy of the result.
        raw: folder with the three logs of the test's own run.
        item: compare only the first item of an answer, of this type (see `ITEMS`); by default
            whole answers must be equal, which is stricter.

    Raises:
        CmError: a log is missing, damaged or shortened.
    """
    name = audit.known(test)
    reference = _log(os.path.join(result, "performance", "run_1", DETAIL))
    tested = _log(os.path.join(raw, DETAIL))
    accuracy, accuracy_text = None, ""
    if name == "TEST01":
        accuracy, accuracy_text = compare_answers(
            answers(os.path.join(result, "accuracy", ACCURACY_LOG)),
            answers(os.path.join(raw, ACCURACY_LOG)),
            item,
        )
    performance, performance_text = compare_speed(name, reference, tested)
    return Verdict(name, accuracy, performance, accuracy_text, performance_text)


def answers(path: str) -> list[tuple[int, str]]:
    """Sample number and answer (hexadecimal) of each entry of an accuracy log.

    Raises:
        CmError: it is missing, damaged or shortened.
    """
    from cmcore import storage

    content: Any = storage.read_json(path)
    try:
        return [(int(entry["qsl_idx"]), str(entry["data"])) for entry in content]
    except (TypeError, KeyError, ValueError) as error:
        raise CmError("this is no accuracy log of LoadGen", where=path) from error


def compare_answers(
    accuracy: list[tuple[int, str]], tested: list[tuple[int, str]], item: str = ""
) -> tuple[bool, str]:
    """Whether logged answers of a performance run are those of the accuracy run, and the words."""
    known: dict[int, str] = {}
    for index, data in accuracy:
        known.setdefault(index, data)
    same = different = unknown = 0
    for index, data in tested:
        if index not in known:
            unknown += 1
        elif _first(known[index], item) == _first(data, item):
            same += 1
        else:
            different += 1
    passed = different == 0 and same > 0
    lines = [
        "Verifying accuracy.",
        f"answers in accuracy mode = {len(accuracy)}",
        f"answers logged in performance mode = {len(tested)}",
        f"equal answers = {same}",
        f"different answers = {different}",
        f"samples that the accuracy run does not have = {unknown}",
        "TEST PASS" if passed else "TEST FAIL",
    ]
    return passed, "\n".join(lines) + "\n"


def _first(data: str, item: str) -> object:
    """What of an answer is compared: its first item, or all of it."""
    import struct

    if not item or not data:
        return data.lower()
    try:
        whole = bytes.fromhex(data)
        kind = ITEMS[item]
        if len(whole) % struct.calcsize(kind):
            return data.lower()
        return struct.unpack_from(f"={kind}", whole)[0]
    except (ValueError, struct.error):
        return data.lower()


def compare_speed(test: str, reference: Detail, tested: Detail) -> tuple[bool, str]:
    """Whether the speed of a test's run fits that of the result, and the words."""
    lines = ["Verifying performance."]

    def failed(why: str) -> tuple[bool, str]:
        return False, "\n".join([*lines, f"TEST FAIL: {why}"]) + "\n"

    scenario = str(reference.get("effective_scenario"))
    if tested.get("effective_scenario") != scenario:
        return failed("test and reference are runs of different scenarios")
    for name, log in (("reference", reference), ("test", tested)):
        if log.get("result_validity") != "VALID":
            return failed(f"the {name} run is {log.get('result_validity') or 'without verdict'}")
    if scenario == "Server":
        key = "effective_target_latency_ns"
        if reference.get(key) != tested.get(key):
            return failed("the target latencies differ")
    key = _RESULT_KEYS.get(scenario, "")
    old, new = reference.number(key), tested.number(key)
    if not old or not new:
        return failed(f"{key or scenario} is not told")
    if test == "TEST04" and scenario in _LATENCIES:
        old, new = 1e9 / old, 1e9 / new
    limit = 0.2 if old <= _VERY_SHORT.get(scenario, -1) else 0.1
    lines += [f"reference score = {old}", f"test score = {new}"]
    fits = new < old * (1 + limit)
    if test == "TEST01":
        fits = old * (1 - limit) <= new <= old * (1 + limit)
    if not fits:
        return failed(f"the scores differ by {abs(new / old - 1):.1%}, allowed are {limit:.0%}")
    return True, "\n".join([*lines, "TEST PASS"]) + "\n"


def _log(path: str) -> Detail:
    log = detail.read(path)
    if log is None or not log.lines:
        raise CmError("the log is missing or empty", where=path)
    return log


def file(verdict: Verdict, result: str, raw: str) -> str:
    """Put a test's verdict and logs where a submission is made of them; gives back the folder.

    An older outcome of the test is replaced as a whole.

    Raises:
        StorageError: something cannot be written.
    """
    import shutil

    from cmcore import storage

    target = os.path.join(result, verdict.test)
    part = os.path.join(result, f"{storage.HIDDEN}{verdict.test}.{os.getpid()}")
    try:
        run = os.path.join(part, "performance", "run_1")
        os.makedirs(run)
        for name in (SUMMARY, DETAIL):
            shutil.copyfile(os.path.join(raw, name), os.path.join(run, name))
        with open(os.path.join(part, "verify_performance.txt"), "w", encoding="utf-8") as out:
            out.write(verdict.performance_text)
        if verdict.accuracy is not None:
            os.makedirs(os.path.join(part, "accuracy"))
            log = os.path.join(raw, ACCURACY_LOG)
            shutil.copyfile(log, os.path.join(part, "accuracy", ACCURACY_LOG))
            with open(os.path.join(part, "verify_accuracy.txt"), "w", encoding="utf-8") as out:
                out.write(verdict.accuracy_text)
        if os.path.isdir(target):
            storage.remove_tree(target)
        os.rename(part, target)
    except OSError as error:
        raise storage.storage_error(error, target, "write the outcome of the test") from error
    finally:
        if os.path.isdir(part):
            storage.remove_tree(part)
    return target
