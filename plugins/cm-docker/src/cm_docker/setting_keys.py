"""Every key that recipes write into their `docker:` block, and what becomes of it.

The keys are those that CM and MLCFlow read or that published recipes of either dialect have.
"""

from __future__ import annotations

from cmcore.hints import NamedTuple


class Treatment(NamedTuple):
    """What becomes of one key.

    Attributes:
        what: `run` (how the container runs), `image` (what it is made from), `host` (done on the
            host before), `inside` (the engine of recipes reads it there), or `ignored`.
        why: for an ignored one: a sentence for the user.
    """

    what: str
    why: str = ""


_HERE = "the image has the recipes and packages that are in use here"
_CALLER = "files always belong to the caller"
_BUILD = "what can be prepared is really done while building, so there is no fake run to set up"
_OFF = "its name says that it is switched off"
_APPTAINER = "for apptainer only"

_RUN = """
    run mounts input_paths mount_current_dir docker_input_mapping input_mapping default_env
    all_gpus num_gpus shm_size interactive detached extra_run_args port_maps device privileged
    use_google_dns pass_user_group user pre_run_cmds run_cmd_prefix pass_docker_to_script
    gh_token_required add_quotes_to_keys use_host_user_id use_host_group_id pass_user_id
"""
_IMAGE = """
    base_image os os_version image_name image_repo image_tag image_tag_extra build_env env
    dockerfile_env extra_sys_deps copy_files docker_run_final_cmds run_final_cmds
    system_site_packages cache
"""
_WORDS_OF_APPTAINER = """
    cleanenv writable_tmpfs nv rocm bind writable fakeroot no_home contain containall overlay
    extra_args
"""


def _table() -> dict[str, Treatment]:
    found = {name: Treatment("run") for name in _RUN.split()}
    found.update({name: Treatment("image") for name in _IMAGE.split()})
    found.update({name: Treatment("run", _APPTAINER) for name in _WORDS_OF_APPTAINER.split()})
    found["deps"] = found["build_deps"] = Treatment("host")
    found["real_run"] = Treatment("inside")
    ignored = {
        "cm_repo cm_repo_branch cm_repo_flags cm_repos mlc_repo mlc_repo_branch": _HERE,
        "mlc_repo_flags mlc_repos mlc_repo_path": _HERE,
        "skip_cm_sys_upgrade skip_mlc_sys_upgrade": "nothing of the base image is upgraded",
        "skip_input_for_fake_run fake_run_deps": _BUILD,
        "split_mlc_run_cmd": "it only shapes the text of MLCFlow's file",
        "reuse_existing keep_detached": "each run gets a container of its own",
        "base_image_off cm_repo_flags1": _OFF,
        "pass_group_id": _CALLER,
        # CM then runs `cm version` instead; MLCFlow reads the key and runs the recipe.
        "skip_run_cmd": "the recipe runs; --docker.skip_run_cmd only starts the container",
        "sandbox sudo ignore_fakeroot_cmd": "apptainer builds without them here",
        "build": "images are built when they are missing",
    }
    for names, why in ignored.items():
        found.update({name: Treatment("ignored", why) for name in names.split()})
    return found


TABLE = _table()


def notes(block: object) -> list[str]:
    """Sentences on the keys of a `docker:` block that change nothing, and on unknown ones."""
    said = []
    for key in block if isinstance(block, dict) else ():
        found = TABLE.get(str(key))
        if found is None:
            from cmcore.naming import did_you_mean, suggestion

            near = suggestion(did_you_mean(str(key), TABLE, n=1))
            said.append(f"docker.{key} of the recipe is unknown" + (f"; {near}" if near else ""))
        elif found.what == "ignored":
            said.append(f"docker.{key} of the recipe changes nothing: {found.why}")
    return said
