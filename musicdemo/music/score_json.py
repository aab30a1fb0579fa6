"""Score as JSON: compact lists with a format version, for keeping scores. from_json(to_json(score)) == score.

A note is [onset, pitch, duration, velocity], a metre [onset, numerator, denominator], a tempo [onset, tempo].
"""

from typing import Any, TypeVar

from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track

FORMAT_VERSION = 1
T = TypeVar("T")


def to_json(score: Score) -> dict[str, Any]:
    """Turn `score` into dicts, lists, numbers and strings that json.dumps takes."""
    return {
        "format_version": FORMAT_VERSION,
        "title": score.title,
        "meters": [[c.onset, c.meter.numerator, c.meter.denominator] for c in score.meters],
        "tempos": [[c.onset, c.tempo] for c in score.tempos],
        "tracks": [_track_to_json(track) for track in score.tracks],
    }


def from_json(data: object) -> Score:
    """Rebuild the Score that to_json was given.

    Raises:
        ValueError: `data` is not what to_json writes, or is of another format version.
    """
    try:
        return _score_from_json(_expect(dict, data))
    except KeyError as error:
        raise ValueError(f"the score lacks its {error.args[0]}") from error
    except TypeError as error:
        raise ValueError(f"the score is malformed: {error}") from error


def _score_from_json(fields: dict[str, Any]) -> Score:
    version = fields["format_version"]
    if version != FORMAT_VERSION:
        raise ValueError(f"a score of format version {FORMAT_VERSION} was expected, not {version!r}")
    return Score(
        tracks=tuple(_track_from_json(_expect(dict, track)) for track in fields["tracks"]),
        meters=tuple(MeterChange(onset, Meter(*fraction)) for onset, *fraction in _rows(fields["meters"], 3)),
        tempos=tuple(TempoChange(_expect(int, onset), _tempo(tempo)) for onset, tempo in fields["tempos"]),
        title=_expect(str, fields["title"]),
    )


def _track_to_json(track: Track) -> dict[str, Any]:
    return {
        "program": track.program,
        "is_drum": track.is_drum,
        "voice": track.voice,
        "name": track.name,
        "notes": [[note.onset, note.pitch, note.duration, note.velocity] for note in track.notes],
    }


def _track_from_json(fields: dict[str, Any]) -> Track:
    return Track(
        notes=tuple(Note(*row) for row in _rows(fields["notes"], 4)),
        program=_expect(int, fields["program"]),
        is_drum=_expect(bool, fields["is_drum"]),
        voice=_expect(int, fields["voice"]),
        name=_expect(str, fields["name"]),
    )


def _rows(rows: object, length: int) -> list[list[int]]:
    """Check that `rows` are lists of `length` whole numbers."""
    checked = [[_expect(int, value) for value in _expect(list, row)] for row in _expect(list, rows)]
    if any(len(row) != length for row in checked):
        raise TypeError(f"rows of {length} numbers were expected")
    return checked


def _tempo(value: object) -> float:
    return value if isinstance(value, float) else _expect(int, value)


def _expect(kind: type[T], value: object) -> T:
    # An exact match: True must not pass for the number 1.
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, not {value!r:.60}")
    return value
