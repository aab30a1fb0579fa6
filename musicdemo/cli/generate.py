"""`generate`: continue a MIDI file, or begin from nothing, and write MIDI and sound."""

import json
import time
from argparse import Namespace
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicdemo.cli.files import check_targets, numbered, read_midi_file
from musicdemo.cli.model import load_model
from musicdemo.cli.terminal import progress_line, say, say_json
from musicdemo.cli.usage import blame_arguments
from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.wishes import fixed_notes
from musicdemo.render.audio import SUFFIXES, write_audio

if TYPE_CHECKING:
    from musicdemo.checkpoint import Checkpoint
    from musicdemo.generation import Continuation, GenerationSettings

MIDI_SUFFIXES = (".mid", ".midi")


def run(options: Namespace) -> None:
    """Generate what the options ask for. Raises UsageError before any work if they cannot be met."""
    seed = read_midi_file(options.seed).score if options.seed else None
    settings = _settings(options)
    outputs = numbered(options.output, settings.variations)
    sounds = _checked_sounds(options, settings.variations)
    check_targets(outputs, suffixes=MIDI_SUFFIXES, keep=options.seed)
    checkpoint = _loaded(options.model, settings.style)
    before = time.perf_counter()
    continuations = _generate(checkpoint, settings, seed, options.stepper)
    seconds = time.perf_counter() - before
    outputs, sounds = outputs[: len(continuations)], sounds[: len(continuations)]  # beams may find fewer
    _write(continuations, outputs, sounds, note=_recipe(checkpoint, settings))
    told = [
        _told(continuation, output, sound, seconds)
        for continuation, output, sound in zip(continuations, outputs, sounds, strict=True)
    ]
    if options.json:
        say_json(_document(checkpoint, settings, told))
    else:
        for variation in told:
            say(_sentence(variation))


def _settings(options: Namespace) -> "GenerationSettings":
    from musicdemo.generation import GenerationSettings

    asked = {field.name: getattr(options, field.name) for field in fields(GenerationSettings)}
    asked["pitch_ranges"] = tuple(options.named_ranges or ())
    with blame_arguments():
        asked["fixed"] = fixed_notes(Tokenizer().snapped(read_midi_file(options.fixed).score)) if options.fixed else ()
        return GenerationSettings(**asked)


def _loaded(model: str, style: str) -> "Checkpoint":
    checkpoint = load_model(model)
    if style != "auto":
        with blame_arguments():
            checkpoint.tokenizer.style_value(style)
    return checkpoint


def _checked_sounds(options: Namespace, variations: int) -> list[Path] | list[None]:
    if options.audio is None:
        return [None] * variations
    sounds = numbered(options.audio, variations)
    check_targets(sounds, suffixes=SUFFIXES, keep=options.seed)
    return sounds


def _generate(
    checkpoint: "Checkpoint", settings: "GenerationSettings", seed: Score | None, stepper: str
) -> "list[Continuation]":
    from musicdemo.generation import Progress, generate

    with progress_line() as show:

        def on_progress(progress: Progress) -> bool:
            if show:
                show(f"bar {min(progress.bars_done + 1, progress.bars_total)} of {progress.bars_total}")
            return True

        with blame_arguments():  # wishes that this seed cannot fulfil, and an unknown stepper
            return generate(checkpoint, settings, seed=seed, on_progress=on_progress if show else None, stepper=stepper)


def _recipe(checkpoint: "Checkpoint", settings: "GenerationSettings") -> str:
    """Say how the pieces were made, as the text that their files carry; how many there were is not of each one."""
    made = {"made_by": "musicdemo", "model": checkpoint.name, "weights_sha256": checkpoint.digest}
    settings_of_each = {name: value for name, value in asdict(settings).items() if name != "variations"}
    return json.dumps({**made, "settings": settings_of_each}, separators=(",", ":"))


def _write(
    continuations: "list[Continuation]", outputs: list[Path], sounds: list[Path] | list[None], *, note: str
) -> None:
    for continuation, output, sound in zip(continuations, outputs, sounds, strict=True):
        with blame_arguments():  # the seed was too long to be written with anything behind it
            data = write_midi(continuation.score, note=note)
        output.write_bytes(data)
        if sound is not None:
            write_audio(continuation.score, sound)


def _told(continuation: "Continuation", output: Path, sound: Path | None, seconds: float) -> dict[str, Any]:
    told = {
        "output": str(output),
        "seed_notes": continuation.seed_notes,
        "new_notes": continuation.new_notes,
        "new_bars": continuation.new_bars,
        "log_prob": continuation.log_prob,
        "seconds": round(seconds, 3),
        "style": continuation.style,
        "constraint_bits": {kind: round(bits, 3) for kind, bits in continuation.constraint_bits.items()},
        "retries": continuation.retries,
        "reason": continuation.reason,
        "is_degenerate": continuation.is_degenerate,
    }
    return told if sound is None else told | {"audio": str(sound)}


def _document(checkpoint: "Checkpoint", settings: "GenerationSettings", told: list[dict[str, Any]]) -> dict[str, Any]:
    chosen = asdict(settings)
    random_seed = chosen.pop("random_seed")
    return {"model": checkpoint.name, "random_seed": random_seed, "settings": chosen, "variations": told}


def _sentence(told: dict[str, Any]) -> str:
    files = " and ".join(told[kind] for kind in ("output", "audio") if kind in told)
    style = f"style {told['style']}, " if told["style"] else ""
    first = (
        f"{files}: new bars: {told['new_bars']}, new notes: {told['new_notes']:,}, seed notes: {told['seed_notes']:,} "
        f"({style}log p {told['log_prob']:.1f} nats, {told['seconds']:.1f} s)"
    )
    return "\n  ".join((first, *_costs(told), *_retries(told)))


def _costs(told: dict[str, Any]) -> list[str]:
    notes = max(1, told["new_notes"])
    return [
        f"{kind}: cost {bits:.1f} bits, {bits / notes:.2f} a note" for kind, bits in told["constraint_bits"].items()
    ]


def _retries(told: dict[str, Any]) -> list[str]:
    if told["is_degenerate"]:
        return [f"it got stuck ({told['reason']}); try another random seed or a higher temperature"]
    return [f"the first try got stuck ({told['reason']}); this is try {told['retries'] + 1}"] if told["retries"] else []
