"""What a person sees of a run: a line for each validation, and between them a glance that the next one overwrites."""

import sys
import time

_CLEAR_LINE = "\r\x1b[K"


class Watch:
    """Shows glances on standard error: where nobody watches the terminal, one a minute."""

    def __init__(self, *, seconds_between: float = 60.0) -> None:
        self._between = seconds_between
        self._shown = time.monotonic()

    def glance(self, text: str) -> None:
        """Show a line that may be overwritten."""
        if sys.stderr.isatty():
            self._write(_CLEAR_LINE + text)
        elif time.monotonic() - self._shown >= self._between:
            self._write(text + "\n")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if sys.stderr.isatty():
            self._write(_CLEAR_LINE)
        print(text, flush=True)
        self._shown = time.monotonic()

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
        self._shown = time.monotonic()
