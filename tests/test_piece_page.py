"""Rules of a piece's own page and files, over the real routes and a real store."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import mido
import pytest
import streamlit as st
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from musicdemo.music.midi import read_midi, write_midi
from musicdemo.music.score import Note, Score, Track
from musicdemo.render.abc import write_abc
from musicdemo.render.musicxml import write_musicxml
from musicdemo.ui import services
from musicdemo.ui.piece_page.files import KINDS, midi_file, titled
from musicdemo.ui.piece_page.recipe_file import recipe_file
from musicdemo.ui.pieces import demo_piece, file_name, show_upload
from musicdemo.ui.routes import pieces, sound

HOSTILE = '"><script>alert(1)</script><b>\u202eevil'
BASE = "https://music.example"


@pytest.fixture(autouse=True)
def own_database(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pieces.sqlite3")
    st.cache_resource.clear()
    yield
    services.piece_store().close()
    services.sounds().close()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def client():
    with TestClient(
        Starlette(routes=[*sound.routes(), *pieces.routes()]), base_url=BASE, follow_redirects=False
    ) as running:
        yield running


def kept_piece(**changes):
    """The demo, saved under another title or recipe."""
    demo = replace(demo_piece(), **changes)
    return services.piece_store().save(
        title=demo.title, score=demo.score, join=demo.join, events=demo.events, recipe=demo.recipe
    )


class Document(HTMLParser):
    """A page as a browser takes it apart: its elements with attributes, and its texts by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.elements[-1][0], data.strip()))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> str:
        return next(text for name, text in self.texts if name == tag)

    def meta(self, name: str) -> str:
        return next(m["content"] for m in self.all("meta") if name in (m.get("property"), m.get("name")))


def page(client: TestClient, address: str, **headers: str) -> Document:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return Document(answer.text)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_piece_is_and_leads_to_the_studio(client):
    found = page(client, "/p/demo")
    assert found.text("h1") == demo_piece().title
    assert any(link["href"] == "/?piece=demo&lang=en" for link in found.all("a"))
    recipe = demo_piece().recipe
    for fact in (recipe["model"], recipe["seed_title"], str(recipe["new_notes"])):
        assert any(fact in text for tag, text in found.texts if tag == "p")


def test_link_previews_get_absolute_addresses_of_the_host_that_was_asked(client):
    found = page(client, "/p/demo")
    assert found.meta("og:title") == demo_piece().title
    assert found.meta("og:url") == f"{BASE}/p/demo"
    assert found.meta("og:image") == found.meta("twitter:image") == f"{BASE}/p/demo.png"
    assert found.meta("twitter:card") == "summary_large_image"
    picture = Image.open(io.BytesIO(client.get(found.meta("og:image")).content))
    assert picture.size == (int(found.meta("og:image:width")), int(found.meta("og:image:height")))


def test_everything_that_a_page_names_is_there_and_on_our_own_host(client):
    found = page(client, "/p/demo")
    named = [
        attributes[name] for _, attributes in found.elements for name in ("src", "href") if attributes.get(name, "")
    ]
    ours = [address.removeprefix(BASE) for address in named]
    assert all(address.startswith(("/", "?")) for address in ours), "nothing is of another host"
    for address in {address for address in ours if not address.startswith(("/?", "?"))}:
        assert client.get(address).status_code == 200, address


def test_no_script_or_style_stands_in_the_page_itself(client):
    for address in ("/p/demo", "/p/demo/embed", "/p/none"):
        answer = client.get(address)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        found = Document(answer.text)
        assert all("src" in script or script["type"] == "application/json" for script in found.all("script"))
        assert not found.all("style")
        assert not any(name.startswith("on") or name == "style" for _, given in found.elements for name in given)


