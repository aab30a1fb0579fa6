"""Files that are whole or not there at all, whenever the program is stopped."""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file at one stroke: a reader finds the old one or the new one, never half of it.

    Raises OSError if it cannot be written; what lay there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
