"""Packages in use: how each gets into an image."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from plans import context

from cm_docker import distributions, pipconf, repack, wheelhouse, wheels
from cm_docker.distributions import CHECKOUT, INDEX, INSTALLED, Used
from cmcore.errors import CmError


def installed(folder, name="thing", version="1.0", origin=None, **more):
    """A distribution as pip lays it out."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text("VALUE = 1\n")
    (package / "__init__.pyc").write_text("")
    lines = [f"Name: {name}", f"Version: {version}", *(f"{k}: {v}" for k, v in more.items())]
    (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    (info / "INSTALLER").write_text("pip\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))
    rows = [f"{name}/__init__.py,,", f"{name}/__init__.pyc,,", "../../../bin/thing,,"]
    rows += [f"{info.name}/{file}," for file in (*os.listdir(info), "RECORD")]
    (info / "RECORD").write_text("\n".join(rows) + "\n")
    return info


def known(info):
    return distributions.described(PathDistribution(Path(info)))


def test_what_came_from_an_index_is_pinned(tmp_path):
    used = known(installed(tmp_path))
    assert (used.way, used.private) == (INDEX, False)
    assert wheels.requirements([(used, "")]) == "thing==1.0\n"


def test_an_editable_install_is_built_from_its_checkout(tmp_path):
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    origin = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    used = known(installed(tmp_path / "site", origin=origin))
    assert (used.way, used.source) == (CHECKOUT, str(checkout))


@pytest.mark.parametrize(
    "origin",
    [
        {"url": "file:///tmp/thing", "dir_info": {}},
        {"url": "file:///tmp/thing.whl", "archive_info": {}},
        {"url": "https://example.org/thing", "vcs_info": {"vcs": "git", "commit_id": "0"}},
    ],
)
def test_what_no_index_has_is_packed_as_it_is_installed(tmp_path, origin):
    used = known(installed(tmp_path / "site", origin=origin))
    assert used.way == INSTALLED
    with context(tmp_path / "home") as ctx:
        path = wheels.wheel(ctx, used)
        first = Path(path).read_bytes()
        assert os.path.basename(path) == "thing-1.0-py3-none-any.whl"
        os.utime(tmp_path / "site" / "thing" / "__init__.py", (1, 1))
        Path(path).unlink()
        assert wheels.wheel(ctx, used) == path
    assert Path(path).read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == [
            *("thing-1.0.dist-info/METADATA", "thing-1.0.dist-info/RECORD"),
            *("thing-1.0.dist-info/WHEEL", "thing/__init__.py"),
        ]
    target = tmp_path / "target"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", target, path], check=True)
    assert (target / "thing" / "__init__.py").read_text() == "VALUE = 1\n"


def test_what_keeps_no_list_of_its_files_is_said(tmp_path):
    info = installed(tmp_path / "site", origin={"url": "file:///x", "archive_info": {}})
    (info / "RECORD").unlink()
    with context(tmp_path / "home") as ctx, pytest.raises(CmError, match="without a list of its"):
        wheels.wheel(ctx, known(info))


def test_a_private_package_is_known_by_its_classifier(tmp_path):
    assert known(installed(tmp_path, Classifier="Private :: Do Not Upload")).private


def test_requirements_without_extras(tmp_path):
    used = Used("a", "1", INDEX, "", True, ("B_c>=1", "d; extra == 'x'", "e; python_version<'4'"))
    assert distributions.needs(used) == ["B_c>=1", 'e; python_version < "4"']
    assert distributions.name_of("B_c>=1") == "b-c"


BACKEND = """
import os, zipfile
INFO = "thing-1.0.dist-info/"
def build_wheel(target, settings=None, metadata=None):
    name = "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(target, name), "w") as made:
        for path in ("thing.py", "notes.txt"):
            if os.path.exists(path):
                made.write(path)
        made.writestr(INFO + "METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1.0\\n")
        made.writestr(INFO + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        made.writestr(INFO + "RECORD", "")
    open("litter", "w").close()
    return name
"""


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "thing.py").write_text("VALUE = 1\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return folder


def test_a_checkout_is_built_once_per_state_and_left_clean(tmp_path, checkout):
    used = Used("thing", "1.0", CHECKOUT, str(checkout))
    with context(tmp_path / "home", PATH=os.environ["PATH"]) as ctx:
        first = wheels.wheel(ctx, used)
        content = Path(first).read_bytes()
        before = sorted(os.listdir(checkout))
        assert "litter" not in before
        (checkout / "__pycache__").mkdir()
        (checkout / "__pycache__" / "x.pyc").write_text("x")
        os.utime(checkout / "thing.py", (1, 1))
        stamp = os.stat(first).st_mtime_ns
        assert wheels.wheel(ctx, used) == first
        assert os.stat(first).st_mtime_ns == stamp
        (checkout / "thing.py").write_text("VALUE = 2\n")
        second = wheels.wheel(ctx, used)
        assert second != first
        (checkout / "thing.py").write_text("VALUE = 1\n")
        # The same sources on another day give the same bytes.
        os.unlink(first)
        os.utime(checkout / "thing.py", (10**9, 10**9))
        assert Path(wheels.wheel(ctx, used)).read_bytes() == content
        # What has become a program is one in the wheel, too.
        (checkout / "thing.py").chmod(0o755)
        assert wheels.wheel(ctx, used) not in (first, second)


def test_a_checkout_that_cannot_be_built_is_one_sentence(tmp_path, checkout):
    (checkout / "backend.py").write_text("def build_wheel(*x):\n    raise SystemExit('no tools')\n")
    used = Used("thing", "1.0", CHECKOUT, str(checkout))
    with context(tmp_path / "home") as ctx:
        with pytest.raises(CmError, match="pip could not build a wheel of thing") as caught:
            wheels.wheel(ctx, used)
        assert "\n" not in caught.value.message
        assert os.listdir(tmp_path / "home" / "containers" / "wheels") == []


def test_wheels_are_rewritten_in_order_and_without_times(tmp_path):
    made = []
    for number, names in enumerate((["b", "a"], ["a", "b"])):
        path = tmp_path / f"{number}.whl"
        with zipfile.ZipFile(
            path, "w", (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[number]
        ) as zipped:
            for name in names:
                entry = zipfile.ZipInfo(name, (1990 + number, 1, 1, 0, 0, 0))
                entry.external_attr = (0o100644, 0o100664)[number] << 16
                zipped.writestr(entry, name)
        repack.settle(str(path))
        made.append(path.read_bytes())
    assert made[0] == made[1]


# -- pip's configuration -----------------------------------------------------------------------


def test_what_pip_prints_of_its_configuration():
    text = (
        ":env:.timeout='9'\nglobal.index-url='https://a/simple'\ninstall.index-url='https://b'\n"
        "global.timeout='1'\nwheel.index-url='https://c'\nnonsense\nglobal.x=[\n"
    )
    assert pipconf.parsed(text) == {"timeout": "9", "index-url": "https://b"}


@pytest.mark.parametrize(
    ("settings", "reachable", "loopback"),
    [
        ({}, True, False),
        ({"find-links": "/opt/wheels"}, True, False),
        ({"index-url": "file:///opt/simple"}, False, False),
        ({"index-url": "file:///opt/simple", "extra-index-url": "https://a/b"}, True, False),
        ({"no-index": "1", "find-links": "/opt/wheels"}, False, False),
        ({"no-index": "1", "find-links": "https://a/wheels"}, True, False),
        ({"index-url": "http://127.0.0.1:80/simple"}, True, True),
        ({"extra-index-url": "https://a/b\nhttp://localhost/simple"}, True, True),
    ],
)
def test_what_an_image_can_reach(settings, reachable, loopback):
    conf = pipconf.chosen(settings, {})
    assert (conf.reachable, conf.loopback) == (reachable, loopback)
    assert "file:" not in conf.text
    assert "/opt/wheels" not in conf.text


def test_an_index_that_is_asked_for_replaces_all_others():
    settings = {"index-url": "https://a/b", "extra-index-url": "https://c/d", "no-index": "1"}
    conf = pipconf.chosen(settings, {}, "https://e/f")
    assert conf.text == "[global]\nindex-url = https://e/f\n"


@pytest.mark.parametrize(
    ("base", "versions"),
    [
        ("docker.io/library/ubuntu:22.04", ("3.10",)),
        ("docker.io/library/python:3.12-slim", ("3.12",)),
        ("localhost/x:1", ("3.10", "3.11", "3.12", "3.13")),
    ],
)
def test_pythons_of_base_images(base, versions):
    assert wheelhouse.pythons(base) == versions


def test_wheels_for_an_image_without_an_index(tmp_path, monkeypatch, checkout):
    house = tmp_path / "house"
    house.mkdir()
    used = known(
        installed(tmp_path / "site", "need", origin={"url": "file:///x", "archive_info": {}})
    )
    thing = Used("thing", "1.0", CHECKOUT, str(checkout))
    with context(tmp_path / "home") as ctx:
        os.link(wheels.wheel(ctx, used), house / "need-1.0-py3-none-any.whl")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(house))
        path = wheels.wheel(ctx, thing)
        found = wheelhouse.fetch(ctx, "docker.io/library/debian:12", [path, "need==1.0"])
        assert list(found) == ["need-1.0-py3-none-any.whl"]
        with pytest.raises(CmError, match="cannot be downloaded here"):
            wheelhouse.fetch(ctx, "docker.io/library/debian:12", ["no-such-thing==1.0"])
        left = os.listdir(tmp_path / "home" / "containers" / "wheels")
        assert not [name for name in left if name.startswith(".")]
