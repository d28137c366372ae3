"""Completion: what fits, and that real shells offer it."""

import shutil
import subprocess
import sys

import pytest

from cmcore.cli import completion

pytestmark = pytest.mark.usefixtures("plugin")


@pytest.fixture
def fits(cm):
    """Words offered for `cm ...`, the last word being typed."""

    def ask(*words, program="cm"):
        done = cm("__complete", "fish", program, *words)
        assert done.stderr == ""
        return [line.partition("\t")[0] for line in done.stdout.splitlines()]

    return ask


def test_verbs_and_commands(fits):
    assert {"run", "search", "count-words", "plugins", "print-input"} <= set(fits(""))
    assert fits("ru") == ["run"]
    assert "ls" not in fits("")
    assert fits("ls") == ["ls"]
    assert fits("co") == ["completion", "config", "copy", "count-words"]


def test_nouns_that_have_the_verb(fits):
    assert fits("run", "") == ["notebook"]
    assert fits("find", "") == ["collection", "notebook"]
    assert fits("rum", "") == []


def test_words_of_commands(fits):
    assert fits("plugins", "") == ["doctor", "list", "verify", "why"]
    assert fits("config", "") == ["get", "list", "set", "unset"]
    assert fits("completion", "") == ["bash", "fish", "zsh"]
    assert fits("plugins", "why", "cm-plugin-n") == ["cm-plugin-notebook"]
    assert fits("config", "get", "core.f") == ["core.form"]
    assert "run" in fits("help", "")
    assert fits("help", "note") == ["notebook"]
    assert fits("help", "run", "") == ["notebook"]


def test_flags(fits):
    assert fits("run", "notebook", "--t") == ["--tags="]
    assert fits("run", "notebook", "-t") == ["-tags="]
    assert fits("run", "notebook", "--e") == ["--env."]
    assert "--dry" in fits("run", "notebook", "x", "--")
    assert "--out=json" in fits("run", "notebook", "--")
    assert "--dry" not in fits("run", "notebook", "--dry", "--")
    assert fits("run", "notebook", "--dry=") == []
    assert fits("run", "notebook", "--colo") == ["--color="]
    assert fits("run", "notebook", "--color=a") == ["--color=always", "--color=auto"]
    assert fits("run", "notebook", "--out=") == ["--out=json"]


def test_artifacts_come_from_the_plugin_and_the_index(fits, cm):
    assert fits("run", "notebook", "al") == ["alpha beta", "alpha,_fast", "alpha,_slow"]
    assert cm("add", "notebook", "altitude", "--tags=high,low").returncode == 0
    assert "altitude" in fits("run", "notebook", "al")
    assert "high" in fits("run", "notebook", "hi")


def test_the_last_of_several_tags(fits):
    assert fits("run", "notebook", "alpha,_") == ["alpha,_fast", "alpha,_slow"]
    assert fits("run", "notebook", "--tags=alpha,_f") == ["--tags=alpha,_fast"]
    # Words of a query reach plugins as tags and come back as they were typed.
    assert fits("run", "notebook", '"alpha _s') == ["alpha _slow"]


def test_input_files(fits, tmp_path):
    for name in ("in.json", "in.yaml", "in.txt"):
        (tmp_path / name).touch()
    assert fits("run", "notebook", "@i") == ["@in.json", "@in.yaml"]


def test_nothing_behind_two_dashes(fits):
    assert fits("run", "notebook", "--", "r") == []


def test_short_commands_stand_for_words(fits, plugin):
    plugin.write_text(plugin.read_text().replace('"notebook": {', '"script": {'))
    assert fits("--dr", program="/usr/bin/cmr") == ["--dry"]


def test_nonsense_is_silent(cm, fits):
    assert fits("run", "notebook", "---x", "") == []
    assert cm("__complete", "fish", "cm", "run", "notebook", "zzz").returncode == 1


@pytest.mark.parametrize(
    ("line", "words", "quote"),
    [
        ("cm run ", ["cm", "run", ""], ""),
        ("cm  run", ["cm", "run"], ""),
        ('cm run "get py', ["cm", "run", "get py"], '"'),
        ("cm run 'a\\", ["cm", "run", "a\\"], "'"),
        ('cm "a"b"c d" ', ["cm", "abc d", ""], ""),
        ("cm a\\ b", ["cm", "a b"], ""),
        ('cm "a\\"b\\x', ["cm", 'a"b\\x'], '"'),
        ("cm ''", ["cm", ""], ""),
        ("cm '' ", ["cm", "", ""], ""),
    ],
)
def test_splitting_an_unfinished_line(line, words, quote):
    assert completion.split_line(line) == (words, quote)


@pytest.fixture
def bin_folder(tmp_path):
    """A folder with the command `cm` for shells to find."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, entry in (("cm", "main"), ("cmr", "run_script")):
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nimport sys\n"
            f"from cmcore.__main__ import {entry}\nsys.exit({entry}())\n"
        )
        program.chmod(0o755)
    return folder


@pytest.fixture
def shell_environ(environ, bin_folder):
    return {**environ, "PATH": f"{bin_folder}:{environ['PATH']}", "TERM": "dumb", "PS1": "ready> "}


TYPED = [
    ("cm ru\t", "cm run "),
    ("cm run note\t", "cm run notebook "),
    ("cm run notebook --dr\t", "cm run notebook --dry "),
    ("cm run notebook --ta\t", "cm run notebook --tags="),
    ("cm run notebook --tags=alpha,_f\t", "cm run notebook --tags=alpha,_fast "),
    ("cm run notebook del\t", "cm run notebook delta "),
    ('cm run notebook "alpha _s\t', 'cm run notebook "alpha _slow" '),
    ("cm plugins wh\t", "cm plugins why "),
]


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(("typed", "completed"), TYPED)
def test_bash(terminal, shell_environ, typed, completed):
    shell = terminal(["bash", "--norc", "--noprofile", "-i"], shell_environ, columns=200)
    shell.until("ready> ")
    shell.type(
        "bind 'set enable-bracketed-paste off'; eval \"$(cm completion bash)\"; echo set up\n"
    )
    shell.until("\r\nset up\r\n")
    shell.until("ready> ")
    shell.type(typed)
    shell.until(completed)
    shell.type("\x03")


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(("typed", "completed"), TYPED)
def test_zsh(terminal, shell_environ, typed, completed):
    shell = terminal(["zsh", "-f", "-i"], shell_environ, columns=200)
    shell.until("ready> ")
    shell.type("unsetopt zle_bracketed_paste; autoload -U compinit; compinit -D\n")
    shell.until("ready> ")
    shell.type('eval "$(cm completion zsh)"; echo set up\n')
    shell.until("\nset up\r\n")
    shell.until("ready> ")
    shell.type(typed)
    shell.until(completed.rstrip())
    shell.type("\x03")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("cm ru", ["run"]),
        ("cm run note", ["notebook"]),
        ("cm run notebook --dr", ["--dry"]),
        ("cm run notebook --ta", ["--tags="]),
        ("cm run notebook --tags=alpha,_f", ["--tags=alpha,_fast"]),
        ('cm run notebook "alpha _s', ["alpha _slow"]),
        ("cm run notebook bin/c", ["bin/cm", "bin/cmr"]),
        ("cmr --out", ["--out=json"]),
    ],
)
def test_fish(shell_environ, tmp_path, line, offered):
    done = subprocess.run(
        ["fish", "--no-config", "-c", "cm completion fish | source; complete -C $argv[1]", line],
        env=shell_environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert [text.partition("\t")[0] for text in done.stdout.splitlines()] == offered, done.stderr
