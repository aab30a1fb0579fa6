"""The words of the command line: its commands, their options and defaults."""

import argparse
from pathlib import Path
from typing import NoReturn

from pretty_midi import note_name_to_number

from musicdemo import DEFAULT_MODEL
from musicdemo.cli import generate, inspect, models, score
from musicdemo.cli.usage import UsageError
from musicdemo.music.instrument_ranges import RANGES, PitchRange

_LARGEST = 2**63 - 1


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError in place of printing its usage; options may not be shortened."""

    def __init__(self, **how: object) -> None:
        super().__init__(**how, allow_abbrev=False)  # type: ignore[arg-type]  # argparse passes its own arguments on

    def error(self, message: str) -> NoReturn:
        """Raise the message."""
        raise UsageError(f"{message} (try {self.prog} --help)")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; what it reads has `run`, the function of the command."""
    parser = Parser(prog="python -m musicdemo", description="Music by recurrent neural networks.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_generate(commands)
    _add_inspect(commands)
    _add_score(commands)
    _add_models(commands)
    return parser


Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_generate(commands: "Commands[Parser]") -> None:
    about = "Continue a MIDI file, or begin from nothing. The same arguments write the same bytes."
    parser = commands.add_parser("generate", help="continue a MIDI file", description=about)
    parser.set_defaults(run=generate.run)
    add = parser.add_argument
    add("seed", nargs="?", type=Path, metavar="SEED.mid", help="what to continue (without it: from nothing)")
    add("--output", required=True, type=Path, metavar="OUT.mid", help="the seed and the new bars behind it")
    add("--audio", type=Path, metavar="OUT.wav", help="also write sound: .wav, .flac, .oga or .ogg")
    _add_model(parser)
    add("--bars", type=_whole, default=8, metavar="N", help="new bars (%(default)s)")
    add("--temperature", type=_number, default=1.0, metavar="T", help="0 takes the likeliest value (%(default)s)")
    add(
        "--top-k", type=_whole, default=0, metavar="K", help="choose among the K likeliest values; 0: all (%(default)s)"
    )
    add("--top-p", type=_number, default=0.95, metavar="P", help="choose within this probability (%(default)s)")
    add("--beam-width", type=_whole, metavar="W", help="search with W beams (without it: sample)")
    kinds = "diverse, stochastic or plain: how beams are kept apart (%(default)s)"
    add("--beam-kind", default="diverse", metavar="KIND", help=kinds)
    add("--beam-groups", type=_whole, metavar="N", help="groups of diverse beams (without it: each beam is one)")
    add("--beam-penalty", type=_number, default=0.5, metavar="NATS", help="what likeness costs them (%(default)s)")
    add("--stepper", default="onnx", metavar="NAME", help="what computes: onnx, or torch, the slow reference")
    add("--variations", type=_whole, default=1, metavar="V", help="write OUT-1.mid to OUT-V.mid (%(default)s)")
    add("--random-seed", type=_whole, default=0, metavar="S", help="another number, other music (%(default)s)")
    add("--style", default="auto", metavar="NAME", help="a style of the model; auto takes the seed's (%(default)s)")
    _add_wishes(parser)
    add("--retries", type=_whole, default=3, metavar="R", help="draw a piece that got stuck again (%(default)s)")
    _add_json(parser, "print one JSON object; its seconds are those of making all variations together")


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("wishes", "What the new bars must keep to; what that cost is told in bits.")
    group.set_defaults(pitch_ranges=())
    add = group.add_argument
    add("--key", metavar="KEY", help='a scale, as in "D minor" or "F# dorian"; detected: that of the seed')
    add("--ranges", choices=RANGES, help="what the instrument can play, or what the seed plays and a fourth beyond")
    add(
        "--range",
        dest="named_ranges",
        action="append",
        type=_range,
        metavar="PROGRAM=LOW-HIGH",
        help="what one instrument may play, as in 40=G3-A6; may be given several times",
    )
    add("--max-polyphony", type=_whole, metavar="N", help="at most N notes at once; drums do not count")
    add("--cadence", action="store_true", help="end with a held chord on the tonic of the key")
    add("--fixed", type=Path, default=(), metavar="NOTES.mid", help="notes of the new bars that must stand, from bar 1")


def _add_inspect(commands: "Commands[Parser]") -> None:
    about = "Tell what a MIDI file holds, and what had to be repaired, left out or moved to the grid."
    parser = commands.add_parser("inspect", help="tell what a MIDI file holds", description=about)
    parser.set_defaults(run=inspect.run)
    parser.add_argument("file", type=Path, metavar="FILE.mid")
    _add_json(parser, "print one JSON object")


def _add_score(commands: "Commands[Parser]") -> None:
    about = "Tell how much each note of a MIDI file surprises a model, in nats (-log p); lower is likelier."
    parser = commands.add_parser("score", help="tell how likely a model finds a MIDI file", description=about)
    parser.set_defaults(run=score.run)
    parser.add_argument("file", type=Path, metavar="FILE.mid")
    _add_model(parser)
    _add_json(parser, "print one JSON object, with every note")


def _add_models(commands: "Commands[Parser]") -> None:
    about = "List the models that are here, what they were trained on and how well they predict held-out pieces."
    parser = commands.add_parser("models", help="list the models", description=about)
    parser.set_defaults(run=models.run)
    _add_json(parser, "print one JSON object")


def _add_model(parser: argparse.ArgumentParser) -> None:
    about = "a model's name, the folder of a checkpoint, or OWNER/NAME[@REVISION] on the Hugging Face Hub (%(default)s)"
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help=about)


def _add_json(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--json", action="store_true", help=about)


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or abs(number) > _LARGEST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number up to 2^63 - 1")
    return number


def _range(text: str) -> PitchRange:
    try:
        program, pitches = text.split("=")
        low, high = pitches.split("-")
        return PitchRange(int(program), int(note_name_to_number(low)), int(note_name_to_number(high)))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not a range as in 40=G3-A6, the lower pitch first"
        ) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number") from None