@pytest.mark.parametrize("end", ["", "/embed"])
def test_a_hostile_title_is_text_everywhere(client, end):
    piece = kept_piece(title=HOSTILE, recipe={**demo_piece().recipe, "seed_title": HOSTILE, "model": "<i>x</i>"})
    plain, hostile = page(client, f"/p/demo{end}"), page(client, f"/p/{piece.id}{end}")
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert "<script>alert(1)</script>" in hostile.text("h1")
    assert "\u202e" not in hostile.text("h1"), "nor does it turn the text around it"


def test_a_script_in_a_tracks_name_does_not_end_the_rolls_data(client):
    score = Score((Track((Note(0, 60, 12),), name="</script><script>alert(1)</script>"),))
    piece = kept_piece(score=score, join=0)
    found = page(client, f"/p/{piece.id}")
    data = json.loads(next(text for tag, text in found.texts if tag == "script"))
    assert "</script>" in data["data"]["tracks"][0]["name"]
    assert len(found.all("script")) == len(page(client, "/p/demo").all("script"))


@pytest.mark.parametrize(
    ("address", "wanted", "language"),
    [
        ("/p/demo", "zh-CN,zh;q=0.9", "zh-Hans"),
        ("/p/demo", "de", "en"),
        ("/p/demo?lang=zh", "en", "zh-Hans"),
        ("/p/demo?lang=en", "zh", "en"),
        ("/p/demo/embed?lang=zh", "en", "zh-Hans"),
        ("/p/demo?lang=<b>", "en", "en"),
    ],
)
def test_the_language_is_that_of_the_address_or_of_the_browser(client, address, wanted, language):
    assert page(client, address, **{"accept-language": wanted}).all("html")[0]["lang"] == language


@pytest.mark.parametrize("end", ["", "/embed"])
@pytest.mark.parametrize("address", ["A" * 22, "nonsense", "preview-0", "%3Cscript%3E"])
def test_where_there_is_no_piece_the_page_says_so_and_leads_back(client, address, end):
    answer = client.get(f"/p/{address}{end}")
    assert answer.status_code == 404
    found = Document(answer.text)
    assert found.all("h1") and not found.all("script")
    assert any(link["href"] == "/?lang=en" for link in found.all("a"))


def test_what_may_be_forgotten_has_no_page_of_its_own(client):
    preview = show_upload("tune", demo_piece().score)
    answer = client.get(f"/p/{preview.id}")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/?piece={preview.id}"


def test_the_snippet_shows_the_embedded_form_and_survives_a_hostile_title(client):
    piece = kept_piece(title=HOSTILE)
    answer = client.get(f"/p/{piece.id}")
    (snippet,) = re.findall(r'<textarea id="snippet"[^>]*>(.*?)</textarea>', answer.text, re.DOTALL)
    (frame,) = Document(Document(f"<pre>{snippet}</pre>").text("pre")).all("iframe")
    assert frame["src"] == f"{BASE}/p/{piece.id}/embed"
    assert "frame-ancestors *" in client.get(frame["src"]).headers["content-security-policy"]


def test_assets_may_be_kept_for_ever_and_old_names_are_gone(client):
    style = page(client, "/p/demo").all("link")[-1]["href"]
    assert "immutable" in client.get(style).headers["cache-control"]
    assert client.get("/assets/page-0000000000000000.css").status_code == 404


# --- the files --------------------------------------------------------------------------------------------------------


def test_midi_carries_title_and_recipe_and_is_read_back_as_the_same_notes(client):
    piece = kept_piece(title="小步舞曲（续）")
    data = client.get(f"/p/{piece.id}.mid").content
    assert data == midi_file(piece) == midi_file(piece)
    texts = {message.type: message for message in mido.MidiFile(file=io.BytesIO(data), charset="utf-8").tracks[0]}
    assert texts["track_name"].name == piece.title
    assert json.loads(texts["text"].text) == recipe_file(piece)
    read = read_midi(data)
    assert read.score == titled(piece)
    assert not read.report.repairs
    assert not read.report.drops


