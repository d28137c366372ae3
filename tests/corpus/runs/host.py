"""What is on this machine: the system, its processor, its compilers."""

from __future__ import annotations

from runs import Run

RUNS = (
    Run("detect-os", "detect,os"),
    Run("detect-cpu", "detect,cpu"),
    Run("detect-sudo", "detect,sudo,access"),
    Run("get-python3", "get,python3", cached=True),
    Run("get-gcc", "get,gcc", cached=True, needs=("gcc",)),
    Run("get-cmake", "get,cmake", cached=True, needs=("cmake",)),
    Run("get-compiler-flags", "get,compiler-flags", needs=("gcc",)),
    Run("get-java", "get,java", cached=True, needs=("java",)),
    Run("get-javac", "get,javac", cached=True, needs=("javac",)),
    Run("get-openssl", "get,openssl", cached=True, needs=("openssl",)),
    Run(
        "print-hello-world-java",
        "print,hello-world,java",
        needs=("java",),
        says=("Hello",),
        only="cm",
    ),
    Run(
        "print-hello-world-javac",
        "print,hello-world,javac",
        needs=("javac",),
        says=("Hello",),
        only="cm",
    ),
    Run("get-sys-utils-min", "get,sys-utils-min", cached=True),
    Run("get-generic-sys-util", "get,generic-sys-util,_xz", cached=True),
    Run("install-apt-package", "install,apt-package,_package.tree", cached=True),
    Run("set-user-limits", "set,user,limits,_large-nofile", says=("ulimit -n",)),
)
