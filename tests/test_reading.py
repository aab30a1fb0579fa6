"""Reading many files: what was read once is not read again, whatever stopped the program; one voice in the terminal."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from musicdemo.errors import MidiError
from tests.small_corpora import encode, melody, write_files
from training import check_corpora
from training.files import replace_file
from training.manifest import read_manifest
from training.reading import read_files, stamp
from training.terminal import Progress, run_program

ROOT = Path(__file__).parents[1]


def garble(path: Path) -> None:
    """Fill a file with noise that looks unchanged from outside: whoever reads it finds no music."""
    status = path.stat()
    path.write_bytes(random.Random(0).randbytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def read(midi: Path, names: list[str], parts: Path) -> dict[str, np.ndarray | str]:
    return read_files(midi, [stamp(midi, name) for name in names], {}, parts=parts, processes=2)


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    write_files(tmp_path / "midi", {f"{number:02d}.mid": melody(number) for number in range(12)})
    return tmp_path / "midi"


NAMES = [f"{number:02d}.mid" for number in range(12)]


def test_files_that_were_read_are_not_read_again(midi: Path) -> None:
    read(midi, NAMES[:5], midi / "parts")
    for name in NAMES[:5]:
        garble(midi / name)
    results = read(midi, NAMES, midi / "parts")
    assert list(results) == NAMES
    for number, result in enumerate(results.values()):
        assert not isinstance(result, str) and np.array_equal(result, encode(melody(number)))


def test_a_file_that_changed_is_read_again_and_so_is_one_in_a_damaged_part(midi: Path) -> None:
    read(midi, NAMES, midi / "parts")
    write_files(midi, {NAMES[3]: melody(99, bars=7)})
    assert np.array_equal(read(midi, NAMES, midi / "parts")[NAMES[3]], encode(melody(99, bars=7)))
    for damage in (b"", b"PK\3\4 torn"):
        for part in (midi / "parts").glob("*.npz"):
            part.write_bytes(damage)
        assert not any(isinstance(result, str) for result in read(midi, NAMES, midi / "parts").values())


def test_other_programs_are_not_taken_from_what_was_read_with_these(midi: Path) -> None:
    first = read(midi, NAMES[:1], midi / "parts")[NAMES[0]]
    stamps = [stamp(midi, NAMES[0])]
    second = read_files(midi, stamps, {"0": 40}, parts=midi / "parts", processes=1)[NAMES[0]]
    assert not np.array_equal(first, second)


def test_a_file_that_cannot_be_opened_is_a_reason_not_an_end(midi: Path) -> None:
    (midi / "gone.mid").symlink_to(midi / "nowhere.mid")
    assert read(midi, ["gone.mid", NAMES[0]], midi / "parts")["gone.mid"] == (
        "cannot be opened: No such file or directory"
    )


def test_a_program_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    midi, output = tmp_path / "midi", tmp_path / "corpora"
    write_files(midi, {f"{number:02d}.mid": melody(number, bars=100) for number in range(64)})
    command = [
        sys.executable,
        "-m",
        "training.corpus",
        "--midi",
        str(midi),
        "--output",
        str(output),
        "--processes",
        "1",
    ]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as program:
        parts = output / ".own.parts"
        while not list(parts.glob("*.npz")) and program.poll() is None:
            time.sleep(0.002)
        os.kill(program.pid, signal.SIGKILL)
    assert ends_by_itself(program.pid), "a worker outlived the program"
    assert not (output / "own.json").exists()
    finished = [name for part in parts.glob("*.npz") for name in named_in(part)]
    assert 0 < len(finished) < 64
    for name in finished:
        garble(midi / name)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert sum(read_manifest(output, "own")["pieces"].values()) == 64
    assert not parts.exists()


def ends_by_itself(group: int) -> bool:
    """Wait until no process of a group is left, for ten seconds at most."""
    for _ in range(2000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.005)
    return False


def named_in(part: Path) -> list[str]:
    with np.load(part) as arrays:
        return [path for path, *_ in json.loads(arrays["index"].tobytes())]


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file(tmp_path / "new" / "a.json", b"one")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "new" / "a.json", b"two")
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "new").iterdir()] == [("a.json", b"one")]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, 0, ""),
        (MidiError("no corpus here:\n build one"), 2, "no corpus here: build one\n"),
        (FileNotFoundError(2, "No such file or directory", "nowhere"), 2, "nowhere: No such file or directory\n"),
        (KeyboardInterrupt(), 130, "\nstopped\n"),
    ],
)
def test_a_program_ends_with_one_sentence_and_a_status(
    error: BaseException | None, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        if error:
            raise error

    with pytest.raises(SystemExit) as end:
        run_program(main)
    assert (end.value.code, capsys.readouterr().err) == (status, said)


def test_our_own_mistakes_keep_their_traceback() -> None:
    def main() -> None:
        raise ValueError("two shapes")

    with pytest.raises(ValueError, match="two shapes"):
        run_program(main)


def test_progress_is_a_line_now_and_then_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    often, seldom = (Progress("airs", 1200, seconds_between_lines=seconds) for seconds in (0.0, 3600.0))
    for done in (400, 1200):
        often.show(done)
        seldom.show(done)
    often.close()
    assert capsys.readouterr().err == "airs: 400 of 1,200, 0 s\nairs: 1,200 of 1,200, 0 s\n"


def test_progress_is_one_line_where_a_person_watches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress("airs", 2)
    progress.show(1)
    progress.close()
    assert capsys.readouterr().err == "\r\x1b[Kairs: 1 of 2, 0 s\r\x1b[K"


def test_folders_to_check_that_hold_nothing_are_named(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match="there is no folder"):
        check_corpora.check_folder(tmp_path / "nowhere")
    with pytest.raises(MidiError, match=r"holds no file whose name ends in \.mid, "):
        check_corpora.check_folder(tmp_path)


def test_the_check_counts_every_file_once(midi: Path) -> None:
    (midi / "torn.mid").write_bytes(b"MThd")
    (midi / "gone.kar").symlink_to(midi / "nowhere")
    figures = check_corpora.check_folder(midi, processes=1)
    assert (figures.files, figures.loaded, sum(figures.reasons.values())) == (14, 12, 2)
    assert figures.notes == 12 * 20 and not figures.round_trip_failures
