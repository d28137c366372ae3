"""Plugins load on demand and fail alone."""

import sys

import pytest

from cmcore.errors import CmError, NotFoundError, PluginError, VetoedError
from cmcore.testing.dists import RUN, plugin_manifest
from cmcore.types import CacheRequest, HealthCheck, Request, Reservation, Result

pytest_plugins = ["cmcore.testing.fixtures"]

HEAD = "from cmcore import hookimpl\nfrom cmcore.types import *\nfrom cmcore.errors import *\n\n"


def run(ctx, noun, verb="run", *artifacts):
    request = Request(verb, noun, artifacts)
    return ctx.manager.call(ctx.registry.resolve(noun, verb), request, ctx)


def test_only_the_owner_is_imported(fake_plugin, cm_context):
    fake_plugin("note")
    fake_plugin("other", code="raise RuntimeError('imported')")
    ctx = cm_context()
    assert run(ctx, "note", "run", "a").data == {"ran": ["a"]}
    assert "cm_other" not in sys.modules
    assert {s.name: s.state for s in ctx.registry.plugins()} == {"note": "loaded", "other": "ready"}


def test_a_plugin_is_imported_once(fake_plugin, cm_context, tmp_path):
    log = tmp_path / "log"
    fake_plugin(
        "note", code=f"with open({str(log)!r}, 'a') as f: f.write('x')\n" + RUN.format(noun="note")
    )
    ctx = cm_context()
    run(ctx, "note")
    run(ctx, "note")
    assert log.read_text() == "x"


