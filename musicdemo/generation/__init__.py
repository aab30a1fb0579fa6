"""Where music meets tensors: continue a Score with a network. Only this room knows notes, networks and decoding."""

from musicdemo.generation.continuation import REPORT_EVERY, STEPPERS, Continuation, OnProgress, Progress, generate
from musicdemo.generation.settings import GenerationSettings

__all__ = [
    "REPORT_EVERY",
    "STEPPERS",
    "Continuation",
    "GenerationSettings",
    "OnProgress",
    "Progress",
    "generate",
]
