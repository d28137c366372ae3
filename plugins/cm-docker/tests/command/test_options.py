"""Options: every known name is taken, values are checked, nothing of the recipe is lost."""

from __future__ import annotations

import json
import string
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_docker import option_table, option_values, options
from cmcore.errors import UsageError

#: Names that CM's and MLCFlow's engines look up as `docker_NAME` in a request.
_REFERENCES = """
    all_gpus base_image cache cfg cfg_uid cm_repo cm_repo_branch cm_repo_flags cm_repos copy_files
    detached device dt extra_run_args extra_sys_deps gh_token image_name image_repo image_tag
    image_tag_extra interactive it mounts norecreate noregenerate num_gpus os os_version
    pass_user_group pass_user_id path port_maps pre_run_cmds push_image real_run recreate
    run_cmd_prefix run_deps run_override save_script shm_size skip_build skip_cm_sys_upgrade
    skip_run_cmd use_host_group_id use_host_user_id prune rebuild s silent v verbose upload
    host_mlc_repos mlc_repo mlc_repo_branch mlc_repos mlc_repo_path skip_mlc_sys_upgrade user env
    build_env split_mlc_run_cmd system_site_packages fake_run_deps run_final_cmds keep_detached
    reuse_existing use_google_dns privileged gpu_devices image_base not_pull_update
""".split()  # noqa: SIM905

_GOOD = {
    "switch": ("yes", True),
    "text": ("word", "word"),
    "token": ("t0ken", "t0ken"),
    "choice": ("off", "off"),
    "cache": ("volume", "volume"),
    "number": ("1.5", "1.5"),
    "count": ("20", "20"),
    "size": ("32GB", "32g"),
    "seconds": ("2h", "7200"),
    "gpus": ("0,1", "0,1"),
    "words": ("a,b", ("a", "b")),
    "mounts": ("/a,b:/c", ("/a,b:/c",)),
    "commands": ("x && y", ("x && y",)),
    "args": ("--a 'b c'", ("--a", "b c")),
    "names": ("A,B", ("A", "B")),
    "env": ("A,B=1", {"A": None, "B": "1"}),
    "mapping": ("A=b,c", {"A": "b,c"}),
}


def wishes(**flags: object) -> options.Wishes:
    return options.split(flags).wishes


def test_every_name_of_the_references_is_known() -> None:
    assert set(_REFERENCES) <= option_table.by_name().keys()


def test_no_name_means_two_options() -> None:
    names = [name for option in option_table.table() for name in (option.name, *option.also)]
    assert len(names) == len(set(names))


def test_every_honoured_option_reaches_its_field() -> None:
    for option in option_table.table():
        if option.treat:
            continue
        given, expected = _GOOD[option.kind]
        for name in (option.name, *option.also):
            for flags in ({"docker": {name: given}}, {f"docker_{name}": given}):
                found = getattr(options.split(flags).wishes, option.field)
                if name == "mounts":
                    expected = ("/a,b:/c:rw",)
                elif option.kind == "mounts":
                    expected = ("/a,b:/c",)
                assert found == expected, name


def test_an_option_without_effect_says_why_and_one_that_cannot_be_is_refused() -> None:
    for option in option_table.table():
        if option.treat == "ignored":
            asked = options.split({f"docker_{option.name}": "x"})
            assert option.why in asked.notes[0]
            assert asked.flags == {}
        elif option.treat == "refused":
            with pytest.raises(UsageError) as caught:
                options.split({"docker": {option.name: "x"}})
            assert caught.value.hint == option.why


