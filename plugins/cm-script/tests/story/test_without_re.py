"""What is read without the module `re`, against `re` and `fnmatch`."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatchcase

from hypothesis import example, given
from hypothesis import strategies as st

from cm_script import exports, globs, identity, placeholders, provenance

SPECIAL = re.compile(r'\\(["$`])|\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))')
NEEDS_ESCAPE = re.compile(r'[\\"$`]')
ASIDE = re.compile(
    r"(?:TMP_(?!PATH$)|HOST_|RUN_STATE|SKIP_|SUDO|VERBOSE|QUIET|SILENT|VERSION|DETECTED_VERSION"
    r"|DEBUG|RENEW_CACHE_ENTRY|GET_DEPENDENT_CACHED_PATH|CURRENT_|USER_RUN_DIR|SEARCH_FOLDER"
    r"|GIT_AUTH|GIT_SSH|GH_|HF_|VERIFY_SSL|ACCEPT_LICENSE)|(?:NAME|EXTRA_CACHE_TAGS)$"
)


def escaped(text: str) -> str:
    return NEEDS_ESCAPE.sub(r"\\\g<0>", text)


def quoted(text: str) -> str:
    parts, end = [], 0
    for found in SPECIAL.finditer(text):
        parts.append(escaped(text[end : found.start()]))
        kept, braced, bare = found.groups()
        parts.append(f"\\{kept}" if kept else f"${{{braced or bare}}}")
        end = found.end()
    return "".join([*parts, escaped(text[end:])])


@given(st.text(alphabet='${}\\"`aZ_09 é\n'))
@example("${A}${B}$C\\$D$1${2}${}$")
def test_references_in_values(text: str) -> None:
    assert exports._quoted(text, False) == quoted(text)
    assert exports._quoted(text, True) == escaped(text)


@given(st.text(alphabet="<>ab\n"))
@example("<<<<a>>>>")
@example("<<<a\nb>>> <<<c>>>")
def test_placeholders(text: str) -> None:
    assert placeholders.names(text) == re.findall(r"<<<(.*?)>>>", text)


@given(
    st.sampled_from(("", "CM_", "XX_")),
    st.sampled_from(
        (
            *("TMP_", "TMP_PATH", "TMP_PATHS", "HOST_OS", "RUN_STATE", "SUDO_", "NAME", "NAMES"),
            *("EXTRA_CACHE_TAGS", "EXTRA_CACHE_TAGS_2", "GH_TOKEN", "GIT_SSHX", "PATH", "XVERSION"),
            *("VERSION", "HF"),
        )
    ),
)
def test_variables_that_are_no_part_of_an_identity(prefix: str, name: str) -> None:
    is_aside = prefix == "CM_" and bool(ASIDE.match(name))
    assert identity.is_aside(prefix + name, "CM_") == is_aside


NAMES = st.text(alphabet="AB_*?[]!x", max_size=6)


@given(st.lists(NAMES, max_size=4).map(tuple), NAMES)
@example(("A*",), "A")
@example(("",), "")
@example((), "A")
@example(("A*", "B?"), "Bx")
def test_patterns_over_names(patterns: tuple[str, ...], name: str) -> None:
    assert globs.fitting(patterns)(name) == any(fnmatchcase(name, one) for one in patterns)


@given(st.lists(st.text(alphabet="ab", max_size=3), max_size=6), st.sampled_from("ab"))
def test_pieces_stay_the_whole_text_and_take_turns(pieces: list[str], token: str) -> None:
    inserted = ["", "<data>", "own"]
    found = provenance.replaced(pieces, token, inserted)
    assert "".join(found) == "".join(pieces).replace(token, "<data>own")
    assert "" not in found[1:]
    data = [piece for n, piece in enumerate(found) if n % 2]
    assert "own" not in "".join(data)


def test_a_run_imports_none_of_what_it_does_without() -> None:
    code = (
        "import sys; had = set(sys.modules)\n"
        "import cm_script.plugin, cm_script.command, cm_script.story, cm_script.step\n"
        "import cm_script.cacheuse, cm_script.cachefill, cm_script.records\n"
        "heavy = {'re', 'json', 'enum', 'fnmatch', 'functools', 'contextlib', 'collections'}\n"
        "heavy |= {'threading', 'signal', 'types', 'typing', 'dataclasses', 'pathlib'}\n"
        "print(sorted(heavy & (set(sys.modules) - had)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path[:0] = " + repr(sys.path) + "\n" + code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
