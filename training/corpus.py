"""Folders of MIDI → one compact file of events for each corpus, with a manifest that accounts for every file.

    python -m training.corpus --data FOLDER --output FOLDER [--only NAME ...] [--corpora FILE.toml]
    python -m training.corpus --midi FOLDER --style NAME --output FOLDER        (any folder of your own)

Pieces are split before anything else is done to them; a piece that occurs twice, in whatever key, is kept once
(the first corpus in the table keeps it; a copy in a test split keeps it out of training).
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicdemo.errors import MidiError, MusicDemoError
from musicdemo.music.midi import read_midi
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import DRUM_PITCH, Column

Events = NDArray[np.uint16]
SPLITS = ("train", "valid", "test")
_FOLDER_SPLITS = {"train": "train", "valid": "valid", "validation": "valid", "test": "test"}
_MIN_NOTES = 16
_OWN_FILES = ("**/*.[mM][iI][dD]", "**/*.[mM][iI][dD][iI]")


@dataclass(frozen=True)
class CorpusSpec:
    """One table of corpora.toml; see the head of that file."""

    name: str
    folder: str
    files: tuple[str, ...]
    split: str = "hash"
    piece: str = r"([^/]+)$"
    exclude: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    programs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.split not in ("hash", "folder"):
            raise ValueError(f"corpus {self.name}: split must be hash or folder, not {self.split!r}")


@dataclass(frozen=True)
class Piece:
    """One file of a corpus after it was read: its events (T, C), or the reason why it was left out."""

    path: str
    split: str
    events: Events | None = None
    reason: str = ""


def read_specs(path: Path) -> tuple[CorpusSpec, ...]:
    """Read a table of corpora."""
    tables = tomllib.loads(path.read_text())
    return tuple(_spec(name, table) for name, table in tables.items())


def _spec(name: str, table: dict[str, Any]) -> CorpusSpec:
    lists: dict[str, Any] = {key: tuple(table[key]) for key in ("files", "exclude") if key in table}
    return CorpusSpec(name=name, **(table | lists))


def find_pieces(spec: CorpusSpec, data: Path) -> tuple[Piece, ...]:
    """List the files of a corpus, sorted, each with its split; excluded ones carry their reason."""
    folder = data / spec.folder
    paths = sorted({path.relative_to(folder).as_posix() for pattern in spec.files for path in folder.glob(pattern)})
    excluded = set(_excluded_names(spec, folder))
    return tuple(
        Piece(path, _split_of(spec, path), reason="listed in an exclusion table" if _name(path) in excluded else "")
        for path in paths
    )


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _excluded_names(spec: CorpusSpec, folder: Path) -> Iterator[str]:
    for table in spec.exclude:
        _, *rows = (folder / table).read_text().splitlines()
        yield from (_name(row.split("\t")[0]) for row in rows)


def _split_of(spec: CorpusSpec, path: str) -> str:
    if spec.split == "folder":
        named = [_FOLDER_SPLITS[part] for part in path.split("/") if part in _FOLDER_SPLITS]
        if not named:
            raise ValueError(f"corpus {spec.name}: {path!r} lies in no folder named train, valid or test")
        return named[0]
    match = re.search(spec.piece, path)
    if match is None:
        raise ValueError(f"corpus {spec.name}: {path!r} does not match {spec.piece!r}")
    percent = int.from_bytes(hashlib.sha256(match[1].encode()).digest()[:4]) % 100
    return "test" if percent < 5 else "valid" if percent < 10 else "train"


def tokenize(path: Path, programs: dict[str, int]) -> Events | str:
    """Read one file into events (T, C); a string is the reason why it cannot be used."""
    try:
        score = _with_programs(read_midi(path.read_bytes()).score, programs)
        if score.note_count < _MIN_NOTES:
            return f"fewer than {_MIN_NOTES} notes"
        return Tokenizer().encode(score).astype(np.uint16)
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


def fingerprint(events: Events) -> bytes:
    """Hash what the notes are, whatever their key and loudness: two copies of a piece share it."""
    pitches = events[:, Column.PITCH].astype(np.int64)
    melodic = (pitches > 0) & (pitches < DRUM_PITCH)
    if melodic.any():
        pitches = np.where(melodic, pitches - pitches[melodic][0] + 1000, pitches)
    columns = (events[:, Column.TIME], events[:, Column.DURATION], pitches)
    return hashlib.sha256(np.stack([column.astype(np.int64) for column in columns]).tobytes()).digest()


def build(
    spec: CorpusSpec, data: Path, output: Path, *, known: dict[bytes, str], processes: int | None = None
) -> dict[str, Any]:
    """Tokenize a corpus, write NAME.npz and NAME.json to `output`, and return the manifest.

    `known` maps fingerprints of earlier pieces to where they are; it grows. Raises MidiError if no piece is left.
    """
    found = find_pieces(spec, data)
    read = list(_read_all(spec, data, found, processes))
    # Held-out pieces first, so that a copy of one never stays in training.
    order = sorted(range(len(read)), key=lambda at: -SPLITS.index(read[at].split))
    for at in order:
        read[at] = _without_copy(read[at], f"{spec.name}/{read[at].path}", known)
    kept = [piece for piece in read if piece.events is not None]
    if not any(piece.split == "train" for piece in kept):
        reasons = Counter(piece.reason for piece in read).most_common(3)
        raise MidiError(f"corpus {spec.name}: no piece is left to train on, of {len(read)} files; {reasons}")
    manifest = _manifest(spec, read)
    output.mkdir(parents=True, exist_ok=True)
    _write_events(output / f"{spec.name}.npz", kept)
    (output / f"{spec.name}.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False))
    return manifest


def _read_all(spec: CorpusSpec, data: Path, found: Iterable[Piece], processes: int | None) -> Iterator[Piece]:
    pieces = list(found)
    paths = [data / spec.folder / piece.path for piece in pieces if not piece.reason]
    with ProcessPoolExecutor(processes) as pool:
        results = pool.map(tokenize, paths, [spec.programs] * len(paths), chunksize=8)
        for count, piece in enumerate(pieces, start=1):
            if sys.stderr.isatty() and count % 50 == 0:
                print(f"\r{spec.name}: {count} of {len(pieces)}", end="", file=sys.stderr)
            result = piece.reason or next(results)
            yield replace(piece, reason=result) if isinstance(result, str) else replace(piece, events=result)


def _without_copy(piece: Piece, place: str, known: dict[bytes, str]) -> Piece:
    if piece.events is None:
        return piece
    first = known.setdefault(fingerprint(piece.events), place)
    return piece if first == place else replace(piece, events=None, reason=f"the same music as {first}")


def _manifest(spec: CorpusSpec, pieces: list[Piece]) -> dict[str, Any]:
    files = {}
    for piece in pieces:
        notes = 0 if piece.events is None else int((piece.events[:, Column.PITCH] > 0).sum())
        files[piece.path] = {"split": piece.split, "notes": notes} | (
            {"rejected": piece.reason} if piece.reason else {}
        )
    kept = [piece for piece in pieces if piece.events is not None]
    return {
        "name": spec.name,
        "source": spec.source,
        "licence": spec.licence,
        "pieces": {split: sum(piece.split == split for piece in kept) for split in SPLITS},
        "notes": {split: sum(f["notes"] for f in files.values() if f["split"] == split) for split in SPLITS},
        "rejected": len(pieces) - len(kept),
        "tokenizer_columns": len(Column),
        "files": files,
    }


def _write_events(path: Path, pieces: list[Piece]) -> None:
    arrays: dict[str, Any] = {}
    for split in SPLITS:
        parts = [piece.events for piece in pieces if piece.split == split and piece.events is not None]
        arrays[f"{split}_events"] = np.concatenate([np.zeros((0, len(Column)), np.uint16), *parts])
        arrays[f"{split}_lengths"] = np.array([len(part) for part in parts], dtype=np.int64)
    np.savez_compressed(path, **arrays)


def main() -> None:
    """Build the corpora that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m training.corpus", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that holds the corpora of the table")
    parser.add_argument("--corpora", type=Path, default=Path(__file__).with_name("corpora.toml"))
    parser.add_argument("--only", nargs="*", help="names of the corpora to build (all)")
    parser.add_argument("--midi", type=Path, help="instead: a folder of your own MIDI files")
    parser.add_argument("--style", default="own", help="name of the style of --midi")
    parser.add_argument("--output", type=Path, default=Path("data/corpora"))
    parser.add_argument("--processes", type=int)
    options = parser.parse_args()
    specs: tuple[CorpusSpec, ...]
    if options.midi:
        data, specs = options.midi, (CorpusSpec(options.style, ".", _OWN_FILES),)
    elif options.data:
        data, specs = options.data, read_specs(options.corpora)
    else:
        parser.error("give --data (the corpora of the table) or --midi (a folder of your own)")
    unknown = set(options.only or ()) - {spec.name for spec in specs}
    if unknown:
        parser.error(f"no corpus is called {', '.join(sorted(unknown))}; there are: {', '.join(s.name for s in specs)}")
    known: dict[bytes, str] = {}
    for spec in specs:
        if options.only and spec.name not in options.only:
            continue
        manifest = build(spec, data, options.output, known=known, processes=options.processes)
        print(f"{spec.name:12s} pieces {manifest['pieces']} notes {manifest['notes']} rejected {manifest['rejected']}")


if __name__ == "__main__":
    main()
