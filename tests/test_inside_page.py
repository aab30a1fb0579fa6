"""What the page and the routes say of a network's thoughts, with the shipped networks and the shipped pieces."""

from threading import Thread

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from musicdemo.likelihood import note_nats
from musicdemo.music.note_order import note_order
from musicdemo.music.score import Meter, MeterChange, Note, Score, Track
from musicdemo.ui import insights, services
from musicdemo.ui.pieces import demo_piece, show_seed, show_upload
from musicdemo.ui.routes import inside
from musicdemo.ui.sections.preview import bars_html
from tests.tiny import tune


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=inside.routes()))


def test_thoughts_come_for_each_note_in_the_order_of_the_roll(client: TestClient) -> None:
    piece = demo_piece()
    reply = client.get("/p/demo/inside.json")
    told, order = reply.json(), note_order(piece.score)
    assert told["model"] == piece.recipe["model"] == "attention" and told["kind"] == "attention"
    assert len(told["notes"]) == len(told["reads"]) == len(told["on_no_note"]) == len(order)
    nats, _ = note_nats(services.checkpoint("attention"), piece.score, style=piece.recipe["style"])
    assert sum(note[0] for note in told["notes"]) < sum(nats) / 0.6931 + 1  # the end costs something too
    for index, (note, reads) in enumerate(zip(told["notes"], told["reads"], strict=True)):
        bits, probability, likeliest = note
        assert bits > 0 and 0 < probability <= 1 and len(likeliest) == 5
        assert len(reads) <= 8 and all(order[other][1].onset <= order[index][1].onset for other, _ in reads)
        assert sum(weight for _, weight in reads) + told["on_no_note"][index] <= 1.001


def test_another_network_and_its_attribution_can_be_asked_for(client: TestClient) -> None:
    told = client.get("/p/demo/inside.json?model=rnn").json()
    assert (told["model"], told["kind"], told["reads"]) == ("rnn", "attribution", None)
    reads = client.get("/p/demo/reads.json?model=rnn&note=40").json()["reads"]
    assert 0 < len(reads) <= 8 and reads == sorted(reads, key=lambda read: -read[1])
    weights = client.get("/p/demo/reads.json?model=attention&note=40").json()["reads"]
    assert weights == client.get("/p/demo/inside.json?model=attention").json()["reads"][40]


def test_drums_are_called_by_their_names_in_the_language_that_is_asked_for(client: TestClient) -> None:
    piece = show_upload("drums", tune(is_drum=True))
    names = {}
    for language in ("en", "zh"):
        told = client.get(f"/p/{piece.id}/inside.json?model=gru&lang={language}").json()
        names[language] = [name for _, _, likeliest in told["notes"] for name, _ in likeliest]
    assert "Closed Hi Hat" in names["en"] and "Closed Hi Hat" not in names["zh"] and len(set(names["zh"])) > 2


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/p/none/inside.json", 404, "address"),
        ("/p/demo/inside.json?model=../lstm", 404, "no such model"),
        ("/p/demo/inside.json?model=someone/else", 404, "no such model"),
        ("/p/demo/inside.json?model=none&lang=zh", 404, "没有这个模型"),
        ("/p/demo/reads.json?model=rnn", 404, "no such note"),
        ("/p/demo/reads.json?model=rnn&note=-1", 404, "no such note"),
        ("/p/demo/reads.json?model=rnn&note=9999", 404, "no such note"),
        ("/p/demo/reads.json?model=rnn&note=%C2%B2", 404, "no such note"),
        ("/p/demo/reads.json?model=rnn&note=99999999999999999999", 404, "no such note"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(client: TestClient, address: str, status: int, says: str) -> None:
    reply = client.get(address)
    assert reply.status_code == status and says in reply.text and reply.headers["content-type"].startswith("text/plain")


def test_a_piece_whose_model_is_gone_is_read_by_the_default_one() -> None:
    assert insights.default_model(show_seed("ode-to-joy")) == "attention"
    gone = demo_piece()
    assert (
        insights.default_model(gone.__class__(**{**gone.__dict__, "recipe": {"model": "owner/gone@main"}}))
        == "attention"
    )


def test_who_comes_while_someone_computes_too_long_is_sent_away(client: TestClient, monkeypatch) -> None:
    monkeypatch.setattr(insights, "PATIENCE_SECONDS", 0.01)
    piece = show_upload("a tune", tune(bars=3))
    with insights._turn():
        replies: list[int] = []
        other = Thread(target=lambda: replies.append(client.get(f"/p/{piece.id}/inside.json").status_code))
        other.start()
        other.join()
    assert replies == [503] and client.get(f"/p/{piece.id}/inside.json").status_code == 200


def test_a_note_is_named_by_bar_beat_and_pitch() -> None:
    waltz = Score(
        (
            Track((Note(0, 60, 6), Note(18, 61, 6), Note(36, 67, 12)), program=40),
            Track((Note(42, 38, 3),), is_drum=True),
        ),
        (MeterChange(0, Meter(6, 8)),),
    )
    seen = insights.insight(show_upload("waltz", waltz), "rnn")
    assert [insights.label(seen, index) for index in range(4)] == ["1:1 C4", "1:4 C♯4", "2:1 G4", "2:2 Acoustic Snare"]


def test_bars_of_the_preview_are_text_not_markup() -> None:
    html = bars_html([("<b>", 0.5), ("C4", 0.25)])
    assert "<b>" not in html.replace("<b>50", "").replace("<b>25", "") and "&lt;b&gt;" in html
    assert "width:50.0%" in html and "25 %" in html


def test_the_next_note_is_kept_by_seed_and_not_by_random_seed() -> None:
    seed = tune()
    one = insights.following("rnn", seed, style="auto", random_seed=1)
    assert insights.following("rnn", tune(), style="auto", random_seed=2) is one
    assert insights.following("rnn", tune(bars=3), style="auto", random_seed=1) is not one
    assert insights.following("rnn", None, style="folk", random_seed=1).style == "folk"
    assert insights.following("rnn", seed, style="no such style", random_seed=1) is one
