"""The text of Containerfiles and definition files: words stay words, whatever is in them."""

import json
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_docker import containerfile, definition, packages
from cm_docker.containerfile import Parts
from cm_docker.engines import bound
from cmcore.errors import UsageError

#: What builders and shells would look at, which text at random hardly ever holds.
SIGNS = "a $\"'\\<`{}()%#&;|*?=-"
WORDS = st.text(SIGNS + "\n\t", max_size=8) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)
NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(SIGNS, max_size=8) | st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20
)


def commands(text):
    """Words of every RUN line, as a builder reads them."""
    rows = []
    for line in text.splitlines():
        if line.startswith("RUN "):
            rows.append(tuple(json.loads(line[line.index("[") :])))
    return rows


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4).map(tuple), max_size=4))
def test_words_of_steps_stay_words(steps):
    steps = [*steps, ("cat", "<<END")]
    text = containerfile.render(Parts("base", "id", steps=tuple(steps)))
    assert text.isascii()
    assert "<<" not in text
    made = [row[1:] for row in commands(text) if row[0] == "/opt/cm/step"]
    assert made[:-1] == steps
    # Nothing has become a line, and so an instruction, of its own.
    plain = containerfile.render(Parts("base", "id"))
    assert len(text.splitlines()) == len(plain.splitlines()) + len(steps)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4).map(tuple), max_size=4))
def test_words_of_a_definition_stay_words_for_the_shell(steps):
    parts = Parts("base", "id", steps=tuple(steps))
    script = definition.post(parts)
    lexed = shlex.split(script.partition("cd /opt/cm/user\n")[2])
    words = [word for step in steps for word in ("/opt/cm/step", *step)]
    assert lexed[: len(words)] == words
    assert definition.render(parts) == definition.render(Parts("base", "id"))


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_values_of_variables_are_data_for_the_builder(env):
    line = next(
        one
        for one in containerfile.render(Parts("base", "id", env=env)).split("\n")
        if one.startswith("ENV CM_HOME=")
    )
    assert unquoted(line.removeprefix("ENV ")) == {
        **containerfile.variables(Parts("base", "id")),
        **env,
    }


def unquoted(text):
    """`A="x" B="y"` as the builders of docker and podman read it: `\\` keeps what follows it."""
    found, rest = {}, text
    while rest:
        key, _, rest = rest.partition('="')
        value, at = "", 0
        while rest[at] != '"':
            assert rest[at] != "$", "a builder would expand it"
            at += rest[at] == "\\"
            value += rest[at]
            at += 1
        found[key] = value
        rest = rest[at + 1 :].removeprefix(" ")
    return found


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_values_of_variables_are_data_for_the_shell(env):
    script = definition.environment(Parts("base", "id", env=env))
    for key, value in env.items():
        assert f"{key}={value}" in [
            word for line in script.split("\nexport ") for word in shlex.split(line)
        ]


@pytest.mark.parametrize("value", ["a\nb", "a\rRUN x", "\x1b[0m"])
def test_a_value_with_line_breaks_is_refused_by_name(value):
    for render in (containerfile.render, definition.environment):
        with pytest.raises(UsageError, match="'NOTE' has line breaks"):
            render(Parts("base", "id", env={"NOTE": value}))


def test_a_variable_needs_a_name():
    with pytest.raises(UsageError, match="'A B' cannot be the name"):
        containerfile.render(Parts("base", "id", env={"A B": "x"}))


def test_what_rarely_changes_comes_first():
    parts = Parts(
        "base",
        "id",
        packages=True,
        system=("apt-get install -y x",),
        parts=(1, 0, 3),
        steps=(
            ("cm", "run", "script", "--tags=get,a"),
            ("cm", "run", "script", "--tags=get,python3"),
        ),
        final=("echo end",),
        user="cmuser",
    )
    text = containerfile.render(parts)
    order = [
        *("FROM base AS ground", "/opt/cm/ground", "FROM ground AS tools", "venv.sh"),
        *("\nFROM ground\n", "COPY system/", "apt-get install -y x", "COPY --from=tools"),
        *("ENV PATH", "ENTRYPOINT", "CMD", "adduser", "COPY home/", "COPY parts/1/", "get,a"),
        *("get,python3", "COPY parts/3/", "echo end", "cm find script"),
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_builders_without_secrets_get_the_same_steps():
    text = containerfile.render(Parts("base", "id", steps=(("cm", "--mount=type=secret"),)))
    plain = bound.rewritten(text, ())
    assert commands(plain) == commands(text)
    assert "RUN --mount" not in plain
    assert text.count("RUN --mount=type=secret,id=cm-pip") == 3


def test_a_definition_runs_one_script():
    text = definition.render(Parts("docker.io/library/ubuntu:22.04", "id", packages=True))
    assert "Bootstrap: docker\nFrom: docker.io/library/ubuntu:22.04\n" in text
    sections = [line for line in text.splitlines() if line.startswith("%")]
    assert sections == ["%files", "%post", "%environment", "%runscript"]
    checked = subprocess.run(["sh", "-n"], input=definition.post(Parts("b", "i")), text=True)
    assert checked.returncode == 0


def test_packages_of_four_distributions():
    rows = packages.wanted(["g++", "no-such-program"], [])
    assert packages.listed(rows) == "g++|g++|gcc-c++|g++|gcc-c++\n"


def test_programs_that_fetch_need_certificates():
    first, second = packages.wanted(["git"], [])
    assert first.probe.startswith("/etc/ssl/certs/")
    assert first.names == ("ca-certificates",) * 4
    assert second.names == ("git",) * 4


def test_packages_that_recipes_ask_for():
    asked = [
        {
            "util": "b",
            "packages": {"apt": "libb-dev x", "dnf": "b-devel", "brew": "b"},
            "sure": True,
        },
        {"util": "a", "packages": {"apt": "liba; rm -rf /"}, "sure": True},
        {"util": "c", "packages": {"apt": "c"}, "sure": False},
    ]
    text = packages.listed(packages.wanted([], asked))
    assert text == "-|libb-dev,x|b-devel|-|-\n-|rm|-|-|-\n"


def test_every_known_program_has_four_columns():
    for program, row in packages.known().items():
        assert row.probe == program
        assert all(row.names)
        assert "|" not in "".join(row.names)