def test_the_recipe_says_what_is_needed_to_make_the_piece_again(client):
    piece = kept_piece(recipe={**demo_piece().recipe, "weights_sha256": "ab" * 32})
    recipe = client.get(f"/p/{piece.id}.json").json()
    assert recipe == recipe_file(piece)
    assert recipe["model"] == piece.recipe["model"]
    assert recipe["weights_sha256"] == "ab" * 32
    assert recipe["settings"] == piece.recipe["settings"]
    assert recipe["seed"]["name"] == "minuet-in-g"
    assert recipe["seed"]["bars"] * 36 == piece.join, "bars of 3/4 have 36 steps"
    assert recipe["result"]["new_notes"] == piece.recipe["new_notes"]
    shipped = services.seeds()["minuet-in-g"].score
    assert titled(piece).clipped(0, piece.join).tracks == shipped.tracks, "the seed can be taken from the piece"


def test_a_piece_from_nothing_has_no_seed():
    assert recipe_file(replace(demo_piece(), join=0))["seed"] is None


@pytest.mark.parametrize(
    ("suffix", "content"),
    [(".musicxml", lambda piece: write_musicxml(titled(piece), join=piece.join)),
     (".abc", lambda piece: write_abc(titled(piece), join=piece.join).encode())],
)  # fmt: skip
def test_scores_are_served_as_they_are_written(client, suffix, content):
    answer = client.get(f"/p/demo{suffix}")
    assert answer.content == content(demo_piece())
    assert answer.headers["content-disposition"] == f'attachment; filename="{file_name(demo_piece(), suffix)}"'
    assert answer.headers["content-type"].startswith(KINDS[suffix].media_type)


def test_sheet_music_is_served_by_page_or_whole_and_runs_nothing(client):
    whole = client.get("/p/demo.svg")
    assert "default-src 'none'" in whole.headers["content-security-policy"]
    assert ET.fromstring(whole.content).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  # our own bytes
    first, second = (client.get(f"/p/demo.svg?paper=booklet&page={page}") for page in (1, 2))
    assert first.content != second.content
    assert client.get("/p/demo.svg?page=99").status_code == 404
    for wrong in ("page=x", "page=-1", "page=1&paper=papyrus", "page=²", "page=1234567890"):
        assert client.get(f"/p/demo.svg?{wrong}").status_code == 400


def test_a_piece_too_long_for_sheet_music_has_everything_else(client):
    long = Score((Track(tuple(Note(onset, 60 + onset % 7, 1) for onset in range(6001))),))
    piece = kept_piece(score=long, join=0)
    assert client.get(f"/p/{piece.id}.svg").status_code == 404
    found = page(client, f"/p/{piece.id}")
    assert not any(".svg" in image["src"] for image in found.all("img"))
    assert any(link["href"].endswith(".musicxml") for link in found.all("a"))


@pytest.mark.parametrize("suffix", sorted(KINDS))
def test_no_file_of_an_unknown_piece(client, suffix):
    answer = client.get(f"/p/nonsense{suffix}")
    assert answer.status_code == 404
    assert "\n" not in answer.text


def test_file_names_tell_title_model_random_seed_and_piece():
    piece = replace(
        demo_piece(), id="Zx_9-abcdef", title="Étude №1: a/b", recipe={**demo_piece().recipe, "model": "lstm"}
    )
    assert file_name(piece, ".mid") == "etude-no1-a-b-lstm-13-zx9abc.mid"
    hub = replace(piece, title="小步舞曲", recipe={**piece.recipe, "model": "some/one@" + "0123456789" * 4})
    assert file_name(hub, ".abc") == "piece-some-one-0123456-13-zx9abc.abc"
    assert len(file_name(replace(hub, title="x" * 200), ".musicxml")) <= 100


def test_a_text_in_a_midi_file_changes_nothing_else():
    score = titled(demo_piece())
    plain, noted = read_midi(write_midi(score)), read_midi(write_midi(score, note="é" * 300))
    assert plain == noted
    assert write_midi(score, note="") == write_midi(score)
