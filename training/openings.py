"""How the pieces of a corpus begin: counted once, shipped with a checkpoint, used when music begins from nothing."""

from collections import Counter

from musicdemo.music.opening import Opening
from musicdemo.music.score import TrackKey
from musicdemo.music.vocabulary import DRUMS, METERS, TEMPOS, Column
from training.dataset import Corpus, Events

_MAX_TRACKS = 8


def common_openings(corpus: Corpus, *, count: int = 12) -> tuple[Opening, ...]:
    """Return the most frequent openings of a corpus, the most frequent first.

    Metres and ensembles are counted together; the tempo is the median mark of the pieces that share them.
    """
    marks: dict[tuple[int, frozenset[TrackKey]], list[int]] = {}
    for piece in corpus.pieces():
        tracks = tracks_of(piece)
        if 0 < len(tracks) <= _MAX_TRACKS:
            marks.setdefault((int(piece[0, Column.METER]), tracks), []).append(int(piece[0, Column.TEMPO]))
    frequent = Counter({key: len(tempos) for key, tempos in marks.items()}).most_common(count)
    return tuple(
        Opening(METERS[meter - 1], float(TEMPOS[sorted(marks[meter, tracks])[number // 2] - 1]), tracks)
        for (meter, tracks), number in frequent
    )


def tracks_of(piece: Events) -> frozenset[TrackKey]:
    """Return the tracks that speak in a piece (T, C)."""
    pairs = {(int(program), int(voice)) for program, voice in piece[:, [Column.PROGRAM, Column.VOICE]] if program}
    return frozenset(
        TrackKey(program == DRUMS, 0 if program == DRUMS else program - 1, voice - 1) for program, voice in pairs
    )
