"""The library's sentences in Chinese: whatever it can say has its template, found in the source by its syntax tree."""

import ast
import io
import re
import string
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.generation.settings import GenerationSettings
from musicdemo.jobs import OUR_FAULT
from musicdemo.music import midi_scan
from musicdemo.music.midi import read_midi
from musicdemo.music.typed_notes import typed_score
from musicdemo.ui.sentences import MOST_CHARACTERS, SPOKEN, Template, _template, say_sentence, templates

ROOT = Path(__file__).parents[1]
MODULES = [path for path in sorted(ROOT.glob("musicdemo/**/*.py")) if "cli" not in path.parts]
"""The command line has no languages."""

CHINESE = re.compile("[\u4e00-\u9fff]")
GAP = "\0"
SAMPLE = re.compile(r"Q[0-9]+Q")


# --- what the library can say ----------------------------------------------------------------------------------------


def phrases(node: ast.expr | None, bound: dict[str, ast.expr]) -> list[str]:
    """The texts that an expression may be, with a GAP for each value that is not written in the source."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name) if name in bound:
            return phrases(bound[name], {key: value for key, value in bound.items() if key != name})
        case ast.IfExp():
            return phrases(node.body, bound) + phrases(node.orelse, bound)
        case ast.FormattedValue(format_spec=None):
            return phrases(node.value, bound)
        case ast.JoinedStr():
            return ["".join(parts) for parts in product(*(phrases(part, bound) for part in node.values))]
    return [GAP]


def bindings(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    """What plain names stand for, by the assignments among some nodes."""
    assigned = (node for node in nodes if isinstance(node, ast.Assign))
    return {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}


def spoken_nodes(scope: ast.AST, path: Path) -> Iterator[ast.expr]:
    """The expressions that become sentences: what is raised, reported, named for a sentence, or said of a flaw."""
    for node in ast.walk(scope):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=kind), args=arguments)) if kind != "AssertionError":
                yield from arguments
            case ast.Call(func=ast.Name(id="translated" | "_translated" | "_check_range"), args=[first, *_]):
                yield first
            case ast.Call(func=ast.Attribute(attr="append"), args=[added]) if path.stem == "midi_grid":
                yield added
            case ast.Return(value=ast.expr() as value) if path.stem == "degenerate":
                yield value


def filled(phrase: str) -> str:
    """Put a value of its own into each gap."""
    numbers = iter(range(100))
    return re.sub(GAP, lambda _: f"Q{next(numbers)}Q", phrase)


def sentences_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = bindings(tree.body)
    found: set[str] = set()
    for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        bound = constants | bindings(ast.walk(scope))
        for node in spoken_nodes(scope, path):
            found.update(filled(phrase) for phrase in phrases(node, bound) if re.search("[a-z]", phrase))
    return found


def reported() -> set[str]:
    """The sentences of real reports, about one thing of each kind and about several."""
    found = {sentence.format(2) for pair in midi_scan._REPAIRS.values() for sentence in pair}
    for times in (1, 2):
        report = read_midi(slipshod_file(times)).report
        assert len(report.repairs) == 3
        assert len(report.drops) == 1
        found.update((*report.repairs, *report.drops))
    return found


def slipshod_file(times: int) -> bytes:
    """A file with so many of each: a note struck twice at once, one struck again, a too long one, a controller."""
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track := mido.MidiTrack())
    for number in range(times):
        events = [(0, 60, 1), (0, 60, 1), (480, 60, 0), (480, 60, 0), (0, 62, 1), (240, 62, 1), (480, 62, 0)]
        events += [(960, 62, 0), (0, 64 + number, 1), (40 * 480, 64 + number, 0)]
        clock = 0
        for tick, pitch, velocity in sorted(events, key=lambda event: event[0]):
            track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=tick - clock))
            clock = tick
        track.append(mido.Message("control_change", control=7, value=100))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


WRONG_SETTINGS: tuple[dict[str, Any], ...] = (
    *({name: "x"} for name in ("bars", "top_k", "variations", "random_seed", "retries")),
    *({name: -1} for name in ("bars", "temperature", "top_k", "variations", "random_seed", "retries", "top_p")),
    {"max_polyphony": 0},
    {"beam_width": 99},
    {"beam_width": 2, "variations": 3},
    {"beam_width": 2, "beam_groups": 0},
    {"beam_width": 2, "beam_penalty": -1},
)


def refusal(**changes) -> str:
    with pytest.raises(ValueError, match=r" must | need ") as caught:
        GenerationSettings(**changes)
    return str(caught.value)


# --- the laws --------------------------------------------------------------------------------------------------------


def reading(sentence: str) -> tuple[Template, dict[str, str]] | None:
    for template in templates("zh"):
        values = template.read(sentence)
        if values is not None:
            return template, values
    return None


def unsaid(sentence: str) -> list[str]:
    """The parts of a sentence that stay English: words of the library that no template says."""
    found = reading(sentence)
    if found is None:
        return [sentence]
    left = []
    for name, value in found[1].items():
        if name in SPOKEN and not SAMPLE.fullmatch(value):
            left += unsaid(value)
        elif re.search("[a-z]+ [a-z]+", value):
            left.append(value)
    return left


@pytest.mark.parametrize("path", [p for p in MODULES if sentences_of(p)], ids=lambda path: "/".join(path.parts[-2:]))
def test_whatever_the_library_raises_or_reports_is_said_in_chinese(path):
    for sentence in sentences_of(path):
        assert not unsaid(sentence), f"put a template into words/sentences/ for: {sentence}"
        said = say_sentence(sentence, "zh")
        assert CHINESE.search(said)
        assert set(SAMPLE.findall(said)) == set(SAMPLE.findall(sentence)), said
        assert say_sentence(sentence, "en") == sentence


def test_reports_and_our_own_fault_are_said_in_chinese():
    for sentence in (*reported(), OUR_FAULT):
        assert not unsaid(sentence), sentence
        assert not re.search("[a-z]{2}", say_sentence(sentence, "zh"))


@pytest.mark.parametrize("changes", WRONG_SETTINGS, ids=str)
def test_a_refused_setting_is_named_in_chinese(changes):
    said = say_sentence(refusal(**changes), "zh")
    assert not re.search("[a-z]{2}", said.replace("top-p", "").replace("top-k", "")), said


def test_no_template_is_kept_that_nothing_says():
    pending = {OUR_FAULT, *reported(), *(refusal(**changes) for changes in WRONG_SETTINGS)}
    pending.update(sentence for path in MODULES for sentence in sentences_of(path))
    used = set()
    while pending:
        found = reading(pending.pop())
        if found:
            used.add(found[0])
            pending.update(value for name, value in found[1].items() if name in SPOKEN)
    # A sentence inside another is raised on its own too, or by Python itself.
    assert not [template for template in templates("zh") if template not in used]


def test_both_languages_have_the_same_values():
    for template in templates("zh"):
        names = [name for _, name, _, _ in string.Formatter().parse(template.said) if name is not None]
        assert set(names) == set(template.names), template.said
        assert CHINESE.search(template.said)


def test_a_sentence_inside_a_sentence_is_said_too_and_quoted_words_are_not():
    with pytest.raises(Exception, match="bars") as caught:
        typed_score("C4 bars")
    assert say_sentence(str(caught.value), "zh").startswith("第 1 行，“bars”：这不是音符")
    torn = "checkpoint mine: config.json describes no network (unknown architecture 'x')"
    assert say_sentence(torn, "zh") == "模型 mine：config.json 没有描述任何网络（未知的网络结构 'x'）"


def test_values_are_never_read_as_templates():
    assert (
        say_sentence("there is no seed '{0.__class__} {name}'; there are {x}", "zh").count("{0.__class__} {name}") == 1
    )


def test_other_text_stays_as_it_is():
    for text in ("", "种子至少需要一个声部。", "Träumerei", "a" * 10_000):
        assert say_sentence(text, "zh") == text


# --- reading a template ----------------------------------------------------------------------------------------------

LITERALS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aa"]), max_size=3)


@settings(max_examples=300, deadline=None)
@given(LITERALS, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "a", "ab"]), st.text("ab", max_size=12))
def test_a_template_reads_what_the_least_greedy_regular_expression_does(inner, first, last, text):
    literals = (first, *inner, last)
    names = tuple(f"v{number}" for number in range(len(literals) - 1))
    pattern = first + "".join(f"(?P<{name}>.+?){literal}" for name, literal in zip(names, literals[1:], strict=True))
    expected = re.fullmatch(pattern, text)
    assert Template(literals, names, "").read(text) == (expected and expected.groupdict())


def test_a_name_that_stands_twice_means_one_value():
    template = _template("{a} and {a}", "{a}")
    assert template.read("x and x") == {"a": "x"}
    assert template.read("x and y") is None


def test_two_placeholders_never_touch():
    # So every part is found by one search from left to right, and hostile text costs no more than any other.
    assert all(literal for template in templates("zh") for literal in template.literals[1:-1])


def test_hostile_text_is_read_to_its_end():
    for template in templates("zh"):
        piece = template.literals[0] or "x"
        text = (piece + "x" + " not ".join(template.literals))[: MOST_CHARACTERS // 2] * 2
        assert isinstance(say_sentence(text[:MOST_CHARACTERS], "zh"), str)
