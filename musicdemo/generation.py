"""Where music meets tensors: continue a Score with a network. Only this room knows notes, networks and decoding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.beam_search import BeamConfig, beam_search
from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.stepper import Events, Hypothesis, OnStep, Primed
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.likelihood import AUTO, chosen_style
from musicdemo.models.base import single_thread
from musicdemo.music.cursor import BarPlan
from musicdemo.music.grammar import Grammar, Wishes
from musicdemo.music.opening import Opening
from musicdemo.music.score import MeterChange, Score, TempoChange
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import (
    EMPTY_BAR,
    END,
    METER_VALUES,
    NEXT_BAR,
    Column,
    tempo_value,
)

MAX_BARS, MAX_VARIATIONS, MAX_BEAM_WIDTH, MAX_TEMPERATURE = 64, 16, 16, 5.0
MAX_SEED_BARS, MAX_SEED_EVENTS = 64, 2000
"""A network reads at most this much of the end of a seed."""

EVENTS_A_BAR = 128
"""A continuation is stopped after this many events for each bar that was asked for."""

REPORT_EVERY = 8
"""Events between two reports of progress; making a Score of each would cost more than the network."""

LENGTH_PENALTY = 1.0


@dataclass(frozen=True)
class GenerationSettings:
    """What a person asks for.

    `bars` counts new bars. `beam_width` None samples; 1-16 searches beams, and `variations` are then the best
    hypotheses. `style` is "auto" (the style under which the seed is likeliest), or a name among the checkpoint's.
    """

    bars: int = 8
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 0.95
    beam_width: int | None = None
    variations: int = 1
    random_seed: int = 0
    style: str = AUTO

    def __post_init__(self) -> None:
        for name in ("bars", "top_k", "variations", "random_seed"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be a whole number, not {getattr(self, name)}")
        _check_range("bars", self.bars, 1, MAX_BARS)
        _check_range("temperature", self.temperature, 0, MAX_TEMPERATURE)
        _check_range("top-k", self.top_k, 0, 10_000)
        _check_range("variations", self.variations, 1, MAX_VARIATIONS)
        _check_range("random seed", self.random_seed, 0, 2**63 - 1)
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top-p must be above 0 and at most 1, not {self.top_p}")
        if self.beam_width is not None:
            _check_range("beam width", self.beam_width, 1, MAX_BEAM_WIDTH)
            if self.variations > self.beam_width:
                raise ValueError(f"{self.variations} variations need a beam width of at least {self.variations}")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is in no range
        raise ValueError(f"{name} must be {low} to {high}, not {value}")


@dataclass(frozen=True)
class Progress:
    """How far a continuation is: complete new bars of the first row, and the score to draw meanwhile."""

    bars_done: int
    bars_total: int
    score: Score
    join: int


OnProgress = Callable[[Progress], bool]
"""Told after the first event and every few events; returns False to stop."""


@dataclass(frozen=True, eq=False)
class Continuation:
    """A seed and what was written behind it; `join` is the step at which the new bars begin (0 without a seed)."""

    score: Score
    join: int
    events: Events
    log_prob: float
    new_bars: int
    new_notes: int
    seed_notes: int
    style: str
    finished: bool


def generate(
    checkpoint: Checkpoint,
    settings: GenerationSettings,
    *,
    seed: Score | None = None,
    on_progress: OnProgress | None = None,
) -> list[Continuation]:
    """Continue `seed` by `settings.bars` bars, or begin from nothing; one result for each variation.

    The seed's notes stand as they are; new notes come behind its last bar, for its tracks, in its metre and its
    prevailing tempo. The same arguments give the same result; variation i does not depend on how many there are.
    Raises ValueError for an unknown style.
    """
    with single_thread():
        task = _Task(checkpoint, settings, seed)
        on_step = None if on_progress is None else task.watcher(on_progress)
        hypotheses = _decode(task, settings, on_step)
    return [task.continuation(hypothesis) for hypothesis in hypotheses[: settings.variations]]


class _Task:
    """One continuation: the prompt, what is wished for, and the way back from events to a Score."""

    def __init__(self, checkpoint: Checkpoint, settings: GenerationSettings, seed: Score | None) -> None:
        self.settings = settings
        self.tokenizer: Tokenizer = checkpoint.tokenizer
        self.stepper = TorchStepper(checkpoint.model)
        self.seed = seed if seed is not None and seed.note_count else None
        if self.seed is None:
            self.style = _style_from_nothing(checkpoint, settings)
            start = _opening(checkpoint, self.style, settings.random_seed)
            self.meter, self.tempo, self.tracks = start.meter, start.tempo, start.tracks
            self.join, prompt_score = 0, Score()
        else:
            self.join = self.seed.bars[-1].end
            self.meter = self.seed.bars[-1].meter
            self.tempo = _prevailing_tempo(self.seed)
            self.tracks = frozenset(track.key for track in self.seed.tracks if track.notes)
            prompt_score = _recent(self.seed)
            self.style = chosen_style(checkpoint, settings.style, self.tokenizer.encode(prompt_score))
        self.prompt, self.grammar = self._primed_grammar(prompt_score)

    def _primed_grammar(self, prompt_score: Score) -> tuple[Events, Grammar]:
        ahead = (METER_VALUES[self.meter], tempo_value(self.tempo))
        snapped = self.tokenizer.snapped(prompt_score)
        bars = self.tokenizer.bar_plan(snapped).values if snapped.note_count else ()
        style = self.tokenizer.style_value(self.style)
        prompt = self.tokenizer.encode(prompt_score, style=self.style)[:-1]  # without END
        prompt[0, [Column.METER, Column.TEMPO]] = (*bars, ahead)[0]
        wishes = Wishes(bars=self.settings.bars, tracks=self.tracks)
        return prompt, Grammar(BarPlan((*bars, ahead)), prompt.tolist(), style=style, wishes=wishes)

    def watcher(self, on_progress: OnProgress) -> OnStep:
        """Return the callback for decoding that reports the first row's progress as a Score."""
        steps = count()  # not the first row's length: it may have ended long before the others

        def on_step(rows: Sequence[Events]) -> bool:
            if next(steps) % REPORT_EVERY:
                return True
            score, bars = self._score_of(rows[0])
            return on_progress(Progress(max(bars - 1, 0), self.settings.bars, score, self.join))

        return on_step

    def continuation(self, hypothesis: Hypothesis) -> Continuation:
        """Return what a hypothesis means."""
        events = hypothesis.events[hypothesis.events[:, Column.TIME] != END]
        score, bars = self._score_of(events)
        seed_notes = self.seed.note_count if self.seed else 0
        return Continuation(
            score=score,
            join=self.join,
            events=events,
            log_prob=hypothesis.log_prob,
            new_bars=bars,
            new_notes=score.note_count - seed_notes,
            seed_notes=seed_notes,
            style=self.style,
            finished=hypothesis.finished,
        )

    def _score_of(self, events: Events) -> tuple[Score, int]:
        """Return the seed with the new events behind it, cut at the last bar line, and the number of new bars."""
        events = events[events[:, Column.TIME] != END]
        bars = int(((events[:, Column.TIME] >= NEXT_BAR) | (events[:, Column.TIME] == EMPTY_BAR)).sum())
        new = self.tokenizer.decode(events).clipped(0, max(1, bars * self.meter.bar_steps))
        new = replace(new.released(), meters=(MeterChange(0, self.meter),), tempos=(TempoChange(0, self.tempo),))
        return (new if self.seed is None else self.seed.joined(new, self.join)), bars


