"""The command line as its users meet it: real processes, a small installed plugin."""

import json
import os
import signal
import subprocess
import sys

import pytest

import cmcore
from cmcore import grammar
from cmcore.cli import exit_code
from cmcore.types import Request

pytestmark = pytest.mark.usefixtures("plugin")


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(cm, flag):
    done = cm(flag)
    assert (done.returncode, done.stdout) == (0, f"cm {cmcore.__version__}\n")


def test_cm_alone_shows_how_to_go_on(cm):
    done = cm()
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: cm ACTION AUTOMATION")
    assert len(done.stdout.splitlines()) <= 3


def test_an_action_of_a_plugin(cm):
    done = cm("run", "notebook", "one", "two", "--env.A=1", "--", "ls", "-l")
    assert done.stdout == "/n/one\n/n/two\n"
    assert done.stderr == "on the way\n"
    assert done.returncode == 0


def test_json_is_alone_on_stdout(cm):
    done = cm("run", "notebook", "one", "--env.A=1", "--out=json", "--", "ls")
    assert json.loads(done.stdout) == {
        "return": 0,
        "ran": ["one"],
        "flags": {"env": {"A": "1"}},
        "command": ["ls"],
    }
    assert done.stderr == "on the way\n"


def test_the_action_decides_the_exit_code(cm):
    assert cm("run", "notebook", "three").returncode == 3
    assert json.loads(cm("run", "notebook", "three", "--out=json").stdout)["return"] == 3


def test_an_error_is_one_line_on_stderr(cm):
    done = cm("run", "notebook", "--dry")
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr == "cm: error: nothing to do; leave --dry out\n"


def test_an_error_is_json_as_well(cm):
    done = cm("run", "notebook", "--dry", "--out=json")
    assert json.loads(done.stdout) == {
        "return": 7,
        "error": "nothing to do",
        "hint": "leave --dry out",
    }
    assert done.stderr == "cm: error: nothing to do; leave --dry out\n"
    assert done.returncode == 7


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("rum notebook x", "'run'"),
        ("run notbook x", "'notebook'"),
        ("run notebook --tgas=x", "tags"),
        ("cofnig", "config"),
        ("find", "cm search notebook"),
        ("notebook", "cm help notebook"),
        ("plugins lst", "cm plugins list"),
        ("config gt", "cm config get"),
        ("completion tcsh", "cm completion bash"),
        ("config list --tgas=x", "--tgas"),
        ("uid --upper", "--upper"),
        ("help rum", "run"),
        ("rnu --help", "run"),
        ("run notbook --help", "'notebook'"),
        ("run notebook ---dry", "--key=value"),
        ("run notebook @x.txt", "@NAME.json"),
    ],
)
def test_mistakes_are_answered_with_what_would_work(cm, line, named):
    done = cm(*line.split())
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("cm: error: ")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr


def test_a_mistake_in_the_words_is_json_as_well(cm):
    done = cm("run", "notebook", "---dry", "--out=json")
    assert json.loads(done.stdout)["return"] == 4


def test_a_defect_is_one_line_and_its_traceback_is_there_for_the_asking(cm):
    done = cm("run", "notebook", "crash")
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "RuntimeError: first line" in done.stderr
    assert "cm-plugin-notebook 1.5" in done.stderr
    assert "Traceback" in cm("run", "notebook", "crash", env={"CM_DEBUG": "1"}).stderr


@pytest.mark.parametrize("line", ["--help", "help", "-h", "help --verbose"])
def test_help_lists_everything(cm, line):
    done = cm(*line.split())
    assert done.returncode == 0
    for expected in (
        "notebook    notebooks that can be run",
        "run notebook ",
        "count-words notebook ",
        "search (find, list, ls)",
        "plugins ",
        "print-input ",
        "--out=json",
    ):
        assert expected in done.stdout
    assert "cm_notebook" not in done.stderr


@pytest.mark.parametrize("line", ["run --help", "help run"])
def test_help_for_a_verb(cm, line):
    done = cm(*line.split())
    assert "run notebook  run a notebook" in done.stdout
    assert "cm run notebook first" in done.stdout


@pytest.mark.parametrize("line", ["notebook --help", "help notebook"])
def test_help_for_a_noun(cm, line):
    done = cm(*line.split())
    assert "Notebooks that can be run." in done.stdout
    assert "count-words" in done.stdout


