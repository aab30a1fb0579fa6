"""The next note at the join of a seed: which pitches a network finds likely there, before anything is drawn.

The prompt and the rules are those with which generation begins; its wishes beyond the grammar are left out.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.checkpoint import Checkpoint
from musicdemo.insight.names import value_name
from musicdemo.insight.odds import Odds
from musicdemo.insight.reading import CHUNK
from musicdemo.likelihood import AUTO, chosen_style
from musicdemo.models.base import single_thread
from musicdemo.models.build import Network
from musicdemo.music.cursor import BarPlan
from musicdemo.music.grammar import Grammar
from musicdemo.music.opening import Opening, drawn_opening
from musicdemo.music.prompt import prevailing_tempo, recent
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Events
from musicdemo.music.vocabulary import EMPTY_BAR, METER_VALUES, PREDICTED, Column, tempo_value
from musicdemo.music.wishes import Wishes

MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class NextNote:
    """The odds of the pitch of the first new note, at the likeliest of the times and tracks where it may stand."""

    style: str
    odds: Odds

    def at(self, temperature: float, top_k: int = 0, top_p: float = 1.0) -> list[tuple[str, float]]:
        """Return the likeliest pitches by name, at most MOST_SHOWN that may be drawn, with their probabilities."""
        odds = self.odds.probabilities(temperature, top_k=top_k, top_p=top_p)
        best = np.argsort(-odds, kind="stable")[:MOST_SHOWN]
        return [(value_name(int(value)), float(odds[value])) for value in best if odds[value] > 0]

    def effective_choices(self, temperature: float, top_k: int = 0, top_p: float = 1.0) -> float:
        """Return among how many equally likely pitches the network would be as unsure: 2^entropy."""
        return self.odds.effective_choices(temperature, top_k=top_k, top_p=top_p)


def next_note(checkpoint: Checkpoint, seed: Score | None, *, style: str = AUTO, random_seed: int = 0) -> NextNote:
    """Read a seed, or none, and return the odds of the note that would come next.

    From nothing, `random_seed` draws who plays, and for style "auto" which style, as generation does. Raises
    ValueError for an unknown style.
    """
    with single_thread():
        style, prompt, grammar = _primed(checkpoint, seed, style, random_seed)
        return NextNote(style, Odds(_pitch_logits(checkpoint.model, prompt, grammar)))


def _primed(checkpoint: Checkpoint, seed: Score | None, style: str, random_seed: int) -> tuple[str, Events, Grammar]:
    """Return the style, the prompt (T, C) and the rules from which generation goes on."""
    tokenizer = checkpoint.tokenizer
    score = recent(seed) if seed is not None and seed.note_count else Score()
    if seed is not None and seed.note_count:
        style = chosen_style(checkpoint, style, tokenizer.encode(score))
        tracks = frozenset(track.key for track in seed.tracks if track.notes)
        start = Opening(seed.bars[-1].meter, prevailing_tempo(seed), tracks)
    else:
        names = checkpoint.styles or ("",)
        style = names[random_seed % len(names)] if style == AUTO else style
        start = drawn_opening(checkpoint.openings.get(style, ()), random_seed)
    prompt = tokenizer.encode(score, style=style)[:-1]  # without END
    ahead = METER_VALUES[start.meter], tempo_value(start.tempo)
    bars = tokenizer.bar_plan(tokenizer.snapped(score)).values if score.note_count else ()
    prompt[0, [Column.METER, Column.TEMPO]] = (*bars, ahead)[0]
    wishes = Wishes(bars=1, tracks=start.tracks)
    plan = BarPlan((*bars, ahead))
    return style, prompt, Grammar(plan, prompt.tolist(), style=tokenizer.style_value(style), wishes=wishes)


@torch.inference_mode()
def _pitch_logits(model: Network, prompt: Events, grammar: Grammar) -> NDArray[np.float64]:
    """Write the likeliest time, program and voice of a note under the rules, and return its pitch's logits (V,)."""
    hidden = _last_hidden(model, torch.from_numpy(prompt)[None])
    event = torch.zeros(1, len(Column), dtype=torch.int64)
    for column in Column:
        if column not in PREDICTED:
            event[0, column] = grammar.given(column)
        else:
            logits = grammar.constrain(column, model.logits(hidden, event, column)[0].double().numpy())
            if column == Column.PITCH:
                return logits
            if column == Column.TIME and np.isfinite(np.delete(logits, EMPTY_BAR)).any():
                logits[EMPTY_BAR] = -np.inf  # a note is asked for
            event[0, column] = int(logits.argmax())
        grammar.choose(column, int(event[0, column]))
    raise AssertionError("an event has a pitch")


def _last_hidden(model: Network, prompt: Tensor) -> Tensor:
    """Return the hidden vector (1, H) after a prompt (1, T, C)."""
    state = model.start(1)
    hidden = torch.zeros(1, 1, model.config.hidden)
    for first in range(0, prompt.shape[1], CHUNK):
        hidden, state = model.read(prompt[:, first : first + CHUNK], state)
    return hidden[:, -1]