def _decode(task: _Task, settings: GenerationSettings, on_step: OnStep | None) -> list[Hypothesis]:
    primed = Primed(*task.stepper.step(task.prompt[None], task.stepper.start(1)))
    max_events = settings.bars * EVENTS_A_BAR
    if settings.beam_width is not None:
        beams = BeamConfig(settings.beam_width, LENGTH_PENALTY, settings.temperature, max_events)
        return beam_search(task.stepper, primed, task.grammar, beams, on_step=on_step)
    sampling = SamplingConfig(
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        seed=settings.random_seed,
        rows=tuple(range(settings.variations)),
        max_events=max_events,
    )
    return sample(task.stepper, primed, task.grammar, sampling, on_step=on_step)


def _recent(seed: Score) -> Score:
    """Return the end of a seed: whole bars, at most MAX_SEED_BARS of them and about MAX_SEED_EVENTS notes."""
    bars = seed.bars[-MAX_SEED_BARS:]
    onsets = sorted(note.onset for track in seed.tracks for note in track.notes)
    if len(onsets) > MAX_SEED_EVENTS:
        earliest = onsets[-MAX_SEED_EVENTS]
        bars = tuple(bar for bar in bars if bar.start >= earliest) or bars[-1:]
    return seed.clipped(bars[0].start, bars[-1].end) if bars[0].start else seed


def _prevailing_tempo(score: Score) -> float:
    """Return the tempo that rules for the longest part of a score."""
    ends = [*(change.onset for change in score.tempos[1:]), max(score.end, score.tempos[-1].onset + 1)]
    lasting: dict[float, int] = {}
    for change, end in zip(score.tempos, ends, strict=True):
        lasting[change.tempo] = lasting.get(change.tempo, 0) + end - change.onset
    return max(lasting, key=lambda tempo: lasting[tempo])


def _style_from_nothing(checkpoint: Checkpoint, settings: GenerationSettings) -> str:
    """Return the style that was asked for, or for "auto" one that the random seed picks."""
    names = checkpoint.styles or ("",)
    style = names[settings.random_seed % len(names)] if settings.style == AUTO else settings.style
    checkpoint.tokenizer.style_value(style)  # raises for an unknown one
    return style


def _opening(checkpoint: Checkpoint, style: str, random_seed: int) -> Opening:
    """Draw one of the openings of a style, the frequent ones more often."""
    openings = checkpoint.openings.get(style, ())
    if not openings:
        return Opening()
    frequency = 1 / np.arange(1, len(openings) + 1)  # the list is in falling order; Zipf's law will do
    chosen = np.random.default_rng(random_seed).choice(len(openings), p=frequency / frequency.sum())
    return openings[int(chosen)]
