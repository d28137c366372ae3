"""`--mlc_isolate`: a run in a folder and a home of its own, as on a machine that has run nothing.

The recipes are those of the caller's collections; cached results, records and local artifacts stay
in the new home.
"""

from __future__ import annotations

import os

from cm_script.flags import is_on
from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Callable
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context

_FLAGS = ("mlc_isolate", "mlc_isolate_dir", "mlc_isolate_clean")


def isolated(ctx: Context, request: Request, run: Callable[[Context, Request], Result]) -> Result:
    """Carry out a run in a new folder with a new home.

    Args:
        ctx: the caller's services.
        request: the run.
        run: carries out a request with given services.

    Returns:
        the run's result, with `isolated`: the folder, unless it was removed.

    Raises:
        UsageError: `--mlc_isolate_dir` is no folder.
        CmError: the run failed; the folder is kept unless `--mlc_isolate_clean` is given.
    """
    from shutil import copyfile
    from tempfile import mkdtemp

    from cmcore.context import Context
    from cmcore.storage import remove_tree

    given = request.flags.get("mlc_isolate_dir")
    if given is not None and not os.path.isdir(str(given)):
        raise UsageError("--mlc_isolate_dir takes a folder that is there", where=str(given))
    base = None if given is None else os.path.abspath(str(given))
    folder = mkdtemp(prefix="cm-isolated-", dir=base)
    home, work = os.path.join(folder, "home"), os.path.join(folder, "work")
    for path in (home, work):
        os.mkdir(path)
    inner = Context(
        environ={**ctx.environ, "CM_HOME": home}, console=ctx.console, no_plugins=ctx.no_plugins
    )
    for name in ("collections_file", "config_file"):
        if os.path.isfile(getattr(ctx.paths, name)):
            copyfile(getattr(ctx.paths, name), getattr(inner.paths, name))
    flags = {name: value for name, value in request.flags.items() if name not in _FLAGS}
    ctx.console.log(f"isolated in {work}")
    clean = is_on(request.flags.get("mlc_isolate_clean"))
    here, outer = os.getcwd(), os.environ.get("CM_HOME")
    os.chdir(work)
    os.environ["CM_HOME"] = home  # for native steps that call `cm`
    try:
        result = run(inner, request._replace(flags=flags))
    finally:
        os.chdir(here)
        if outer is None:
            del os.environ["CM_HOME"]
        else:
            os.environ["CM_HOME"] = outer
        if clean:
            remove_tree(folder)
    kept = {} if clean else {"isolated": folder}
    return result._replace(data={**result.data, **kept})
