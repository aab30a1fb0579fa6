"""The page that compares, without a browser; what it measures; and votes, which are counted once."""

import math
import threading

import pytest
from streamlit.testing.v1 import AppTest

from musicdemo.errors import StoreError
from musicdemo.generation import GenerationSettings
from musicdemo.jobs import Job, JobControl
from musicdemo.likelihood import note_nats
from musicdemo.music.metrics import METRICS
from musicdemo.music.score import Note, Score, Track
from musicdemo.music.vocabulary import END, Column
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.compare.asking import MODELS, TEMPERATURES
from musicdemo.ui.compare.ballots import kind_of, vote_book
from musicdemo.ui.compare.lanes import Lane
from musicdemo.ui.compare.measures import WORDS, bits_a_note, metrics_of, new_part
from musicdemo.ui.compose import FROM_NOTHING, Wish, compose, tasks
from musicdemo.votes import MAX_NAME_LENGTH, Tally, VoteBook, comparison_id
from tests.test_ui import WAIT_SECONDS, opened_page, own_database

__all__ = ["own_database"]

FAST = ["gru", "rnn"]


def compare_page(**parameters: str) -> AppTest:
    page = opened_page().switch_page("views/compare.py")
    for name, value in parameters.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def asked(page: AppTest, *, by: str = MODELS, blind: bool = False) -> AppTest:
    """Ask for two short lanes from a shipped seed."""
    page.selectbox(key="compare_seed").select("ode-to-joy")
    page.slider(key="compare_bars").set_value(4)
    page.radio(key="compare_by").set_value(by).run()
    if by == MODELS:
        page.multiselect(key="compare_models").set_value(FAST)
    else:
        page.selectbox(key="compare_model").select(FAST[0])
        page.multiselect(key="compare_temperatures").set_value([1.0, 0.5])
    page.toggle(key="compare_blind").set_value(blind).run()
    return page


def compared(page: AppTest) -> AppTest:
    """Press the button, and wait until every lane has its piece."""
    page.button(key="compare_go").click().run()
    assert not page.exception
    for token in lanes_in_address(page):
        task = tasks().get(token)
        assert task is not None and task.job.wait(WAIT_SECONDS)
    page.run()
    assert not page.exception
    return page


def lanes_in_address(page: AppTest) -> list[str]:
    value = page.query_params["lanes"]
    return (value if isinstance(value, str) else value[0]).split(".")


def pieces_of(page: AppTest):
    return [lane.piece for lane in page.session_state["comparison"].lanes]


def texts(page: AppTest) -> str:
    return "\n".join(each.proto.body for each in page.get("html"))


def busy_workers(gate: threading.Event) -> list[Job[bool]]:
    """Give every worker a job that ends when the gate opens."""
    jobs = [services.job_queue().submit(lambda _: gate.wait(WAIT_SECONDS)) for _ in range(services.WORKERS)]
    while any(job.place for job in jobs):
        gate.wait(0.01)
    return jobs


def composed(model: str, temperature: float = 1.0) -> Piece:
    seed = services.seeds()["ode-to-joy"].score
    asked = GenerationSettings(bars=4, temperature=temperature, random_seed=5)
    return compose(JobControl(), Wish(model, asked, seed, "ode-to-joy", "Ode to Joy"))


# --- lanes -----------------------------------------------------------------------------------------------------------


def test_each_lane_is_a_piece_of_its_model_from_one_seed_and_one_random_seed():
    page = compared(asked(compare_page()))
    pieces = pieces_of(page)
    assert [piece.recipe["model"] for piece in pieces] == FAST
    assert len({piece.recipe["settings"]["random_seed"] for piece in pieces}) == 1
    seed = services.seeds()["ode-to-joy"].score
    for piece in pieces:
        assert piece.recipe["seed"] == "ode-to-joy"
        assert [t.notes for t in piece.score.clipped(0, piece.join).tracks] == [t.notes for t in seed.tracks]
        assert services.piece_store().load(piece.id).score == piece.score, "it is kept"
        assert piece.recipe["seconds"] > 0


def test_temperatures_of_one_model_are_compared_from_cool_to_warm():
    page = compared(asked(compare_page(), by=TEMPERATURES))
    assert [piece.recipe["settings"]["temperature"] for piece in pieces_of(page)] == [0.5, 1.0]
    assert {piece.recipe["model"] for piece in pieces_of(page)} == {FAST[0]}


def test_a_locked_random_seed_makes_the_same_pieces_again():
    page = asked(compare_page())
    page.toggle(key="compare_locked").set_value(True).run()
    first = [piece.score for piece in pieces_of(compared(page))]
    assert [piece.score for piece in pieces_of(compared(page))] == first


