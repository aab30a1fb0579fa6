"""Notes that a visitor types in a line or two, in one of two notations, for an instrument that is chosen beside them.

Note names are those of notation.py: C4 E4 G4, [C4 E4 G4]:2, r, |. Numbered notation (jianpu) is written into it word
by word, so that both mean the same and are checked by the same rules:

    1 2 3 ... 7    the degrees of the major scale on the tonic; 0 is a rest. Each lasts a quarter note
    #4  b7         raised, lowered
    1'  1,         an octave higher, lower (also twice); without a sign, the octave that begins with the tonic from
                   middle C up
    5_  5__        half, a quarter of the length: one line below, two lines below
    5.             dotted
    -              a word of its own: what came before lasts a quarter note longer
    5~ 5           tied
    |              a bar line, which checks the bar

Full-width signs, as Chinese keyboards write them, mean the same. Chords and several voices need note names.
"""

import re
import unicodedata

from musicdemo.errors import MidiError
from musicdemo.music.notation import read_notation
from musicdemo.music.score import DEFAULT_TEMPO, Meter, Score

USUAL_METER = Meter()
MIDDLE_C = 60
DEGREES = (0, 2, 4, 5, 7, 9, 11)
_NUMBERED = re.compile(r"([#♯b♭]?)([0-7])('{0,2}|,{0,2})(_{0,2})(\.{0,2})(~?)")
_LENGTHS = {"": "4", "_": "8", "__": "16"}
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_LINE = re.compile(r"Line ([0-9]+)")
_SIGNS = str.maketrans({"’": "'", "‘": "'", "′": "'", "、": ",", "，": ",", "。": ".", "－": "-", "—": "-", "–": "-"})
_EXAMPLES = "write for example 1 2 3, 5_ 5., #4, 1', 6, - 0 or |"


def typed_score(
    text: str,
    *,
    instrument: str = "0",
    meter: Meter = USUAL_METER,
    tempo: float = DEFAULT_TEMPO,
    tonic: int | None = None,
) -> Score:
    """Read typed notes; `instrument` as after "track:" in notation.py.

    `tonic` None reads note names; a pitch class (C is 0) reads numbered notation, whose 1 it is.

    Raises MidiError, in a sentence that names the line and the word, for what cannot be read.
    """
    head = [f"metre: {meter}", f"tempo: {tempo:g}", f"track: {instrument}"]
    body = text if tonic is None else _as_names(text, tonic)
    try:
        return read_notation("\n".join([*head, body]))
    except MidiError as error:
        # Whoever typed the text counts its lines from its own first one.
        sentence = _LINE.sub(lambda line: f"Line {max(1, int(line[1]) - len(head))}", str(error), count=1)
        raise MidiError(sentence) from error


def _as_names(text: str, tonic: int) -> str:
    """Write numbered notation as note names, line by line."""
    plain = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    lines: list[list[str]] = []
    last: tuple[int, int] | None = None
    for number, line in enumerate(plain.splitlines()):
        lines.append([])
        for word in re.sub(r"([|-])", r" \1 ", line).split():
            if word == "-":
                lines[number].append(_longer(lines, last, number))
            else:
                lines[number].append(word if word == "|" else _as_name(word, tonic, number))
            if word != "|":
                last = (number, len(lines[number]) - 1)
    return "\n".join(" ".join(words) for words in lines)


def _longer(lines: list[list[str]], last: tuple[int, int] | None, number: int) -> str:
    """Return a quarter note more of the last word, tied to it unless it is a rest."""
    if last is None:
        raise MidiError(f"Line {number + 1}, “-”: there is no note before it that could last longer.")
    line, place = last
    name = lines[line][place].partition(":")[0]
    if name != "r":
        lines[line][place] = lines[line][place].rstrip("~") + "~"
    return f"{name}:4"


def _as_name(word: str, tonic: int, number: int) -> str:
    parts = _NUMBERED.fullmatch(word)
    if parts is None:
        raise MidiError(f"Line {number + 1}, “{word[:40]}”: this is no number, rest or bar line; {_EXAMPLES}.")
    sign, degree, octaves, lines, dots, tie = parts.groups()
    length = f":{_LENGTHS[lines]}{dots}{tie}"
    if degree == "0":
        return f"r{length}"
    pitch = MIDDLE_C + tonic + DEGREES[int(degree) - 1] + {"": 0, "#": 1, "♯": 1}.get(sign, -1)
    pitch += 12 * (octaves.count("'") - octaves.count(","))
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}{length}"
