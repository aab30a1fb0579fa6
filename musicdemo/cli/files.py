"""The files that commands read and write, checked before any work is done for them."""

from collections.abc import Sequence
from pathlib import Path

from musicdemo.cli.usage import UsageError
from musicdemo.errors import MidiError
from musicdemo.music.midi import MidiFile, read_midi
from musicdemo.music.midi_scan import MAX_BYTES


def read_midi_file(path: Path) -> MidiFile:
    """Read a MIDI file; never more of it than may be used, so an endless one does no harm.

    Raises:
        UsageError: if it is too large or not usable as MIDI.
        OSError: if it cannot be opened or read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: the file is larger than {MAX_BYTES:,} bytes, the most that is read")
    try:
        return read_midi(data)
    except MidiError as error:
        raise UsageError(f"{path}: {error}") from error


def numbered(path: Path, count: int) -> list[Path]:
    """Return `count` paths: the path itself for one, else NAME-1.mid, NAME-2.mid and so on."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]


def check_targets(targets: Sequence[Path], *, suffixes: Sequence[str], keep: Path | None) -> None:
    """Check that files can be written to `targets`, and that none of them is `keep`.

    Raises:
        UsageError: for another suffix, a folder that is not there, a folder in the file's place, or the file to keep.
    """
    for target in targets:
        if target.suffix.lower() not in suffixes:
            raise UsageError(f"{target}: the name must end in {' or '.join(suffixes)}")
        if not target.parent.is_dir():
            raise UsageError(f"{target}: there is no folder {target.parent}")
        if target.is_dir():
            raise UsageError(f"{target}: a folder of that name is in the way")
        if keep is not None and target.exists() and target.samefile(keep):
            raise UsageError(f"{target}: this is the seed; write to another file")
