"""Rules of engraved pages, looked at as the XML that they are."""

import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import pytest

from musicdemo.music.score import Note, Score, Track
from musicdemo.render.engraving import A4, BOOKLET, MAX_NOTES, engrave
from musicdemo.seeds import shipped_seeds

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
SEEDS = [pytest.param(seed.score, id=seed.name) for seed in shipped_seeds()]


def note_heads(page: str) -> int:
    groups = ET.fromstring(page).iter(f"{SVG}g")  # noqa: S314  # our own bytes
    return sum("note" in group.get("class", "").split() for group in groups)


@pytest.mark.parametrize("score", SEEDS)
def test_every_note_of_a_seed_is_drawn_and_nothing_is_fetched(score):
    pages = engrave(score, paper=BOOKLET)
    assert sum(map(note_heads, pages)) >= score.note_count, "as many, and more where a note is tied"
    for page in pages:
        for element in ET.fromstring(page).iter():  # noqa: S314
            assert element.tag not in (f"{SVG}script", f"{SVG}foreignObject", f"{SVG}image")
            assert all(value.startswith("#") for name, value in element.attrib.items() if name in (HREF, "href"))
            assert not any(name.startswith("on") for name in element.attrib)
        assert "@import" not in page
        assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", page))


def test_the_same_score_gives_the_same_pages():
    tune = Score((Track((Note(0, 60, 48),)),), title="One note")
    assert engrave(tune) == engrave(tune)


def test_it_is_the_same_in_every_thread():
    tune = Score((Track((Note(0, 60, 48),)),), title="One note")
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(engrave, [tune] * 4)) == {engrave(tune)}


def test_strangers_names_are_text():
    score = Score((Track((Note(0, 60, 48),), name="</text><script>alert(1)</script>"),), title='"><svg onload=x>')
    (page,) = engrave(score)
    drawn = ET.fromstring(page)  # noqa: S314
    assert not list(drawn.iter(f"{SVG}script"))
    words = "".join(drawn.itertext())
    assert "<svg onload=x>" in words
    assert "<script>" in words


def test_a_small_page_holds_less_and_ends_with_its_music():
    score = Score((Track(tuple(Note(12 * beat, 60 + beat % 12, 12) for beat in range(400)), 73),))
    assert len(engrave(score, paper=BOOKLET)) > len(engrave(score, paper=A4)) >= 1
    (short,) = engrave(Score((Track((Note(0, 60, 48),)),)), paper=BOOKLET)
    _, _, width, height = map(float, ET.fromstring(short).get("viewBox", "").split())  # noqa: S314
    assert height < width


def test_the_empty_score_is_a_page_too():
    assert len(engrave(Score())) == 1


def test_too_many_notes_are_refused():
    notes = tuple(Note(onset, 60, 1) for onset in range(MAX_NOTES + 1))
    with pytest.raises(ValueError, match="at most 6,000 notes"):
        engrave(Score((Track(notes),)))
