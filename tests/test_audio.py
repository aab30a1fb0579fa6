"""Rules of sound, on the real synthesizers."""

import importlib.util
import io
import os
import shutil
import stat
import tempfile
import time
import wave
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from musicdemo.errors import AudioError
from musicdemo.music.score import Note, Score, TempoChange, Track
from musicdemo.render import audio, ogg
from musicdemo.render.audio import Audio, render_audio, write_audio

needs_fluidsynth = pytest.mark.skipif(not shutil.which("fluidsynth"), reason="FluidSynth is not installed")
TUNE = Score((Track(tuple(Note(12 * beat, pitch, 12) for beat, pitch in enumerate((69, 72, 76, 69)))),))
"""Two seconds at 120 quarter notes a minute."""
ORGAN_A = Score((Track((Note(0, 69, 48),), program=19),))
LOUD = Score(tuple(Track(tuple(Note(0, p, 24, 127) for p in range(48, 72)), program=16 + i) for i in range(12)))
FADE_IN_SAMPLES = 4410


def samples_of(sound: Audio) -> NDArray[np.float64]:
    """(N, 2) samples between -1 and 1."""
    with wave.open(io.BytesIO(sound.wav)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (44_100, 2, 2)
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2) / 32_767


def strongest_frequency(samples: NDArray[np.float64]) -> float:
    """Frequency in Hz of the highest line of the spectrum below 1 kHz."""
    spectrum = np.abs(np.fft.rfft(samples[:44_100, 0]))  # one second: one line a Hz
    return float(np.argmax(spectrum[:1000]))


