"""Every option of `cm docker script`: ours, and all that CM and MLCFlow know for their containers.

An option `NAME` is written `--docker.NAME=...` or, as CM and MLCFlow have it, `--docker_NAME=...`.
"""

from __future__ import annotations

from cmcore.hints import NamedTuple


class Option(NamedTuple):
    """One option.

    Attributes:
        name: as written behind `--docker.`.
        kind: what its value is; see `option_values`.
        help: one line.
        value: the value in a help text; "" for a switch.
        field: of `options.Wishes`; "" when the option changes nothing.
        also: other names of the same.
        treat: "" when it is honoured, `ignored` or `refused`.
        why: for those two: a sentence for the user.
        choices: the words that a value of kind `choice` may be.
    """

    name: str
    kind: str
    help: str
    value: str = ""
    field: str = ""
    also: tuple[str, ...] = ()
    treat: str = ""
    why: str = ""
    choices: tuple[str, ...] = ()


def _honoured() -> tuple[Option, ...]:
    o = Option
    return (
        # which engine, which image
        o("engine", "text", "podman, docker, apptainer, or one that a plugin brings", "NAME"),
        o("base_image", "text", "image to begin with", "REF", also=("image_base", "base")),
        o("os", "text", "distribution of the base image (ubuntu, debian, rhel, ...)", "NAME"),
        o("os_version", "text", "its version", "V"),
        o("image_repo", "text", "first part of the image's name", "NAME"),
        o("image_name", "text", "name of the image", "NAME"),
        o("image_tag", "text", "tag of the image", "TAG"),
        o("image_tag_extra", "text", "what is added to the tag", "TEXT"),
        o("rebuild", "switch", "build the image anew, all layers of it", also=("recreate",)),
        o("pull", "switch", "look for a newer base image", also=("force_pull_update",)),
        o("skip_build", "switch", "take the image that is there; fail when there is none"),
        o("publish", "text", "build the image and send it to this address; run nothing", "REF"),
        o(
            "push_image",
            "switch",
            "build, send the image under its own name, and run",
            also=("upload",),
        ),
        o("include_private", "switch", "private packages may enter the image"),
        o("extra_sys_deps", "commands", "command that installs packages, while building", "CMD"),
        o("build_env", "mapping", "environment of the build", "NAME=VALUE"),
        o("copy_files", "words", "files to have in the image", "PATHS"),
        o("system_site_packages", "switch", "the image's Python sees the base image's packages"),
        # the container
        o("cache", "cache", "image: gone with the container; host: yours; volume", "WHERE"),
        o("network", "choice", "on, off or host", "MODE", choices=("on", "off", "host")),
        o("gpus", "gpus", "all, a number, or identifiers", "WHICH", also=("gpu_devices",)),
        o("all_gpus", "switch", "all GPUs"),
        o("num_gpus", "gpus", "so many GPUs", "N"),
        o("memory", "size", "limit of memory, such as 8g", "SIZE"),
        o("cpus", "number", "limit of processors, such as 2 or 1.5", "N"),
        o("pids", "count", "limit of processes", "N"),
        o("shm_size", "size", "size of /dev/shm", "SIZE"),
        o(
            "timeout",
            "seconds",
            "stop the container after this time: 90, 30m, 2h",
            "TIME",
        ),
        o("mount", "mounts", "more of the host: SRC:DST or SRC:DST:rw", "M", also=("mounts",)),
        o("mount_current_dir", "switch", "whether the current folder is there (it is)"),
        o("env", "env", "variables of your environment to pass, or NAME=VALUE", "NAMES"),
        o("secret", "names", "variables to pass that nobody may see", "NAMES", also=("secrets",)),
        o("gh_token", "token", "token for GitHub; better: --docker.secret=GH_TOKEN", "TOKEN"),
        o("port", "words", "ports to open, HOST:CONTAINER", "P", also=("port_maps", "ports")),
        o("device", "words", "devices of the host", "PATH", also=("devices",)),
        o("user", "text", "user in the container", "NAME"),
        o("use_host_user_id", "switch", "run with your user id", also=("pass_user_id",)),
        o("use_host_group_id", "switch", "run with your group id"),
        o("pass_user_group", "switch", "be in your group as well"),
        o("privileged", "switch", "give the container all rights"),
        o("use_google_dns", "switch", "ask 8.8.8.8 and 8.8.4.4 for names"),
        o("extra_run_args", "args", "more words for the engine's run command", "WORDS"),
        o("name", "text", "name of the container", "NAME"),
        # the command
        o("interactive", "switch", "connect the terminal", also=("it",)),
        o("detached", "switch", "come back at once, let it run", also=("dt",)),
        o("shell", "switch", "a shell in the container instead of the command"),
        o("dry_run", "switch", "build nothing, run nothing; say what would be"),
        o("run_override", "switch", "even when the recipe is not meant for containers"),
        o("run_deps", "switch", "the recipe's docker.deps also run inside"),
        o("skip_run_cmd", "switch", "start the container without the recipe"),
        o("pre_run_cmds", "commands", "shell commands before the recipe", "CMD"),
        o("run_cmd_prefix", "text", "the same, one command", "CMD"),
        # cm dockerfile
        o("file", "text", "cm dockerfile: file to write", "FILE", also=("dockerfile", "file_path")),
        o("folder", "text", "cm dockerfile: folder to write to", "FOLDER", also=("path",)),
    )


