"""Folders of MIDI → one compact file of events for each corpus, with a manifest that accounts for every file.

    python -m training.corpus --data FOLDER --output FOLDER [--only NAME ...] [--corpora FILE.toml]
    python -m training.corpus --midi FOLDER --style NAME --output FOLDER        (any folder of your own)

Pieces are split before anything else is done to them; a piece that occurs twice, in whatever key, is kept once
(the first corpus in the table keeps it; a copy in a test split keeps it out of training). What a benchmark holds out
is not trained on. A corpus whose files have not changed is not built again, and a run that was stopped goes on.
"""

import argparse
import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from musicdemo.errors import MidiError
from musicdemo.music.vocabulary import DRUM_PITCH, Column
from training.benchmark_guard import HELD_OUT_FILE, find_overlaps, read_held_out, seal
from training.corpus_table import (
    OWN_FILES,
    SPLITS,
    SUFFIXES,
    CorpusSpec,
    Events,
    Piece,
    find_pieces,
    read_specs,
    spread,
)
from training.files import replace_file
from training.manifest import COPY, HELD_OUT, count_reasons, describe, manifest_of, piece_names, read_manifest
from training.reading import Stamp, read_files, reader_digest, stamp
from training.terminal import run_program


def fingerprint(events: Events) -> bytes:
    """Hash what the notes are, whatever their key and loudness: two copies of a piece share it."""
    pitches = events[:, Column.PITCH].astype(np.int64)
    melodic = (pitches > 0) & (pitches < DRUM_PITCH)
    if melodic.any():
        pitches = np.where(melodic, pitches - pitches[melodic][0] + 1000, pitches)
    columns = (events[:, Column.TIME], events[:, Column.DURATION], pitches)
    return hashlib.sha256(np.stack([column.astype(np.int64) for column in columns]).tobytes()).digest()


def build(
    spec: CorpusSpec,
    data: Path,
    output: Path,
    *,
    known: dict[bytes, str],
    processes: int | None = None,
    held_out: Path = HELD_OUT_FILE,
) -> dict[str, Any]:
    """Tokenize a corpus, write NAME.npz and NAME.json to `output`, and return the manifest.

    `known` maps fingerprints of earlier pieces to where they are; it grows. If the two files are there and were made
    from the same files, table and code, they stay as they are.
    Raises MidiError if no piece is left to train on or a folder is missing, OSError if nothing can be written.
    """
    found = find_pieces(spec, data)
    folder = data / spec.folder
    stamps = [stamp(folder, piece.path) for piece in found if not piece.reason]
    origin = _origin(spec, found, stamps, known, held_out)
    manifest = read_manifest(output, spec.name)
    if manifest.get("made_from") != origin or not _is_whole(output, spec.name, manifest, held_out):
        parts = output / f".{spec.name}.parts"
        read = read_files(folder, stamps, spec.programs, parts=parts, processes=processes, label=spec.name)
        pieces = _chosen(spec, [_with_result(piece, read) for piece in found], known, held_out)
        manifest = _write(spec, pieces, output, origin, held_out)
        shutil.rmtree(parts)
    known.update(known_pieces(output, spec.name))
    return manifest