def test_from_nothing_is_a_beginning_too():
    page = asked(compare_page())
    page.selectbox(key="compare_seed").select(FROM_NOTHING).run()
    pieces = pieces_of(compared(page))
    assert {piece.join for piece in pieces} == {0}


def test_a_reload_finds_jobs_and_a_link_finds_pieces():
    page = asked(compare_page())
    page.button(key="compare_go").click().run()
    jobs = lanes_in_address(page)
    reloaded = compare_page(lanes=".".join(jobs))
    assert [lane.name for lane in reloaded.session_state["comparison"].lanes] == jobs
    for token in jobs:
        task = tasks().get(token)
        assert task is not None and task.job.wait(WAIT_SECONDS)
    page.run()
    ids = [piece.id for piece in pieces_of(page)]
    assert lanes_in_address(page) == ids
    friend = compare_page(lanes=".".join(ids))
    assert [piece.id for piece in pieces_of(friend)] == ids


@pytest.mark.parametrize("address", ["A" * 22, "nonsense", "<b>x</b>.x", "seed-ode-to-joy"])
def test_an_unknown_lane_gives_one_sentence_and_the_questions(address):
    page = compare_page(lanes=address)
    assert len(page.error) == 1
    assert "lanes" not in page.query_params
    assert not page.button(key="compare_go").disabled
    assert not page.run().error


def test_one_lane_is_no_comparison():
    page = asked(compare_page())
    page.multiselect(key="compare_models").set_value(FAST[:1])
    page.button(key="compare_go").click().run()
    assert len(page.error) == 1
    assert not page.session_state["comparison"].lanes


def test_a_full_queue_is_one_sentence_and_nothing_is_made():
    page = asked(compare_page())
    gate = threading.Event()
    blocking = busy_workers(gate)
    waiting = [services.job_queue().submit(lambda _: None) for _ in range(services.JOBS_WAITING - 1)]
    page.button(key="compare_go").click().run()
    gate.set()
    assert len(page.error) == 1
    assert not page.session_state["comparison"].lanes, "one of two would be no comparison"
    assert all(job.wait(WAIT_SECONDS) for job in blocking) and all(job.wait(WAIT_SECONDS) for job in waiting)


def test_a_stopped_lane_is_left_out_and_said_so():
    page = asked(compare_page())
    gate = threading.Event()
    busy_workers(gate)
    page.button(key="compare_go").click().run()
    page.button(key="compare_stop").click().run()
    gate.set()
    assert len(page.error) == 1
    assert not page.session_state["comparison"].lanes
    assert not page.exception


# --- blind -----------------------------------------------------------------------------------------------------------


def test_a_blind_comparison_tells_nothing_before_the_vote_and_counts_it_once():
    page = compared(asked(compare_page(), blind=True))
    assert "1" in page.query_params["blind"]
    said = texts(page) + "".join(each.proto.label for each in page.get("page_link"))
    assert not any(name in said for name in FAST)
    assert "own model" not in said and "Time" not in said
    ids = [piece.id for piece in pieces_of(page)]
    winner = pieces_of(page)[1].recipe["model"]
    page.button(key="vote_1").click().run()
    assert not page.exception
    assert len(page.success) == 1 and "B" in page.success[0].value
    assert "own model" in texts(page)
    expected = {Tally(name, int(name == winner), 1) for name in FAST}
    assert set(vote_book().tally("model")) == expected
    again = compare_page(lanes=".".join(reversed(ids)), blind="1")
    assert not [button for button in again.button if (button.key or "").startswith("vote_")], "no second vote"
    assert set(vote_book().tally("model")) == expected


def test_names_can_be_seen_without_a_vote():
    page = compared(asked(compare_page(), blind=True))
    page.button(key="reveal").click().run()
    assert "blind" not in page.query_params
    assert "own model" in texts(page)
    assert not vote_book().tally("model")


def test_only_one_difference_is_voted_on():
    models, warm = [composed(name) for name in FAST], composed(FAST[0], 1.5)

    def kind(pieces):
        return kind_of([Lane(piece.id, piece=piece) for piece in pieces])

    assert kind(models) == "model"
    assert kind([models[0], warm]) == "temperature"
    assert kind([*models, warm]) is None
    assert kind(models[:1]) is None
    assert kind_of([Lane("waits")]) is None


# --- measures --------------------------------------------------------------------------------------------------------