_HERE = "the image has the recipes and packages that are in use here"
_NO_FAKE = "what can be prepared is really done while building, so there is no fake run to set up"
_EVERY_TIME = "the file is made anew each time; layers that are there are used again"


def _others() -> tuple[Option, ...]:
    def ignored(names: str, why: str) -> list[Option]:
        return [Option(name, "any", "", treat="ignored", why=why) for name in names.split()]

    def refused(names: str, why: str) -> list[Option]:
        return [Option(name, "any", "", treat="refused", why=why) for name in names.split()]

    return (
        *ignored("cm_repo cm_repo_branch cm_repo_flags cm_repos", _HERE),
        *ignored("mlc_repo mlc_repo_branch mlc_repo_flags mlc_repos mlc_repo_path", _HERE),
        *ignored("host_mlc_repos not_pull_update", _HERE),
        *ignored("skip_cm_sys_upgrade skip_mlc_sys_upgrade", "nothing of the base is upgraded"),
        *ignored("fake_run_deps real_run fake_run_option fake_docker_deps", _NO_FAKE),
        *ignored("noregenerate norecreate", _EVERY_TIME),
        *ignored("split_mlc_run_cmd comments", "it only shapes the text of MLCFlow's file"),
        *ignored("keep_detached", "a detached container stays until it ends or is stopped"),
        *ignored("v verbose s silent quiet", "--verbose and --silent say it for all of cm"),
        *ignored("pip_extra_flags package_manager_update_cmd", "pip's own settings are used"),
        *refused("cfg cfg_uid", "stored configurations are input files here: write @FILE.yaml"),
        *refused("reuse_existing", "each run gets a container of its own, from the same image"),
        *refused("prune", "use 'cm prune container'"),
        *refused("save_script", "--docker.dry_run prints the command line"),
        *refused("post_run_cmds", "write --docker.shell, or a second recipe"),
        *refused("run_final_cmds", "write --docker.extra_sys_deps=CMD"),
        *refused("run_cmd run_cmd_extra script_tags", "the words of the command line say it"),
        *refused("input_mapping", "the recipe's own input_mapping counts"),
    )


#: Options of apptainer alone (`--apptainer.NAME`), and the word of its command line.
APPTAINER = {
    "nv": "--nv",
    "rocm": "--rocm",
    "writable": "--writable",
    "writable_tmpfs": "--writable-tmpfs",
    "cleanenv": "--cleanenv",
    "fakeroot": "--fakeroot",
    "no_home": "--no-home",
    "contain": "--contain",
    "containall": "--containall",
    "overlay": "--overlay",
    "bind": "--bind",
    "extra_args": "",
}


def table() -> tuple[Option, ...]:
    """All options: the honoured ones in the order of the help text, then the others."""
    honoured = tuple(
        option if option.field else option._replace(field=option.name) for option in _honoured()
    )
    return (*honoured, *_others())


def by_name() -> dict[str, Option]:
    """Every name, other spellings included, and its option."""
    found: dict[str, Option] = {}
    for option in table():
        for name in (option.name, *option.also):
            found[name] = option
    return found
