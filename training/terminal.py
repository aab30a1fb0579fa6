"""What the training programs show: a line of progress now and then, and one sentence where something is wrong."""

import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from musicdemo.errors import MusicDemoError

DONE, MISTAKE, STOPPED = 0, 2, 130
_SECONDS_BETWEEN_LINES = 10.0


def run_program(main: Callable[[], None]) -> NoReturn:
    """Run a program's main and end the process: 0 if done, 2 and one line for a mistake, 130 after Ctrl-C."""
    status = DONE
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # a reader that had enough, as under `| head`
    except (MusicDemoError, OSError) as error:
        sys.stderr.write(f"{one_line(error)}\n")
        status = MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        status = STOPPED
    sys.exit(status)


def one_line(error: Exception) -> str:
    """Say an error on one line, the file first where the system named one."""
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        message = str(error) or type(error).__name__
    return " ".join(message.split())


class Progress:
    """Count up to `total` on standard error: one line that grows where a person watches, else a line now and then."""

    def __init__(self, label: str, total: int, *, seconds_between_lines: float = _SECONDS_BETWEEN_LINES) -> None:
        self._label, self._total, self._between = label, total, seconds_between_lines
        self._began = self._shown = time.monotonic()

    def show(self, done: int) -> None:
        """Say that `done` of them are done, if it is time for it."""
        now = time.monotonic()
        watched = sys.stderr.isatty()
        if not watched and now - self._shown < self._between:
            return
        self._shown = now
        line = f"{self._label}: {done:,} of {self._total:,}, {now - self._began:.0f} s"
        sys.stderr.write(f"\r\x1b[K{line}" if watched else f"{line}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Take the line away where a person watched it."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
