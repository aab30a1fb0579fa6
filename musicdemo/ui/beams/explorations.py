"""The searches behind the last pieces that were searched for, and the way to do one again from a piece's recipe.

A search holds megabytes, so only the last ones are remembered; the recipe leads back to any other.
"""

from dataclasses import fields
from typing import Any

import numpy as np
import streamlit as st

from musicdemo.errors import GenerationError
from musicdemo.generation import Exploration, GenerationSettings, Progress, explore
from musicdemo.jobs import JobControl
from musicdemo.music.instrument_ranges import PitchRange
from musicdemo.music.wishes import FixedNote
from musicdemo.store import Piece
from musicdemo.ui import services

REMEMBERED = 16


@st.cache_resource(show_spinner=False)
def explorations() -> services.Shelf[Exploration]:
    """Remember the last searches by the id of the piece that came of them."""
    return services.Shelf(REMEMBERED)


def is_searched(piece: Piece) -> bool:
    """Say whether a piece came from a beam search that left more than one way on."""
    return (piece.recipe.get("settings", {}).get("beam_width") or 1) > 1


def number_of(piece: Piece) -> int:
    """Return which of the alternatives a piece is, counted from 0."""
    return int(piece.recipe.get("alternative", 0))


def is_the_same(found: Exploration, piece: Piece) -> bool:
    """Say whether a search that was done again found the piece where it was found before."""
    number = number_of(piece)
    return number < len(found.continuations) and np.array_equal(found.continuations[number].events, piece.events)


def search_again(control: JobControl, piece: Piece) -> Exploration:
    """Do the search behind a piece again, and remember it.

    Raises:
        MusicDemoError: the model or its settings are no longer there, or it was stopped.
    """

    def on_progress(progress: Progress) -> bool:
        control.report(progress)
        return not control.stopped

    seed = piece.score.clipped(0, piece.join) if piece.join else None
    try:
        settings = settings_of(piece.recipe)
        found = explore(services.checkpoint(piece.recipe["model"]), settings, seed=seed, on_progress=on_progress)
    except (ValueError, TypeError) as error:
        raise GenerationError("The recipe of this piece cannot be followed by this version of the program.") from error
    if control.stopped:
        raise GenerationError("The search was stopped before its end.")
    explorations().put(piece.id, found)
    return found


def settings_of(recipe: dict[str, Any]) -> GenerationSettings:
    """Return the settings of a recipe, which were JSON in between. Raises ValueError or TypeError for nonsense."""
    known = {each.name for each in fields(GenerationSettings)}
    values = {name: value for name, value in recipe.get("settings", {}).items() if name in known}
    values["fixed"] = tuple(FixedNote(**note) for note in values.get("fixed", ()))
    values["pitch_ranges"] = tuple(PitchRange(**each) for each in values.get("pitch_ranges", ()))
    return GenerationSettings(**values)
