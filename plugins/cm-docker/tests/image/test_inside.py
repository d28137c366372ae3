"""The scripts of an image, run by the shell of this machine."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import cm_docker

INSIDE = Path(cm_docker.__file__).parent / "inside"
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture
def image(tmp_path):
    """The scripts with this folder in the place of the image's own ones."""
    folder = tmp_path / "opt"
    folder.mkdir()
    for source in INSIDE.iterdir():
        if source.is_file():
            text = source.read_text().replace("/opt/cm", str(folder))
            text = text.replace("/run/secrets", str(tmp_path / "secrets"))
            (folder / source.name).write_text(text.replace("/etc/", f"{tmp_path}/etc/"))
    (tmp_path / "secrets" / "cm").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    return folder


def run(script, *words, shell="sh", **env):
    command = [shell, *(("sh",) if shell == "busybox" else ()), script, *words]
    block = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.run(command, env=block, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", ["a b", "$(touch x)`id`", "'\"\\", "two\nlines\n\n", "", "é*?["])
def test_a_secret_becomes_a_variable_as_it_is(image, tmp_path, value, shell):
    (tmp_path / "secrets" / "cm" / "HF_TOKEN").write_text(value)
    (tmp_path / "secrets" / "cm" / "no-name").write_text("x")
    command = [sys.executable, "-c", "import os; print(repr(os.environ['HF_TOKEN']))"]
    ended = run(image / "enter", *command, shell=shell, HOME=str(tmp_path))
    assert ended.stdout == f"{value!r}\n", ended.stderr
    assert ended.stderr == ""
    assert not (image / "x").exists()


def test_words_and_exit_code_are_the_command_s_own(image, tmp_path):
    command = ["sh", "-c", 'printf "[%s]" "$@"; exit 7', "sh", "a b", "$HOME", ""]
    ended = run(image / "enter", *command, HOME=str(tmp_path))
    assert (ended.stdout, ended.returncode) == ("[a b][$HOME][]", 7)


def test_output_goes_to_a_file_where_that_is_asked_for(image, tmp_path):
    file = tmp_path / "result.json"
    ended = run(image / "enter", "sh", "-c", "echo out; echo err >&2", CM_RESULT_FILE=str(file))
    assert (ended.stdout, ended.stderr, file.read_text()) == ("", "err\n", "out\n")


@pytest.mark.parametrize("home", ["", "/", "/no/such"])
def test_who_has_no_home_gets_one(image, home):
    # An unset HOME, that of root who has every right, and one that is not there.
    ended = run(image / "enter", "sh", "-c", 'echo "$HOME"', **({"HOME": home} if home else {}))
    assert ended.stdout == f"{image}/user\n"


def test_certificates_and_pip_s_configuration_are_found(image, tmp_path):
    show = 'echo "${SSL_CERT_FILE-} ${PIP_CONFIG_FILE-}"'
    assert run(image / "enter", "sh", "-c", show).stdout == " \n"
    for name in ("cm-ca", "cm-pip"):
        (tmp_path / "secrets" / name).write_text("x")
    folder = tmp_path / "secrets"
    assert run(image / "enter", "sh", "-c", show).stdout == f"{folder}/cm-ca {folder}/cm-pip\n"


def fake(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path):
    """A PATH with nothing but what the scripts themselves need."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "rm", "tr", "echo", "grep", "mkdir", "chmod"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_a_python_that_is_too_old_is_one_clear_sentence(image, programs):
    fake(programs, "python3", "case $2 in *platform*) echo 3.8.10;; *) exit 1;; esac")
    ended = run(image / "ground", shell=str(programs / "sh"), PATH=str(programs))
    assert ended.returncode == 3
    said = [line for line in ended.stderr.splitlines() if line.startswith("cm-build: ")]
    assert len(said) == 1
    assert "only Python 3.8.10 and no Python 3.10 or later" in said[0]
    assert "--docker.base_image=" in said[0]


def test_a_newer_python_beside_the_old_one_is_taken(image, programs):
    fake(programs, "python3", "exit 1")
    fake(programs, "python3.12", "exit 0")
    ended = run(image / "ground", shell=str(programs / "sh"), PATH=str(programs))
    assert ended.returncode == 0, ended.stderr
    assert (image / "python").read_text() == f"{programs}/python3.12\n"


def test_a_newer_python_is_installed_where_the_distribution_has_one(image, programs):
    fake(programs, "python3", "exit 1")
    log = programs / "log"
    body = f'echo "$@" >>{log}; case $* in *python3.11*) '
    body += (
        f"printf '#!/bin/sh\\nexit 0\\n' >{programs}/python3.11; chmod 755 {programs}/python3.11;;"
    )
    fake(programs, "dnf", f"{body} *) exit 1;; esac")
    ended = run(image / "ground", shell=str(programs / "sh"), PATH=str(programs))
    assert ended.returncode == 0, ended.stderr
    assert (image / "python").read_text() == f"{programs}/python3.11\n"
    assert "python3.11" in log.read_text()


def test_only_what_is_missing_is_installed(image, programs):
    fake(programs, "git", "")
    log = programs / "log"
    fake(programs, "apk", f'echo "$@" >>{log}')
    rows = "git|git|git|git|git\ng++|g++|gcc-c++|g++,make|gcc-c++\n-|x|-|-|-\n"
    (image / "packages.list").write_text(rows)
    ended = run(image / "packages", shell=str(programs / "sh"), PATH=str(programs))
    assert ended.returncode == 0, ended.stderr
    assert log.read_text() == "add --no-cache g++ make\n"


def test_one_package_that_is_not_there_does_not_stop_the_others(image, programs):
    log = programs / "log"
    fake(programs, "apk", f'echo "$@" >>{log}; case $* in *nope*) exit 1;; esac')
    (image / "packages.list").write_text("a|-|-|nope|-\nb|-|-|good|-\n")
    ended = run(image / "packages", shell=str(programs / "sh"), PATH=str(programs))
    assert ended.returncode == 0
    assert log.read_text().splitlines()[-1] == "add --no-cache good"
    assert "no package 'nope'" in ended.stderr


def test_package_lists_that_cannot_be_fetched_are_one_sentence(image, programs):
    fake(programs, "apt-get", "exit 100")
    (image / "packages.list").write_text("a|b|-|-|-\n")
    for script in ("ground", "packages", "system"):
        ended = run(image / script, "true", shell=str(programs / "sh"), PATH=str(programs))
        assert ended.returncode == 3
        assert ended.stderr.startswith("cm-build: the package lists of the base image cannot be")


def test_a_recipe_s_own_packages_that_fail_name_the_command(image, programs):
    ended = run(image / "system", "exit 9", shell=str(programs / "sh"), PATH=str(programs))
    assert ended.returncode == 9
    assert ended.stderr == (
        "cm-build: the recipe's docker.extra_sys_deps ended with exit code 9: exit 9\n"
    )


def test_a_step_opens_what_it_made_and_says_what_failed(image):
    (image / "venv" / "bin").mkdir(parents=True)
    (image / "venv" / "bin" / "python").symlink_to(sys.executable)
    (image / "home").mkdir()
    made = image / "home" / "x"
    ended = run(image / "step", "sh", "-c", f"umask 077; mkdir {made}; echo 1 >{made}/file")
    assert ended.returncode == 0, ended.stderr
    assert stat.S_IMODE(made.stat().st_mode) == 0o777
    assert stat.S_IMODE((made / "file").stat().st_mode) == 0o666
    before = (made / "file").stat().st_ctime_ns
    run(image / "step", "true")
    assert (made / "file").stat().st_ctime_ns == before
    ended = run(image / "step", "sh", "-c", "exit 4")
    assert ended.returncode == 4
    assert "ended with exit code 4 while the image was built" in ended.stderr


def test_a_user_is_added_once(image, tmp_path, programs):
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).write_text("root:x:0:0:root:/root:/bin/sh\nx:x:1000:\n")
    text = (image / "adduser").read_text().replace("/home/", f"{tmp_path}/homes/")
    (image / "adduser").write_text(text)
    for _ in range(2):
        assert run(image / "adduser", "me").returncode == 0
    lines = (tmp_path / "etc" / "passwd").read_text().splitlines()
    assert lines[2:] == [f"me:x:1001:1001::{tmp_path}/homes/me:/bin/sh"]
