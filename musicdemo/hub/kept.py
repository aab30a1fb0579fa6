"""Fetched folders on this machine, one for each repository and commit, and where a branch or tag was last seen.

A folder comes into its place whole or not at all. The last ones used are kept.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from musicdemo.errors import CheckpointError
from musicdemo.hub.name import HubName

MOST_KEPT = 32
"""So many folders are kept; the one that was not used for longest makes room."""

ABANDONED_SECONDS = 3600.0
_UNFINISHED = ".part-"


def cache_folder() -> Path:
    """Return the folder of all this: the place of the Hub's own library for others' files, which HF_HOME moves."""
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE) / "musicdemo" / "hub"


def name_of(folder: Path) -> str:
    """Return OWNER/NAME@COMMIT for a kept folder, and the folder's own name for any other."""
    return folder.name.replace("--", "/", 1) if folder.parent == cache_folder() else folder.name


def kept_folder(name: HubName) -> Path | None:
    """Return the folder of a pinned name if it is here, and mark it as used."""
    folder = _place_of(name)
    if not (name.is_pinned and folder.is_dir()):
        return None
    with suppress(OSError):  # a folder that cannot be marked can be used all the same
        os.utime(folder)
    return folder


def keep(name: HubName, contents: Mapping[str, bytes]) -> Path:
    """Write the files of a pinned name into its folder. Raises CheckpointError where that cannot be done."""
    place = _place_of(name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _make_room(place.parent)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=place.parent) as unfinished:
            whole = Path(unfinished, "whole")
            whole.mkdir()
            for path, data in contents.items():
                (whole / path).write_bytes(data)
            whole.rename(place)
    except OSError as error:
        if not place.is_dir():  # otherwise another process was faster
            raise CheckpointError(f"{name} could not be kept in {place.parent}: {error.strerror}") from error
    return place


def forget(folder: Path) -> None:
    """Remove a kept folder, so that it is fetched anew; any other folder is left alone."""
    if folder.parent == cache_folder():
        shutil.rmtree(folder, ignore_errors=True)


def remember(name: HubName, commit: str) -> None:
    """Note the commit at which a branch or tag was seen; a note that cannot be written is missed only offline."""
    note = _note_of(name)
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=note.parent, delete=False) as file:
            file.write(commit)
        Path(file.name).replace(note)


def last_seen(name: HubName) -> Path | None:
    """Return the folder of the commit at which a branch or tag was last seen, if it is here."""
    try:
        commit = _note_of(name).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return kept_folder(HubName(name.repository, commit))


def _place_of(name: HubName) -> Path:
    return cache_folder() / str(name).replace("/", "--")


def _note_of(name: HubName) -> Path:
    return cache_folder() / "last_seen" / str(name).replace("/", "--")


def _make_room(cache: Path) -> None:
    """Remove the folders that were not used for longest, and what a process that was killed left behind."""
    folders = sorted(cache.glob("*@*"), key=_last_used, reverse=True)
    abandoned = [path for path in cache.glob(f"{_UNFINISHED}*") if _last_used(path) < time.time() - ABANDONED_SECONDS]
    for folder in [*folders[MOST_KEPT - 1 :], *abandoned]:
        shutil.rmtree(folder, ignore_errors=True)


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process has just removed it
        return 0.0
