"""What options mean, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_mlperf.workflow import command_line, names, option_table, option_values, options
from cmcore.errors import UsageError

CHOICES = [option for option in option_table.OPTIONS if option.choices]
COUNTS = [option.name for option in option_table.OPTIONS if option.kind == "count"]
NUMBERS = [option.name for option in option_table.OPTIONS if option.kind == "number"]


def test_nothing_said_means_digits_everywhere() -> None:
    wishes = options.check({})
    assert (wishes.model, wishes.backend, wishes.device) == ("digits", "onnxruntime", "cpu")
    assert wishes.scenarios == tuple(names.SCENARIOS)
    assert wishes.modes == ("performance", "accuracy")
    assert (wishes.execution_mode, wishes.round, wishes.division) == ("test", "r6.1", "open")


@pytest.mark.parametrize("option", CHOICES, ids=lambda option: option.name)
def test_every_choice_is_taken_in_any_case(option: option_table.Option) -> None:
    for choice in option.choices:
        for word in (choice, choice.upper(), choice.lower()):
            for name in (option.name, *option.also):
                values = {name: word}
                options.check(values)


@given(
    st.sampled_from(CHOICES),
    st.text(st.characters(codec="ascii", exclude_characters=",\x00"), min_size=1, max_size=12),
)
def test_any_other_word_is_refused_in_one_sentence(option: option_table.Option, word: str) -> None:
    try:
        options.check({option.name: word})
    except UsageError as refused:
        said = refused
    else:
        return
    assert f"--{option.name}=" in said.message
    assert "\n" not in said.message.replace(word, "")
    assert "it is one of" in said.hint


@pytest.mark.parametrize(
    ("name", "word", "meant"),
    [
        ("scenario", "offlin", "Offline"),
        ("scenario", "SingelStream", "SingleStream"),
        ("backend", "onnxruntim", "onnxruntime"),
        ("execution_mode", "vaild", "valid"),
        ("category", "datacentre", "datacenter"),
        ("implementation", "referense", "reference"),
        ("model", "resnt50", "resnet50"),
        ("model", "lama2-70b-99", "llama2-70b-99"),
    ],
)
def test_the_nearest_word_is_named(name: str, word: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        options.check({name: word})


@given(st.sampled_from(COUNTS), st.integers(1, 10**9))
def test_counts_are_whole_numbers(name: str, value: int) -> None:
    for written in (value, str(value), f" {value} "):
        options.check({name: written, "execution_mode": "test"})


@given(
    st.sampled_from(COUNTS), st.one_of(st.integers(max_value=0), st.floats(), st.text(max_size=4))
)
def test_other_counts_are_refused(name: str, value: Any) -> None:
    try:
        good = int(str(value).strip()) > 0
    except ValueError:
        good = value == ""
    if good:
        options.check({name: value})
    else:
        with pytest.raises(UsageError, match=f"--{name}="):
            options.check({name: value})


@given(st.sampled_from(NUMBERS), st.floats(allow_nan=True))
def test_numbers_are_above_nothing(name: str, value: float) -> None:
    good = 0 < value < float("inf") or (value == 0 and name == "min_duration")
    if good:
        options.check({name: value})
    else:
        with pytest.raises(UsageError, match=f"--{name}="):
            options.check({name: value})


@given(st.dictionaries(st.sampled_from(sorted(option_table.BY_NAME)), st.text(max_size=6)))
def test_whatever_is_given_is_understood_or_refused(values: dict[str, str]) -> None:
    try:
        wishes = options.check(values)
    except UsageError:
        return
    assert set(wishes.scenarios) <= set(names.SCENARIOS)
    assert wishes.scenarios
    assert set(wishes.modes) <= set(names.MODES)


def test_a_value_is_needed() -> None:
    with pytest.raises(UsageError, match="--model needs a value"):
        options.check({"model": True})


@pytest.mark.parametrize(
    ("category", "scenarios"),
    [
        ("edge", ("SingleStream", "MultiStream", "Offline")),
        ("datacenter", ("Offline", "Server")),
        ("", tuple(names.SCENARIOS)),
    ],
)
def test_a_category_has_its_scenarios(category: str, scenarios: tuple[str, ...]) -> None:
    assert options.check({"category": category}).scenarios == scenarios
    assert options.check({"category": category, "scenario": "all"}).scenarios == scenarios


def test_a_scenario_of_another_category_is_refused() -> None:
    with pytest.raises(UsageError, match="SingleStream does not go with --category=datacenter"):
        options.check({"category": "datacenter", "scenario": "SingleStream"})


def test_several_scenarios() -> None:
    wishes = options.check({"scenario": "server,Offline,server"})
    assert wishes.scenarios == ("Server", "Offline")


@pytest.mark.parametrize("word", ["r6.1", "v6.1", "6.1", "R6.1"])
def test_rounds_are_written_in_several_ways(word: str) -> None:
    assert options.check({"round": word}).round == "r6.1"


@pytest.mark.parametrize(
    "values",
    [
        {"backend": "onnxruntime", "framework": "pytorch"},
        {"output_dir": "a", "results_dir": "b"},
        {"min_query_count": 10, "max_query_count": 9},
        {"min_duration": 10, "max_duration": 9},
        {"test_query_count": 5, "execution_mode": "valid"},
        {"model": "custom"},
        {"model_path": "x.onnx", "mode": "accuracy"},
        {"model_path": "x.onnx", "dataset_path": "d", "input_shapes": "x:3"},
        {"model": "digits", "input_shapes": "x:3"},
    ],
)
def test_contradictions_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        options.check(values)


def test_the_same_twice_is_no_contradiction() -> None:
    assert options.check({"backend": "PyTorch", "framework": "torch"}).backend == "pytorch"


def test_targets_of_one_scenario_win() -> None:
    wishes = options.check(
        {"target_qps": 5, "offline_target_qps": 7, "target_latency": 3, "server_target_latency": 9}
    )
    assert wishes.targets == {
        "Offline": {"target_qps": 7.0},
        "Server": {"target_qps": 5.0, "target_latency": 9.0},
        "SingleStream": {"target_latency": 3.0},
        "MultiStream": {"target_latency": 3.0},
    }


def test_a_model_file_is_a_model_of_ones_own(tmp_path: Any) -> None:
    wishes = options.check({"model_path": "m.onnx"}, str(tmp_path))
    assert (wishes.model, wishes.model_path) == ("custom", str(tmp_path / "m.onnx"))
    assert wishes.modes == ("performance",)


def test_a_file_given_as_model_is_explained() -> None:
    with pytest.raises(UsageError, match=r"--model_path=\./m\.onnx"):
        options.check({"model": "./m.onnx"})


@pytest.mark.parametrize(("word", "name"), sorted(names.MODEL_ALIASES.items()))
def test_other_names_of_models(word: str, name: str) -> None:
    assert options.check({"model": word}).model == name


def test_strange_options_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean --scenario"):
        options.strange(["scenari"], ())
    options.strange(["scenario", "docker", "mine"], ["mine"])


_NAME = st.text(st.characters(categories=["L", "N", "P"], exclude_characters=","), min_size=1)


@given(st.dictionaries(_NAME, st.lists(st.integers(1, 9999), min_size=1, max_size=5), min_size=1))
def test_shapes_of_inputs(wanted: dict[str, list[int]]) -> None:
    text = ",".join(f"{name}:{'x'.join(map(str, axes))}" for name, axes in wanted.items())
    assert options.check({"model_path": "x.pt", "input_shapes": text}).input_shapes == text
    found = option_values.shapes(text)
    assert {name: list(axes) for name, axes in found.items()} == wanted


@pytest.mark.parametrize(
    "text", ["x", "x:", ":3", "x:0", "x:3x", "x:-3", "x:3.5", "x:a", "x:3,", "x:3,x:4", "x:²"]
)
def test_what_is_no_shape(text: str) -> None:
    with pytest.raises(UsageError, match="input_shapes"):
        options.check({"model_path": "x.pt", "input_shapes": text})


_WISHES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["digits", "resnet50", "bert"]),
        "category": st.sampled_from(["edge", "datacenter"]),
        "mode": st.sampled_from(["performance", "accuracy", "performance,accuracy"]),
        "execution_mode": st.sampled_from(names.EXECUTION_MODES),
        "batch_size": st.integers(1, 99),
        "threads": st.integers(1, 99),
        "target_qps": st.floats(0.5, 1e6).map(lambda value: float(f"{value:g}")),
        "target_latency": st.floats(0.5, 1e6).map(lambda value: float(f"{value:g}")),
        "min_duration": st.integers(0, 10).map(float),
        "hw_name": st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"]), max_size=8),
        "compliance": st.booleans(),
    },
) | st.fixed_dictionaries(
    {"model_path": st.just("/x.pt")}, optional={"input_shapes": st.just("image:3x4,mask:5")}
)


@given(_WISHES)
def test_the_command_that_repeats_a_request_says_the_same(values: dict[str, Any]) -> None:
    wishes = options.check(values)
    words = command_line.words(wishes)
    said = dict(word[2:].partition("=")[::2] for word in words[3:])
    again = options.check({name: value or True for name, value in said.items()})
    assert again == wishes
