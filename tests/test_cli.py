"""The command line: what it writes, what it says, and that every mistake is one line and exit status 2."""

import io
import json
import os
import signal
import subprocess
import sys
import wave
from dataclasses import asdict
from pathlib import Path

import mido
import pretty_midi
import pytest

from musicdemo import DEFAULT_MODEL
from musicdemo.checkpoint import read_info
from musicdemo.cli import models
from musicdemo.cli.arguments import build_parser
from musicdemo.cli.main import main
from musicdemo.cli.terminal import table
from musicdemo.errors import MidiError
from musicdemo.generation import GenerationSettings
from musicdemo.music.midi import read_midi, write_midi
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from tests.tiny import TOKENIZER, tiny_checkpoint, tune
from training.loss import measure

ROOT = Path(__file__).parents[1]
TICKS_A_STEP = 40  # 480 ticks a quarter note of 12 steps
SEED_BARS = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a seed, an untrained checkpoint, and things that nobody can use."""
    folder = tmp_path_factory.mktemp("cli")
    tiny_checkpoint(folder / "model")
    (folder / "seed.mid").write_bytes(write_midi(tune(bars=SEED_BARS)))
    (folder / "empty.mid").write_bytes(write_midi(Score()))
    (folder / "nothing.mid").write_bytes(b"")
    (folder / "text.mid").write_text("These are words.\n")
    (folder / "large.mid").write_bytes(bytes(2_000_001))
    (folder / "torn").mkdir()
    for file in (folder / "model").iterdir():
        (folder / "torn" / file.name).write_bytes(file.read_bytes()[:-1])
    return folder


@pytest.fixture
def run(folder, capsys):
    """Run a command in this process, {} in its words being the folder; return what it printed."""

    def run(line: str, *, status: int = 0) -> str:
        words = [word.format(folder) for word in line.split()]
        assert main(words) == status
        printed = capsys.readouterr()
        assert status or not printed.err
        return printed.out

    return run


@pytest.fixture
def generate(run, tmp_path):
    """Generate with the untrained checkpoint and return the JSON object."""

    def generate(line: str, *, output: str = "out.mid") -> dict:
        return json.loads(run(f"generate {line} --model {{}}/model --output {tmp_path / output} --json"))

    return generate


def written(told: dict) -> list[bytes]:
    return [Path(variation["output"]).read_bytes() for variation in told["variations"]]


def struck(data: bytes) -> set[tuple[int, int, int]]:
    """Tick, pitch and velocity of every note, as mido finds them."""
    found = set()
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                found.add((tick, message.note, message.velocity))
    return found


@pytest.mark.parametrize("how", ["", "--beam-width 2", "--temperature 0", "--top-k 3 --random-seed 9"])
def test_the_same_arguments_write_the_same_bytes(generate, how):
    first = written(generate(f"{{}}/seed.mid --bars 2 {how}", output="one.mid"))
    assert written(generate(f"{{}}/seed.mid --bars 2 {how}", output="two.mid")) == first


def test_another_random_seed_writes_other_music(generate):
    pieces = {written(generate(f"--bars 2 --style air --random-seed {seed}"))[0] for seed in range(4)}
    assert len(pieces) == 4


@pytest.mark.parametrize("bars", [1, 3])
def test_bars_are_new_bars(generate, bars):
    told = generate(f"{{}}/seed.mid --bars {bars}")
    score = read_midi(written(told)[0]).score
    assert told["variations"][0]["new_bars"] == bars
    assert len(score.bars) == SEED_BARS + bars
    assert score.note_count == told["variations"][0]["seed_notes"] + told["variations"][0]["new_notes"]


def test_the_notes_of_the_seed_stand_before_the_join(generate, folder):
    (data,) = written(generate("{}/seed.mid --bars 2"))
    join = SEED_BARS * 48 * TICKS_A_STEP
    assert {note for note in struck(data) if note[0] < join} == struck((folder / "seed.mid").read_bytes())


def test_what_is_written_parses_in_pretty_midi_too(generate):
    told = generate("{}/seed.mid --bars 2")
    instruments = pretty_midi.PrettyMIDI(told["variations"][0]["output"]).instruments
    notes = told["variations"][0]["seed_notes"] + told["variations"][0]["new_notes"]
    assert sum(len(instrument.notes) for instrument in instruments) == notes


def test_wishes_are_kept_and_their_cost_is_told(generate, run, folder, tmp_path):
    must = Score((Track((Note(48, 61, 24), Note(60, 40, 12))),))
    (folder / "fixed.mid").write_bytes(write_midi(must))
    wished = "--key detected --range 0=C4-C5 --max-polyphony 2 --cadence --fixed {}/fixed.mid"
    told = generate(f"{{}}/seed.mid --bars 3 {wished}")
    (variation,) = told["variations"]
    assert list(variation["constraint_bits"]) == ["fixed notes", "range", "key", "cadence", "polyphony"]
    assert variation["constraint_bits"]["key"] > 0
    join = SEED_BARS * 48
    notes = [note for track in read_midi(written(told)[0]).score.tracks for note in track.notes if note.onset >= join]
    free = {note.pitch for note in notes} - {61, 40}
    assert free and all(60 <= pitch <= 72 and pitch % 12 in {0, 2, 4, 5, 7, 9, 11} for pitch in free)
    assert {(join + 48, 61, 24), (join + 60, 40, 12)} <= {(note.onset, note.pitch, note.duration) for note in notes}
    assert min(note.pitch for note in notes if note.onset == join + 2 * 48 + 24) % 12 == 0
    text = run(f"generate {{}}/seed.mid --bars 3 --key detected --model {{}}/model --output {tmp_path}/said.mid")
    assert "\n  key: cost " in text and " a note" in text


def test_without_a_seed_all_notes_are_new(generate):
    (variation,) = generate("--bars 2 --random-seed 5")["variations"]
    assert variation["seed_notes"] == 0
    assert variation["new_notes"] > 0
    assert variation["new_bars"] == 2


def test_generate_prints_one_object_with_these_keys(generate, tmp_path):
    told = generate("{}/seed.mid --bars 1 --top-k 5 --random-seed 7 --style band")
    assert list(told) == ["model", "random_seed", "settings", "variations"]
    assert told["model"] == "model"
    assert told["random_seed"] == 7
    wanted = json.loads(json.dumps(asdict(GenerationSettings(bars=1, top_k=5, style="band"))))
    assert told["settings"] == {name: value for name, value in wanted.items() if name != "random_seed"}
    (variation,) = told["variations"]
    assert set(variation) == {
        *("output", "seed_notes", "new_notes", "new_bars", "log_prob", "seconds", "style"),
        *("constraint_bits", "retries", "reason", "is_degenerate"),
    }
    assert variation["output"] == str(tmp_path / "out.mid")
    assert variation["seed_notes"] == 4 * SEED_BARS
    assert variation["style"] == "band"
    assert variation["log_prob"] < 0 < variation["seconds"]


def test_variations_are_numbered_files_and_the_first_is_the_same_alone(generate, tmp_path):
    told = generate(f"{{}}/seed.mid --bars 1 --variations 3 --audio {tmp_path}/sound.wav")
    assert [Path(variation["output"]).name for variation in told["variations"]] == [
        "out-1.mid",
        "out-2.mid",
        "out-3.mid",
    ]
    assert [Path(variation["audio"]).name for variation in told["variations"]] == [f"sound-{n}.wav" for n in (1, 2, 3)]
    assert not (tmp_path / "out.mid").exists()
    for variation in told["variations"]:
        with wave.open(variation["audio"]) as sound:
            assert sound.getnframes() > sound.getframerate()
    assert len(set(written(told))) == 3
    assert written(generate("{}/seed.mid --bars 1"))[0] == written(told)[0]


def test_without_json_a_sentence_names_each_file(run, tmp_path):
    text = run(f"generate --model {{}}/model --bars 1 --variations 2 --output {tmp_path}/a.mid")
    assert [line.split(":")[0] for line in text.splitlines()] == [f"{tmp_path}/a-1.mid", f"{tmp_path}/a-2.mid"]


def test_the_defaults_are_those_of_the_library(folder):
    options = build_parser().parse_args(["generate", "--output", "out.mid"])
    defaults = asdict(GenerationSettings())
    assert {name: getattr(options, name) for name in defaults} == defaults
    assert options.model == DEFAULT_MODEL


GENERATE = "generate {0}/seed.mid --model {0}/model --output {0}/out.mid"
MISTAKES = {
    "no command": ("", "COMMAND"),
    "unknown command": ("play {0}/seed.mid", "play"),
    "unknown option": (f"{GENERATE} --loud", "--loud"),
    "shortened option": (f"{GENERATE} --temp 1", "--temp"),
    "no output": ("generate {0}/seed.mid --model {0}/model", "--output"),
    "no such file": ("inspect {0}/missing.mid", "missing.mid: No such file"),
    "no such seed": ("generate {0}/missing.mid --output {0}/out.mid", "missing.mid: No such file"),
    "folder for a file": ("inspect {0}", "directory"),
    "not MIDI": ("inspect {0}/text.mid", "text.mid: This is not a MIDI file"),
    "no bytes": ("inspect {0}/nothing.mid", "not a MIDI file"),
    "no notes": ("inspect {0}/empty.mid", "holds no notes"),
    "no notes to continue": ("generate {0}/empty.mid --model {0}/model --output {0}/out.mid", "holds no notes"),
    "no notes to score": ("score {0}/empty.mid --model {0}/model", "holds no notes"),
    "too large": ("inspect {0}/large.mid", "2,000,000"),
    "endless file": ("inspect /dev/zero", "2,000,000"),
    "unknown model": ("generate --model nobody --output {0}/out.mid", "no model 'nobody'"),
    "unknown model to score": ("score {0}/seed.mid --model nobody", "no model 'nobody'"),
    "name too long": ("inspect " + 5000 * "n", "File name too long"),
    "damaged model": ("score {0}/seed.mid --model {0}/torn", "torn"),
    "unknown style": (f"{GENERATE} --style polka", "'polka'; there are: air, band"),
    "temperature NaN": (f"{GENERATE} --temperature nan", "temperature must be"),
    "temperature infinite": (f"{GENERATE} --temperature inf", "temperature must be"),
    "temperature below 0": (f"{GENERATE} --temperature -1", "temperature must be"),
    "temperature a word": (f"{GENERATE} --temperature warm", "'warm' is not a number"),
    "beam 0": (f"{GENERATE} --beam-width 0", "beam width must be"),
    "bars 0": (f"{GENERATE} --bars 0", "bars must be"),
    "half a bar": (f"{GENERATE} --bars 1.5", "'1.5' is not a whole number"),
    "top-p NaN": (f"{GENERATE} --top-p nan", "top-p must be"),
    "top-p 0": (f"{GENERATE} --top-p 0", "top-p must be"),
    "top-k below 0": (f"{GENERATE} --top-k -1", "top-k must be"),
    "random seed below 0": (f"{GENERATE} --random-seed -1", "random seed must be"),
    "random seed too large": (f"{GENERATE} --random-seed " + 400 * "9", "2^63"),
    "too many variations": (f"{GENERATE} --variations 17", "variations must be"),
    "no such key": (f"{GENERATE} --key H", "as in D minor"),
    "key of nothing": (
        "generate --model {0}/model --output {0}/out.mid --key detected",
        "can only be detected in a seed",
    ),
    "ranges of nothing": ("generate --model {0}/model --output {0}/out.mid --ranges seed", "need a seed"),
    "range upside down": (f"{GENERATE} --range 40=A6-G3", "'40=A6-G3' is not a range"),
    "no note in range": (f"{GENERATE} --key detected --range 0=C#4-C#4", "no note of the key"),
    "no notes at once": (f"{GENERATE} --max-polyphony 0", "at once must be"),
    "too many retries": (f"{GENERATE} --retries 9", "retries must be"),
    "fixed notes behind the bars": (f"{GENERATE} --bars 1 --fixed {{0}}/seed.mid", "behind the 48 steps"),
    "more variations than beams": (f"{GENERATE} --variations 3 --beam-width 2", "beam width"),
    "output in no folder": ("generate --model {0}/model --output {0}/missing/out.mid", "no folder"),
    "output below a file": ("generate --model {0}/model --output {0}/seed.mid/out.mid", "no folder"),
    "output is a folder": ("generate --model {0}/model --output {0}/model.mid", "folder of that name"),
    "output where nothing can be": ("generate --model {0}/model --bars 1 --output /proc/out.mid", "/proc/out.mid"),
    "output not MIDI": ("generate --model {0}/model --output {0}/out.wav", "must end in .mid"),
    "output over the seed": ("generate {0}/seed.mid --model {0}/model --output {0}/model/../seed.mid", "the seed"),
    "unknown sound": (f"{GENERATE} --audio {{0}}/out.mp3", "must end in .wav or .flac or .oga"),
    "sound in no folder": (f"{GENERATE} --audio {{0}}/missing/out.wav", "no folder"),
    "line break in a name": ("inspect {0}/a\nb", "No such file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(mistake, folder, capsys):
    line, reason = MISTAKES[mistake]
    (folder / "model.mid").mkdir(exist_ok=True)
    words = [word.format(folder) for word in line.split(" ") if word]
    assert main(words) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.count("\n") == 1 and printed.err.endswith("\n")
    assert printed.err.startswith("musicdemo: ")
    assert reason in printed.err
    assert not (folder / "out.mid").exists()


@pytest.mark.parametrize("mistake", ["no such file", "temperature NaN", "damaged model"])
def test_a_mistake_ends_the_program_with_status_2_and_no_traceback(mistake, folder):
    words = MISTAKES[mistake][0].format(folder).split()
    program = [sys.executable, "-m", "musicdemo", *words]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and MISTAKES[mistake][1] in done.stderr


def test_a_file_that_cannot_be_read_is_the_library_s_sentence_behind_its_name(capsys, folder):
    with pytest.raises(MidiError) as caught:
        read_midi(b"These are words.\n")
    main(["inspect", str(folder / "text.mid")])
    assert capsys.readouterr().err == f"musicdemo: {folder}/text.mid: {caught.value}\n"


def test_inspect_tells_what_the_file_holds(run, folder):
    waltz = Track(tuple(Note(12 * i, pitch, 12) for i, pitch in enumerate((67, 71, 74, 72, 69, 66))), 40, name="Solo")
    bass = Track((Note(0, 43, 36), Note(36, 50, 36), Note(72, 43, 48)), 32)
    drums = Track((Note(0, 36, 3), Note(36, 36, 3), Note(72, 36, 3)), is_drum=True)
    meters = (MeterChange(0, Meter(3, 4)), MeterChange(72, Meter(4, 4)))
    tempos = (TempoChange(0, 90.0), TempoChange(60, 60.0))
    score = Score((waltz, bass, drums), meters, tempos, "Étude")
    (folder / "waltz.mid").write_bytes(write_midi(score))
    told = json.loads(run("inspect {}/waltz.mid --json"))
    assert told.pop("file") == f"{folder}/waltz.mid"
    assert told.pop("moved") == {"notes": 0, "largest_quarters": 0.0, "mean_quarters": 0.0}
    assert told == {
        "title": "Étude",
        "bars": 3,
        "notes": 12,
        "seconds": round(5 / 90 * 60 + 5, 2),
        "key": "G major",
        "metre": "3/4",
        "metre_changes": [{"bar": 1, "metre": "3/4"}, {"bar": 3, "metre": "4/4"}],
        "tempo": 90.0,
        "tempo_changes": [{"bar": 1, "tempo": 90.0}, {"bar": 2, "tempo": 60.0}],
        "tracks": [
            {"track": 1, "name": "Solo", "program": 40, "instrument": "Violin", "drums": False, "notes": 6},
            {"track": 2, "name": "", "program": 32, "instrument": "Acoustic Bass", "drums": False, "notes": 3},
            {"track": 3, "name": "", "program": 0, "instrument": "Drums", "drums": True, "notes": 3},
        ],
        "repaired": [],
        "dropped": [],
    }


def test_inspect_tells_what_was_repaired_dropped_and_moved(run, folder):
    pedal, late_note = b"\x00\xb0\x40\x7f", b"\x0a\x90\x3c\x40\x81\x70\x80\x3c\x00"  # 10 of 480 ticks late
    body = pedal + late_note  # and no end mark
    header = b"MThd\0\0\0\6\0\1\0\1\1\xe0"
    (folder / "rough.mid").write_bytes(header + b"MTrk" + len(body).to_bytes(4) + body)
    told = json.loads(run("inspect {}/rough.mid --json"))
    assert len(told["repaired"]) == 1 and "end mark" in told["repaired"][0]
    assert len(told["dropped"]) == 1 and "pedal" in told["dropped"][0]
    assert told["moved"]["notes"] == 1
    assert told["moved"]["largest_quarters"] == round(10 / 480, 4)
    text = run("inspect {}/rough.mid")
    assert {"repaired:", "dropped:", "moved:"} <= set(text.split())
    assert told["repaired"][0] in text and told["dropped"][0] in text


def test_a_score_s_mean_is_the_sum_of_all_nats_among_the_notes(run):
    told = json.loads(run("score {}/seed.mid --model {}/model --json"))
    nats = [note["nats"] for note in told["notes"]]
    assert told["note_count"] == len(nats) == 4 * SEED_BARS
    assert told["total_nats"] == pytest.approx(sum(nats) + told["other_nats"])
    assert told["nats_per_note"] == pytest.approx(told["total_nats"] / len(nats))
    assert min(nats) > 0


def test_a_score_s_mean_is_the_figure_of_the_held_out_tables(run, folder):
    told = json.loads(run("score {}/seed.mid --model {}/model --json"))
    events = TOKENIZER.encode(tune(bars=SEED_BARS), style=told["style"])
    checkpoint = tiny_checkpoint(folder / "model")
    assert told["nats_per_note"] == pytest.approx(measure(checkpoint.model, [events[None]]).per_note, rel=1e-5)


def test_a_score_names_the_place_of_every_note(run, folder):
    low = Track((Note(0, 40, 12), Note(96, 41, 12)), 32)  # with an empty bar between
    drums = Track((Note(30, 36, 3), Note(102, 38, 3)), is_drum=True)
    (folder / "places.mid").write_bytes(write_midi(Score((low, drums))))
    told = json.loads(run("score {}/places.mid --model {}/model --json"))
    places = [(note["bar"], note["step"], note["track"], note["pitch"]) for note in told["notes"]]
    assert places == [(1, 0, 1, 40), (1, 30, 2, 36), (3, 0, 1, 41), (3, 6, 2, 38)]
    text = run("score {}/places.mid --model {}/model")
    assert f"{told['nats_per_note']:.3f} nats a note" in text
    assert [line.split()[:2] for line in text.splitlines()[2:]] == [["1", "2"], ["3", "2"]]


def test_models_lists_what_ships(run):
    told = json.loads(run("models --json"))["models"]
    assert {"name", "architecture", "parameters", "corpora", "held_out"} <= set(told[0])
    assert [model["name"] for model in told] == sorted(
        path.parent.name for path in ROOT.glob("checkpoints/*/config.json")
    )
    assert all(f"{model['parameters']:,} parameters" in run("models") for model in told)


def test_models_show_their_held_out_figures_where_there_are_any(folder):
    info = read_info(folder / "model")
    told = models.facts(info)
    assert told["corpora"] == ["air", "band"]
    assert told["held_out"] == {}
    assert "no held-out figures" in models.text(told)
    figures = {"nats_per_note": 2.5, "unigram": 9.0, "bigram": 7.25, "notes": 1200, "pieces": 30}
    text = models.text(told | {"held_out": {"air": figures, "band": {}}})
    assert ["air", "2.500", "7.250", "9.000", "1,200", "30"] in [line.split() for line in text.splitlines()]


def test_columns_of_a_table_are_flush():
    lines = table([("violin", 3), ("oboe", 12_000)], head=("name", "notes")).splitlines()
    assert lines == ["  name     notes", "  violin       3", "  oboe    12,000"]


def test_help_and_inspect_do_not_wait_for_torch(folder):
    program = (
        "import sys; from musicdemo.cli.main import main\n"
        f"main(['inspect', {str(folder / 'seed.mid')!r}])\n"
        "try: main(['generate', '--help'])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print({'torch', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_reader_that_has_enough_is_no_mistake(folder):
    words = [sys.executable, "-m", "musicdemo", "inspect", str(folder / "seed.mid"), "--json"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_terminal_sees_the_bars_pass_and_ctrl_c_ends_quietly_with_130(folder, tmp_path):
    # A shell's background jobs ignore Ctrl-C, and so would this child if the tests ran in one.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from musicdemo.cli.main import run_program; run_program()"
    )
    words = ["generate", "--model", str(folder / "model"), "--bars", "64", "--variations", "16"]
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program, *words, "--output", str(tmp_path / "out.mid")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = os.read(ours, 1000)  # waits for the first line
        process.send_signal(signal.SIGINT)
        seen += _rest(ours)
    assert process.returncode == 130
    assert b"bar 1 of 64" in seen
    assert b"Traceback" not in seen and seen.endswith(b"\r\x1b[K")
    assert not list(tmp_path.iterdir())


def _rest(terminal: int) -> bytes:
    """What is still written to a terminal until its other end is closed."""
    parts = []
    try:
        while part := os.read(terminal, 1000):
            parts.append(part)
    except OSError:  # Linux says so when nobody holds the other end
        pass
    finally:
        os.close(terminal)
    return b"".join(parts)
