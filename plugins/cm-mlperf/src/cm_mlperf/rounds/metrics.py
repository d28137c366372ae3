"""Lines of accuracy.txt: which metrics they tell, and the hash of the log they were made from."""

from __future__ import annotations

from cmcore.hints import NamedTuple

#: Metric to what stands before its number in accuracy.txt, as regular expression.
#: The forms are those the reference accuracy scripts print and the official checker looks for.
_BEFORE = {
    "acc": r'^(?:\{"accuracy|accuracy)[": ]*=?\s*',
    "meanAcc": r".*'mean-accuracy':\s+'?",
    "AUC": r"^AUC=",
    "DLRM_NE": r".*metric/lifetime_ne/rating:\s*",
    "DLRM_ACC": r".*metric/lifetime_accuracy/rating:\s*",
    "DLRM_AUC": r".*metric/lifetime_gauc/rating:\s*",
    "mAP": r".*(?:mAP=|'Total':)\s*",
    "bleu": r"^BLEU:\s*",
    "F1": r"""^\{["']exact_match["']:\s*[\d.]+,\s*["']f1["']:\s*""",
    "ACCURACY": r"^Word Error Rate:.*, accuracy=",
    "DICE": r"^Accuracy:\s*mean\s*=\s*",
    "ROUGE1": r".*'rouge1':\s+'?",
    "ROUGE2": r".*'rouge2':\s+'?",
    "ROUGEL": r".*'rougeL':\s+'?",
    "ROUGELSUM": r".*'rougeLsum':\s+'?",
    "GEN_LEN": r".*'gen_len':\s",
    "TOKENS_PER_SAMPLE": r".*'tokens_per_sample':\s",
    "CLIP_SCORE": r".*'CLIP_SCORE':\s+'?",
    "FID_SCORE": r".*'FID_SCORE':\s+'?",
    "gsm8k_accuracy": r".*'gsm8k':\s",
    "mbxp_accuracy": r".*'mbxp':\s",
    "exact_match": r".*'exact_match':\s",
    "vbench_score": r".*'vbench_score':\s",
    "F1_HIERARCHICAL": r'^\{.*"f1":\s*',
    "E2E_ACCURACY": r"^Accuracy:\s*",
}

METRICS = tuple(_BEFORE)


class AccuracyText(NamedTuple):
    """What an accuracy.txt tells: metric to value, and the SHA-256 of the full log ("" without)."""

    values: dict[str, float]
    digest: str


def read(text: str, metrics: tuple[str, ...] = METRICS) -> AccuracyText:
    """Read an accuracy.txt.

    Args:
        text: its content.
        metrics: those to look for; the first line that tells one counts, as does the first hash.
    """
    import re

    values: dict[str, float] = {}
    digest = ""
    for line in text.splitlines():
        found = re.match(r"^hash=(\w+)$", line)
        if found and not digest:
            digest = found.group(1)
        for metric in metrics:
            found = re.match(_BEFORE[metric] + r"(\d+(?:\.\d*)?|\.\d+)", line)
            if found:
                values.setdefault(metric, float(found.group(1)))
    return AccuracyText(values, digest)


def line(metric: str, value: float, good: int = 0, total: int = 0) -> str:
    """One line that tells `acc`, `mAP` or `F1` in the form of the reference accuracy scripts.

    Raises:
        ValueError: there is no customary form for this metric here.
    """
    if metric == "acc":
        return f"accuracy={value:.3f}%, good={good}, total={total}\n"
    if metric == "mAP":
        return f"mAP={value:.3f}%\n"
    if metric == "F1":
        share = 100 * good / total if total else 0.0
        return f'{{"exact_match": {share:.5f}, "f1": {value:.5f}}}\n'
    raise ValueError(f"no customary line for metric {metric!r}")
