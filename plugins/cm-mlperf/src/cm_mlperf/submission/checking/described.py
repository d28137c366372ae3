"""Rules for what people write: system description, measurements, user.conf, READMEs, programs."""

from __future__ import annotations

import json
import os

from cm_mlperf.system.fields import problems
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Scene

#: What a measurements file must tell.
MEASUREMENTS = (
    "input_data_types",
    "retraining",
    "starting_weights_filename",
    "weight_data_types",
    "weight_transformations",
)

#: Settings that a user.conf may not touch: the round decides them.
_FORBIDDEN = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed", "mode")


def read_system(path: str) -> tuple[dict[str, Any], str]:
    """A system description and what is wrong with the file as such ("" when nothing is)."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return {}, "is missing"
    except (OSError, ValueError, RecursionError) as error:
        return {}, f"cannot be read as JSON: {error}"
    return (content, "") if isinstance(content, dict) else ({}, "is no list of fields")


def check_system(scene: Scene, trouble: str) -> None:
    """The description of a result's system; `trouble` is what `read_system` told."""
    place, file = scene.place, scene.place.system_file
    if trouble:
        scene.add("system", file, trouble, "write it with 'cm submit mlperf'")
        return
    for key, text in problems(dict(scene.system)):
        scene.add("system", file, f"{key} {text}", "complete it with --system_file=FILE")
    for key, folder in (("division", place.division), ("submitter", place.submitter)):
        told = scene.system.get(key)
        if told and str(told).lower() != folder.lower():
            scene.add(
                f"system-{key}",
                file,
                f"says {key} '{told}', the folder says '{folder}'",
                f"write '{folder}' into the description or rename the folder",
            )
    network = str(scene.system.get("is_network", "false")).lower() == "true"
    if place.division in ("closed", "network") and network != (place.division == "network"):
        scene.add("network", file, f"is_network is {network} in division {place.division}")


def check_measurements(scene: Scene) -> None:
    """The measurements file, user.conf and README.md of a result."""
    folder = scene.place.measurements(scene.round)
    for name in ("user.conf", "README.md"):
        text = scene.text(f"{folder}/{name}")
        if text is None or not text.strip():
            scene.add(
                "measurements",
                f"{folder}/{name}",
                "is missing" if text is None else "is empty",
                "copy what the run used" if name == "user.conf" else "say how to repeat the run",
            )
    _user_conf(scene, folder)
    file = _measurements_file(scene, folder)
    text = scene.text(file)
    if text is None:
        scene.add("measurements", file, "is missing", f"it tells {', '.join(MEASUREMENTS)}")
        return
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        scene.add("measurements", file, f"is not JSON: {error}")
        return
    for key in MEASUREMENTS:
        if not isinstance(told, dict) or not told.get(key):
            there = isinstance(told, dict) and key in told
            scene.add("measurements", file, f"{key} is {'empty' if there else 'missing'}")


def _measurements_file(scene: Scene, folder: str) -> str:
    """The file that the official checker would take; ours when there is none."""
    place = scene.place
    if scene.round.measurements_folder != "results":
        try:
            names = sorted(os.listdir(scene.path(folder)))
        except OSError:
            names = []
        for name in names:
            if name.startswith(place.system) and name.endswith(".json"):
                return f"{folder}/{name}"
    return place.measurements_file(scene.round)


def _user_conf(scene: Scene, folder: str) -> None:
    file = f"{folder}/user.conf"
    for number, line in enumerate((scene.text(file) or "").splitlines(), 1):
        key = line.partition("#")[0].partition("=")[0].strip()
        if key and key.split(".")[-1] in _FORBIDDEN:
            scene.add(
                "user-conf",
                file,
                f"line {number} sets {key}, which the round decides",
                "remove the line and run again",
            )


def check_source(scene: Scene) -> None:
    """The submitter's programs, with a README for each benchmark."""
    folder = scene.place.source(scene.round)
    if not os.path.isdir(scene.path(folder)):
        scene.add("source", folder, "is missing", "the programs, or where they are, belong there")
        return
    benchmark = f"{folder}/{scene.place.benchmark}"
    text = scene.text(f"{benchmark}/README.md")
    if text is None or not text.strip():
        scene.add(
            "source",
            f"{benchmark}/README.md",
            "is missing" if text is None else "is empty",
            "say where the program comes from and how to run it",
        )
