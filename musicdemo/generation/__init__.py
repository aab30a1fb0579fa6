"""Where music meets tensors: continue a Score with a network. Only this room knows notes, networks and decoding."""

from musicdemo.generation.branches import Branch, Exploration, explore
from musicdemo.generation.continuation import generate
from musicdemo.generation.settings import GenerationSettings
from musicdemo.generation.task import REPORT_EVERY, STEPPERS, Continuation, OnProgress, Progress

__all__ = [
    "REPORT_EVERY",
    "STEPPERS",
    "Branch",
    "Continuation",
    "Exploration",
    "GenerationSettings",
    "OnProgress",
    "Progress",
    "explore",
    "generate",
]
