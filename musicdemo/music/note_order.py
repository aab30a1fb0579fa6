"""The order in which a roll lists notes, and everything that speaks of a note by its number."""

from musicdemo.music.score import Note, Score

Placed = tuple[int, Note]
"""The number of a track, and a note of it."""


def note_order(score: Score) -> list[Placed]:
    """List the notes of a score by onset, then duration, pitch, velocity and track."""
    placed = [(number, note) for number, track in enumerate(score.tracks) for note in track.notes]
    return sorted(placed, key=lambda one: (one[1].onset, one[1].duration, one[1].pitch, one[1].velocity, one[0]))
