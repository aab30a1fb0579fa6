"""The guard between training and the benchmarks: no corpus may train on a piece that a benchmark holds out.

`held_out.npz` beside this file knows the valid and test pieces of the benchmarks by hashes of short windows of their
music (see windows.py; training/hold_out.py made it), so that a transposed, excerpted, re-barred or re-arranged copy is
found too. training/corpus.py leaves such pieces out; training refuses a corpus that holds one.
"""

import hashlib
import io
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicdemo.errors import MidiError
from training.dataset import Corpus, load_corpora
from training.files import replace_file
from training.manifest import piece_names, read_manifest
from training.windows import (
    HASH_BYTES,
    RATES,
    Hashes,
    Integers,
    PieceNotes,
    Windows,
    harmony_windows,
    line_windows,
    notes_of,
)

HELD_OUT_FILE = Path(__file__).with_name("held_out.npz")

SMALL_SHARE = 0.1
"""A piece is the same music as a held-out one if more than this share of the windows of either is in the other ..."""

FEW_WINDOWS = 3
"""... and at least so many different ones; fewer may be a figure of speech that all music shares."""

_EVENTS_AT_ONCE = 400_000


@dataclass(frozen=True)
class Benchmark:
    """The held-out pieces of one benchmark, as hashes (W,) of windows in ascending order and the piece of each (W,).

    One window in `every` is kept: those whose hash is a multiple of it, in every piece the same (Manber 1994).
    """

    name: str
    kind: str
    every: int
    pieces: tuple[str, ...]
    hashes: Hashes
    owners: Integers

    def __post_init__(self) -> None:
        if self.kind not in ("harmony", "line"):
            raise ValueError(f"windows are of harmony or line, not {self.kind!r}")

    def windows(self, notes: PieceNotes) -> tuple[Windows, ...]:
        """Return the windows of pieces that may be found here, one set for each way to read the pieces."""
        if self.kind == "line":
            return (line_windows(notes),)
        return tuple(harmony_windows(notes, rate) for rate in RATES)


@dataclass(frozen=True)
class Overlap:
    """A held-out piece, and the share of the windows of one of the two pieces that the other holds, in (0, 1]."""

    benchmark: str
    piece: str
    share: float

    def __str__(self) -> str:
        return f"{self.benchmark} {self.piece} ({self.share:.0%})"


def find_overlaps(
    events: NDArray[np.uint16], lengths: Integers, benchmarks: tuple[Benchmark, ...]
) -> dict[int, Overlap]:
    """Return, by the number of the piece, those of pieces of events (N, C) that are music of a held-out piece."""
    found: dict[int, Overlap] = {}
    for first, part, part_lengths in _parts(events, lengths):
        notes = notes_of(part, part_lengths)
        for benchmark in benchmarks:
            for windows in benchmark.windows(notes):
                for piece, overlap in _shared(windows, benchmark):
                    if first + piece not in found or overlap.share > found[first + piece].share:
                        found[first + piece] = overlap
    return found


def _parts(events: NDArray[np.uint16], lengths: Integers) -> Iterator[tuple[int, NDArray[np.uint16], Integers]]:
    """Cut at pieces, so that the arrays stay small: yield the first piece's number, the events and the lengths."""
    ends = np.cumsum(lengths)
    piece = 0
    while piece < len(lengths):
        start = int(ends[piece] - lengths[piece])
        after = max(piece + 1, int(np.searchsorted(ends, start + _EVENTS_AT_ONCE, "right")))
        yield piece, events[start : ends[after - 1]], lengths[piece:after]
        piece = after


