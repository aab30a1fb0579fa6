"""Mistakes of the person who typed the command, told apart from our own."""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageError(ValueError):
    """The arguments or the files they name cannot be used; the message is what the person reads."""


@contextmanager
def blame_arguments() -> Iterator[None]:
    """Turn the library's ValueError, which blames its caller, into a UsageError: the caller only passed words on."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error


def one_line(error: Exception) -> str:
    """Say an error on one line, the file first where the system named one."""
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        message = str(error) or type(error).__name__
    return " ".join(message.split())
