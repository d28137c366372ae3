"""Recipes that change the machine: they get a copy of it, with the real apt-get and sudo."""

from __future__ import annotations

from runs import Run


def _real(recipe: str, tags: str, *flags: str, **more: object) -> Run:
    return Run(recipe, tags, flags, system=True, **more)  # type: ignore[arg-type]


RUNS = (
    _real("install-apt-package+real", "install,apt-package,_package.tree", cached=True),
    _real("get-generic-sys-util+screen", "get,generic-sys-util,_screen", cached=True),
    _real("get-generic-sys-util+numactl", "get,generic-sys-util,_numactl", cached=True),
    _real("get-sys-utils-min+real", "get,sys-utils-min", cached=True),
    _real("get-platform-details", "get,platform,details"),
    _real("get-lstopo", "get,lstopo", "--out_dir_path={work}", only="mlc"),
    _real("kill-process", "kill,process", "--pname=no-such-program", only="mlc"),
    _real("save-machine-state", "save,machine,state", "--outfile={work}/state.txt", only="mlc"),
    _real("get-multilib", "get,multilib", only="mlc"),
    # Measurements are stored and never served unless one asks for that.
    _real(
        "benchmark-program-stress-ng",
        "benchmark,stress-ng",
        "--timeout=1",
        "--workers=1",
        "--num_runs=1",
        only="mlc",
    ),
    _real(
        "benchmark-program-sysbench",
        "benchmark,sysbench",
        "--time=1",
        "--num_threads=1",
        "--num_runs=1",
        only="mlc",
    ),
    _real(
        "benchmark-program-fio",
        "benchmark,fio",
        "--runtime=1",
        "--size=1M",
        "--num_runs=1",
        only="mlc",
    ),
)
