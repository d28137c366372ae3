"""Discovery finds what importlib.metadata finds, imports nothing, and survives any file."""

import importlib.metadata
import os
import subprocess
import sys

import pytest

from cmcore import discovery
from cmcore.testing import fake_dist, fake_plugin, imported_modules


def standard(paths):
    """What the standard library finds, in our terms."""
    seen, found = set(), []
    for dist in importlib.metadata.distributions(path=[str(p) for p in paths]):
        name = discovery.normalize(dist.metadata["Name"])
        if name not in seen:
            seen.add(name)
            found += [
                (point.name, point.value, name, dist.version)
                for point in dist.entry_points
                if point.group == discovery.GROUP
            ]
    return sorted(found)


def own(paths):
    return sorted(c[:4] for c in discovery.scan([str(p) for p in paths], {}))


def test_the_environment_that_runs_the_tests():
    assert own(sys.path) == standard(sys.path)


def test_several_folders_first_wins(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    fake_dist(first, "Cm_Plugin.X", "2.0", entry_points={"x": "cm_x.plugin"})
    fake_dist(second, "cm-plugin-x", "1.0", entry_points={"x": "cm_old.plugin"})
    fake_dist(second, "cm-plugin-y", "0.1.dev1+local", entry_points={"y": "cm_y:obj", "z": "cm_z"})
    fake_dist(second, "unrelated", "1.0", entry_points="[console_scripts]\nu = u:main\n")
    fake_dist(second, "plain", "1.0")
    assert own([first, second]) == standard([first, second])
    assert ("x", "cm_x.plugin", "cm-plugin-x", "2.0") in own([first, second])
    assert own([second, first]) == standard([second, first])


def test_a_shadowing_distribution_without_entry_points_hides_the_plugin(tmp_path):
    fake_dist(tmp_path / "a", "cm-plugin-x", "2.0")
    fake_dist(tmp_path / "b", "cm-plugin-x", "1.0", entry_points={"x": "cm_x.plugin"})
    places = [tmp_path / "a", tmp_path / "b"]
    assert own(places) == standard(places) == []


def test_egg_info_of_an_editable_install_has_no_version_in_its_name(tmp_path):
    egg = tmp_path / "src" / "cm_plugin_x.egg-info"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: cm-plugin-x\nVersion: 3.1\n\nhi\n")
    (egg / "entry_points.txt").write_text("[cmcore.plugins]\n# comment\nx = cm_x.plugin\n")
    assert own([tmp_path / "src"]) == standard([tmp_path / "src"])
    assert own([tmp_path / "src"]) == [("x", "cm_x.plugin", "cm-plugin-x", "3.1")]


def test_a_folder_name_with_several_dashes_is_explained_by_its_metadata(tmp_path):
    info = tmp_path / "cm-plugin-x-1.0.dist-info"  # what some old tools wrote
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cm-plugin-x\nVersion: 1.0\n\n")
    (info / "entry_points.txt").write_text("[cmcore.plugins]\nx = cm_x.plugin\n")
    assert own([tmp_path]) == standard([tmp_path]) == [("x", "cm_x.plugin", "cm-plugin-x", "1.0")]


def test_the_standard_way_gives_the_same_candidates(tmp_path):
    fake_dist(tmp_path, "cm-plugin-x", "1.0", entry_points={"x": "cm_x.plugin"})
    fake_dist(tmp_path, "cm-plugin-y", "2.0", entry_points={"y": "cm_y.plugin"})
    ours = discovery.scan([str(tmp_path)], {})
    theirs = discovery.scan([str(tmp_path)], {"CM_DISCOVERY": "metadata"})
    assert sorted(ours) == sorted(theirs)
    assert len(ours) == 2


def test_what_an_interrupted_uninstall_leaves_is_no_plugin(tmp_path):
    made = fake_dist(tmp_path, "cm-plugin-x", entry_points={"x": "cm_x.plugin"})
    os.rename(made, os.path.join(tmp_path, "~" + os.path.basename(made)[1:]))
    assert discovery.scan([str(tmp_path)], {}) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[cmcore.plugins]\nx\n", "line 2: expected 'name = package.module'"),
        (b"[cmcore.plugins]\nx = not a module\n", "line 2: expected 'name = package.module'"),
        (b"[cmcore.plugins]\n= cm_x.plugin\n", "line 2"),
        (b"[cmcore.plugins]\nx = cm_x.plugin\n\xff\xfe", "not UTF-8 text (byte 33)"),
    ],
)
def test_garbage_is_reported_with_its_file(tmp_path, text, problem):
    made = fake_dist(tmp_path, "cm-plugin-x", "1.0", entry_points="")
    path = os.path.join(made, "entry_points.txt")
    with open(path, "wb") as stream:
        stream.write(text)
    fake_dist(tmp_path, "cm-plugin-y", "1.0", entry_points={"y": "cm_y.plugin"})
    found = {c.dist: c for c in discovery.scan([str(tmp_path)], {})}
    assert problem in found["cm-plugin-x"].problem
    assert path in found["cm-plugin-x"].problem
    assert found["cm-plugin-x"].version == "1.0"
    assert found["cm-plugin-y"].problem == ""