@pytest.mark.parametrize(
    "line", ["run notebook --help", "help run notebook", "help notebook run", "run notebook -h"]
)
def test_help_for_an_action(cm, line):
    done = cm(*line.split())
    assert done.stdout.startswith("Usage: cm run notebook NAME [--flags]\n")
    assert "--tags=TAGS " in done.stdout
    assert "--env.NAME=VALUE " in done.stdout
    assert "From cm-plugin-notebook 1.5." in done.stdout


@pytest.mark.parametrize("line", ["help find notebook", "ls notebook --help"])
def test_help_for_a_common_action(cm, line):
    assert cm(*line.split()).stdout.startswith("Usage: cm search notebook")


def test_help_for_a_command(cm):
    assert cm("plugins", "list", "--help").stdout.startswith("Usage: cm plugins ")


@pytest.mark.parametrize("line", ["run notebook one --help", "help notebook one"])
def test_the_plugin_explains_its_artifacts(cm, line):
    assert cm(*line.split()).stdout == "this is one\n"


def test_help_as_data(cm):
    data = json.loads(cm("run", "notebook", "--help", "--out=json").stdout)
    assert data["return"] == 0
    assert data["flags"]["dry"] == {"help": "do nothing", "value": ""}


def test_help_survives_a_broken_plugin_and_names_it(cm, plugin):
    plugin.write_text("{")
    done = cm("--help")
    assert done.returncode == 0
    assert "plugins" in done.stdout
    assert "cm: warning: plugin cm-plugin-notebook 1.5 failed" in done.stderr


def test_no_plugins(cm):
    assert "notebook" not in cm("--help", "--no-plugins").stdout
    assert cm("run", "notebook", "--no-plugins").returncode == 4


def test_print_input_goes_round(cm):
    words = ["run", "notebook", "a b", "--x.y=1", "--n:=[1, null]", "--", "ls", "-l"]
    shown = cm("print-input", "--out=json", *words)
    data = json.loads(shown.stdout)
    assert grammar.from_dict(data["input"]).request == grammar.parse(words).request
    text = cm("print-input", *words).stdout
    assert text.endswith("cm run notebook 'a b' --x.y=1 '--n:=[1,null]' -- ls -l\n")


def test_uid_and_version(cm):
    uid = cm("uid").stdout.strip()
    assert len(uid) == 16
    assert cm("uid").stdout.strip() != uid
    data = json.loads(cm("version", "--out=json").stdout)
    assert data["version"] == cmcore.__version__
    assert data["plugins"]["cm-plugin-notebook"] == "1.5"


def test_plugins_config_and_doctor(cm):
    assert "cm-plugin-notebook" in cm("plugins", "list").stdout
    assert "cm-plugin-notebook" in cm("plugins").stdout
    assert cm("config", "set", "core.lock_timeout", "5").returncode == 0
    assert cm("config", "get", "core.lock_timeout").stdout == "5\n"
    assert cm("config", "unset", "core.lock_timeout").returncode == 0
    assert "core.lock_timeout\t60" in cm("config").stdout
    assert cm("doctor").returncode == 0


def test_short_commands(cm, plugin):
    manifest = json.loads(plugin.read_text())
    manifest["automations"]["script"] = manifest["automations"].pop("notebook")
    manifest["automations"]["script"]["actions"]["docker"] = {"help": "in a container"}
    manifest["hooks"].append("cm_docker")
    plugin.write_text(json.dumps(manifest))
    assert cm("x", program="run_script").stdout == "/n/x\n"
    assert cm("--help", program="run_script").stdout.startswith("Usage: cm run script NAME")
    assert cm("--help", program="docker_script").stdout.startswith("Usage: cm docker script")


def test_save_to_json(cm, tmp_path):
    done = cm("run", "notebook", "one", "--save-to-json=answer.json")
    assert done.stdout == "/n/one\n"
    assert json.loads((tmp_path / "answer.json").read_text())["ran"] == ["one"]
    done = cm("run", "notebook", "one", "--save-to-json=no/such/folder/x.json")
    assert done.returncode != 0
    assert "no/such/folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet(environ):
    code = "import sys; from cmcore.__main__ import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "notebook", "big"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
@pytest.mark.parametrize("line", ["--version", "--help", "run notebook big", "uid --out=json"])
def test_a_full_disk_is_said_in_one_line(environ, line):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cmcore", *line.split()],
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.stderr == "cm: error: cannot write the answer: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("line", ["--version", "uid", "uid --out=json", "run notebook one"])
def test_closed_streams_are_survived(environ, line):
    code = f'"{sys.executable}" -m cmcore {line} >&- 2>&- <&-'
    assert subprocess.run(["sh", "-c", code], env=environ).returncode == 0


