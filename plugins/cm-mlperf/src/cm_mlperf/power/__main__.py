"""`python -m cm_mlperf.power --ptd=HOST:PORT --mark=NAME [--log=FILE] -- COMMAND...`.

Runs a command while PTDaemon measures, with the command's exit code. The samples themselves are in
the daemon's own log; the session's messages and times go to `--log` as JSON.
"""

from __future__ import annotations

import sys


def main(words: list[str]) -> int:
    """Exit code of the command; 2 for a wrong request, 3 when the analyzer fails."""
    import argparse
    import json

    from cm_mlperf.power import ptd
    from cmcore.errors import CmError, UsageError
    from cmcore.storage import write_atomic

    parser = argparse.ArgumentParser(prog="python -m cm_mlperf.power")
    parser.add_argument("--ptd", required=True, metavar="HOST:PORT")
    parser.add_argument("--mark", required=True)
    parser.add_argument("--amps", default="Auto")
    parser.add_argument("--volts", default="Auto")
    parser.add_argument("--log", default="")
    parser.add_argument("command", nargs="+")
    told = parser.parse_args(words)
    try:
        host, port = ptd.parse_address(told.ptd)
        with ptd.Client(host, port) as client:
            session = ptd.measure(client, told.mark, told.command, told.amps, told.volts)
        if told.log:
            write_atomic(told.log, json.dumps(session, indent=2) + "\n")
    except CmError as error:
        sys.stderr.write(f"power: {error}\n")
        return 2 if isinstance(error, UsageError) else 3
    code: int = session["code"]
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
