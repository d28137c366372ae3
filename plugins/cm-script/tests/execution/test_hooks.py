from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cm_script.dialects import CM, MLC
from cm_script.facade.failure import Failure
from cm_script.hooks import load_code
from cm_script.step import StepError
from cmcore.errors import CmError, NotFoundError


def call(run, hook="preprocess", **extra):
    return run.load().call(hook, run.hook_input(**extra))


def customize(body: str) -> dict[str, str]:
    return {"customize.py": body}


def test_a_recipe_without_code_has_none(recipe):
    assert load_code(recipe()) is None


def test_hooks_are_found_and_get_what_they_are_given(recipe):
    run = recipe(
        customize(
            "def preprocess(i):\n    i['env']['A'] = 1\n    return {'return': 0, 'version': '1'}"
        )
    )
    code = run.load()
    assert code.has("preprocess")
    assert not code.has("postprocess")
    assert code.call("preprocess", run.hook_input()) == {"return": 0, "version": "1"}
    assert run.scope.env == {"A": 1}


@pytest.mark.parametrize("which", [CM, MLC])
def test_every_way_of_importing_the_engine(recipe, engine, which):
    run = recipe(
        customize(
            """
            from cmind import utils
            import cmind as cm, cmind.utils as same, mlc
            from mlc import utils as mlc_utils
            from mlc.utils import get_repo_version
            import utils as bare
            from utils import is_true, download_file
            from utils import *
            import importlib

            def preprocess(i):
                assert cm.utils is same is utils
                assert utils.check_if_true_yes_on({"A": "Yes"}, "A")
                assert is_true("ON") and is_false("no") and bare.is_true is is_true
                assert mlc_utils.load_txt("missing")["return"] == 1
                assert utils.load_txt("missing", check_if_exists=True)["return"] == 16
                assert importlib.reload(mlc.action) is mlc.action
                assert importlib.import_module("cmind").utils is utils
                assert cm.json.loads("[1]") == [1]
                cm.access({"action": "a"}); mlc.access({"action": "b"}); mlc.action.access({})
                i["automation"].cmind.access({"action": "c"})
                return {"return": 0}
            """
        ),
        which,
    )
    assert call(run) == {"return": 0}
    assert [i.get("action") for i in engine.asked] == ["a", "b", None, "c"]


def test_a_star_import_brings_only_what_the_recipe_mentions(recipe, tmp_path):
    code = "from utils import *\n\ndef preprocess(i):\n    return {'return': 0, 'json': %s}"
    run = recipe(customize(code % "json.dumps([is_true(1)])"))
    assert call(run)["json"] == "[true]"
    names = vars(run.code.module)
    assert "download_file" not in names
    assert "subprocess" not in names


def test_nothing_of_this_is_visible_to_anybody_else(recipe):
    modules, path = set(sys.modules), list(sys.path)
    run = recipe(
        {
            "customize.py": """
            import sys
            import cmind, mlc, utils, helper, inner.part
            sys.path.insert(0, "/somewhere")

            def preprocess(i):
                sys.path.append("/else")
                return {"return": 0}
            """,
            "helper.py": "import cmind\nfrom utils import is_true\nX = is_true('yes')",
            "inner/__init__.py": "",
            "inner/part.py": "Y = 1",
        }
    )
    call(run)
    assert sys.path == path
    new = {name for name in set(sys.modules) - modules if not name.startswith("cm")}
    assert new <= {"json", "json.decoder", "json.scanner", "json.encoder"}
    with pytest.raises(ModuleNotFoundError):
        __import__("mlc")


def test_each_run_gets_fresh_modules(recipe):
    files = {
        "customize.py": "import helper\nSEEN = []\n\ndef preprocess(i):\n"
        "    SEEN.append(1); helper.SEEN.append(1)\n"
        "    return {'return': 0, 'n': (len(SEEN), len(helper.SEEN))}",
        "helper.py": "SEEN = []",
    }
    assert call(recipe(files))["n"] == (1, 1)
    assert call(recipe(files))["n"] == (1, 1)


def test_one_recipe_finds_modules_where_another_of_the_same_request_said(recipe, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    (library / "measured.py").write_text("import sys\nVALUE = 'found'\n")
    adder = recipe(
        customize(
            f"import sys\n\ndef postprocess(i):\n    sys.path.append({str(library)!r})\n"
            "    import measured\n    return {'return': 0}"
        ),
        name="adder",
    )
    call(adder, "postprocess")
    user = recipe(
        customize(
            "import measured\n\ndef preprocess(i):\n    return {'return': 0, 'v': measured.VALUE}"
        ),
        name="user",
    )
    assert call(user)["v"] == "found"
    assert "measured" not in sys.modules
    assert str(library) not in sys.path


def test_a_missing_module_is_named_with_the_line_and_what_to_install(recipe):
    run = recipe(customize("import os\nimport yaml_of_tomorrow\n"))
    with pytest.raises(CmError) as caught:
        run.load()
    error = caught.value
    assert "probe" in error.message
    assert "needs the Python module yaml_of_tomorrow" in error.message
    assert error.where.endswith("customize.py:2")
    assert error.hint == "pip install yaml_of_tomorrow"


def test_a_recipe_can_do_without_a_missing_module(recipe):
    code = """
        def preprocess(i):
            try:
                import not_there_at_all
            except ImportError:
                return {"return": 0, "without": True}
        """
    assert call(recipe(customize(code)))["without"]


@pytest.mark.parametrize("text", ["def f(:\n", "if x:\npass\n", "x = '\0'\n"])
def test_code_that_is_no_python(recipe, text):
    run = recipe(customize("\n" + text))
    with pytest.raises(CmError, match=r"customize\.py") as caught:
        run.load()
    assert run.artifact.path in caught.value.where


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise ValueError('bad\\nworse')", "ValueError: bad"),
        ("i['env']['NOT']", "key 'NOT' is missing"),
        ("import sys; sys.exit(3)", r"it called exit\(3\)"),
        ("import os; os.listdir('/not/there')", "FileNotFoundError: .*No such file"),
    ],
)
def test_an_exception_names_recipe_hook_file_and_line(recipe, line, said):
    run = recipe(customize(f"def preprocess(i):\n    x = 1\n    {line}\n"))
    with pytest.raises(CmError, match=f"recipe probe.*: preprocess failed: {said}") as caught:
        call(run)
    assert caught.value.where == os.path.join(run.artifact.path, "customize.py") + ":3"
    assert caught.value.__cause__ is not None


