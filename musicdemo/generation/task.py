"""One continuation at work: from the seed to a prompt, through decoding, and back to notes.

What is made of the hypotheses, and how often they are drawn, is decided by those who ask (continuation, branches).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.beam_search import Search, search
from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.shared_stepper import SharedStepper
from musicdemo.decoding.stepper import Events, Hypothesis, OnStep, Primed, Stepper
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.generation.seam import Seam
from musicdemo.generation.settings import EVENTS_A_BAR, GenerationSettings, beam_config
from musicdemo.likelihood import AUTO, chosen_style, column_logits
from musicdemo.models.onnx_graph import StepGraphs
from musicdemo.music.cost import wish_bits
from musicdemo.music.cursor import BarPlan
from musicdemo.music.degenerate import flaw
from musicdemo.music.grammar import Grammar
from musicdemo.music.instrument_ranges import asked_ranges
from musicdemo.music.opening import drawn_opening
from musicdemo.music.prompt import prevailing_tempo, recent
from musicdemo.music.scales import DETECTED, asked_scale
from musicdemo.music.score import Bar, Score
from musicdemo.music.vocabulary import END, METER_VALUES, Column, tempo_value
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


class Task:
    """One continuation: the prompt, what is wished for, and the way back from events to a Score."""

    def __init__(
        self, checkpoint: Checkpoint, settings: GenerationSettings, seed: Score | None, stepper: Stepper
    ) -> None:
        self.settings = settings
        self.checkpoint = checkpoint
        self.stepper = stepper
        self.seed = seed if seed is not None and seed.note_count else None
        if self.seed is None:
            self.style = _style_from_nothing(checkpoint, settings)
            start = drawn_opening(checkpoint.openings.get(self.style, ()), settings.random_seed)
            self.tracks, prompt_score = start.tracks, Score()
            self.seam = Seam(None, 0, start.meter, start.tempo, checkpoint.tokenizer)
        else:
            last = self.seed.bars[-1]
            self.tracks = frozenset(track.key for track in self.seed.tracks if track.notes)
            prompt_score = recent(self.seed)
            self.style = chosen_style(checkpoint, settings.style, checkpoint.tokenizer.encode(prompt_score))
            self.seam = Seam(self.seed, last.end, last.meter, prevailing_tempo(self.seed), checkpoint.tokenizer)
        self.prompt, self.grammar = self._primed_grammar(prompt_score)

    def _primed_grammar(self, prompt_score: Score) -> tuple[Events, Grammar]:
        ahead = (METER_VALUES[self.seam.meter], tempo_value(self.seam.tempo))
        tokenizer = self.checkpoint.tokenizer
        snapped = tokenizer.snapped(prompt_score)
        bars = tokenizer.bar_plan(snapped).values if snapped.note_count else ()
        style = tokenizer.style_value(self.style)
        prompt = tokenizer.encode(prompt_score, style=self.style)[:-1]  # without END
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

    def draw(self, on_progress: OnProgress | None, *, rows: tuple[int, ...]) -> list[Hypothesis]:
        """Draw one hypothesis from the noise of each of these rows."""
        asked = self.settings
        sampling = SamplingConfig(
            temperature=asked.temperature,
            top_k=asked.top_k,
            top_p=asked.top_p,
            seed=asked.random_seed,
            rows=rows,
            max_events=asked.bars * EVENTS_A_BAR,
        )
        return sample(self.stepper, self._primed(), self.grammar, sampling, on_step=self._watcher(on_progress))

    def search(self, on_progress: OnProgress | None) -> Search:
        """Search with the beams that the settings ask for."""
        assert self.settings.beam_width is not None, "whoever searches has asked for beams"
        beams = beam_config(self.settings, self.settings.beam_width)
        return search(self.stepper, self._primed(), self.grammar, beams, on_step=self._watcher(on_progress))

    def _primed(self) -> Primed:
        return Primed(*self.stepper.step(self.prompt[None], self.stepper.start(1)))

    def _watcher(self, on_progress: OnProgress | None) -> OnStep | None:
        """Return the callback for decoding that reports the first row's progress as a Score."""
        if on_progress is None:
            return None
        steps = count()  # not the first row's length: it may have ended long before the others

        def on_step(rows: Sequence[Events]) -> bool:
            if next(steps) % REPORT_EVERY:
                return True
            score, bars = self.seam.score_of(rows[0])
            return on_progress(Progress(max(bars - 1, 0), self.settings.bars, score, self.seam.join))

        return on_step

    def continuation(self, hypothesis: Hypothesis) -> Continuation:
        """Return what a hypothesis means."""
        events = hypothesis.events[hypothesis.events[:, Column.TIME] != END]
        score, bars = self.seam.score_of(events)
        seed_notes = self.seed.note_count if self.seed else 0
        return Continuation(
            score=score,
            join=self.seam.join,
            events=events,
            log_prob=hypothesis.log_prob,
            new_bars=bars,
            new_notes=score.note_count - seed_notes,
            seed_notes=seed_notes,
            style=self.style,
            finished=hypothesis.finished,
            constraint_bits=self._constraint_bits(hypothesis.events),
        )

    def searched(self, hypothesis: Hypothesis) -> Continuation:
        """Return what a hypothesis of a search means; the search would find the same again, so a flaw is only told."""
        made = self.continuation(hypothesis)
        reason = self.flaw(made)
        return replace(made, reason=reason, is_degenerate=bool(reason))

    def flaw(self, made: Continuation) -> str:
        """Say what is degenerate in a finished continuation, or ""."""
        if not made.finished:
            return ""
        meter = self.seam.meter
        bars = [Bar(number * meter.bar_steps, meter) for number in range(made.new_bars)]
        return flaw(made.score.clipped(made.join, made.join + bars[-1].end), bars, self.seed)

    def _constraint_bits(self, events: Events) -> dict[str, float]:
        if self.grammar.wishes.are_plain:
            return {}
        return wish_bits(self.grammar, events, column_logits(self.checkpoint, self.prompt, events))


def _style_from_nothing(checkpoint: Checkpoint, settings: GenerationSettings) -> str:
    """Return the style that was asked for, or for "auto" one that the random seed picks."""
    names = checkpoint.styles or ("",)
    style = names[settings.random_seed % len(names)] if settings.style == AUTO else settings.style
    checkpoint.tokenizer.style_value(style)  # raises for an unknown one
    return style


def stepper_of(checkpoint: Checkpoint, name: str) -> Stepper:
    """Return the stepper of this name for a network. Raises ValueError for an unknown name."""
    if name not in STEPPERS:
        raise ValueError(f"the stepper must be one of {', '.join(STEPPERS)}, not {name!r}")
    return TorchStepper(checkpoint.model) if name == "torch" else _shared_stepper(checkpoint.graphs)


@lru_cache(maxsize=STEPPERS_KEPT)
def _shared_stepper(graphs: StepGraphs) -> SharedStepper:
    """Return the one stepper of a network, for all threads."""
    return SharedStepper(OnnxStepper(graphs))
