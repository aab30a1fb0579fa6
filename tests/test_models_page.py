"""The models page: a card says what the files say, a demo is the same for all, and a stranger's text stays text."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from huggingface_hub import constants
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from musicdemo.checkpoint import CHECKPOINTS, list_checkpoints, read_info, write_metrics
from musicdemo.errors import CheckpointError
from musicdemo.generation import generate
from musicdemo.jobs import JobControl
from musicdemo.ui import services
from musicdemo.ui.models_page.cards import EQUATIONS, facts, in_order, kind_of
from musicdemo.ui.models_page.charts import compared
from musicdemo.ui.models_page.demos import SETTINGS, address, check_model, make_demo, ready_demo
from musicdemo.ui.models_page.figures import held_out, mean, mean_nats, number, sources, text, told_apart
from musicdemo.ui.models_page.snapshots import snapshots, steps_of
from musicdemo.ui.models_page.tables import held_out_table, int8_line, sources_table
from musicdemo.ui.routes.models import routes
from musicdemo.ui.visit import FINAL_STATES
from tests.local_hub import LocalHub, running_hub
from tests.tiny import tiny_checkpoint

PAGE = Path(__file__).parents[1] / "musicdemo" / "ui" / "main.py"
WAIT_SECONDS = 30
SHIPPED = {info.name: info for info in list_checkpoints()}
SEED = "old-hundredth"
SCRIPT = "**<script>alert(1)</script>**"


@pytest.fixture(autouse=True)
def _own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pieces.sqlite3")
    st.cache_resource.clear()
    yield
    services.piece_store().close()
    st.cache_resource.clear()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    with running_hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        yield hub


def opened_page() -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=WAIT_SECONDS).run()
    page.switch_page("views/models.py").run()
    assert not page.exception and not page.error
    return page


def heard(page: AppTest, spot: str) -> AppTest:
    """Press a button to listen and wait for what comes of it."""
    page.button(key=f"listen_{spot}").click().run()
    job = page.session_state["models_jobs"].get(spot)
    if job is not None:  # otherwise the job was quick
        assert job.wait(WAIT_SECONDS)
        page.run()
    assert not page.exception and not page.error
    return page


def chosen_seed(page: AppTest) -> str:
    return str(page.selectbox(key="models_seed").value)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


# --- figures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, "3", None, [], {}, float("nan"), float("inf")])
def test_what_is_no_number_is_no_figure(value: object) -> None:
    assert number({"a": {"b": value}}, "a", "b") is None


@pytest.mark.parametrize("metrics", [{}, {"held_out": 3}, {"held_out": {"air": 4}}, {"held_out": {"air": []}}])
def test_a_file_without_figures_gives_none(metrics: dict[str, Any]) -> None:
    assert held_out(metrics) == [] and mean_nats(metrics) is None and told_apart(metrics) is None


def test_a_mean_counts_each_corpus_alike_and_is_none_where_one_is_missing() -> None:
    corpora = {"air": {"nats_per_note": 1.0, "notes": 10}, "band": {"nats_per_note": 4, "notes": 90}}
    assert mean_nats({"held_out": corpora}) == 2.5
    assert mean([1.0, None]) is None and mean([]) is None


def test_text_of_a_file_is_one_short_line() -> None:
    assert text({"a": "one\n two\t" + "x" * 1000}, "a").startswith("one two x")
    assert len(text({"a": "x" * 1000}, "a")) <= 120


def test_games_are_averaged_over_their_seeds() -> None:
    sets = {"real": 0.5, "before, temperature 1.0": 0.7, "gan-1": 0.8, "gan-2": 0.6, "best of 4, gan-1": 0.1}
    found = told_apart({"game": {"sets": {name: {"accuracy": value} for name, value in sets.items()}}})
    assert found == pytest.approx((0.7, 0.7))


def test_models_are_compared_only_on_the_same_corpora() -> None:
    def measured(**nats: float) -> Any:  # a CheckpointInfo with other figures
        rows = {name: {"nats_per_note": value, "bigram": 9.0} for name, value in nats.items()}
        return replace(SHIPPED["gru"], metrics={"held_out": rows})

    models = {
        "nothing": measured(),
        "one": measured(air=2.0, band=4.0),
        "more": measured(air=1.0, band=3.0, folk=50.0),
        "less": measured(air=0.5),
    }
    assert compared(models) == [("one", 3.0), ("more", 2.0), ("Bigram", 9.0)]
    assert compared({}) == [] and compared({"nothing": measured()}) == []


# --- cards -----------------------------------------------------------------------------------------------------------


def test_cards_go_from_the_simplest_network_to_those_that_build_on_it() -> None:
    names = in_order([*SHIPPED, "someone/other@main"])
    assert names == ["rnn", "gru", "lstm", "attention", "gan", "someone/other@main"]
    kinds = [kind_of(SHIPPED[name]) for name in names[:5]]
    assert kinds == ["rnn_tanh", "gru", "lstm", "attention", "gan"]
    assert set(kinds) <= set(EQUATIONS)


@pytest.mark.parametrize("name", list(SHIPPED))
def test_a_card_says_the_figures_of_its_files(name: str) -> None:
    info = SHIPPED[name]
    said = "\n".join(facts(info))
    rows = info.metrics["held_out"].values()
    training, corpora = info.metrics["training"], info.metrics["corpora"].values()
    assert f"{info.parameters:,} parameters" in said
    assert f"{sum(row['nats_per_note'] for row in rows) / len(rows):.3f} nats" in said
    assert f"{sum(row['bigram'] for row in rows) / len(rows):.3f}" in said
    assert f"{sum(corpus['notes']['train'] for corpus in corpora):,} notes" in said
    assert f"random seed {training['random_seed']}" in said and training["commit"][:7] in said
    table = held_out_table(info)
    assert list(table.values())[1] == [f"{row['nats_per_note']:.3f}" for row in rows]
    assert len(sources_table(info)["Licence"]) == len(corpora) == len(sources(info.metrics))


@pytest.mark.parametrize("name", list(SHIPPED))
def test_the_price_of_integers_is_the_difference_of_two_measurements(name: str) -> None:
    figures = SHIPPED[name].metrics["int8"]
    cost = figures["int8_nats_per_note"] - figures["fp32_nats_per_note"]
    assert f"{cost:+.4f}".replace("-", "−") in int8_line(SHIPPED[name])


def test_a_card_without_figures_says_what_to_do(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "tiny")
    said = "\n".join(facts(read_info(tmp_path / "tiny")))
    assert "python -m training.evaluate" in said and "not recorded" in said


def test_the_page_shows_a_card_for_each_model_and_no_table_before_it_is_opened() -> None:
    page = opened_page()
    titles = [title.value.split(" ")[0] for title in page.subheader]
    assert titles == ["rnn", "gru", "lstm", "attention", "gan"]
    assert not page.table


def test_use_this_model_goes_to_the_studio_with_it() -> None:
    page = opened_page()
    page.button(key="use_gru").click().run()
    assert not page.exception
    assert page.selectbox(key="model").value == "gru"
    assert page.button(key="go").label == "Continue"


def test_the_piece_on_the_stage_is_still_there_after_a_model_was_chosen() -> None:
    page = AppTest.from_file(PAGE, default_timeout=WAIT_SECONDS).run()
    demo = page.session_state["visit"].shown
    kept = services.piece_store().save(
        title="Kept", score=demo.score, join=demo.join, events=demo.events, recipe=demo.recipe
    )
    page.query_params["piece"] = kept.id
    page.run()
    page.switch_page("views/models.py").run()
    page.button(key="use_rnn").click().run()
    assert not page.exception
    assert page.session_state["visit"].shown.id == kept.id
    assert page.selectbox(key="model").value == "rnn"


# --- demos -----------------------------------------------------------------------------------------------------------


def test_a_demo_is_what_the_model_makes_of_the_seed() -> None:
    (made,) = generate(services.checkpoint("gru"), SETTINGS, seed=services.seeds()[SEED].score)
    demo = make_demo(JobControl(), "gru", SEED)
    assert (demo.score, demo.join) == (made.score, made.join)
    assert ready_demo("gru", SEED) == demo
    assert ready_demo("rnn", SEED) is None and ready_demo("gru", "greensleeves") is None


def test_a_demo_that_was_stopped_is_not_kept() -> None:
    class Stopped(JobControl):
        @property
        def stopped(self) -> bool:
            return True

    make_demo(Stopped(), "rnn", SEED)
    assert ready_demo("rnn", SEED) is None


def test_listening_shows_the_roll_in_the_place_of_the_button() -> None:
    page = heard(opened_page(), "gru")
    assert "Listen to gru" not in labels(page) and "Listen to rnn" in labels(page)
    assert ready_demo("gru", chosen_seed(page)) is not None
    page.selectbox(key="models_seed").select(SEED).run()
    assert "Listen to gru" in labels(page)  # the roll of another seed would be a lie


def test_a_full_queue_is_said_in_one_sentence() -> None:
    go_on = threading.Event()
    jobs = [services.job_queue().submit(lambda _: go_on.wait(WAIT_SECONDS)) for _ in range(services.WORKERS)]
    while any(job.state == "queued" for job in jobs):
        pass
    jobs += [services.job_queue().submit(lambda _: True) for _ in range(services.JOBS_WAITING)]
    page = opened_page()
    page.button(key="listen_gru").click().run()
    go_on.set()
    assert all(job.wait(WAIT_SECONDS) for job in jobs)
    assert len(page.error) == 1 and not page.exception
    assert not page.run().error


@pytest.mark.parametrize(
    "name", ["", "..", "../checkpoints/gru", str(CHECKPOINTS / "gru"), "snapshots", "snapshots/7", "no/such", "./gru"]
)
def test_no_address_opens_a_folder_or_fetches_anything(hub: LocalHub, name: str) -> None:
    with pytest.raises(CheckpointError, match="no model"):
        check_model(name)
    assert not hub.asked


@pytest.fixture
def _sound_shelf() -> Iterator[None]:
    """The shelf's folder goes with the server's process, and here with the test."""
    yield
    services.sounds().close()


@pytest.mark.usefixtures("_sound_shelf")
def test_the_address_of_a_demo_gives_its_sound_and_others_a_sentence() -> None:
    client = TestClient(Starlette(routes=routes()))
    answer = client.get(address("snapshots/0", SEED))
    assert answer.status_code == 200 and answer.content[:4] == b"RIFF"
    assert answer.headers["content-type"] == "audio/wav"
    demo = ready_demo("snapshots/0", SEED)
    assert demo is not None and services.sounds().wav(demo.score).read_bytes() == answer.content
    part = client.get(address("snapshots/0", SEED), headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
    for wrong in (address("nobody", SEED), address("gru", "nothing"), "/m/gru.wav"):
        answer = client.get(wrong)
        assert answer.status_code == 404 and answer.text.endswith(".") and "\n" not in answer.text


# --- the time machine ------------------------------------------------------------------------------------------------


def test_snapshots_are_one_network_that_learns() -> None:
    infos = list(snapshots().values())
    steps = [steps_of(info) for info in infos]
    assert steps == sorted(steps) and steps[0] == 0 and len(steps) >= 5
    assert len({info.parameters for info in infos}) == 1
    nats = [mean_nats(info.metrics) for info in infos]
    assert None not in nats and nats == sorted(nats, key=lambda value: -(value or 0))
    assert not {info.name for info in infos} & set(SHIPPED)
    sizes = [path.stat().st_size for path in (CHECKPOINTS / "snapshots").rglob("*") if path.is_file()]
    assert sum(sizes) <= 6_000_000


def test_who_has_listened_once_hears_each_snapshot_that_the_slider_comes_to() -> None:
    page = opened_page()
    seed = str(page.selectbox(key="snapshot_seed").value)
    assert seed == SEED
    names = list(snapshots())
    page.select_slider(key="snapshot").set_value(names[0]).run()
    assert ready_demo(names[0], seed) is None
    heard(page, "time_machine")
    first = ready_demo(names[0], seed)
    page.select_slider(key="snapshot").set_value(names[-1]).run()
    job = page.session_state["models_jobs"].get("time_machine")
    assert job is None or job.wait(WAIT_SECONDS)
    page.run()
    last = ready_demo(names[-1], seed)
    assert first is not None and last is not None and first.score != last.score
    assert not page.exception and not page.error


# --- models from the Hub ---------------------------------------------------------------------------------------------


def put_tiny(hub: LocalHub, folder: Path) -> str:
    """Put a tiny model on the Hub, with figures that a stranger wrote; return its name at its commit."""
    tiny_checkpoint(folder)
    row = {"nats_per_note": 3.0, "bigram": "much"}
    corpora = {SCRIPT: {"source": SCRIPT, "licence": SCRIPT, "notes": {"train": 1}}}
    training = {"way": SCRIPT, "device": SCRIPT}
    write_metrics(folder, {"training": training, "corpora": corpora, "held_out": {SCRIPT: row, "air": 5}})
    return f"someone/tiny@{hub.put('someone/tiny', {path.name: path.read_bytes() for path in folder.iterdir()})}"


def fetched(page: AppTest, name: str) -> AppTest:
    """Ask for a model of the Hub and wait for what comes of it."""
    page.text_input(key="hub_name").set_value(name)
    page.button(key="fetch").click().run()
    assert not page.exception
    job = page.session_state["visit"].fetch
    if job is not None:  # otherwise the job was quick, or the name is none
        assert job.wait(WAIT_SECONDS)
        page.run()
    assert not page.exception
    return page


def test_a_model_of_the_hub_gets_a_card_can_be_heard_and_is_used(hub: LocalHub, tmp_path: Path) -> None:
    name = put_tiny(hub, tmp_path / "tiny")
    page = fetched(opened_page(), " someone/tiny ")
    assert not page.error
    heard(page, name)
    assert ready_demo(name, chosen_seed(page)) is not None
    page.button(key=f"use_{name}").click().run()
    assert not page.exception
    assert page.selectbox(key="model").value == name


def test_what_a_stranger_wrote_is_never_read_as_markup(hub: LocalHub, tmp_path: Path) -> None:
    name = put_tiny(hub, tmp_path / "tiny")
    page = fetched(opened_page(), "someone/tiny")
    info = page.session_state["visit"].models[name]
    tables = (held_out_table(info), sources_table(info))
    cells = [cell for table in tables for column in table.values() for cell in column]
    assert len(cells) == 9
    blocks = (*page.markdown, *page.caption, *page.title, *page.header, *page.subheader)
    for value in (*cells, *(block.value for block in blocks)):
        assert "<script>" not in value and "**" not in value


def test_a_model_that_is_on_this_machine_is_offered_to_others_without_asking_the_hub(
    hub: LocalHub, tmp_path: Path
) -> None:
    name = put_tiny(hub, tmp_path / "tiny")
    fetched(opened_page(), "someone/tiny")
    asked = len(hub.asked)
    friend = opened_page()
    assert not any(title.value.startswith("someone") for title in friend.subheader)
    friend.button(key=f"kept_{name}").click().run()
    assert not friend.exception
    assert any(title.value.startswith("someone") for title in friend.subheader)
    assert f"Show {name[:20]}" not in labels(friend)
    assert len(hub.asked) == asked


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("no/such", "the Hub has no model no/such"), ("../../etc", "OWNER/NAME"), ("", "OWNER/NAME")],
)
def test_a_model_that_cannot_be_fetched_gives_one_sentence(hub: LocalHub, name: str, sentence: str) -> None:
    page = fetched(opened_page(), name)
    (error,) = page.error
    assert sentence in error.value.replace("\\", "")
    assert page.text_input(key="hub_name").value == name
    assert not page.run().error


def test_fetching_can_be_stopped_and_music_does_not_wait_for_it(hub: LocalHub) -> None:
    let_go = threading.Event()
    hub.instead["/revision/main"] = lambda: StreamingResponse(iter(lambda: b" " if let_go.wait(0.1) else b"  ", b" "))
    page = opened_page()
    page.text_input(key="hub_name").set_value("slow/model")
    page.button(key="fetch").click().run()
    job = page.session_state["visit"].fetch
    assert services.job_queue().submit(lambda _control: "music").wait(WAIT_SECONDS)
    assert job.state not in FINAL_STATES
    page.button(key="stop_fetch").click().run()
    let_go.set()
    assert job.wait(WAIT_SECONDS)
    page.run()
    assert not page.exception and not page.error
    assert page.button(key="fetch").label == "Fetch"
