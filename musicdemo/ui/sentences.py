"""The library's own sentences in the visitor's language: it speaks English and knows nothing of languages.

What an error or a report says is found again among the English templates of words/sentences/, and said by the template
beside it. Texts that the page itself holds are the business of words.py.
"""

import string
from dataclasses import dataclass
from functools import cache

from musicdemo.ui.words import FOLDER, section_words, visit_language

MOST_CHARACTERS = 2000
"""Longer text is no sentence of ours and stays as it is."""

SPOKEN = frozenset({"why", "setting", "failure", "verb"})
"""Placeholders that hold words of the library, which are said in the visitor's language too; the others hold values."""


@dataclass(frozen=True)
class Template:
    """A sentence of the library, as the literal text around its placeholders, and how another language says it."""

    literals: tuple[str, ...]  # one more than there are names; "" where a placeholder begins or ends the sentence
    names: tuple[str, ...]
    said: str

    @property
    def rank(self) -> int:
        """How much is literal: what says most of a sentence is tried first."""
        return sum(map(len, self.literals))

    def read(self, text: str) -> dict[str, str] | None:
        """Return what stands at the placeholders, as little as possible at each; None for another sentence."""
        if not self.names:
            return {} if text == self.literals[0] else None
        first, *inner, last = self.literals
        start, stop = len(first), len(text) - len(last)
        if not (text.startswith(first) and text.endswith(last)):
            return None
        values = []
        for literal in inner:
            # Each is looked for once, from left to right, so that no text can make this take more than one walk.
            end = text.find(literal, start + 1, stop)
            if end < 0:
                return None
            values.append(text[start:end])
            start = end + len(literal)
        named = dict(zip(self.names, [*values, text[start:stop]], strict=True))
        agree = [named[name] for name in self.names[:-1]] == values  # a name that stands twice means one value
        return named if start < stop and agree else None


def say_sentence(text: str, language: str | None = None) -> str:
    """Return a sentence of the library in `language` or in that of this visit; any other text as it is."""
    language = language or visit_language()
    if len(text) > MOST_CHARACTERS:
        return text
    for template in templates(language):
        values = template.read(text)
        if values is not None:
            spoken = {name: say_sentence(value, language) for name, value in values.items() if name in SPOKEN}
            return template.said.format(**(values | spoken))
    return text


@cache
def templates(language: str) -> tuple[Template, ...]:
    """List the templates of all rooms of the library, the most literal first."""
    rooms = sorted(path.stem for path in (FOLDER / "sentences").glob("*.toml"))
    pairs = [pair for room in rooms for pair in section_words(f"sentences/{room}", language).items()]
    return tuple(sorted((_template(*pair) for pair in pairs), key=lambda template: -template.rank))


def _template(english: str, said: str) -> Template:
    parts = list(string.Formatter().parse(english))
    names = tuple(name for _, name, _, _ in parts if name is not None)
    literals = [literal for literal, _, _, _ in parts]
    return Template((*literals, "") if len(literals) == len(names) else tuple(literals), names, said)