@pytest.fixture(params=["fluidsynth", "midirenderer"])
def renderer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make one renderer the only one."""
    if request.param == "midirenderer":
        hide_fluidsynth(monkeypatch)
    elif not shutil.which("fluidsynth"):
        pytest.skip("FluidSynth is not installed")
    return str(request.param)


def hide_fluidsynth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def put_in_place_of_fluidsynth(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `fluidsynth` be a shell script; $SOUND is the file that it should write."""
    program = folder / "fluidsynth"
    program.write_text(f'#!/bin/sh\nfor SOUND; do case "$SOUND" in *sound.*) break;; esac; done\n{script}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_sound_is_as_loud_as_promised_and_ends_two_seconds_after_the_last_note(renderer: str) -> None:
    sound = render_audio(TUNE)
    assert sound.renderer == renderer
    assert sound.seconds == pytest.approx(2 + 2, abs=0.01)
    assert len(samples_of(sound)) == round(sound.seconds * 44_100)
    assert np.abs(samples_of(sound)).max() == pytest.approx(0.8913, abs=1e-3)  # -1 dBFS = 10 ** (-1 / 20)


def test_an_a_sounds_as_an_a(renderer: str) -> None:
    assert renderer
    heard = strongest_frequency(samples_of(render_audio(ORGAN_A)))
    octaves = np.log2(heard / 440)
    assert octaves == pytest.approx(round(octaves), abs=0.01)


def test_notes_sound_when_the_score_says(renderer: str) -> None:
    assert renderer
    late = Score((Track((Note(24, 69, 12),)),), tempos=(TempoChange(0, 60.0),))
    level = np.abs(samples_of(render_audio(late))).max(axis=1)
    assert level[: 2 * 44_100 - 500].max() < 0.01
    assert level[2 * 44_100 : 2 * 44_100 + FADE_IN_SAMPLES].max() > 0.1


def test_the_same_score_gives_the_same_bytes(renderer: str) -> None:
    assert renderer
    assert render_audio(TUNE) == render_audio(TUNE)


def test_the_loudest_score_is_not_clipped(renderer: str) -> None:
    assert renderer
    level = np.abs(samples_of(render_audio(LOUD)))
    at_the_peak = np.count_nonzero(level > 0.999 * level.max())
    assert at_the_peak < 20  # a clipped wave lies flat at its peak for thousands of samples


def test_the_sound_ends_without_a_click(renderer: str) -> None:
    assert renderer
    held = Score((Track((Note(0, 60, 48),), program=49),))
    assert np.abs(samples_of(render_audio(held))[-10:]).max() < 0.001


@needs_fluidsynth
def test_a_users_own_fluidsynth_settings_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = render_audio(TUNE)
    (tmp_path / ".fluidsynth").write_text("set synth.reverb.active 0\nset synth.gain 5\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert render_audio(TUNE) == before


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    render_audio(TUNE)
    assert not list(tmp_path.iterdir())


def test_a_score_without_notes_is_refused() -> None:
    with pytest.raises(AudioError, match="no notes"):
        render_audio(Score())


def test_more_than_five_minutes_are_refused() -> None:
    step = 5 * 60 * 2 * 12  # 120 quarter notes a minute
    with pytest.raises(AudioError, match="5:01 minutes"):
        render_audio(Score((Track((Note(step, 60, 1),)),)))


def test_a_score_of_which_nothing_can_be_heard_is_refused() -> None:
    unheard = Score((Track((Note(0, 3, 12),), is_drum=True),))
    with pytest.raises(AudioError, match="silent"):
        render_audio(unheard)


def test_a_missing_soundfont_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    with pytest.raises(AudioError, match=r"TimGM6mb\.sf2 is missing"):
        render_audio(TUNE)


def test_without_any_synthesizer_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_fluidsynth(monkeypatch)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(AudioError, match="apt install fluidsynth"):
        render_audio(TUNE)


def test_a_synthesizer_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place_of_fluidsynth(f"echo $$ > {tmp_path}/pid\nsleep 60", tmp_path, monkeypatch)
    monkeypatch.setattr(audio, "TIME_LIMIT_SECONDS", 1.0)
    start = time.monotonic()
    with pytest.raises(AudioError, match="longer than 1 seconds"):
        render_audio(TUNE)
    assert time.monotonic() - start < 10
    assert has_ended(int((tmp_path / "pid").read_text()))


def has_ended(process_id: int) -> bool:
    """Whether a process that is nobody's any more is gone, or only waits to be collected."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        status = Path(f"/proc/{process_id}/stat")
        try:
            if not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exit 0", "made no sound file"),
        (': > "$SOUND"', "made no sound file"),
        ('head -c 1000 /dev/zero > "$SOUND"', "stopped after 0.0 of 2.0 seconds"),
        ('head -c 3000000 /dev/zero > "$SOUND"', "silent"),
        ('head -c 3000000 /dev/zero | tr "\\0" "\\377" > "$SOUND"', "silent"),  # not a number, 750,000 times
    ],
)
def test_a_synthesizer_that_fails_in_silence_is_noticed(
    script: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place_of_fluidsynth(script, tmp_path, monkeypatch)
    with pytest.raises(AudioError, match=sentence):
        render_audio(TUNE)


@needs_fluidsynth
def test_the_suffix_says_what_is_written(tmp_path: Path) -> None:
    for suffix, magic in ((".wav", b"RIFF"), (".flac", b"fLaC"), (".oga", b"OggS"), (".FLAC", b"fLaC")):
        file = tmp_path / f"tune{suffix}"
        write_audio(TUNE, file)
        assert file.read_bytes().startswith(magic)


def test_a_written_wav_is_the_rendered_one(tmp_path: Path) -> None:
    write_audio(TUNE, tmp_path / "tune.wav")
    assert (tmp_path / "tune.wav").read_bytes() == render_audio(TUNE).wav


@needs_fluidsynth
@pytest.mark.parametrize("suffix", [".flac", ".oga"])
def test_a_compressed_file_is_the_same_twice(suffix: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_audio(TUNE, tmp_path / f"{name}{suffix}")
        time.sleep(1.1)  # an encoder may use the clock
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_without_fluidsynth_only_wav_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_fluidsynth(monkeypatch)
    write_audio(TUNE, tmp_path / "tune.wav")
    with pytest.raises(AudioError, match=r"without it, write \.wav"):
        write_audio(TUNE, tmp_path / "tune.flac")


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"not as 'tune\.mp3'"):
        write_audio(TUNE, tmp_path / "tune.mp3")


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="could not be written"):
        write_audio(TUNE, tmp_path / "no such folder" / "tune.wav")


def ogg_page(serial: int, body: bytes) -> bytes:
    """One Ogg page by RFC 3533, section 6, its checksum by long division of the whole page."""
    sizes = bytes([255] * (len(body) // 255) + [len(body) % 255])
    head = b"OggS" + bytes(10) + serial.to_bytes(4, "little") + bytes(8) + bytes([len(sizes)]) + sizes
    rest = int.from_bytes(head + body, "big") << 32
    divisor = 0x1_04C1_1DB7
    while rest.bit_length() > 32:
        rest ^= divisor << (rest.bit_length() - 33)
    return head[:22] + rest.to_bytes(4, "little") + head[26:] + body


def test_ogg_pages_of_any_serial_become_those_of_serial_0() -> None:
    bodies = (b"", b"music", bytes(range(256)) * 3)
    of_serial_9, of_serial_0 = (b"".join(ogg_page(serial, body) for body in bodies) for serial in (0x9000_0001, 0))
    assert ogg.with_fixed_serial(of_serial_9) == of_serial_0


@pytest.mark.parametrize("data", [b"RIFF", b"OggS", ogg_page(1, b"music")[:-1], ogg_page(1, b"music") + b"x"])
def test_torn_ogg_is_refused(data: bytes) -> None:
    with pytest.raises(AudioError, match="torn"):
        ogg.with_fixed_serial(data)
