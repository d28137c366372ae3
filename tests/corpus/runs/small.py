"""Recipes that print, test the engine, or do one small thing."""

from __future__ import annotations

from runs import Run

RUNS = (
    Run("print-hello-world", "print,hello-world,native-script", only="cm", says=("HELLO WORLD",)),
    Run("print-any-text", "print,any-text", ("--text=forty two",), only="cm", says=("forty two",)),
    Run("fail", "fail,filter"),
    Run("test-cm-core", "test,cm,core", only="cm", says=("TBD",)),
    Run("test-cm-scripts", "test,cm-test", only="cm"),
    Run("test-cm-script-pipeline", "test,cm-script,pipeline", only="cm"),
    Run("test-deps-conditions", "test,deps,conditions", only="cm"),
    Run("test-deps-conditions2", "test,deps,conditions2", ("--test=abc",), only="cm"),
    Run("test-dummy", "test,dummy", only="cm"),
    Run("test-set-sys-user-cm", "demo,set,sys-user,cm", only="cm"),
    Run("set-echo-off-win", "set,echo,off,win"),
    Run("launch-benchmark", "launch,benchmark", only="cm"),
    Run("benchmark-program-mlperf", "benchmark-mlperf"),
    Run(
        "compile-program",
        "compile,program",
        (
            "--env.{p}_SOURCE_FOLDER_PATH={source}",
            "--env.{p}_RUN_DIR={work}",
            "--env.{p}_C_SOURCE_FILES=sum.c",
            "--adr.compiler.tags=gcc",
        ),
        files=("run.out",),
        needs=("gcc",),
    ),
    Run(
        "benchmark-program",
        "benchmark,program",
        ("--env.{p}_RUN_DIR={top}/compile-program",),
        after=("compile-program",),
        needs=("gcc",),
    ),
    Run(
        "save-mlperf-inference-implementation-state",
        "save,mlperf,inference,implementation,state",
    ),
)