def test_an_interrupt_stays_an_interrupt(recipe):
    run = recipe(customize("def preprocess(i):\n    raise KeyboardInterrupt\n"))
    path = list(sys.path)
    with pytest.raises(KeyboardInterrupt):
        call(run)
    assert sys.path == path


def test_answers_that_are_none_or_no_dictionary(recipe):
    run = recipe(customize("def preprocess(i):\n    pass\n\ndef postprocess(i):\n    return 3\n"))
    assert call(run) == {"return": 0}
    with pytest.raises(CmError, match="postprocess answered int, not a dictionary"):
        call(run, "postprocess")


def test_a_failure_of_a_helper_handed_back_is_raised_as_it_was(recipe):
    run = recipe(customize("def preprocess(i):\n    return i['failure']\n"))
    cause = StepError("probe", "/x/run.sh", 3, ["last"], "", "")
    answer = call(run, failure=Failure(cause))
    assert answer["return"] == 2
    with pytest.raises(StepError) as caught:
        run.code.check("preprocess", answer)
    assert caught.value is cause
    answer = call(run, failure={**Failure(NotFoundError("x")), "error": "rewritten"})
    with pytest.raises(CmError, match="rewritten") as changed:
        run.code.check("preprocess", answer)
    assert changed.value.code == 16


def bytecode(engine) -> list[Path]:
    return sorted(Path(engine.ctx.paths.home, "bytecode").glob("*"))


def test_compiled_code_is_kept_and_follows_changes(recipe, engine):
    run = recipe(customize("V = 1"))
    run.load()
    kept = bytecode(engine)
    assert len(kept) == 1
    before = kept[0].read_bytes()
    run.load()
    assert kept[0].read_bytes() == before
    path = Path(run.artifact.path, "customize.py")
    stamp = path.stat().st_mtime_ns
    path.write_text("V = 2")
    os.utime(path, ns=(stamp + 1, stamp + 1))
    assert run.load().module.V == 2
    assert len(bytecode(engine)) == 1


def test_kept_code_is_really_used(recipe, engine, monkeypatch):
    run = recipe(customize("V = 1"))
    run.load()
    monkeypatch.setattr("builtins.compile", None)
    assert run.load().module.V == 1


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff" * 100, None])
def test_damaged_kept_code_is_made_again(recipe, engine, damage):
    run = recipe(customize("V = 1"))
    run.load()
    kept = bytecode(engine)[0]
    good = kept.read_bytes()
    kept.write_bytes(good[: len(good) // 2] if damage is None else damage)
    assert run.load().module.V == 1
    assert kept.read_bytes() == good


def test_kept_code_with_one_wrong_byte_is_not_run(recipe, engine):
    run = recipe(customize("V = 'right'"))
    run.load()
    kept = bytecode(engine)[0]
    kept.write_bytes(kept.read_bytes().replace(b"right", b"wrong"))
    assert run.load().module.V == "right"


def test_python_does_not_comment_on_recipes(recipe, recwarn):
    assert recipe(customize("V = '\\d' is 3")).load().module.V is False
    assert not recwarn.list


def test_a_question_that_nobody_can_answer(recipe, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt="": (_ for _ in ()).throw(EOFError()))
    with pytest.raises(CmError, match="preprocess asked a question"):
        call(recipe(customize("def preprocess(i):\n    input('Which?')\n")))


def test_a_home_that_cannot_be_written_only_costs_time(recipe, engine):
    Path(engine.ctx.paths.home).write_text("a file, not a folder")
    assert recipe(customize("V = 1")).load().module.V == 1


PRINTING = """
import json, os, sys
from types import SimpleNamespace
from cm_script.facade.streams import guarded_streams

console = SimpleNamespace(child_stream=lambda: STREAM)
print("before")
with guarded_streams(console):
    print("printed")
    os.system("echo by a child")
print("after")
"""


@pytest.mark.parametrize(
    ("stream", "out", "err"),
    [
        (1, "before\nprinted\nby a child\nafter\n", ""),
        (2, "before\nafter\n", "printed\nby a child\n"),
    ],
)
def test_what_hooks_print_goes_where_the_console_says(stream, out, err):
    code = PRINTING.replace("STREAM", str(stream))
    done = subprocess.run([sys.executable, "-u", "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (out, err)


def test_a_hook_prints_where_native_steps_print(recipe, console):
    call(recipe(customize("def preprocess(i):\n    print('from a hook')\n")))
    assert console.children() == "from a hook\n"
