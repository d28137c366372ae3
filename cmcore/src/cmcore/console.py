"""The person at the terminal: what they see, and what they can be asked.

Answers go to stdout, everything about the way there (logs, warnings, progress, questions) to
stderr. When stdout carries a JSON document, nothing else is ever written to it.
"""

from __future__ import annotations

import os
import sys
import time

from cmcore.hints import TYPE_CHECKING, Mapping, Sequence

if TYPE_CHECKING:
    from typing import TextIO

_QUIET, _NORMAL, _VERBOSE = -1, 0, 1

_BOLD, _YELLOW, _RED, _RESET = "\x1b[1m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_CLEAR_LINE = "\r\x1b[2K"

_REDRAW_SECONDS = 0.1
_REPORT_SECONDS = 10.0


class Console:
    """Where one process writes to people.

    Attributes:
        interactive: a person can be asked: stdin and stderr are terminals.
        json: stdout carries a JSON document.
        color, error_color: stdout and stderr show colours.
        verbosity: -1 silent, 0 normal, 1 verbose.
    """

    def __init__(
        self,
        *,
        json: bool = False,
        verbosity: int = _NORMAL,
        color: str = "auto",
        interactive: bool | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.json = json
        self.verbosity = verbosity
        terminals = _is_terminal(sys.stdin) and _is_terminal(sys.stderr)
        self.interactive = terminals if interactive is None else interactive and terminals
        self.terminal = _is_terminal(sys.stdout) and not json
        self.color = _wants_color(color, environ, _is_terminal(sys.stdout)) and not json
        self.error_color = _wants_color(color, environ, _is_terminal(sys.stderr))
        self._can_redraw = _is_terminal(sys.stderr) and environ.get("TERM", "dumb") != "dumb"
        self._columns = environ.get("COLUMNS", "")
        self._progress: Progress | None = None
        self._warned: set[str] = set()

    @classmethod
    def for_python(cls) -> Console:
        """For callers of the Python interface: no questions, no progress, warnings on stderr."""
        return cls(verbosity=_QUIET, interactive=False)

    def out(self, text: str = "") -> None:
        """A line of the answer: on stdout, or on stderr while stdout carries JSON."""
        self._write(sys.stderr if self.json else sys.stdout, text)

    def err(self, text: str) -> None:
        """A line on stderr, whatever the verbosity."""
        self._write(sys.stderr, text)

    def log(self, text: str, *, verbose: bool = False) -> None:
        """A line on stderr about what happens; with `verbose` only for those who asked for it."""
        if self.verbosity >= (_VERBOSE if verbose else _NORMAL):
            self._write(sys.stderr, text)

    def warn(self, text: str) -> None:
        """A warning on stderr, once per process however often it is found."""
        if text not in self._warned:
            self._warned.add(text)
            self._write(sys.stderr, f"{self._paint('cm: warning:', _YELLOW)} {clean(text)}")

    def error(self, text: str) -> None:
        """The one line that says why the request failed."""
        line = " ".join(clean(text).split("\n"))
        self._write(sys.stderr, f"{self._paint('cm: error:', _RED)} {line}")

    def bold(self, text: str) -> str:
        """`text` for stdout, bold where colours are shown."""
        return f"{_BOLD}{text}{_RESET}" if self.color else text

    def width(self) -> int | None:
        """Columns of the terminal behind stdout, None when there is none."""
        if not self.terminal:
            return None
        if self._columns.isdigit() and int(self._columns) > 0:
            return int(self._columns)
        return _terminal_columns(sys.stdout) or 80

    def progress(self, text: str, total: float | None = None) -> Progress:
        """Begin to report long work; use it as a context manager or `close` it.

        Args:
            text: what is being done, without line breaks.
            total: units of work in all, or None when unknown.
        """
        if self._progress:
            self._progress.close()
        self._progress = Progress(self, text, total)
        return self._progress

    def ask(self, question: str, options: Sequence[str], default: int | None = None) -> int | None:
        """Let a person choose one of `options`.

        Returns:
            Index of the choice; `default` for an empty answer, at the end of input, and always
            when nobody can be asked.
        """
        if not self.interactive or not options:
            return default
        self.err(question)
        for number, option in enumerate(options):
            self.err(f"  {number}) {clean(option)}")
        again = f"Please enter a number from 0 to {len(options) - 1}."
        while True:
            answer = self._read_line(
                "Choice: " if default is None else f"Choice [{default}, press Enter]: "
            )
            if not answer:
                return default
            if answer.isdigit() and int(answer) < len(options):
                return int(answer)
            self.err(again)

    def confirm(self, question: str, default: bool = False) -> bool:
        """Yes or no; `default` for an empty answer, and always when nobody can be asked."""
        if not self.interactive:
            return default
        while True:
            answer = (self._read_line(f"{question} [{'Y/n' if default else 'y/N'}] ") or "").lower()
            if not answer:
                return default
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
            self.err("Please answer yes or no.")

    def child_stream(self) -> int:
        """File descriptor for the output of child processes: stderr while stdout carries JSON."""
        self._clear()
        if self.json:
            _tell("")
            return sys.stderr.fileno()
        sys.stdout.flush()
        return sys.stdout.fileno()

    def _read_line(self, prompt: str) -> str | None:
        self._clear()
        _tell(prompt)
        line = sys.stdin.readline()
        if not line:
            _tell("\n")
            return None
        return line.strip()

    def _paint(self, text: str, color: str) -> str:
        return f"{color}{text}{_RESET}" if self.error_color else text

    def _clear(self) -> None:
        if self._progress:
            self._progress.erase()

    def _write(self, stream: TextIO, text: str) -> None:
        self._clear()
        if stream is sys.stderr:
            # What was answered so far must stand above a message about it.
            sys.stdout.flush()
            _tell(text + "\n")
        else:
            stream.write(text + "\n")


class Progress:
    """Long work under way: one changing line on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, text: str, total: float | None) -> None:
        self._console = console
        self._text = text
        self._total = total
        self._drawn = False
        self._last = float("-inf")
        self._silent = console.verbosity < _NORMAL
        self.update(0)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, done: float, note: str = "") -> None:
        """`done` units are finished; `note` is a word on the current one."""
        now = time.monotonic()
        redraw = self._console._can_redraw
        if self._silent or now - self._last < (_REDRAW_SECONDS if redraw else _REPORT_SECONDS):
            return
        self._last = now
        line = self._text
        if self._total:
            line += f" {min(100, int(100 * done / self._total))}%"
        if note:
            line += f" {note}"
        if not redraw:
            _tell(line + "\n")
            return
        room = (_terminal_columns(sys.stderr) or 80) - 1
        sys.stdout.flush()
        _tell(_CLEAR_LINE + clean(line)[:room])
        self._drawn = True

    def erase(self) -> None:
        """Take the line off the screen; the next `update` draws it again."""
        if self._drawn:
            self._drawn = False
            self._last = float("-inf")
            _tell(_CLEAR_LINE)

    def close(self) -> None:
        """The work is done, or given up."""
        self.erase()
        self._silent = True


def _tell(text: str) -> None:
    """Write to stderr, if it can be written to.

    What is said there is about the way; the answer goes to stdout and must not depend on it.
    """
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # A full disk, or a reader that went away. The rest goes nowhere, and so does what is
        # still buffered, which the interpreter would complain about at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def clean(text: str) -> str:
    """`text` with control characters made visible: meta files must not steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char in "\n\t" or not _steers(char) else f"\\x{ord(char):02x}" for char in text
    )


def _steers(char: str) -> bool:
    return char < " " or "\x7f" <= char < "\xa0"


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _terminal_columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def _wants_color(choice: str, environ: Mapping[str, str], terminal: bool) -> bool:
    """`--color` first, then NO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM as is the custom."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return terminal and environ.get("CLICOLOR") != "0" and environ.get("TERM") != "dumb"
