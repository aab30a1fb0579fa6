"""What a person asks for: the settings of a continuation, their ranges, and the search that they mean."""

from dataclasses import dataclass

from musicdemo.decoding.beam_groups import Diverse
from musicdemo.decoding.beam_gumbel import Stochastic
from musicdemo.decoding.beam_search import BeamConfig
from musicdemo.likelihood import AUTO
from musicdemo.music.instrument_ranges import PitchRange, check_ranges
from musicdemo.music.scales import DETECTED, parse_scale
from musicdemo.music.wishes import MAX_POLYPHONY, FixedNote

MAX_BARS, MAX_VARIATIONS, MAX_BEAM_WIDTH, MAX_TEMPERATURE, MAX_RETRIES = 64, 16, 16, 5.0, 8
EVENTS_A_BAR = 128
"""A continuation is stopped after this many events for each bar that was asked for."""

MAX_FIXED_A_BAR = 64
"""Fixed notes that may be asked for, for each bar."""

LENGTH_PENALTY = 1.0
BEAM_KINDS = ("diverse", "stochastic", "plain")


@dataclass(frozen=True)
class GenerationSettings:
    """What a person asks for.

    `bars` counts new bars. `beam_width` None samples; 1-16 searches beams, and `variations` are then the best
    hypotheses, of which some kinds may find fewer. `beam_kind`: "diverse" (beams in `beam_groups` groups, or each a
    group of its own, that avoid each other by a penalty in nats), "stochastic" (each a different draw) or "plain"; what
    they are worth is measured in docs/beam-search.md. `style` is "auto" (the style under which the seed is likeliest),
    or a name among the checkpoint's.
    `key`: a scale that pitched notes keep, as in "D minor" or "A dorian", or "detected" for that of the seed.
    `ranges`: "instrument" (what it can play), "seed" (what the seed's track plays, and a fourth beyond) or None;
    a track that `pitch_ranges` names keeps those instead. `max_polyphony`: at most this many pitched notes at once,
    1-128. `cadence`: end on the tonic of `key`, or of the seed's key where there is none (see music/cadence.py).
    `fixed`: notes that must stand, counted from the first new bar line. `retries`: how often a variation that is
    degenerate (see music/degenerate.py) is drawn again, 0-8; what is searched, or taken at temperature 0, is not.
    """

    bars: int = 8
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 0.95
    beam_width: int | None = None
    beam_kind: str = "diverse"
    beam_groups: int | None = None
    beam_penalty: float = 0.5
    variations: int = 1
    random_seed: int = 0
    style: str = AUTO
    key: str | None = None
    ranges: str | None = None
    pitch_ranges: tuple[PitchRange, ...] = ()
    max_polyphony: int | None = None
    cadence: bool = False
    fixed: tuple[FixedNote, ...] = ()
    retries: int = 3

    def __post_init__(self) -> None:
        for name in ("bars", "top_k", "variations", "random_seed", "retries"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be a whole number, not {getattr(self, name)}")
        _check_range("bars", self.bars, 1, MAX_BARS)
        _check_range("temperature", self.temperature, 0, MAX_TEMPERATURE)
        _check_range("top-k", self.top_k, 0, 10_000)
        _check_range("variations", self.variations, 1, MAX_VARIATIONS)
        _check_range("random seed", self.random_seed, 0, 2**63 - 1)
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top-p must be above 0 and at most 1, not {self.top_p}")
        _check_range("retries", self.retries, 0, MAX_RETRIES)
        _check_range("the number of fixed notes", len(self.fixed), 0, self.bars * MAX_FIXED_A_BAR)
        if self.key not in (None, DETECTED):
            parse_scale(str(self.key))
        check_ranges(self.ranges)
        if self.max_polyphony is not None:
            _check_range("the most notes at once", self.max_polyphony, 1, MAX_POLYPHONY)
        if self.beam_width is not None:
            _check_range("beam width", self.beam_width, 1, MAX_BEAM_WIDTH)
            _check_beams(self, self.beam_width)
            if self.variations > self.beam_width:
                raise ValueError(f"{self.variations} variations need a beam width of at least {self.variations}")


def _check_beams(settings: GenerationSettings, width: int) -> None:
    if settings.beam_kind not in BEAM_KINDS:
        raise ValueError(f"the kind of beams must be one of {', '.join(BEAM_KINDS)}, not {settings.beam_kind!r}")
    beam_config(settings, width)  # raises for what the search refuses


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is in no range
        raise ValueError(f"{name} must be {low} to {high}, not {value}")


def beam_config(settings: GenerationSettings, width: int) -> BeamConfig:
    """Return the search that the settings ask for. Raises ValueError for what the search refuses."""
    variety: Diverse | Stochastic = Diverse()
    if settings.beam_kind == "stochastic":
        variety = Stochastic(settings.random_seed, settings.top_k, settings.top_p)
    elif settings.beam_kind == "diverse":
        variety = Diverse(width if settings.beam_groups is None else settings.beam_groups, settings.beam_penalty)
    return BeamConfig(width, LENGTH_PENALTY, settings.temperature, settings.bars * EVENTS_A_BAR, variety)
