"""A shelf of rendered sound: each piece is rendered once, and what was not heard for longest makes room.

Files are named by what they sound like, so a piece that changed is never served with the old sound.
"""

import hashlib
import tempfile
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.render.audio import render_audio

SHELF_BYTES = 512_000_000


class SoundShelf:
    """WAV files of at most `limit` bytes together (and always the newest), in a folder that goes with the process."""

    def __init__(self, *, limit: int = SHELF_BYTES) -> None:
        self._limit = limit
        self._folder = tempfile.TemporaryDirectory(prefix="musicdemo-sound-")
        self._sizes: OrderedDict[Path, int] = OrderedDict()
        self._shelf = Lock()
        self._renderer = Lock()

    def wav(self, score: Score) -> Path:
        """Return the WAV file of a score, rendering it where it is not on the shelf. Raises AudioError."""
        path = Path(self._folder.name) / f"{_fingerprint(score)}.wav"
        if self._touch(path):
            return path
        with self._renderer:  # one render at a time: the worker that composes needs the other processor
            if not self._touch(path):
                self._put(path, render_audio(score).wav)
        return path

    def _touch(self, path: Path) -> bool:
        with self._shelf:
            if path not in self._sizes:
                return False
            self._sizes.move_to_end(path)
            return True

    def _put(self, path: Path, wav: bytes) -> None:
        path.write_bytes(wav)
        with self._shelf:
            self._sizes[path] = len(wav)
            while sum(self._sizes.values()) > self._limit and len(self._sizes) > 1:
                oldest, _ = self._sizes.popitem(last=False)
                oldest.unlink(missing_ok=True)


def _fingerprint(score: Score) -> str:
    return hashlib.sha256(write_midi(score)).hexdigest()[:32]
