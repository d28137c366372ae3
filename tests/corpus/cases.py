"""Published recipes and how they are asked for, in both dialects.

Every case is a command line after `cm run script`; `{...}` are places of a `World`. The answers of
the reference engines to the same requests are in `expected.json` (see `compare_reference.py`).
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One request.

    Attributes:
        name: unique within the dialect.
        tags: what is asked for.
        flags: further words of the command line.
        cached: True when the recipe asks to be cached, so a second run must not execute it.
        after: names of the cases that must have run before, in the same home.
        tools: True when the stand-ins for `sudo` and `apt-get` must be found first.
    """

    name: str
    tags: str
    flags: tuple[str, ...] = ()
    cached: bool = False
    after: tuple[str, ...] = ()
    tools: bool = False


def _cases(prefix: str) -> tuple[Case, ...]:
    p = prefix
    here = (f"--env.{p}_SOURCE_FOLDER_PATH={{source}}", f"--env.{p}_RUN_DIR={{work}}")
    return (
        Case("detect-os", "detect,os", cached=p == "MLC"),
        Case("detect-cpu", "detect,cpu", cached=p == "MLC"),
        Case("get-python3", "get,python3", cached=True),
        Case("get-generic-python-lib", "get,generic-python-lib,_package.tinysum", cached=True),
        Case("get-gcc", "get,gcc", cached=True),
        Case("get-cmake", "get,cmake", cached=True),
        Case("get-sys-utils-min", "get,sys-utils-min", cached=True, tools=True),
        Case("get-sys-utils-cm", "get,sys-utils-cm,_skip_python_deps", cached=True, tools=True),
        Case(
            "download-file",
            "download,file,_wget",
            ("--url={web}/note.txt", "--verify=no", "--md5sum={md5}"),
        ),
        Case(
            "download-file-cached",
            "download,file,_curl,_url.{web}/note.txt",
            ("--force_cache", "--extra_cache_tags=note", f"--env.{p}_DOWNLOAD_FINAL_ENV_NAME=NOTE"),
            cached=True,
        ),
        Case(
            "extract-file",
            "extract,file,_keep",
            (
                "--input={archive}",
                "--to={work}/unpacked",
                f"--env.{p}_EXTRACT_FINAL_ENV_NAME=BUNDLE",
            ),
        ),
        Case("get-git-repo", "get,git,repo,_repo.{git}", ("--env_key=UPSTREAM",), cached=True),
        Case(
            "compile-program",
            "compile,program",
            (*here, f"--env.{p}_C_SOURCE_FILES=sum.c", "--adr.compiler.tags=gcc"),
        ),
        Case(
            "benchmark-program",
            "benchmark,program",
            (f"--env.{p}_RUN_DIR={{work}}",),
            after=("compile-program",),
        ),
    )


CM = (*_cases("CM"), Case("print-hello-world", "print,hello-world,native-script"))
MLC = _cases("MLC")
DIALECTS = {"cm": CM, "mlc": MLC}