@given(
    st.dictionaries(
        st.text(string.ascii_lowercase + "_", min_size=1).filter(
            lambda name: not name.startswith(("docker", "apptainer"))
        ),
        st.one_of(
            st.text(), st.booleans(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
        ),
    )
)
def test_what_is_not_about_the_container_is_left_as_it_is(flags: dict[str, object]) -> None:
    asked = options.split({**flags, "docker_it": "yes", "docker": {"network": "off"}})
    assert asked.flags == flags
    assert asked.wishes == options.Wishes(interactive=True, network="off")


@given(st.text(string.ascii_lowercase + "_", min_size=1, max_size=12))
def test_an_unknown_name_is_refused_with_what_is_near(name: str) -> None:
    if name in option_table.by_name() or name.removeprefix("docker_") in option_table.by_name():
        return
    with pytest.raises(UsageError, match="no option") as caught:
        options.split({"docker": {name: "x"}})
    assert caught.value.code == 4


def test_the_hint_is_spelled_as_the_user_spelled() -> None:
    with pytest.raises(UsageError) as caught:
        options.split({"docker_base_imag": "x"})
    assert "'--docker_base_image'" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        options.split({"docker": {"memry": "8g"}})
    assert "'--docker.memory'" in caught.value.hint


@given(
    st.sampled_from([o for o in option_table.table() if not o.treat]),
    st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.text())),
)
def test_any_value_is_taken_or_refused_in_one_sentence(
    option: option_table.Option, value: object
) -> None:
    said = None
    try:
        option_values.read(option, value, "--docker.x")
    except UsageError as error:
        said = str(error)
    assert said is None or (said.startswith("--docker.x ") and "\n" not in said)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512m", "512m"), ("32gb", "32g"), ("1GiB", "1g"), ("1.5g", "1610612736"), ("4096", "4096"),
     ("2t", "2199023255552"), ("10 MB", "10m")],
)  # fmt: skip
def test_sizes(text: str, size: str) -> None:
    assert wishes(docker_memory=text).memory == size


@pytest.mark.parametrize("text", ["", "g", "-1g", "1x", "1.g", "0", "1e3", "٣g", "8g8"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="a size"):
        wishes(docker_memory=text)


def test_an_option_without_its_value_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a value"):
        wishes(docker={"memory": True})


def test_a_token_is_in_no_message() -> None:
    with pytest.raises(UsageError) as caught:
        wishes(docker_gh_token=["secret-text"])
    assert "secret-text" not in str(caught.value)


def test_two_spellings_that_disagree() -> None:
    with pytest.raises(UsageError, match=r"--docker\.os and --docker_os"):
        options.split({"docker": {"os": "ubuntu"}, "docker_os": "debian"})
    assert wishes(docker={"it": True}, docker_interactive="yes").interactive is True


def test_options_that_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude"):
        wishes(docker={"detached": True, "shell": True})
    with pytest.raises(UsageError, match="openly and as a secret"):
        wishes(docker={"env": "A", "secret": "A"})


def test_no_layer_cache_is_a_rebuild_as_in_the_references() -> None:
    assert wishes(docker_cache="no") == options.Wishes(rebuild=True)
    assert wishes(docker_cache="yes").cache == "image"


def test_gpus() -> None:
    for text, expected in (("all", "all"), (True, "all"), ("1", "1"), ("0,1", "0,1"), ("2", "2")):
        assert wishes(docker_gpus=text).gpus == expected
    with pytest.raises(UsageError):
        wishes(docker_gpus="all; rm")


def test_apptainer_has_options_of_its_own() -> None:
    assert wishes(apptainer_nv="yes").apptainer == {"nv": "yes"}
    with pytest.raises(UsageError, match="apptainer_nw"):
        wishes(apptainer_nw="yes")


def test_the_manifest_lists_the_options() -> None:
    text = resources.files("cm_docker").joinpath("cm-plugin.json").read_text(encoding="utf-8")
    actions = json.loads(text)["automations"]["script"]["actions"]
    honoured = {f"docker.{o.name}" for o in option_table.table() if not o.treat}
    for verb in ("docker", "dockerfile"):
        listed = {name for name in actions[verb]["flags"] if name.startswith("docker.")}
        assert listed <= honoured
    assert set(actions["docker"]["flags"]) >= honoured - {"docker.file", "docker.folder"}
    for option in option_table.table():
        about = actions["docker"]["flags"].get(f"docker.{option.name}")
        if about and not option.treat:
            assert (about["help"], about.get("value", "")) == (option.help, option.value)