def test_an_unreadable_file_is_reported(tmp_path):
    made = fake_dist(tmp_path, "cm-plugin-x", "1.0")
    os.mkdir(os.path.join(made, "entry_points.txt"))
    (found,) = discovery.scan([str(tmp_path)], {})
    assert "cannot be read" in found.problem


def test_the_current_folder_brings_no_plugin(tmp_path):
    fake_plugin(tmp_path, "evil", code="raise SystemExit('ran')")
    code = "from cmcore import discovery as d; print([c.dist for c in d.scan()])"
    here = {"cwd": tmp_path, "capture_output": True, "text": True, "check": True}
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path[1:], ""])}
    shown = subprocess.run([sys.executable, "-c", code], env=environ, **here).stdout
    assert "cm-plugin-evil" not in shown
    # The same folder named in full by PYTHONPATH is somebody's decision.
    environ["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path[1:]])
    shown = subprocess.run([sys.executable, "-c", code], env=environ, **here).stdout
    assert "cm-plugin-evil" in shown


def test_a_pth_file_leads_to_an_editable_install(tmp_path):
    """What `pip install -e` leaves: dist-info in site-packages, the code elsewhere."""
    fake_dist(tmp_path / "site", "cm-plugin-x", "1.0", entry_points={"x": "cm_x.plugin"})
    (tmp_path / "site" / "x.pth").write_text(str(tmp_path / "src") + "\n")
    (tmp_path / "src" / "cm_x").mkdir(parents=True)
    code = (
        "import site; site.addsitedir({!r})\n"
        "from cmcore import discovery, manifest\n"
        "[c] = [c for c in discovery.scan() if c.dist == 'cm-plugin-x']\n"
        "assert manifest.load(c).cause.startswith('no cm-plugin.json'), manifest.load(c)\n"
        "open({!r}, 'w').write('{{}}')\n"
        "assert \"'manifest' is missing\" in manifest.load(c).cause, manifest.load(c)\n"
    ).format(str(tmp_path / "site"), str(tmp_path / "src" / "cm_x" / "cm-plugin.json"))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_scanning_imports_no_plugin_and_no_metadata_library(tmp_path):
    fake_plugin(tmp_path, "x", code="raise RuntimeError('imported')")
    code = "from cmcore import discovery; assert len(discovery.scan()) >= 1"
    held = imported_modules(code, home=tmp_path / "home", path=[tmp_path])
    assert not held & {"cm_x", "importlib.metadata", "pluggy", "click", "yaml", "dataclasses"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.b", ("a.b", "")),
        (" a.b : c.d [extra] ", ("a.b", "c.d")),
        ("a", ("a", "")),
        ("a b", ("", "")),
        ("a..b", ("", "")),
        ("", ("", "")),
        ("a:1", ("", "")),
    ],
)
def test_values(value, expected):
    assert discovery.split_value(value) == expected