def test_ctrl_c(environ):
    process = subprocess.Popen(
        [sys.executable, "-m", "cmcore", "run", "notebook", "wait"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == "\ncm: interrupted\n"
    process.stderr.close()
    assert process.wait(60) == 130


def test_a_terminal_gets_a_table_in_colour(terminal):
    line = [sys.executable, "-m", "cmcore", "run", "notebook", "one"]
    assert "\x1b[1mname  path\x1b[0m\r\none   /n/one\r\n" in terminal(line).rest()
    assert "\r\nname  path\r\n" in terminal(line, {"NO_COLOR": "1"}).rest()
    assert "\r\nname  path\r\n" in terminal([*line, "--color=never"]).rest()


def test_a_folder_one_stands_in_brings_no_plugin_and_no_module(environ, tmp_path):
    hostile = tmp_path / "here"
    os.rename(tmp_path / "site", hostile)
    (hostile / "click.py").write_text("raise SystemExit('hijacked')")
    environ["PYTHONPATH"] = os.path.dirname(os.path.dirname(cmcore.__file__))
    done = subprocess.run(
        [sys.executable, "-m", "cmcore", "--help"],
        env=environ,
        cwd=hostile,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "hijacked" not in done.stderr
    assert "notebook" not in done.stdout


@pytest.mark.parametrize(
    ("code", "expected"), [(0, 0), (1, 1), (255, 255), (256, 1), (-9, 1), (-256, 1)]
)
def test_no_failure_looks_like_success(code, expected):
    assert exit_code(code) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["run", "notebook", "one", "--env.A=1", "--", "ls"],
        ["run", "notebook", "three"],
        ["run", "notebook", "--dry"],
        ["rum", "notebook"],
        ["run", "notebook", "---dry"],
        ["plugins", "list"],
        ["config", "get", "core.form"],
        ["version"],
        ["help", "run", "notebook"],
        ["help", "notebook", "one"],
        ["find", "notebook", "x*"],
    ],
)
def test_python_and_command_line_agree(cm, environ, words):
    words = ["--out=json", *words]
    code = "import cmcore, json, sys; print(json.dumps(cmcore.access(json.loads(sys.argv[1]))))"
    answers = [json.loads(cm(*words).stdout)]
    requests = [words]
    if "---dry" not in words:
        request = grammar.parse(words).request
        requests += [grammar.command_line(request).removeprefix("cm "), grammar.to_dict(request)]
    for request in requests:
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(request)],
            env=environ,
            capture_output=True,
            text=True,
        )
        answers.append(json.loads(done.stdout))
    for answer in answers:
        if answer["return"] == 3:  # access always explains what is not 0
            answer.pop("error", None)
    assert all(answer == answers[0] for answer in answers)


def test_public_names():
    assert cmcore.Request is Request
    assert set(cmcore.__all__) <= set(dir(cmcore))
    for name in cmcore.__all__:
        assert getattr(cmcore, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        cmcore.no_such_name  # noqa: B018 - the access is the test


def test_what_is_wrong_with_the_home_is_said_whatever_the_action(cm, environ):
    os.makedirs(environ["CM_HOME"])
    with open(os.path.join(environ["CM_HOME"], "collections.json"), "w") as file:
        file.write('[{"path": "/n')
    done = cm("load", "notebook", "x")
    assert done.returncode == 16
    assert "collections.json is damaged" in done.stderr


def test_version_as_json(cm):
    done = cm("--version", "--out=json")
    assert json.loads(done.stdout)["version"] == cmcore.__version__


def test_flags_without_an_action_do_nothing_and_say_so(cm):
    done = cm("--dry")
    assert (done.returncode, done.stdout) == (4, "")
    assert "--dry" in done.stderr
    assert cm("--verbose").returncode == 0


@pytest.mark.parametrize("command", ["uid", "version", "doctor"])
def test_a_word_too_many(cm, command):
    done = cm(command, "more")
    assert done.returncode == 4
    assert f"'cm {command}' takes no 'more'" in done.stderr


@pytest.mark.parametrize("words", [[], ["bash"], ["bash", "cm "], ["zsh"]])
def test_completion_called_by_hand(cm, words):
    done = cm("__complete", *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_word_that_is_no_text(cm):
    done = cm("show", "notebook", b"\xff")
    assert done.returncode == 16
    assert len(done.stderr.splitlines()) == 1
