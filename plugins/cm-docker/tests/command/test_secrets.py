"""What a container may know: variables of a list; secrets in a folder that goes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_docker import environment, flagtrees, secrets
from cmcore.errors import UsageError

EMPTY: dict[str, str | None] = {}


def passed(environ: dict[str, str], **how: object) -> environment.Passed:
    return environment.passed(environ, **{"named": {}, "secret": (), **how})  # type: ignore[arg-type]


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_what_is_not_on_the_list_stays_outside(environ: dict[str, str]) -> None:
    found = passed(environ)
    allowed = {*environment._ALWAYS}
    allowed |= {form for name in environment._PROXIES for form in (name, name.upper())}
    assert set(found.env) | set(found.secrets) <= allowed


def test_names_that_are_asked_for() -> None:
    environ = {"A": "1", "B": "2", "C": "3", "TZ": "UTC", "HF_TOKEN": "x"}
    found = passed(environ, named={"A": None, "N": "new", "HF_TOKEN": None}, setting=("B", "Z"))
    assert found.env == {"A": "1", "N": "new", "B": "2", "TZ": "UTC"}
    assert found.secrets == {"HF_TOKEN": "x"}
    with pytest.raises(UsageError, match="MISSING"):
        passed(environ, named={"MISSING": None})
    with pytest.raises(UsageError, match=r"--docker\.secret"):
        passed(environ, secret=("MISSING",))


def test_a_proxy_with_a_password_is_a_secret() -> None:
    found = passed({"https_proxy": "http://me:pw@proxy:1", "http_proxy": "http://proxy:1"})
    assert found.env == {"http_proxy": "http://proxy:1"}
    assert found.secrets == {"https_proxy": "http://me:pw@proxy:1"}
    assert passed({"http_proxy": "http://proxy:1"}, network="off").env == {}


def test_a_language_that_a_base_image_lacks() -> None:
    found = passed({"LANG": "de_DE.UTF-8", "LC_ALL": "C"})
    assert found.env == {"LANG": "C.UTF-8", "LC_ALL": "C"}
    assert "de_DE.UTF-8" in found.notes[0]


def test_settings_that_name_variables() -> None:
    assert environment.listed("A, B") == ("A", "B")
    assert environment.listed(["A"]) == ("A",)
    assert environment.listed("") == ()
    with pytest.raises(UsageError, match=r"docker\.env"):
        environment.listed("A B")


def test_secret_flags_are_taken_out_at_any_depth() -> None:
    flags = {"gh_token": "t", "env": {"X": "1", "MY_API_KEY": "k"}, "model": "m", "quiet": True}
    kept, secret = flagtrees.parted(flags)
    assert kept == {"env": {"X": "1"}, "model": "m", "quiet": True}
    assert secret == {"gh_token": "t", "env": {"MY_API_KEY": "k"}}
    assert environment.flag_secrets(flags, ["gh_token", "env.MY_API_KEY", "none"]) == secret


def test_flags_of_an_input_file_count_unless_typed(tmp_path: Path) -> None:
    file = tmp_path / "in.json"
    file.write_text(json.dumps({"env": {"A": "1", "B": "2"}, "docker": {"it": True}, "x": "f"}))
    found = flagtrees.given({"input_file": str(file), "env": {"B": "3"}, "x": "t"})
    assert found == {"env": {"A": "1", "B": "3"}, "docker": {"it": True}, "x": "t"}


def test_a_private_folder_is_its_owners_alone_and_goes(tmp_path: Path) -> None:
    with secrets.Private({"XDG_RUNTIME_DIR": str(tmp_path)}) as private:
        assert os.path.dirname(private.folder) == str(tmp_path)
        assert stat.S_IMODE(os.stat(private.folder).st_mode) == 0o700
        path = private.write("env-X", "two\nlines\n")
        assert Path(path).read_text() == "two\nlines\n"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o444
        folder = private.subfolder("answers", 0o777)
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o777
        assert json.loads(Path(private.write_json("r.json", {"a": 1})).read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_command_left_goes_with_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys; from cm_docker.secrets import Private\n"
        "with Private({'XDG_RUNTIME_DIR': sys.argv[1]}) as p:\n"
        "    p.write('env-T', 'planted'); print('ready', flush=True); sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"ready\n"
    secrets.clear(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1, "a folder in use was taken"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert len(list(tmp_path.iterdir())) == 1
    with secrets.Private({"XDG_RUNTIME_DIR": str(tmp_path)}) as private:
        assert [str(path) for path in tmp_path.iterdir()] == [private.folder]
    assert list(tmp_path.iterdir()) == []


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cm-docker-notes").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "cm-docker-1-2-3").symlink_to(tmp_path / "other")
    secrets.clear(str(tmp_path))
    assert (tmp_path / "other").is_dir()
    assert (tmp_path / "cm-docker-1-2-3").is_symlink()
