"""Sound: a Score played by FluidSynth through midi2audio, or by midirenderer where FluidSynth is missing.

Both use the soundfont that pretty_midi brings. midi2audio says nothing when a file is missing, when FluidSynth fails or
when it never ends; so everything is checked before, bounded in time while it runs, and checked again afterwards.
"""

import importlib.util
import io
import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import mido
import numpy as np
from numpy.typing import NDArray

from musicdemo.errors import AudioError
from musicdemo.music.midi import write_midi
from musicdemo.music.score import STEPS_PER_BEAT, Score
from musicdemo.render.ogg import with_fixed_serial

SAMPLE_RATE = 44_100
MAX_SECONDS = 300.0
"""The longest music that is made to sound."""
TAIL_SECONDS = 2.0
"""How long the last note may ring."""
FADE_SECONDS = 0.5
TIME_LIMIT_SECONDS = 90.0
"""How long a synthesizer may work before it is ended."""
PEAK = 10 ** (-1 / 20)
"""-1 dBFS: what the loudest sample becomes."""
SILENT_PEAK = 1e-6
COMPRESSED_SUFFIXES = (".flac", ".oga", ".ogg")
SUFFIXES = (".wav", *COMPRESSED_SUFFIXES)

_FLUIDSYNTH_KINDS = {".flac": "flac", ".oga": "oga", ".ogg": "oga"}  # a file named .ogg it would fill with WAV
_MEASURING_GAIN = 0.5
_MAX_GAIN = 10.0  # FluidSynth takes no more
_FULL_SCALE = 32_767
_SHORTFALL_SECONDS = 0.1  # tempo is rounded to microseconds, sound to blocks of 64 samples
_CHANNEL_VOLUME = 7  # the MIDI controller
_NORMAL_VOLUME, _LOW_VOLUME = 100, 25
_MIDIRENDERER_RATE = 48_000
_MIDIRENDERER_PROGRAM = (
    "import sys, pathlib, midirenderer; font, midi, wav = map(pathlib.Path, sys.argv[1:]); "
    "wav.write_bytes(midirenderer.render_wave_from(font.read_bytes(), midi.read_bytes()))"
)
_log = logging.getLogger(__name__)

Samples = NDArray[np.float32]
"""(N, 2) samples, left and right, before normalising in any scale."""


@dataclass(frozen=True)
class Audio:
    """A WAV file (44.1 kHz, stereo, 16 bit), its length, and which renderer made it."""

    wav: bytes
    seconds: float
    renderer: str


def render_audio(score: Score) -> Audio:
    """Play `score`; the same score gives the same bytes.

    The peak is -1 dBFS, and the sound ends TAIL_SECONDS after the last note.

    Raises:
        AudioError: the score has no notes or lasts longer than MAX_SECONDS, or no renderer could play it.
    """
    music_seconds = _checked_seconds(score)
    renderer, play = _available_renderer()
    with TemporaryDirectory(prefix="musicdemo-audio-") as folder:
        samples = play(score, Path(folder).resolve())
    samples = _checked(samples, music_seconds)[: round((music_seconds + TAIL_SECONDS) * SAMPLE_RATE)]
    return Audio(_wav_bytes(_finished(samples)), len(samples) / SAMPLE_RATE, renderer)


