import os
import subprocess
import sys

import platformdirs
import pytest

from cmcore.paths import Paths, default_home


@pytest.mark.parametrize("data_home", [None, "", "  ", "/elsewhere/data", "/with/slash/"])
def test_default_home_is_where_platformdirs_would_put_it(monkeypatch, data_home):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if data_home is not None:
        monkeypatch.setenv("XDG_DATA_HOME", data_home)
    wanted = platformdirs.user_data_dir("cmcore", appauthor=False)
    assert os.path.normpath(default_home(os.environ)) == os.path.normpath(wanted)


def test_cm_home_wins_and_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_home({"CM_HOME": "x", "XDG_DATA_HOME": "/y"}) == str(tmp_path / "x")
    assert default_home({"CM_HOME": "~/x"}) == str(tmp_path / "x")


def test_all_files_lie_below_the_home_and_none_is_created(tmp_path):
    paths = Paths(str(tmp_path / "home"))
    names = [name for name in dir(Paths) if isinstance(getattr(Paths, name), property)]
    assert {"local", "index_file", "collections_file", "cache", "records", "logs"} <= set(names)
    for name in names:
        assert getattr(paths, name).startswith(paths.home + os.sep)
    assert not os.path.exists(paths.home)


def test_the_common_platforms_need_no_platformdirs():
    code = "import sys, cmcore.paths as p; p.default_home({}); print('platformdirs' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == str(sys.platform in ("win32", "darwin")), answer.stderr
