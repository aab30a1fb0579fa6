"""MIDI files → events, on all cores. What was read is kept in parts on disk, so that a run that was stopped goes on."""

import hashlib
import io
import json
import os
import signal
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicdemo.errors import MidiError, MusicDemoError
from musicdemo.music import midi
from musicdemo.music.midi import read_midi
from musicdemo.music.midi_scan import MAX_BYTES
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import Column
from training.corpus_table import Events
from training.files import replace_file
from training.terminal import Progress

_MIN_NOTES = 16
_FILES_A_PART = 8


class Stamp(NamedTuple):
    """A file as it was when it was read: its path in the corpus, its size in bytes and the time of its last change."""

    path: str
    size: int
    changed: int


def stamp(folder: Path, path: str) -> Stamp:
    """Look at a file without reading it; one that cannot be looked at has the size -1."""
    try:
        status = (folder / path).stat()
    except OSError:
        return Stamp(path, -1, 0)
    return Stamp(path, status.st_size, status.st_mtime_ns)


@cache
def reader_digest() -> str:
    """Name the code that reads: what another one read is not to be mixed with what this one reads."""
    sources = sorted([*Path(midi.__file__).parent.glob("*.py"), Path(__file__)])
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def tokenize(path: Path, programs: dict[str, int]) -> Events | str:
    """Read one file into events (T, C); a string is the reason why it cannot be used."""
    try:
        with path.open("rb") as file:
            score = _with_programs(read_midi(file.read(MAX_BYTES + 1)).score, programs)
        if score.note_count < _MIN_NOTES:
            return f"fewer than {_MIN_NOTES} notes"
        return Tokenizer().encode(score).astype(np.uint16)
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    except MidiError as error:
        return str(error)
    except MusicDemoError as error:
        return f"cannot be tokenized: {error}"


def _with_programs(score: Score, programs: dict[str, int]) -> Score:
    """Replace programs; tracks that then share one are told apart by new voices, in their old order."""
    if not programs:
        return score
    voices: Counter[tuple[bool, int]] = Counter()
    tracks = []
    for track in score.tracks:
        program = programs.get(str(track.program), track.program)
        tracks.append(replace(track, program=program, voice=voices[track.is_drum, program]))
        voices[track.is_drum, program] += 1
    return replace(score, tracks=tuple(tracks))


def read_files(
    folder: Path,
    stamps: Sequence[Stamp],
    programs: dict[str, int],
    *,
    parts: Path,
    processes: int | None = None,
    label: str = "",
) -> dict[str, Events | str]:
    """Return, by path, the events of each file or the reason why it cannot be used.

    Finished parts are written to the folder `parts`, and what an earlier call left there is not read again.
    Raises MidiError if a file brings a worker down.
    """
    key = hashlib.sha256(json.dumps([reader_digest(), programs]).encode()).hexdigest()[:16]
    read = _read_parts(parts, key)
    missing = [stamp for stamp in stamps if stamp not in read]
    chunks = [missing[at : at + _FILES_A_PART] for at in range(0, len(missing), _FILES_A_PART)]
    progress = Progress(label, len(stamps))
    with ProcessPoolExecutor(processes, initializer=_follow_parent) as pool:
        jobs = {pool.submit(_write_part, folder, chunk, programs, parts, key): len(chunk) for chunk in chunks}
        done = len(stamps) - len(missing)
        try:
            for job in as_completed(jobs):
                job.result()
                done += jobs[job]
                progress.show(done)
        except BrokenProcessPool as error:
            raise MidiError(f"{label}: a worker died while it read; was memory short? Start again to go on") from error
        finally:
            pool.shutdown(cancel_futures=True)
            progress.close()
    read = _read_parts(parts, key)
    return {stamp.path: read[stamp] for stamp in stamps}


def _follow_parent() -> None:
    """Leave Ctrl-C to the program, and end with it even when it is killed: a worker would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _write_part(folder: Path, chunk: Sequence[Stamp], programs: dict[str, int], parts: Path, key: str) -> None:
    results = [tokenize(folder / stamp.path, programs) for stamp in chunk]
    kept = [result for result in results if not isinstance(result, str)]
    index = [(*stamp, result if isinstance(result, str) else "") for stamp, result in zip(chunk, results, strict=True)]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        index=np.frombuffer(json.dumps(index).encode(), np.uint8),
        lengths=np.array([len(events) for events in kept], np.int64),
        events=np.concatenate([np.zeros((0, len(Column)), np.uint16), *kept]),
    )
    name = hashlib.sha256(json.dumps(chunk).encode()).hexdigest()[:16]
    replace_file(parts / f"{key}-{name}.npz", buffer.getvalue())


def _read_parts(parts: Path, key: str) -> dict[Stamp, Events | str]:
    read: dict[Stamp, Events | str] = {}
    for path in sorted(parts.glob(f"{key}-*.npz")):
        try:
            read.update(_read_part(path))
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            path.unlink()  # a damaged part is read anew
    return read


def _read_part(path: Path) -> Iterator[tuple[Stamp, Events | str]]:
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
        index, lengths, events = json.loads(arrays["index"].tobytes()), arrays["lengths"], arrays["events"]
    kept = iter(np.split(events, np.cumsum(lengths)))
    for *fields, reason in index:
        yield Stamp(*fields), reason or next(kept)
