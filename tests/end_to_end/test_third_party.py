"""What a third-party package can bring: a noun, a verb, recipes, or all of them; and then break."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import CHECKOUT, Installed, Machine, User, build_wheel, must, run, write_tree

SOURCES = Path(__file__).with_name("packages")
OWN = ("cmcore", "cm-plugin-script", "cm-plugin-cache")
BROKEN = {
    "cm-broken-import": ("wreck", "module_that_is_nowhere"),
    "cm-broken-manifest": ("", "JSON"),
    "cm-broken-api": ("", "2.0"),
    "cm-broken-clash": ("notebook", "cm-plugin-notebook"),
}


@pytest.fixture
def somebody(workshop: Machine, tmp_path: Path) -> User:
    """A user of the environment in which packages come and go."""
    return workshop.user(tmp_path / "home")


def test_a_new_noun(somebody: User, installed: Installed) -> None:
    assert somebody.cm("run", "notebook").code == 4
    with installed("cm-plugin-notebook"):
        assert "notebook" in somebody.ok("--help")
        assert "upper" in somebody.ok("run", "notebook", "--help")
        somebody.ok("add", "notebook", "first", "--meta.cells,=one,two", "--tags=a,b")
        assert somebody.ok("run", "notebook", "first").split() == ["one", "two"]
        assert somebody.data("run", "notebook", "first", "--upper")["cells"] == ["ONE", "TWO"]
        # The common actions come for free.
        assert "first" in somebody.ok("find", "notebook", "--tags=a,-c")
        assert somebody.data("find", "notebook", "--tags=c")["return"] == 0
    assert somebody.cm("run", "notebook", "first").code == 4
    assert "notebook" not in somebody.ok("--help")


def test_a_new_verb_for_an_existing_noun(somebody: User, installed: Installed) -> None:
    assert somebody.cm("count", "script").code == 4
    with installed("cm-plugin-count"):
        assert "count" in somebody.ok("count", "script", "--help")
        assert somebody.data("count", "script")["count"] == 0
        somebody.ok("add", "script", "thing", "--tags=x,y")
        assert somebody.data("count", "script", "--tags=x")["count"] == 1
        assert somebody.ok("count", "script", "--tags=x") == "1 recipes\n"
    assert somebody.cm("count", "script").code == 4


def test_recipes_as_package_data(somebody: User, installed: Installed) -> None:
    assert somebody.cm("run", "script", "greet somebody").code == 16
    with installed("cm-recipes-greeting"):
        answer = somebody.data("run", "script", "greet somebody")
        assert answer["new_env"] == {
            "CM_GREETING": "hello",
            "CM_GREETED": "hello from greet-somebody",
        }
        assert "cm-recipes-greeting" in str(somebody.data("find", "collection"))
        # Package data is read only.
        assert "read" in somebody.refused("rm", "script", "greet-somebody", "-f")
    assert somebody.cm("run", "script", "greet somebody").code == 16


def test_all_three_in_one_package(somebody: User, installed: Installed) -> None:
    with installed("cm-plugin-bundle", "cm-recipes-greeting"):
        assert somebody.data("run", "note")["notes"] == 0
        assert "GREET-BUNDLE" in somebody.ok("shout", "script").split()
        answer = somebody.data("run", "script", "greet bundle")
        assert answer["new_env"]["CM_GREETED"] == "good day from greet-bundle"
    assert somebody.cm("shout", "script").code == 4


def test_an_upgrade_is_seen_at_once(
    somebody: User, workshop: Machine, tmp_path: Path, installed: Installed
) -> None:
    """The index must not remember the recipes of the version before."""
    newer = shutil.copytree(SOURCES / "cm-recipes-greeting", tmp_path / "newer")
    project = newer / "pyproject.toml"
    project.write_text(project.read_text().replace("0.3.1", "0.4.0"))
    recipes = newer / "src/cm_greeting/recipes/script"
    meta = recipes / "greet-somebody/_cm.yaml"
    meta.write_text(meta.read_text().replace("CM_GREETING: hello", "CM_GREETING: salut"))
    shutil.copytree(recipes / "greet-somebody", recipes / "greet-others")
    other = (recipes / "greet-others/_cm.yaml").read_text()
    other = other.replace("greet-somebody", "greet-others").replace("a1f5d0", "b2e6c1")
    (recipes / "greet-others/_cm.yaml").write_text(other.replace("somebody]", "others]"))
    wheel = build_wheel(newer, tmp_path)
    with installed("cm-recipes-greeting"):
        assert somebody.data("run", "script", "greet somebody")["new_env"]["CM_GREETING"] == "hello"
        assert somebody.cm("run", "script", "greet others").code == 16
        workshop.install(str(wheel))
        assert somebody.data("run", "script", "greet somebody")["new_env"]["CM_GREETING"] == "salut"
        assert somebody.data("run", "script", "greet others")["new_env"]["CM_GREETING"] == "salut"
        assert "cm-recipes-greeting\t0.4.0" in somebody.ok("plugins", "list")


def test_observers_see_everything_and_may_refuse(
    somebody: User, installed: Installed, tmp_path: Path
) -> None:
    log = tmp_path / "watch.log"
    somebody.env = {"WATCH_LOG": str(log)}
    with installed("cm-plugin-watch", "cm-recipes-greeting"):
        somebody.ok("run", "script", "greet somebody")
        assert somebody.cm("run", "script", "no such thing").code == 16
        somebody.ok("add", "script", "thing")
        assert "nothing is removed here" in somebody.refused("rm", "script", "thing", "-f")
        assert "thing" in somebody.ok("find", "script", "thing")
    lines = log.read_text().splitlines()
    for line in ("before run script", "after run 0", "error run 16", "before remove script"):
        assert line in lines, lines


def test_a_defect_in_an_observer_is_told_and_changes_nothing(
    somebody: User, installed: Installed
) -> None:
    with installed("cm-broken-observer", "cm-recipes-greeting"):
        answer = somebody.cm("run", "script", "greet somebody", "--out=json")
        assert must(answer).json()["new_env"]["CM_GREETING"] == "hello"
        assert "cm-broken-observer 0.3.1" in answer.err
        assert "defect before" in answer.err
        assert somebody.cm("run", "script", "no such thing").code == 16


SAME = """
import cmcore, json, sys
print(json.dumps(cmcore.access(json.load(sys.stdin))))
"""


@pytest.mark.parametrize(
    "words",
    [
        ("find", "script", "--tags=greet"),
        ("find", "script", "nothing-like-it"),
        ("show", "script", "greet-somebody"),
        ("load", "script", "greet-somebody"),
        ("load", "script", "nothing-like-it"),
        ("run", "script", "greet nobody"),
        ("nosuchverb", "script"),
        ("find", "nosuchnoun"),
        ("find", "script", "--nosuchflag"),
    ],
    ids=" ".join,
)
def test_python_and_the_command_line_answer_alike(
    somebody: User, workshop: Machine, installed_greeting: None, words: tuple[str, ...]
) -> None:
    request = somebody.data("print-input", *words)["input"]
    # Without it nobody reads along, as with --out=json.
    request.pop("out", None)
    by_python = somebody.run(str(workshop.python), "-c", SAME, stdin=json.dumps(request))
    answer = must(by_python).json()
    by_words = somebody.cm(*words, "--out=json")
    assert by_words.code == answer["return"]
    assert by_words.json() == answer


@pytest.fixture(scope="module")
def all_broken(workshop: Machine, third_party: list[str]) -> Iterator[None]:
    """Every broken package at once, beside healthy ones; one of these is what the clash is with."""
    names = (*BROKEN, "cm-recipes-greeting", "cm-plugin-notebook")
    workshop.install(*names)
    yield
    workshop.uninstall(*names)


@pytest.fixture(scope="module")
def installed_greeting(workshop: Machine, third_party: list[str]) -> Iterator[None]:
    """The package with a recipe, for several tests."""
    workshop.install("cm-recipes-greeting")
    yield
    workshop.uninstall("cm-recipes-greeting")


@pytest.mark.usefixtures("all_broken")
class TestBroken:
    """Four broken packages are installed; everything else works."""

    def test_everything_else_works(self, somebody: User) -> None:
        answer = somebody.cm("run", "script", "greet somebody", "--out=json")
        assert answer.code == 0, answer.text
        assert answer.json()["new_env"]["CM_GREETING"] == "hello"
        assert "script" in somebody.ok("--help")
        assert somebody.ok("find", "script").strip()

    @pytest.mark.parametrize("dist", BROKEN)
    def test_list_names_distribution_version_and_cause(self, somebody: User, dist: str) -> None:
        noun, cause = BROKEN[dist]
        # What only importing shows is known when somebody has asked for it.
        lines = somebody.refused("run", noun) if noun else somebody.ok("plugins", "list")
        (line, *_) = (one for one in lines.splitlines() if dist in one and cause in one)
        assert "0.3.1" in line

    def test_a_clash_is_in_the_list_and_nobody_wins_silently(self, somebody: User) -> None:
        listed = somebody.ok("plugins", "list")
        assert "claimed by cm-broken-clash 0.3.1 and by cm-plugin-notebook 0.3.1" in listed
        answer = somebody.cm("run", "notebook", "x")
        assert answer.code != 0
        assert "was imported" not in answer.err
        # The noun of the two is in doubt, other packages are not.
        assert somebody.cm("find", "cache").code == 0

    def test_list_has_every_plugin_with_its_state(self, somebody: User) -> None:
        plugins = {row["distribution"]: row for row in somebody.data("plugins", "list")["plugins"]}
        assert set(BROKEN) | set(OWN[1:]) <= set(plugins)
        for dist in ("cm-broken-manifest", "cm-broken-api"):
            assert plugins[dist]["state"] == "broken", plugins[dist]
            assert plugins[dist]["version"] == "0.3.1"
        assert plugins["cm-plugin-script"]["state"] in ("ready", "loaded", "found")

    @pytest.mark.parametrize("dist", [dist for dist in BROKEN if dist != "cm-broken-clash"])
    def test_verify_finds_each(self, somebody: User, dist: str) -> None:
        """`verify` may import, so that it also finds what only importing shows."""
        answer = somebody.cm("plugins", "verify", dist)
        assert answer.code != 0, answer.text
        assert BROKEN[dist][1] in answer.out + answer.err, answer.text

    @pytest.mark.parametrize("dist", ["cm-broken-import", "cm-broken-clash"])
    def test_why_tells(self, somebody: User, dist: str) -> None:
        answer = somebody.cm("plugins", "why", dist)
        assert dist in answer.out + answer.err, answer.text


class TestChoice:
    """Who is let in: `CM_PLUGINS` and `--no-plugins`."""

    def test_no_plugins_leaves_the_core(self, somebody: User) -> None:
        text = somebody.ok("--no-plugins", "--help")
        assert "collection" in text
        assert somebody.cm("--no-plugins", "run", "script", "x").code == 4

    def test_only_the_named_ones(self, somebody: User) -> None:
        only_cache = {"CM_PLUGINS": "cm_plugin.CACHE"}
        assert somebody.cm("find", "cache", env=only_cache).code == 0
        answer = somebody.cm("run", "script", "x", env=only_cache)
        assert answer.code == 4
        assert "script" in answer.err

    def test_none(self, somebody: User) -> None:
        assert somebody.cm("find", "cache", env={"CM_PLUGINS": ""}).code == 4

    def test_a_denied_package_is_not_imported(
        self, somebody: User, installed: Installed, tmp_path: Path
    ) -> None:
        """Neither its module nor its recipes count."""
        with installed("cm-recipes-greeting"):
            allowed = {"CM_PLUGINS": "cm-plugin-script,cm-plugin-cache"}
            assert somebody.cm("run", "script", "greet somebody", env=allowed).code == 16
            assert somebody.cm("run", "script", "greet somebody").code == 0
            text = somebody.ok("plugins", "why", "cm-recipes-greeting", env=allowed)
            assert "CM_PLUGINS" in text


def test_the_ten_lines_of_contributing_make_a_plugin(
    somebody: User, workshop: Machine, tmp_path: Path
) -> None:
    (block,) = re.findall(r"```sh\n(mkdir -p hello.*?)```", _contributing(), re.DOTALL)
    lines, last = block.rstrip().rsplit("\n", 1)
    assert last == "pip install . && cm run hello"
    must(run(["sh", "-ec", lines], cwd=tmp_path))
    # pip would fetch hatchling from the network to build it; the wheel is what it would make.
    wheel = build_wheel(tmp_path / "hello", tmp_path)
    workshop.install(str(wheel))
    try:
        assert somebody.ok("run", "hello") == "hello\n"
        assert somebody.ok("plugins", "verify", "cm-plugin-hello")
    finally:
        workshop.uninstall("cm-plugin-hello")


def _contributing() -> str:
    return (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")


def test_a_script_in_a_registered_folder(somebody: User, tmp_path: Path) -> None:
    """No package at all: a folder is enough."""
    folder = write_tree(
        tmp_path / "mine",
        {
            "cmr.yaml": "alias: mine\nuid: 0123456789abcdef\n",
            "script/say/_cm.yaml": "alias: say\nuid: 89abcdef01234567\ntags: [say, it]\n",
            "script/say/run.sh": "#!/bin/bash\necho said-it\n",
        },
    )
    somebody.ok("add", "collection", str(folder))
    assert "said-it" in somebody.ok("run", "script", "say it")