def test_every_metric_has_a_plain_name_and_stands_beside_that_of_the_seed():
    piece = composed(FAST[0])
    assert set(WORDS) == set(METRICS)
    measures = metrics_of(piece)
    assert len({measure.name for measure in measures}) == len(METRICS)
    for measure, (name, metric) in zip(measures, METRICS.items(), strict=True):
        percent = measure.value.endswith("%")
        value = float(measure.value.rstrip("%")) / (100 if percent else 1)
        assert value == pytest.approx(metric(new_part(piece)), abs=0.0051), name
        seed = float(measure.of_seed.rstrip("%")) / (100 if percent else 1)
        assert seed == pytest.approx(metric(services.seeds()["ode-to-joy"].score), abs=0.0051), name


def test_bits_of_the_seed_and_of_the_new_part_are_those_of_the_whole():
    piece = composed(FAST[0])
    checkpoint = services.checkpoint(piece.recipe["model"])
    nats, events = note_nats(checkpoint, piece.score, style=piece.recipe["style"])
    is_end = events[:, Column.TIME] == END
    seed_events = len(checkpoint.tokenizer.encode(piece.score.clipped(0, piece.join))) - 2
    new = sum(nats[seed_events:]) - sum(cost for cost, end in zip(nats, is_end, strict=True) if end)
    notes = piece.recipe["new_notes"]
    assert bits_a_note(checkpoint, piece) == pytest.approx(new / math.log(2) / notes)


def test_a_part_without_notes_has_no_figures():
    piece = composed(FAST[0])
    drums = Score((Track((Note(0, 36, 12),), is_drum=True),))
    silent = services.piece_store().save(
        title="", score=drums, join=0, events=piece.events, recipe={**piece.recipe, "seed": FROM_NOTHING}
    )
    assert {measure.value for measure in metrics_of(silent)} == {"–"}
    assert {measure.of_seed for measure in metrics_of(silent)} == {""}


# --- votes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path):
    opened = VoteBook(f"sqlite:///{tmp_path}/votes.sqlite3")
    yield opened
    opened.close()


def test_a_tally_counts_wins_and_comparisons_by_kind(book):
    book.cast("one", kind="model", entrants=["a", "b", "c"], best="b")
    book.cast("two", kind="model", entrants=["b", "a"], best="a")
    book.cast("three", kind="model", entrants=["b", "c"], best="b")
    book.cast("four", kind="temperature", entrants=["0.5", "1"], best="1")
    assert book.tally("model") == [Tally("b", 2, 3), Tally("a", 1, 2), Tally("c", 0, 2)]
    assert book.tally("temperature") == [Tally("1", 1, 1), Tally("0.5", 0, 1)]
    assert (book.best("one"), book.best("two"), book.best("never")) == ("b", "a", None)


def test_the_first_vote_on_a_comparison_stands(book):
    assert book.cast("one", kind="model", entrants=["a", "b"], best="a")
    assert not book.cast("one", kind="model", entrants=["b", "a"], best="b")
    assert book.tally("model") == [Tally("a", 1, 1), Tally("b", 0, 1)]


def test_of_votes_at_the_same_time_one_counts(tmp_path):
    url = f"sqlite:///{tmp_path}/votes.sqlite3"
    books = [VoteBook(url) for _ in range(4)]
    counted = []

    def vote(book):
        counted.append(book.cast("one", kind="model", entrants=["a", "b"], best="a"))

    threads = [threading.Thread(target=vote, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counted) == [False, False, False, True]
    assert books[0].tally("model") == [Tally("a", 1, 1), Tally("b", 0, 1)]
    for book in books:
        book.close()


@pytest.mark.parametrize(
    ("kind", "entrants", "best"),
    [("model", ["a"], "a"), ("model", ["a", "a"], "a"), ("model", ["a", "b"], "c"), ("colour", ["a", "b"], "a")],
)
def test_what_is_no_vote_is_the_callers_mistake(book, kind, entrants, best):
    with pytest.raises(ValueError, match="vote"):
        book.cast("one", kind=kind, entrants=entrants, best=best)
    assert not book.tally("model")


def test_votes_outlive_the_process_and_strangers_names_are_kept_as_they_are(tmp_path):
    name = "<b>' OR 1=1 --"[:MAX_NAME_LENGTH]
    url = f"sqlite:///{tmp_path}/votes.sqlite3"
    first = VoteBook(url)
    first.cast("one", kind="model", entrants=[name, "b"], best=name)
    first.close()
    second = VoteBook(url)
    assert second.best("one") == name
    second.close()


def test_a_comparison_is_the_same_in_any_order():
    assert comparison_id(["a", "b"]) == comparison_id(["b", "a"]) != comparison_id(["a", "c"])


def test_a_database_that_cannot_be_opened_is_one_sentence():
    with pytest.raises(StoreError, match="database"):
        VoteBook("nonsense")
