"""Rules of the preview picture, read back with Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from musicdemo.music.score import Note, Score, Track
from musicdemo.render import picture
from musicdemo.render.picture import HEIGHT, NEW, NEW_GROUND, PAPER, SEED, WIDTH, draw_picture

SCALE = Score((Track(tuple(Note(12 * beat, 60 + beat, 12) for beat in range(8))),))


def pixels(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    assert image.size == (WIDTH, HEIGHT)
    return image.convert("RGB")


def rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def columns_of(image: Image.Image, colour: str) -> list[int]:
    """The columns in which a colour is found below the words."""
    roll = np.asarray(image)[200:575]
    return np.flatnonzero((roll == rgb(colour)).all(axis=2).any(axis=0)).tolist()


def is_inked(image: Image.Image, rows: slice, columns: slice) -> bool:
    """Whether anything but paper is seen there."""
    return bool((np.asarray(image)[rows, columns] != rgb(PAPER)).any())


def test_seed_and_new_part_are_told_apart_where_the_join_is():
    image = pixels(draw_picture(SCALE, join=48, title="Scale"))
    seed, new, ground = (columns_of(image, colour) for colour in (SEED, NEW, NEW_GROUND))
    assert max(seed) < WIDTH / 2 <= min(new), "the join is in the middle of the piece and of the picture"
    assert min(ground) == pytest.approx(WIDTH / 2, abs=1)


def test_a_piece_from_nothing_is_all_new_and_an_empty_one_is_paper():
    assert columns_of(pixels(draw_picture(SCALE, join=0, title="")), SEED) == []
    assert not is_inked(pixels(draw_picture(Score(), join=0, title="")), slice(0, 570), slice(None))


def test_the_same_piece_gives_the_same_picture():
    assert draw_picture(SCALE, join=48, title="Scale") == draw_picture(SCALE, join=48, title="Scale")


@pytest.mark.parametrize("title", ["Étude", "x" * 200, "WWWW " * 40, "a\u202eb\x00"])
def test_a_title_stays_within_the_picture(title):
    image = pixels(draw_picture(SCALE, join=48, title=title))
    assert is_inked(image, slice(50, 130), slice(60, -60))
    assert not is_inked(image, slice(0, 190), slice(-55, None))


def test_what_no_font_can_show_is_left_out(monkeypatch):
    monkeypatch.setattr(picture, "_INSTALLED_FONTS", ())
    picture._fonts.cache_clear()
    image = pixels(draw_picture(SCALE, join=48, title="小步舞曲"))
    picture._fonts.cache_clear()
    assert not is_inked(image, slice(50, 130), slice(None))
    assert columns_of(image, NEW)
