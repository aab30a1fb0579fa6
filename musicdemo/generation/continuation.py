"""Continue a Score with a network: from the seed to a prompt, through decoding, and back to notes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.beam_search import beam_search
from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.shared_stepper import SharedStepper
from musicdemo.decoding.stepper import Events, Hypothesis, OnStep, Primed, Stepper
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.generation.settings import EVENTS_A_BAR, MAX_VARIATIONS, GenerationSettings, beam_config
from musicdemo.likelihood import AUTO, chosen_style, column_logits
from musicdemo.models.base import single_thread
from musicdemo.models.onnx_graph import StepGraphs
from musicdemo.music.cost import wish_bits
from musicdemo.music.cursor import BarPlan
from musicdemo.music.degenerate import flaw
from musicdemo.music.grammar import Grammar
from musicdemo.music.instrument_ranges import asked_ranges
from musicdemo.music.opening import drawn_opening
from musicdemo.music.prompt import prevailing_tempo, recent
from musicdemo.music.scales import DETECTED, asked_scale
from musicdemo.music.score import Bar, MeterChange, Score, TempoChange
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import EMPTY_BAR, END, METER_VALUES, NEXT_BAR, Column, tempo_value
from musicdemo.music.wishes import Wishes

REPORT_EVERY = 8
"""Events between two reports of progress; making a Score of each would cost more than the network."""

STEPPERS = ("onnx", "torch")
"""What computes the network: 8-bit integers by ONNX Runtime, or the readable reference, several times slower."""

STEPPERS_KEPT = 8
"""Networks whose graphs stay ready; to make them takes some tenths of a second."""


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
    """A seed and what was written behind it; `join` is the step at which the new bars begin (0 without a seed).

    `constraint_bits`: what each kind of wish cost (see music/cost.py), empty where nothing was wished for. `retries`:
    how many tries were thrown away, the first for this `reason`. If none was better, the first one stands and
    `is_degenerate`; its reason is then `reason`.
    """

    score: Score
    join: int
    events: Events
    log_prob: float
    new_bars: int
    new_notes: int
    seed_notes: int
    style: str
    finished: bool
    constraint_bits: dict[str, float] = field(default_factory=dict)
    retries: int = 0
    reason: str = ""
    is_degenerate: bool = False


def generate(
    checkpoint: Checkpoint,
    settings: GenerationSettings,
    *,
    seed: Score | None = None,
    on_progress: OnProgress | None = None,
    stepper: str = "onnx",
) -> list[Continuation]:
    """Continue `seed` by `settings.bars` bars, or begin from nothing; one result for each variation.

    The seed's notes stand as they are; new notes come behind its last bar, for its tracks, in its metre and its
    prevailing tempo. The same arguments give the same result; variation i does not depend on how many there are.
    `stepper` is one of STEPPERS; the two round differently, so a piece may differ between them. Any number of threads
    may generate at once: those who use the same checkpoint share its network.
    Raises ValueError for an unknown style or stepper, and for wishes that contradict each other or this seed.
    """
    with single_thread():
        task = _Task(checkpoint, settings, seed, _stepper_of(checkpoint, stepper))
        hypotheses = _decode(task, settings, on_progress, rows=tuple(range(settings.variations)))
        drawn = [task.continuation(hypothesis) for hypothesis in hypotheses[: settings.variations]]
        return [_redrawn(task, settings, on_progress, first, row) for row, first in enumerate(drawn)]


def _redrawn(
    task: "_Task", settings: GenerationSettings, on_progress: OnProgress | None, first: Continuation, row: int
) -> Continuation:
    """Return `first`, variation `row`, or if it is degenerate the first of some further draws that is not."""
    reason = task.flaw(first)
    chance = settings.beam_width is None and settings.temperature > 0
    retries = 0
    while reason and chance and retries < settings.retries:
        retries += 1
        # a noise stream that no variation has, and the same one however many variations there are
        (hypothesis,) = _decode(task, settings, on_progress, rows=(row + retries * MAX_VARIATIONS,))
        again = task.continuation(hypothesis)
        if not again.finished:
            break  # somebody stopped it, and keeps what is whole
        if not task.flaw(again):
            return replace(again, retries=retries, reason=reason)
    return replace(first, retries=retries, reason=reason, is_degenerate=bool(reason))


def _stepper_of(checkpoint: Checkpoint, name: str) -> Stepper:
    if name not in STEPPERS:
        raise ValueError(f"the stepper must be one of {', '.join(STEPPERS)}, not {name!r}")
    return TorchStepper(checkpoint.model) if name == "torch" else _shared_stepper(checkpoint.graphs)


@lru_cache(maxsize=STEPPERS_KEPT)
def _shared_stepper(graphs: StepGraphs) -> SharedStepper:
    """Return the one stepper of a network, for all threads."""
    return SharedStepper(OnnxStepper(graphs))


class _Task:
    """One continuation: the prompt, what is wished for, and the way back from events to a Score."""

    def __init__(
        self, checkpoint: Checkpoint, settings: GenerationSettings, seed: Score | None, stepper: Stepper
    ) -> None:
        self.settings = settings
        self.checkpoint = checkpoint
        self.tokenizer: Tokenizer = checkpoint.tokenizer
        self.stepper = stepper
        self.seed = seed if seed is not None and seed.note_count else None
        if self.seed is None:
            self.style = _style_from_nothing(checkpoint, settings)
            start = drawn_opening(checkpoint.openings.get(self.style, ()), settings.random_seed)
            self.meter, self.tempo, self.tracks = start.meter, start.tempo, start.tracks
            self.join, prompt_score = 0, Score()
        else:
            self.join = self.seed.bars[-1].end
            self.meter = self.seed.bars[-1].meter
            self.tempo = prevailing_tempo(self.seed)
            self.tracks = frozenset(track.key for track in self.seed.tracks if track.notes)
            prompt_score = recent(self.seed)
            self.style = chosen_style(checkpoint, settings.style, self.tokenizer.encode(prompt_score))
        self.prompt, self.grammar = self._primed_grammar(prompt_score)

    def _primed_grammar(self, prompt_score: Score) -> tuple[Events, Grammar]:
        ahead = (METER_VALUES[self.meter], tempo_value(self.tempo))
        snapped = self.tokenizer.snapped(prompt_score)
        bars = self.tokenizer.bar_plan(snapped).values if snapped.note_count else ()
        style = self.tokenizer.style_value(self.style)
        prompt = self.tokenizer.encode(prompt_score, style=self.style)[:-1]  # without END
        prompt[0, [Column.METER, Column.TEMPO]] = (*bars, ahead)[0]
        return prompt, Grammar(BarPlan((*bars, ahead)), prompt.tolist(), style=style, wishes=self._wishes())

    def _wishes(self) -> Wishes:
        asked = self.settings
        return Wishes(
            bars=asked.bars,
            tracks=self.tracks,
            fixed=asked.fixed,
            cadence=asked_scale(asked.key or DETECTED, self.seed) if asked.cadence else None,
            ranges=(*asked.pitch_ranges, *asked_ranges(asked.ranges, self.seed)),
            scale=None if asked.key is None else asked_scale(asked.key, self.seed),
            max_polyphony=asked.max_polyphony,
        )

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
            constraint_bits=self._constraint_bits(hypothesis.events),
        )

    def flaw(self, made: Continuation) -> str:
        """Say what is degenerate in a finished continuation, or ""."""
        if not made.finished:
            return ""
        bars = [Bar(number * self.meter.bar_steps, self.meter) for number in range(made.new_bars)]
        return flaw(made.score.clipped(made.join, made.join + bars[-1].end), bars, self.seed)

    def _constraint_bits(self, events: Events) -> dict[str, float]:
        if self.grammar.wishes.are_plain:
            return {}
        return wish_bits(self.grammar, events, column_logits(self.checkpoint, self.prompt, events))

    def _score_of(self, events: Events) -> tuple[Score, int]:
        """Return the seed with the new events behind it, cut at the last bar line, and the number of new bars."""
        events = events[events[:, Column.TIME] != END]
        bars = int(((events[:, Column.TIME] >= NEXT_BAR) | (events[:, Column.TIME] == EMPTY_BAR)).sum())
        new = self.tokenizer.decode(events).clipped(0, max(1, bars * self.meter.bar_steps))
        new = replace(new.released(), meters=(MeterChange(0, self.meter),), tempos=(TempoChange(0, self.tempo),))
        return (new if self.seed is None else self.seed.joined(new, self.join)), bars


def _decode(
    task: _Task, settings: GenerationSettings, on_progress: OnProgress | None, *, rows: tuple[int, ...]
) -> list[Hypothesis]:
    on_step = None if on_progress is None else task.watcher(on_progress)
    primed = Primed(*task.stepper.step(task.prompt[None], task.stepper.start(1)))
    if settings.beam_width is not None:
        beams = beam_config(settings, settings.beam_width)
        return beam_search(task.stepper, primed, task.grammar, beams, on_step=on_step)
    sampling = SamplingConfig(
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        seed=settings.random_seed,
        rows=rows,
        max_events=settings.bars * EVENTS_A_BAR,
    )
    return sample(task.stepper, primed, task.grammar, sampling, on_step=on_step)


def _style_from_nothing(checkpoint: Checkpoint, settings: GenerationSettings) -> str:
    """Return the style that was asked for, or for "auto" one that the random seed picks."""
    names = checkpoint.styles or ("",)
    style = names[settings.random_seed % len(names)] if settings.style == AUTO else settings.style
    checkpoint.tokenizer.style_value(style)  # raises for an unknown one
    return style