def _shared(windows: Windows, benchmark: Benchmark) -> Iterator[tuple[int, Overlap]]:
    kept = windows.hashes % np.uint64(benchmark.every) == 0
    hashes, pieces = windows.hashes[kept], windows.piece[kept]
    if not len(hashes) or not len(benchmark.hashes):
        return
    totals, sizes = np.bincount(pieces), np.bincount(benchmark.owners)
    known = np.isin(hashes, benchmark.hashes)
    meetings: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for value, piece in zip(hashes[known], pieces[known].tolist(), strict=True):
        left, right = (np.searchsorted(benchmark.hashes, value, side) for side in ("left", "right"))
        for owner in benchmark.owners[left:right].tolist():
            meetings[piece, owner][int(value)] += 1
    for (piece, owner), shared in meetings.items():
        share = max(shared.total() / totals[piece], len(shared) / sizes[owner])
        if len(shared) >= FEW_WINDOWS and share > SMALL_SHARE:
            yield piece, Overlap(benchmark.name, benchmark.pieces[owner], float(share))


def read_held_out(path: Path = HELD_OUT_FILE) -> tuple[Benchmark, ...]:
    """Read the held-out pieces; MidiError if the file is missing or no such file."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            heads = json.loads(arrays["heads"].tobytes())
            return tuple(_benchmark(head, arrays[head["name"]]) for head in heads)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise MidiError(
            f"the benchmarks' held-out pieces cannot be read from {path}; make them with python -m training.hold_out"
        ) from error


def _benchmark(head: dict[str, Any], stored: NDArray[np.uint8]) -> Benchmark:
    wide = np.zeros((len(stored), 8), np.uint8)
    wide[:, :HASH_BYTES] = stored
    hashes = wide.view("<u8")[:, 0].astype(np.uint64)
    sizes: dict[str, int] = dict(head["pieces"])
    owners = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    order = np.argsort(hashes, kind="stable")
    return Benchmark(head["name"], head["kind"], head["every"], tuple(sizes), hashes[order], owners[order])


def write_held_out(benchmarks: tuple[Benchmark, ...], path: Path = HELD_OUT_FILE) -> None:
    """Write the held-out pieces; the same ones give the same bytes."""
    arrays: dict[str, NDArray[np.uint8]] = {}
    heads = []
    for benchmark in benchmarks:
        order = np.lexsort((benchmark.hashes, benchmark.owners))
        sizes = np.bincount(benchmark.owners, minlength=len(benchmark.pieces)).tolist()
        pieces = list(zip(benchmark.pieces, sizes, strict=True))
        heads.append({"name": benchmark.name, "kind": benchmark.kind, "every": benchmark.every, "pieces": pieces})
        arrays[benchmark.name] = benchmark.hashes[order].astype("<u8").view(np.uint8).reshape(-1, 8)[:, :HASH_BYTES]
    arrays["heads"] = np.frombuffer(json.dumps(heads).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes them for its own options
    replace_file(path, buffer.getvalue())


def seal(events_file: bytes, path: Path = HELD_OUT_FILE) -> str:
    """Name the pair of a corpus's NAME.npz and the held-out pieces that it was checked against."""
    return hashlib.sha256(hashlib.sha256(events_file).digest() + path.read_bytes()).hexdigest()


def refuse_held_out(folder: Path, names: tuple[str, ...], *, held_out: Path = HELD_OUT_FILE) -> None:
    """Raise MidiError if one of these corpora in `folder` would train on a held-out piece of a benchmark.

    A corpus whose manifest carries the seal of this very check is believed; any other one is searched, which takes
    a second or two for a million notes.
    """
    for name in names:
        manifest = read_manifest(folder, name)
        if manifest.get("checked") == seal((folder / f"{name}.npz").read_bytes(), held_out):
            continue
        (corpus,) = load_corpora(folder, "train", names=(name,))
        found = find_overlaps(corpus.events, corpus.lengths, read_held_out(held_out))
        if found:
            raise MidiError(_refusal(corpus, manifest, found))


def _refusal(corpus: Corpus, manifest: dict[str, Any], found: dict[int, Overlap]) -> str:
    paths = piece_names(manifest, "train", len(corpus.lengths))
    named = [f"{paths[piece]} is {overlap}" for piece, overlap in list(found.items())[:3]]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return (
        f"corpus {corpus.name} would train on what a benchmark holds out: {', '.join(named)}{more}; "
        "build it with python -m training.corpus, which leaves such pieces out"
    )
