"""The benchmarks by name: where the data lies, how a piece is written, what is trained, and what the figure counts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from musicdemo.errors import MidiError
from musicdemo.models.base import ModelConfig
from training.benchmarks import boulanger, jsb
from training.benchmarks.columns import DrawConfig, Events, Layout
from training.benchmarks.scoring import Allowed, something


@dataclass(frozen=True)
class Preset:
    """Shape of the network, how its batches are drawn and for how long it learns."""

    architecture: str = "gru"
    hidden: int = 256
    layers: int = 2
    dropout: float = 0.4
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    ema: float = 0.995
    warmup: int = 50
    patience: int = 20
    max_steps: int = 1000
    validate_every: int = 100
    draw: DrawConfig = DrawConfig()

    def model_config(self, layout: Layout) -> ModelConfig:
        """Return the configuration of the network for the columns of `layout`."""
        return ModelConfig(
            architecture=self.architecture,
            sizes=layout.sizes,
            predicted=layout.predicted,
            relative=layout.relative,
            hidden=self.hidden,
            layers=self.layers,
            dropout=self.dropout,
        )


@dataclass(frozen=True)
class Task:
    """A benchmark with its pieces as events, by split; `units` counts what the nats of a split are shared among."""

    name: str
    unit: str
    layout: Layout
    allowed: Allowed
    pieces: dict[str, list[Events]]
    units: dict[str, int]


def _jsb_16th(name: str, path: Path) -> Task:
    chorales = jsb.read_chorales(path)
    return Task(
        name,
        "pitch",
        jsb.LAYOUT,
        something(jsb.LAYOUT),
        {split: [jsb.encode(piece) for piece in pieces] for split, pieces in chorales.items()},
        {split: sum(piece.size for piece in pieces) for split, pieces in chorales.items()},
    )


def _rolls(slots: int) -> Callable[[str, Path], Task]:
    """Return a reader of one of Boulanger-Lewandowski's sets, whose frames have at most `slots` notes."""
    frame = boulanger.Frame(slots)

    def read(name: str, path: Path) -> Task:
        rolls = boulanger.read_rolls(path)
        return Task(
            name,
            "frame",
            frame.layout,
            frame.allowed,
            {split: [frame.encode(piece) for piece in pieces] for split, pieces in rolls.items()},
            {split: sum(map(len, pieces)) for split, pieces in rolls.items()},
        )

    return read


@dataclass(frozen=True)
class Benchmark:
    """Where the data of a benchmark lies below the folder of all data, how to read it, and what to train on it.

    `anchors` are published figures on (valid, test), None where one is not given; `shifts` the transpositions, in
    semitones, that may be averaged over.
    """

    file: str
    read: Callable[[str, Path], Task]
    preset: Preset
    anchors: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    shifts: tuple[int, ...] = (0,)


_LONG = DrawConfig(rows=16, window=128, excerpt=512, forget=0.1)

BENCHMARKS: dict[str, Benchmark] = {
    "jsb-16th": Benchmark(
        "jsb_chorales/Jsb16thSeparated.json",
        _jsb_16th,
        Preset(dropout=0.5, weight_decay=1.0, max_steps=1089, draw=DrawConfig(rows=8, semitones=6, forget=0.15)),
        {
            "Music Transformer (Huang et al. 2019)": (0.335, None),
            "Transformer, relative attention (ibid.)": (0.357, None),
            "TonicNet, all five tokens charged (Peracha 2020)": (0.396, None),
            "Transformer (Huang et al. 2019)": (0.417, None),
            "Coconet, chronological (ibid.)": (0.436, None),
        },
        shifts=tuple(range(-6, 6)),
    ),
    "jsb": Benchmark(
        "bl_benchmarks/JSB_Chorales.mat",
        _rolls(4),
        Preset(dropout=0.4, weight_decay=0.5, max_steps=1050, draw=DrawConfig(rows=8, forget=0.1)),
        {"RNN-NADE (Boulanger-Lewandowski et al. 2012)": (None, 5.19), "TCN (Bai et al. 2018)": (None, 8.10)},
    ),
    "nottingham": Benchmark(
        "bl_benchmarks/Nottingham.mat",
        _rolls(10),
        Preset(max_steps=2500, dropout=0.2, weight_decay=0.1, validate_every=250, draw=_LONG),
        {"RNN-NADE (Boulanger-Lewandowski et al. 2012)": (None, 2.31)},
    ),
    "piano-midi": Benchmark(
        "bl_benchmarks/Piano_midi.mat",
        _rolls(16),
        Preset(max_steps=1500, dropout=0.4, weight_decay=0.5, draw=_LONG),
        {"RNN-NADE (Boulanger-Lewandowski et al. 2012)": (None, 7.05)},
    ),
    "musedata": Benchmark(
        "bl_benchmarks/MuseData.mat",
        _rolls(16),
        Preset(max_steps=2000, dropout=0.3, weight_decay=0.2, validate_every=300, draw=_LONG),
        {"RNN-NADE (Boulanger-Lewandowski et al. 2012)": (None, 5.60)},
    ),
}


def load_task(name: str, data: Path) -> Task:
    """Read a benchmark's data from below the folder `data`. Raises MidiError where it is missing."""
    path = data / BENCHMARKS[name].file
    if not path.exists():
        raise MidiError(
            f"the data of {name} should be in {path}: see training/benchmarks/README.md for where it comes from"
        )
    return BENCHMARKS[name].read(name, path)