def write_audio(score: Score, path: Path) -> None:
    """Write `score` as sound; the suffix of `path` says how: .wav, .flac, .oga or .ogg (both Ogg Vorbis).

    What is not .wav comes straight from FluidSynth and rings a few seconds longer.

    Raises:
        AudioError: as render_audio; another suffix; all but .wav without FluidSynth; a path that cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise AudioError(f"Sound is written as {', '.join(SUFFIXES)}, not as {path.name!r}.")
    data = render_audio(score).wav if suffix == ".wav" else render_compressed(score, suffix)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise AudioError(f"The sound could not be written to {path}: {error.strerror}.") from error


def render_compressed(score: Score, suffix: str = ".ogg") -> bytes:
    """Play `score` as one of COMPRESSED_SUFFIXES; the same score gives the same bytes. Raises AudioError."""
    music_seconds = _checked_seconds(score)
    if not can_compress():
        raise AudioError(f"{suffix} needs FluidSynth (apt install fluidsynth); without it, write .wav.")
    with TemporaryDirectory(prefix="musicdemo-audio-") as name:
        folder = Path(name).resolve()
        measured = _checked(_play_with_fluidsynth(score, folder), music_seconds)
        gain = min(_MAX_GAIN, _MEASURING_GAIN * PEAK / _peak(measured))
        kind = _FLUIDSYNTH_KINDS[suffix]
        data = _run_fluidsynth(score, folder, kind, sample_format="s16", gain=gain).read_bytes()
    if not data.startswith((b"fLaC", b"OggS")):
        raise AudioError(f"This FluidSynth cannot write {suffix}; write .wav instead.")
    return with_fixed_serial(data) if kind == "oga" else data


def can_compress() -> bool:
    """Say whether this machine can play into COMPRESSED_SUFFIXES, which needs FluidSynth."""
    return shutil.which("fluidsynth") is not None


def _checked_seconds(score: Score) -> float:
    if not score.note_count:
        raise AudioError("There is nothing to play: the score has no notes.")
    seconds = score.seconds_at(score.end)
    if seconds > MAX_SECONDS:
        minutes, rest = divmod(math.ceil(seconds), 60)
        raise AudioError(
            f"The piece lasts {minutes}:{rest:02} minutes, and sound is made for at most {MAX_SECONDS / 60:g}: "
            "shorten it or raise its tempo."
        )
    return seconds


def _available_renderer() -> tuple[str, Callable[[Score, Path], Samples]]:
    if shutil.which("fluidsynth"):
        return "fluidsynth", _play_with_fluidsynth
    if importlib.util.find_spec("midirenderer"):
        return "midirenderer", _play_with_midirenderer
    raise AudioError("No synthesizer is installed: install FluidSynth (apt install fluidsynth) or pip's midirenderer.")


def _soundfont() -> Path:
    font = Path(str(resources.files("pretty_midi") / "TimGM6mb.sf2"))
    if not font.is_file():
        raise AudioError(f"The soundfont {font} is missing: install pretty_midi again.")
    return font


def _play_with_fluidsynth(score: Score, folder: Path) -> Samples:
    # Raw floats neither clip nor lose bits, whatever the gain, so one pass is enough.
    file = _run_fluidsynth(score, folder, "raw", sample_format="float", gain=_MEASURING_GAIN)
    values = np.fromfile(file, np.float32)
    return values[: len(values) // 2 * 2].reshape(-1, 2)


def _run_fluidsynth(score: Score, folder: Path, kind: str, *, sample_format: str, gain: float) -> Path:
    midi, sound = folder / "score.mid", folder / f"sound.{kind}"
    midi.write_bytes(write_midi(score))
    # midi2audio passes no settings on, but FluidSynth reads them from its user's home: ours, never a real user's.
    (folder / ".fluidsynth").write_text(
        f"set audio.file.format {sample_format}\nset synth.gain {gain:.6f}\nset synth.cpu-cores 1\n"
    )
    command = ["-m", "midi2audio", "-s", str(_soundfont()), "-r", str(SAMPLE_RATE), str(midi), str(sound)]
    return _run(command, folder, sound)


def _play_with_midirenderer(score: Score, folder: Path) -> Samples:
    samples = _run_midirenderer(score, folder, _NORMAL_VOLUME)
    if _peak(samples) >= _FULL_SCALE:
        samples = _run_midirenderer(score, folder, _LOW_VOLUME)
    return _resampled(samples)


def _run_midirenderer(score: Score, folder: Path, volume: int) -> Samples:
    midi, sound = folder / "score.mid", folder / "sound.wav"
    midi.write_bytes(_with_volume_and_tail(write_midi(score), score, volume))
    command = ["-c", _MIDIRENDERER_PROGRAM, str(_soundfont()), str(midi), str(sound)]
    with wave.open(str(_run(command, folder, sound))) as reader:
        if (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) != (_MIDIRENDERER_RATE, 2, 2):
            raise AudioError("This midirenderer writes another kind of sound than 48 kHz, stereo, 16 bit.")
        values = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    return values.reshape(-1, 2).astype(np.float32)


def _with_volume_and_tail(data: bytes, score: Score, volume: int) -> bytes:
    """Set the volume of every channel, and let the file end later: midirenderer stops where the file does."""
    file = mido.MidiFile(file=io.BytesIO(data))
    loudness = (mido.Message("control_change", channel=c, control=_CHANNEL_VOLUME, value=volume) for c in range(16))
    file.tracks[0][:0] = list(loudness)
    tail_beats = TAIL_SECONDS * score.tempo_at(score.end) / 60
    end_tick = round((score.end / STEPS_PER_BEAT + tail_beats) * file.ticks_per_beat)
    for track in file.tracks:
        track[-1].time = max(track[-1].time, end_tick - sum(message.time for message in track[:-1]))
    longer = io.BytesIO()
    file.save(file=longer)
    return longer.getvalue()


def _run(arguments: list[str], folder: Path, sound: Path) -> Path:
    """Run a Python program that must write `sound`; end it and its children after TIME_LIMIT_SECONDS."""
    sound.unlink(missing_ok=True)
    settings = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "TMPDIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIME_LIMIT_SECONDS)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise AudioError(f"Making the sound took longer than {TIME_LIMIT_SECONDS:g} seconds.") from error
            raise
    if not sound.is_file() or not sound.stat().st_size:
        _log.warning("no sound from %s: %s", arguments, output.decode(errors="replace")[-2000:])
        raise AudioError("The synthesizer made no sound file; the log has its words.")
    return sound


def _peak(samples: Samples) -> float:
    return float(max(samples.max(initial=0), -samples.min(initial=0)))


def _checked(samples: Samples, music_seconds: float) -> Samples:
    """Return `samples` if they last as long as the music and can be heard; AudioError otherwise."""
    seconds = len(samples) / SAMPLE_RATE
    if seconds < music_seconds - _SHORTFALL_SECONDS:
        raise AudioError(f"The synthesizer stopped after {seconds:.1f} of {music_seconds:.1f} seconds.")
    if not SILENT_PEAK < _peak(samples) < np.inf:  # a NaN fails too
        raise AudioError("The piece came out silent: the soundfont has no sound for any of its notes.")
    return samples


def _finished(samples: Samples) -> NDArray[np.int16]:
    """Bring the peak to -1 dBFS and fade the end out, so that a long tail does not end in a click."""
    finished = samples * np.float32(PEAK / _peak(samples) * _FULL_SCALE)
    fade = min(len(finished), round(FADE_SECONDS * SAMPLE_RATE))
    finished[len(finished) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    np.rint(finished, out=finished)
    return finished.astype(np.int16)


def _resampled(samples: Samples) -> Samples:
    """Go from 48 to 44.1 kHz by cutting the spectrum; whole seconds make both lengths whole numbers."""
    seconds = -(-len(samples) // _MIDIRENDERER_RATE)
    resampled = np.empty((seconds * SAMPLE_RATE, 2), np.float32)
    for channel in range(2):  # one after the other: five minutes take much memory
        spectrum = np.fft.rfft(samples[:, channel], n=seconds * _MIDIRENDERER_RATE)
        resampled[:, channel] = np.fft.irfft(spectrum[: seconds * SAMPLE_RATE // 2 + 1], n=seconds * SAMPLE_RATE)
    return resampled


def _wav_bytes(samples: NDArray[np.int16]) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(samples.data)
    return buffer.getvalue()