def _origin(
    spec: CorpusSpec, found: Iterable[Piece], stamps: list[Stamp], known: dict[bytes, str], held_out: Path
) -> str:
    """Name all that a corpus follows from."""
    parts = [
        reader_digest(),
        hashlib.sha256(held_out.read_bytes()).hexdigest(),
        asdict(spec),
        [(piece.path, piece.split, piece.reason) for piece in found],
        stamps,
        sorted((key.hex(), place) for key, place in known.items()),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _is_whole(output: Path, name: str, manifest: dict[str, Any], held_out: Path) -> bool:
    path = output / f"{name}.npz"
    return path.is_file() and manifest.get("checked") == seal(path.read_bytes(), held_out)


def known_pieces(folder: Path, name: str) -> Iterator[tuple[bytes, str]]:
    """Yield the fingerprint of each piece of a corpus in `folder`, and where it is."""
    manifest = read_manifest(folder, name)
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        for split in SPLITS:
            events, lengths = arrays[f"{split}_events"], arrays[f"{split}_lengths"]
            if events.shape[1] != len(Column):
                return  # another release made it, and training will ask for it to be built again
            pieces = np.split(events, np.cumsum(lengths))[:-1]
            names = piece_names(manifest, split, len(pieces))
            yield from ((fingerprint(piece), f"{name}/{path}") for piece, path in zip(pieces, names, strict=True))


def _with_result(piece: Piece, read: dict[str, Events | str]) -> Piece:
    if piece.reason:
        return piece
    result = read[piece.path]
    return piece.without(result) if isinstance(result, str) else replace(piece, events=result)


def _chosen(spec: CorpusSpec, pieces: list[Piece], known: dict[bytes, str], held_out: Path) -> list[Piece]:
    """Leave out what may not be trained on and what is there already, and split what is left."""
    pieces = _without_held_out(pieces, held_out)
    places = dict(known)
    # Held-out pieces first, so that a copy of one never stays in training.
    for at in sorted(range(len(pieces)), key=lambda at: -SPLITS.index(pieces[at].split)):
        pieces[at] = _without_copy(pieces[at], f"{spec.name}/{pieces[at].path}", places)
    pieces = spread(spec, pieces)
    if not any(piece.split == "train" and piece.events is not None for piece in pieces):
        reasons = "; ".join(f"{count} {kind}" for kind, count in count_reasons(pieces).items()) or "nothing was found"
        raise MidiError(f"corpus {spec.name}: no piece is left to train on, of {len(pieces)} files: {reasons}")
    return pieces


def _without_held_out(pieces: list[Piece], held_out: Path) -> list[Piece]:
    chosen = [at for at, piece in enumerate(pieces) if piece.split == "train" and piece.events is not None]
    events, lengths = _joined([pieces[at] for at in chosen])
    for number, overlap in find_overlaps(events, lengths, read_held_out(held_out)).items():
        pieces[chosen[number]] = pieces[chosen[number]].without(f"{HELD_OUT}{overlap}")
    return pieces


def _without_copy(piece: Piece, place: str, known: dict[bytes, str]) -> Piece:
    if piece.events is None:
        return piece
    first = known.setdefault(fingerprint(piece.events), place)
    return piece if first == place else piece.without(f"{COPY}{first}")


def _joined(pieces: Iterable[Piece]) -> tuple[Events, Any]:
    """Return the events (N, C) of pieces behind each other, and the length of each."""
    parts = [piece.events for piece in pieces if piece.events is not None]
    events = np.concatenate([np.zeros((0, len(Column)), np.uint16), *parts])
    return events, np.array([len(part) for part in parts], dtype=np.int64)


def _write(spec: CorpusSpec, pieces: list[Piece], output: Path, origin: str, held_out: Path) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for split in SPLITS:
        joined = _joined(piece for piece in pieces if piece.split == split)
        arrays[f"{split}_events"], arrays[f"{split}_lengths"] = joined
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    manifest = manifest_of(spec, pieces) | {"made_from": origin, "checked": seal(buffer.getvalue(), held_out)}
    replace_file(output / f"{spec.name}.npz", buffer.getvalue())
    replace_file(output / f"{spec.name}.json", json.dumps(manifest, indent=1).encode())
    return manifest


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.corpus", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that holds the corpora of the table")
    parser.add_argument("--corpora", type=Path, default=Path(__file__).with_name("corpora.toml"))
    parser.add_argument("--only", nargs="*", help="names of the corpora to build (all)")
    parser.add_argument("--midi", type=Path, help="instead: a folder of your own MIDI files")
    parser.add_argument("--style", default="own", help="name of the style of --midi")
    parser.add_argument("--output", type=Path, default=Path("data/corpora"))
    parser.add_argument("--processes", type=int, help="worker processes (as many as there are cores)")
    options = parser.parse_args()
    if options.processes is not None and options.processes < 1:
        parser.error("--processes must be 1 or more")
    if not (options.midi or options.data):
        parser.error("give --data (the corpora of the table) or --midi (a folder of your own)")
    return options


def _table(options: argparse.Namespace) -> tuple[CorpusSpec, ...]:
    """Return the corpora that the arguments speak of; MidiError if --only names another one."""
    if options.midi:
        try:
            return (CorpusSpec(options.style, ".", OWN_FILES),)
        except ValueError as error:
            raise MidiError(str(error)) from error
    specs = read_specs(options.corpora)
    unknown = set(options.only or ()) - {spec.name for spec in specs}
    if unknown:
        names = ", ".join(spec.name for spec in specs)
        raise MidiError(f"no corpus is called {', '.join(sorted(unknown))}; there are: {names}")
    return specs


def main() -> None:
    """Build the corpora that the arguments name."""
    options = _options()
    specs = _table(options)
    known: dict[bytes, str] = {}
    if options.midi:
        _learn(known, options.output, (path.stem for path in sorted(options.output.glob("*.npz"))), but=options.style)
    for spec in specs:
        if options.only and spec.name not in options.only:
            _learn(known, options.output, [spec.name])
            continue
        manifest = build(spec, options.midi or options.data, options.output, known=known, processes=options.processes)
        print(*describe(manifest), sep="\n", flush=True)
    if options.midi:
        others = sum(path.is_file() and path.suffix.lower() not in SUFFIXES for path in options.midi.rglob("*"))
        if others:
            print(f"  {others:,} not looked at: their names do not end in {', '.join(SUFFIXES)}")


def _learn(known: dict[bytes, str], folder: Path, names: Iterable[str], *, but: str = "") -> None:
    """Learn the pieces of corpora that are built already, so that none is taken twice."""
    for name in names:
        if name != but and (folder / f"{name}.npz").is_file():
            known.update(known_pieces(folder, name))


if __name__ == "__main__":
    run_program(main)
