"""What a command shows: text or JSON on standard output, and a line of progress where a person is watching."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_CLEAR_LINE = "\r\x1b[K"


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(text + "\n")


def say_json(document: Mapping[str, Any]) -> None:
    """Write one JSON object to standard output, in ASCII, whatever the locale."""
    say(json.dumps(document, indent=1, allow_nan=False))


def complain(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress_line() -> Iterator[Callable[[str], None] | None]:
    """Give a function that shows a line and overwrites it with the next, or None where standard error is no terminal.

    The line, if there was one, is gone at the end.
    """
    if not sys.stderr.isatty():
        yield None
        return
    is_shown = False

    def show(text: str) -> None:
        nonlocal is_shown
        is_shown = True
        _overwrite(_CLEAR_LINE + text)

    try:
        yield show
    finally:
        if is_shown:
            _overwrite(_CLEAR_LINE)


def _overwrite(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def table(rows: Sequence[Sequence[object]], *, head: Sequence[str]) -> str:
    """Lay rows out in columns, those that hold a number to the right."""
    numeric = [any(isinstance(value, int | float) for value in column) for column in zip(head, *rows, strict=True)]
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in cells
    )
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
