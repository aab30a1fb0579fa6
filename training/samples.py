"""Listen to a run: at each validation the averaged weights write a piece from nothing and go on with a shipped seed."""

import copy
from pathlib import Path

from musicdemo.checkpoint import Checkpoint, Openings
from musicdemo.generation import GenerationSettings, generate
from musicdemo.models.build import Network
from musicdemo.music.tokenizer import Tokenizer
from training.files import replace_file
from training.fit import Listener
from training.progress import Line

_SEED = "minuet-in-g"
_BARS = 4


def sample_writer(folder: Path, tokenizer: Tokenizer, openings: Openings, *, style: str) -> Listener:
    """Return a listener that writes step-N.mid and step-N-minuet-in-g.mid to `folder`.

    Sampled at temperature 1 from all that the network finds possible, always with the same random seed, so that
    the pieces of two validations differ by the weights alone. Raises ImportError where MIDI cannot be written.
    """
    from musicdemo.music.midi import write_midi
    from musicdemo.seeds import find_seed

    settings = GenerationSettings(bars=_BARS, temperature=1.0, top_p=1.0, random_seed=1, style=style)
    seeds = {"": None, f"-{_SEED}": find_seed(_SEED).score}

    def write(line: Line, average: Network) -> None:
        model = copy.deepcopy(average).cpu().eval()
        checkpoint = Checkpoint("", folder, model.config, tokenizer, model, openings, {})
        for name, seed in seeds.items():
            (piece,) = generate(checkpoint, settings, seed=seed)
            replace_file(folder / f"step-{line['step']}{name}.mid", write_midi(piece.score))

    return write
