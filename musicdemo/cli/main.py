"""The door of the command line: arguments in, exit status out. Every mistake is one line on standard error.

0   done                2   a mistake in the arguments or the files they name        130   stopped by Ctrl-C
"""

import io
import os
import sys
from collections.abc import Sequence

from musicdemo.cli.arguments import build_parser
from musicdemo.cli.terminal import complain
from musicdemo.cli.usage import UsageError, one_line
from musicdemo.errors import MusicDemoError

DONE, MISTAKE, STOPPED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; `arguments` default to those of the process.

    Raises SystemExit for --help alone.
    """
    try:
        options = build_parser().parse_args(arguments)
        options.run(options)
    except BrokenPipeError:
        raise  # nobody reads on; only the process can act on that
    except (UsageError, MusicDemoError, OSError) as error:
        complain(f"musicdemo: {one_line(error)}")
        return MISTAKE
    except KeyboardInterrupt:
        return STOPPED
    return DONE


def run_program() -> None:
    """Run the command of this process and end it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a flat sign must not break a Latin-1 terminal
    status = DONE
    try:
        status = main()
        sys.stdout.flush()
    except OSError as error:
        # What is still buffered has nowhere to go. A reader that had enough, as under `| head`, is no mistake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and status == DONE:
            complain(f"musicdemo: standard output: {one_line(error)}")
            status = MISTAKE
    except KeyboardInterrupt:
        status = STOPPED
    sys.exit(status)
