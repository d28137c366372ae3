"""`python -m cm_mlperf.harness CONFIG.json`.

Exit codes: 0 LoadGen ran to its end (whether the result is valid is judged from its logs), 2 the
configuration cannot work, 3 the model or its library failed, 128 + n stopped by signal n.
"""

from __future__ import annotations

import sys


def main(words: list[str]) -> int:
    """Run one configuration file; says what went wrong in one sentence."""
    from cm_mlperf.harness import config, run
    from cmcore.errors import CmError

    if len(words) != 1 or words[0] in ("-h", "--help"):
        sys.stderr.write("usage: python -m cm_mlperf.harness CONFIG.json\n")
        return config.WRONG
    try:
        run.run(config.read(words[0]))
    except CmError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.code if error.code in (config.WRONG, 3) else config.WRONG
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 3
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a defect, told as shortly as everything else
        sys.stderr.write(f"error: unexpected {type(error).__name__}: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