FAULTS = {
    "import error": ("import nothing_of_that_name", "load", "ModuleNotFoundError"),
    "syntax error": ("def", "load", "SyntaxError"),
    "exit at import": ("import sys; sys.exit(3)", "load", "SystemExit: 3"),
    "own error at import": (HEAD + "raise NotFoundError('no compiler')", "load", "no compiler"),
    "unknown hook": (
        HEAD + "@hookimpl\ndef cm_rum(ctx, request): pass\n",
        "register",
        "unknown hook 'cm_rum'; did you mean 'cm_run'",
    ),
    "unknown argument": (
        HEAD + "@hookimpl\ndef cm_run(ctx, request, colour): pass\n",
        "register",
        "colour",
    ),
    "exception": (HEAD + "@hookimpl\ndef cm_run(ctx): 1 / 0\n", "call", "ZeroDivisionError"),
    "exit": (HEAD + "@hookimpl\ndef cm_run(ctx): exit(0)\n", "call", "SystemExit: 0"),
    "none": (HEAD + "@hookimpl\ndef cm_run(ctx): pass\n", "call", "cm_run returned None instead"),
    "dict": (HEAD + "@hookimpl\ndef cm_run(ctx): return {}\n", "call", "returned dict instead"),
    "not implemented": (HEAD, "call", "cm_run returned None instead of a Result"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_distribution_version_stage_and_cause(fake_plugin, cm_context, fault):
    code, stage, cause = FAULTS[fault]
    fake_plugin("bad", code=code, version="2.5")
    fake_plugin("note")
    ctx = cm_context()
    for _ in range(2):  # the second attempt says the same
        with pytest.raises(PluginError) as caught:
            run(ctx, "bad")
        error = caught.value
        assert (error.distribution, error.version, error.stage) == ("cm-plugin-bad", "2.5", stage)
        assert cause in str(error)
        assert "\n" not in str(error)
    assert run(ctx, "note").data == {"ran": []}
    assert not [
        s for s in ctx.registry.plugins() if s.name == "bad" and stage == "register" and s.hooks
    ]


def test_a_plugin_that_failed_is_asked_for_nothing_more(fake_plugin, cm_context):
    fake_plugin("bad", code="import gone_", hooks=["cm_run", "cm_health_checks"])
    ctx = cm_context()
    with pytest.raises(PluginError):
        run(ctx, "bad")
    assert ctx.registry.with_hook("cm_health_checks") == []
    assert [str(s.error) for s in ctx.registry.plugins()] == ctx.registry.warnings()


def test_errors_of_the_family_pass_unchanged(fake_plugin, cm_context):
    fake_plugin("note", code=HEAD + "@hookimpl\ndef cm_run(ctx): raise NotFoundError('gone')\n")
    with pytest.raises(NotFoundError, match=r"^gone$"):
        run(cm_context(), "note")


def test_a_denied_plugin_cannot_be_loaded_by_any_way(fake_plugin, cm_context):
    fake_plugin("note", code="raise RuntimeError('imported')")
    ctx = cm_context({"CM_PLUGINS": ""})
    (state,) = ctx.registry.plugins()
    with pytest.raises(PluginError, match="stage 'policy'"):
        ctx.manager.load(state)
    assert "cm_note" not in sys.modules


def test_a_pinned_plugin_with_an_edited_file_is_not_imported(fake_plugin, cm_context, cm_site):
    from cmcore.policy import Layer, Policy, Rule
    from cmcore.record import record_digest
    from cmcore.specifiers import parse_requirement

    info = fake_plugin("note")
    rule = Rule("cm-plugin-note", parse_requirement("cm-plugin-note"), record_digest(info))
    policy = Policy((Layer("system", "test", (rule,)),))
    assert run(cm_context(policy=policy), "note").data == {"ran": []}
    for name in [name for name in sys.modules if name.startswith("cm_note")]:
        del sys.modules[name]
    (cm_site / "cm_note" / "plugin.py").write_text("raise RuntimeError('imported')")
    with pytest.raises(PluginError, match=r"its RECORD is pinned, but .*plugin\.py was changed"):
        run(cm_context(policy=policy), "note")


def test_a_package_that_hides_a_plugin_is_not_imported(fake_plugin, cm_context, tmp_path):
    fake_plugin("note")
    trap = tmp_path / "trap" / "cm_note"
    trap.mkdir(parents=True)
    (trap / "__init__.py").write_text("raise RuntimeError('imported')")
    sys.path.insert(0, str(trap.parent))
    try:
        with pytest.raises(PluginError, match=r"package 'cm_note' is hidden by .*trap"):
            run(cm_context(), "note")
    finally:
        del sys.path[0]


ACTIONS = """
def fly(ctx, request):
    return Result({"flew": list(request.artifacts)})

@hookimpl
def cm_actions():
    yield Action("fly", "note", "fly", handler=fly)
"""


def manifest_with(*hooks, verbs=("run",)):
    data = plugin_manifest("note")
    data["hooks"] = ["cm_run", *hooks]
    data["automations"]["note"]["actions"] = {verb: {"help": verb} for verb in verbs}
    return data


def test_a_verb_of_its_own(fake_plugin, cm_context):
    data = manifest_with("cm_actions", verbs=("fly", "swim"))
    fake_plugin("note", manifest=data, code=HEAD + ACTIONS)
    ctx = cm_context()
    assert run(ctx, "note", "fly", "a").data == {"flew": ["a"]}
    with pytest.raises(PluginError, match="gives no handler for 'swim note'"):
        run(ctx, "note", "swim")


def test_an_attribute_as_entry_point(fake_dist, cm_context):
    code = HEAD + (
        "class Plugin:\n    @hookimpl\n    def cm_run(self, ctx, request):\n"
        "        return Result({'self': True})\nplugin = Plugin()\n"
    )
    files = {"cm_note/__init__.py": code, "cm_note/cm-plugin.json": manifest_with()}
    fake_dist("cm-plugin-note", entry_points={"note": "cm_note:plugin"}, files=files)
    assert run(cm_context(), "note").data == {"self": True}


CHECKS = "\n@hookimpl\ndef cm_health_checks(ctx):\n    "


def test_one_failing_contribution_leaves_the_others(fake_plugin, cm_context, capsys):
    good = HEAD + CHECKS + "yield HealthCheck('good', True)\n"
    bad = HEAD + CHECKS + "yield HealthCheck('lost', True)\n    1 / 0\n"
    wrong = HEAD + CHECKS + "return [1]\n"
    for noun, code in (("good", good), ("bad", bad), ("wrong", wrong), ("gone", "import gone_")):
        fake_plugin(noun, code=code, hooks=["cm_run", "cm_health_checks"])
    ctx = cm_context()
    assert ctx.manager.health_checks(ctx) == [HealthCheck("good", True)]
    shown = capsys.readouterr().err
    assert "cm-plugin-bad 1.0 failed at stage 'call': ZeroDivisionError" in shown
    assert "cm-plugin-wrong 1.0 failed at stage 'call': cm_health_checks gave int" in shown
    assert "cm-plugin-gone 1.0 failed at stage 'load': ModuleNotFoundError" in shown
    assert "Traceback" not in shown


def test_strict_makes_it_an_error(fake_plugin, cm_context):
    fake_plugin("bad", code=HEAD + CHECKS + "1 / 0\n", hooks=["cm_run", "cm_health_checks"])
    ctx = cm_context({"CM_STRICT_PLUGINS": "1"})
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        ctx.manager.health_checks(ctx)


def test_debug_shows_the_traceback(fake_plugin, cm_context, capsys):
    fake_plugin("bad", code=HEAD + "@hookimpl\ndef cm_run(ctx): 1 / 0\n")
    with pytest.raises(PluginError):
        run(cm_context({"CM_DEBUG": "1"}), "bad")
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "cm_bad/plugin.py" in shown


def observer(name):
    return (
        HEAD + f"import builtins\nseen = builtins.__dict__.setdefault('seen_{name}', [])\n"
        "@hookimpl\ndef cm_before_action(ctx, request): seen.append(('before', request.action))\n"
        "@hookimpl\ndef cm_after_action(ctx, result): seen.append(('after', dict(result.data)))\n"
        "@hookimpl\ndef cm_on_error(ctx, error): seen.append(('error', str(error)))\n"
    )


OBSERVERS = ["cm_before_action", "cm_after_action", "cm_on_error"]


def observing(name):
    data = plugin_manifest(name) | {"hooks": OBSERVERS}
    del data["automations"]
    return data


@pytest.fixture
def seen():
    import builtins

    found = builtins.__dict__.setdefault("seen_watch", [])
    yield found
    del builtins.__dict__["seen_watch"]


def test_observers_see_every_action(fake_plugin, cm_context, seen):
    fake_plugin("note")
    fake_plugin("bad", code="raise RuntimeError('x')")
    fake_plugin("watch", manifest=observing("watch"), code=observer("watch"))
    ctx = cm_context()
    assert ctx.call(Request("run", "note", ("a",))).data == {"ran": ["a"]}
    assert seen == [("before", "run"), ("after", {"ran": ["a"]})]
    del seen[:]
    with pytest.raises(PluginError):
        ctx.call(Request("run", "bad"))
    assert seen[0] == ("before", "run")
    assert seen[1][0] == "error"
    assert "RuntimeError: x" in seen[1][1]


def test_a_failing_observer_changes_nothing(fake_plugin, cm_context, seen, capsys):
    fake_plugin("note")
    broken = HEAD + "".join(f"@hookimpl\ndef {h}(ctx): exit(1)\n" for h in OBSERVERS)
    fake_plugin("broken", manifest=observing("broken"), code=broken)
    fake_plugin("gone", manifest=observing("gone"), code="import gone_")
    fake_plugin("watch", manifest=observing("watch"), code=observer("watch"))
    assert cm_context().call(Request("run", "note")).data == {"ran": []}
    assert seen == [("before", "run"), ("after", {"ran": []})]
    assert "cm-plugin-broken 1.0 failed at stage 'call': SystemExit: 1" in capsys.readouterr().err


def test_a_veto_stops_the_action(fake_plugin, cm_context, tmp_path):
    log = tmp_path / "log"
    fake_plugin("note", code=HEAD + f"@hookimpl\ndef cm_run(ctx): open({str(log)!r}, 'w')\n")
    veto = HEAD + "@hookimpl\ndef cm_before_action(ctx): raise VetoedError('closed')\n"
    data = observing("veto") | {"hooks": ["cm_before_action"]}
    fake_plugin("veto", manifest=data, code=veto)
    with pytest.raises(VetoedError, match="closed"):
        cm_context().call(Request("run", "note"))
    assert not log.exists()


def test_a_veto_after_the_fact_is_too_late(fake_plugin, cm_context):
    fake_plugin("note")
    late = HEAD + "@hookimpl\ndef cm_after_action(ctx): raise VetoedError('late')\n"
    data = observing("late") | {"hooks": ["cm_after_action"]}
    fake_plugin("late", manifest=data, code=late)
    assert cm_context().call(Request("run", "note")).data == {"ran": []}


ASKED = CacheRequest("u", "a", "cm", (), (), (), {})


def test_cache_hooks(fake_plugin, cm_context):
    hooks = ["cm_run", "cm_cache_find", "cm_cache_reserve", "cm_cache_release", "cm_cache_state"]
    fake_plugin("none", code=HEAD + "@hookimpl\ndef cm_cache_find(ctx): pass\n", hooks=hooks)
    code = (
        "@hookimpl\ndef cm_cache_find(ctx, request): return []\n"
        "@hookimpl\ndef cm_cache_reserve(ctx, fresh): return Reservation('u', '/x', fresh, 1)\n"
        "@hookimpl\ndef cm_cache_release(ctx, error): return error == 'why'\n"
        "@hookimpl\ndef cm_cache_state(ctx, entry): return 7\n"
    )
    fake_plugin("store", code=HEAD + code, hooks=hooks)
    ctx = cm_context()
    held = ctx.manager.cache_reserve(ctx, ASKED, None, True)
    assert ctx.manager.cache_find(ctx, ASKED) == []
    assert held == Reservation("u", "/x", True, 1)
    assert ctx.manager.cache_release(ctx, held, "why") is True
    with pytest.raises(PluginError, match="cm_cache_state returned int instead of Mapping"):
        ctx.manager.cache_state(ctx, None)


def test_without_a_cache_plugin_nobody_answers(cm_context):
    ctx = cm_context()
    assert ctx.manager.cache_find(ctx, ASKED) is None
    assert ctx.manager.cache_reserve(ctx, ASKED, None, False) is None


def test_a_cache_that_cannot_load_is_reported_and_left_out(fake_plugin, cm_context, capsys):
    fake_plugin("bad", code="import gone_", hooks=["cm_run", "cm_cache_find"])
    ctx = cm_context()
    assert ctx.manager.cache_find(ctx, ASKED) is None
    assert "cm-plugin-bad 1.0 failed at stage 'load'" in capsys.readouterr().err


def test_a_cache_that_fails_is_the_asker_s_business(fake_plugin, cm_context):
    code = HEAD + "@hookimpl\ndef cm_cache_find(ctx, request): raise KeyError('x')\n"
    fake_plugin("bad", code=code, hooks=["cm_run", "cm_cache_find"])
    ctx = cm_context()
    with pytest.raises(PluginError, match="KeyError"):
        ctx.manager.cache_find(ctx, ASKED)


def test_completion_asks_only_whom_it_concerns(fake_plugin, cm_context):
    code = HEAD + "@hookimpl\ndef cm_complete(ctx, incomplete): return [incomplete + 'x']\n"
    fake_plugin("note", code=code, hooks=["cm_run", "cm_complete"])
    fake_plugin("other", code="import gone_", hooks=["cm_run", "cm_complete"])
    ctx = cm_context()
    assert ctx.manager.complete(ctx, Request("run", "note"), "a") == ["ax"]
    assert "cm_other" not in sys.modules


def test_settings_and_collections(fake_plugin, cm_context):
    code = (
        "@hookimpl\ndef cm_settings(): return [Setting('note.depth', 'how deep', 3)]\n"
        "@hookimpl\ndef cm_collections(ctx):\n"
        "    return [Collection('far', '', ctx.paths.home, ctx.paths.home, 'folder')]\n"
    )
    fake_plugin("note", code=HEAD + code, hooks=["cm_run", "cm_settings", "cm_collections"])
    ctx = cm_context()
    assert ctx.settings.get("note.depth") == 3
    assert "far" in [c.name for c in ctx.collections.all()]


def test_nested_calls(fake_plugin, cm_context):
    code = (
        HEAD + "@hookimpl\ndef cm_run(ctx, request):\n"
        "    return ctx.call(request._replace(automation='note'))\n"
    )
    fake_plugin("outer", code=code)
    fake_plugin("note")
    ctx = cm_context()
    assert run(ctx, "outer", "run", "deep") == Result({"ran": ["deep"]}, "ran")
    answer = ctx.access({"action": "run", "automation": "outer", "artifact": "deep"})
    assert answer == {"return": 0, "ran": ["deep"]}


def test_no_owner_of_the_core_goes_through_the_manager(cm_context):
    ctx = cm_context()
    owner = ctx.registry.resolve("collection", "search")
    with pytest.raises(TypeError):
        ctx.manager.call(owner, Request("search", "collection"), ctx)
    assert issubclass(PluginError, CmError)
