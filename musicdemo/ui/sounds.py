"""A shelf of rendered sound: each piece is rendered once, and what was not heard for longest makes room.

Files are named by what they sound like, so a piece that changed is never served with the old sound.
"""

import hashlib
import io
import tempfile
import wave
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from threading import Lock

from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.render.audio import SAMPLE_RATE, TAIL_SECONDS, render_audio

SHELF_BYTES = 512_000_000


class SoundShelf:
    """WAV files of at most `limit` bytes together (and always the newest), in a folder that goes with the process."""

    def __init__(self, *, limit: int = SHELF_BYTES) -> None:
        self._limit = limit
        self._folder = tempfile.TemporaryDirectory(prefix="musicdemo-sound-")
        self._sizes: OrderedDict[Path, int] = OrderedDict()
        self._shelf = Lock()
        self._renderer = Lock()

    def wav(self, score: Score, *, tracks: tuple[int, ...] | None = None) -> Path:
        """Return the WAV file of a score, rendering it where it is not on the shelf.

        With `tracks` only these are heard, for as long as the whole score lasts. Raises AudioError.
        """
        part = "" if tracks is None else "-" + "-".join(map(str, tracks))
        path = Path(self._folder.name) / f"{_fingerprint(score)}{part}.wav"
        if self._touch(path):
            return path
        with self._renderer:  # one render at a time: the worker that composes needs the other processor
            if not self._touch(path):
                self._put(path, render_audio(score).wav if tracks is None else _some_tracks(score, tracks))
        return path

    def close(self) -> None:
        """Remove the folder and what is in it."""
        self._folder.cleanup()

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


def _some_tracks(score: Score, tracks: tuple[int, ...]) -> bytes:
    alone = replace(score, tracks=tuple(score.tracks[number] for number in tracks))
    sound = render_audio(alone).wav if alone.note_count else b""
    return _padded(sound, round((score.seconds_at(score.end) + TAIL_SECONDS) * SAMPLE_RATE))


def _padded(wav: bytes, frames: int) -> bytes:
    """Lengthen a WAV file (b"" is none) with silence: instruments that stop early must not end the piece."""
    sound = b""
    if wav:
        with wave.open(io.BytesIO(wav)) as reader:
            sound = reader.readframes(reader.getnframes())
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(sound.ljust(frames * 4, b"\0"))
    return buffer.getvalue()


def _fingerprint(score: Score) -> str:
    return hashlib.sha256(write_midi(score)).hexdigest()[:32]
