"""Rules of the store and of scores as JSON, on real SQLite files."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from musicdemo.errors import StoreError
from musicdemo.music import score_json
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.store import Piece, PieceStore
from tests.strategies import scores

WALTZ = Score(
    tracks=(
        Track((Note(0, 60, 12), Note(12, 64, 24, 127)), program=40, name="Geige ♫"),
        Track((Note(0, 36, 1, 1),), is_drum=True, voice=2),
    ),
    meters=(MeterChange(0, Meter(3, 4)), MeterChange(36, Meter(6, 8))),
    tempos=(TempoChange(0, 91.25), TempoChange(5, 120)),
    title="Wälzer",
)
EVENTS = np.array([[0, 40, 60, 12, -1], [32_767, 1, 2, 3, 4]])
RECIPE = {"model": "lstm", "settings": {"bars": 8, "temperature": 1.0}, "log_prob": -12.5, "seed": None}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "pieces.db"


@pytest.fixture
def store(file: Path) -> Iterator[PieceStore]:
    opened = PieceStore(f"sqlite:///{file}")
    yield opened
    opened.close()


def save(store: PieceStore, **changes: Any) -> Piece:
    fields: dict[str, Any] = {"title": "A waltz", "score": WALTZ, "join": 36, "events": EVENTS, "recipe": RECIPE}
    return store.save(**{**fields, **changes})


def assert_same(one: Piece, other: Piece) -> None:
    assert {**vars(one), "events": None} == {**vars(other), "events": None}
    assert one.events.dtype == other.events.dtype == np.int64
    np.testing.assert_array_equal(one.events, other.events)


def test_a_piece_comes_back_as_it_was_saved(store: PieceStore, file: Path) -> None:
    saved = save(store)
    assert (saved.title, saved.score, saved.join, saved.recipe) == ("A waltz", WALTZ, 36, RECIPE)
    np.testing.assert_array_equal(saved.events, EVENTS)
    assert timedelta() <= datetime.now(UTC) - saved.created < timedelta(minutes=1)
    again = PieceStore(f"sqlite:///{file}")
    assert_same(again.load(saved.id), saved)
    again.close()


@pytest.mark.parametrize(
    "events",
    [
        np.zeros((0, 10), dtype=np.int64),
        np.array([[-32_768, 32_767]]),
        np.array([[2**62, -(2**62)]]),
        np.array([[32_768, 0]], dtype=np.int32),
    ],
)
def test_events_of_any_size_keep_shape_and_values(store: PieceStore, events: Any) -> None:
    loaded = store.load(save(store, events=events).id).events
    assert loaded.shape == events.shape
    np.testing.assert_array_equal(loaded, events)


@pytest.mark.parametrize("events", [np.zeros(3, dtype=np.int64), np.zeros((2, 2)), np.array([["a"]])])
def test_events_that_are_not_rows_of_whole_numbers_are_refused(store: PieceStore, events: Any) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        save(store, events=events)


@pytest.mark.parametrize("recipe", [{"log_prob": float("nan")}, {"log_prob": float("inf")}, {"path": Path("x")}])
def test_a_recipe_that_is_not_json_is_refused(store: PieceStore, recipe: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save(store, recipe=recipe)


def test_any_title_becomes_one_short_line(store: PieceStore) -> None:
    assert save(store, title=" two\r\n lines\0 and\ud800 more ").title == "two lines and more"
    assert save(store, title="♫" * 300).title == "♫" * 200


def test_text_that_is_not_unicode_inside_a_score_survives(store: PieceStore) -> None:
    odd = replace(WALTZ, title="half a pair \ud800, a zero \0")
    assert save(store, score=odd).score == odd


def test_ids_are_128_random_bits_that_fit_a_link(store: PieceStore) -> None:
    ids = {save(store).id for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", piece_id) for piece_id in ids)


@pytest.mark.parametrize(
    "piece_id", ["", "x", "../../etc/passwd", "a" * 21, "a" * 23, "a" * 21 + "\n", "a" * 22 + "\n", "é" * 22, "'" * 22]
)
def test_what_is_no_id_never_reaches_the_database(piece_id: str, tmp_path: Path) -> None:
    store = PieceStore(f"sqlite:///{tmp_path / 'pieces.db'}")
    store.close()
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(StoreError, match="not the address of a piece"):
        store.load(piece_id)
    assert not list(tmp_path.iterdir())


def test_an_unknown_id_is_said_to_be_unknown(store: PieceStore) -> None:
    piece_id = save(store).id
    for unknown in ("A" * 22, piece_id.swapcase()):
        with pytest.raises(StoreError, match="no piece at this address"):
            store.load(unknown)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score", "{"),
        ("score", "[]"),
        ("score", '{"format_version": 99}'),
        ("score", "null"),
        ("events", b""),
        ("events", b"\x93NUMPY\x01\x00"),
        ("events", b"garbage, not an array"),
        ("recipe", "{]"),
        ("created", "yesterday"),
    ],
)
def test_a_damaged_piece_is_said_to_be_damaged(store: PieceStore, file: Path, column: str, value: object) -> None:
    piece_id = save(store).id
    connection = sqlite3.connect(file)
    connection.execute(f"UPDATE pieces SET {column} = ?", (value,))  # noqa: S608  # a column of the list above
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="damaged"):
        store.load(piece_id)


def test_pickled_events_are_never_opened(store: PieceStore, file: Path) -> None:
    piece_id = save(store).id
    bomb = file.with_suffix(".npy")
    np.save(bomb, np.array([[{}]], dtype=object), allow_pickle=True)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE pieces SET events = ?", (bomb.read_bytes(),))
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="damaged"):
        store.load(piece_id)


def test_many_threads_and_two_stores_save_and_load_at_once(store: PieceStore, file: Path) -> None:
    other = PieceStore(f"sqlite:///{file}")

    def work(number: int) -> bool:
        saved = save((store, other)[number % 2], title=f"piece {number}")
        return (store, other)[number % 3 % 2].load(saved.id).title == f"piece {number}"

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(80)))
    other.close()


def test_a_database_in_memory_is_shared_by_threads() -> None:
    store = PieceStore("sqlite://")
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _number: save(store).id, range(20)))
    assert [store.load(piece_id).id for piece_id in ids] == ids
    store.close()


SAVE_FOR_EVER = """
import sys
import numpy as np
from musicdemo.music.score import Score
from musicdemo.store import PieceStore
store = PieceStore(sys.argv[1])
while True:
    piece = store.save(title="x", score=Score(), join=0, events=np.zeros((1, 5), dtype=np.int64), recipe={})
    sys.stdout.write(piece.id + "\\n")
    sys.stdout.flush()
"""


def test_a_killed_process_loses_no_piece_that_it_acknowledged(file: Path) -> None:
    url = f"sqlite:///{file}"
    command = [sys.executable, "-c", SAVE_FOR_EVER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline().strip() for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.stdout.read().split()
    store = PieceStore(url)
    for piece_id in acknowledged:
        # The last word may have been cut by the kill; a whole id was acknowledged.
        if len(piece_id) == 22:
            assert store.load(piece_id).title == "x"
    store.close()


def test_every_commit_is_on_disk_before_it_is_acknowledged(store: PieceStore) -> None:
    with store._engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_a_busy_database_is_an_error_of_one_sentence(
    store: PieceStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("musicdemo.database.BUSY_TIMEOUT_MS", 50)
    impatient = PieceStore(f"sqlite:///{file}")
    holder = sqlite3.connect(file)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="could not be saved"):
        save(impatient)
    holder.rollback()
    holder.close()
    assert save(impatient).title == "A waltz"
    impatient.close()


@pytest.mark.parametrize("url", ["", "no url", "nosuch://x/y", "postgresql+nosuch://user:secret@host/x"])
def test_a_database_that_cannot_be_opened_is_an_error_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        PieceStore(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pieces.db"
    file.write_bytes(b"not a database, but long enough to be looked at " * 100)
    with pytest.raises(StoreError, match="could not be opened"):
        PieceStore(f"sqlite:///{file}")
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(StoreError, match="cannot be opened"):
        PieceStore(f"sqlite:///{tmp_path / 'plain' / 'pieces.db'}")


@settings(max_examples=60, deadline=None)
@given(scores())
def test_a_score_survives_json(score: Score) -> None:
    assert score_json.from_json(json.loads(json.dumps(score_json.to_json(score)))) == score


@pytest.mark.parametrize("score", [Score(), WALTZ, Score(title="\0\ud800"), Score((Track(()),))])
def test_odd_scores_survive_json(score: Score) -> None:
    assert score_json.from_json(json.loads(json.dumps(score_json.to_json(score)))) == score


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), None),
        ((), []),
        (("format_version",), 2),
        (("title",), 3),
        (("tracks",), {"a": 1}),
        (("tracks",), 5),
        (("tracks", 0), "track"),
        (("tracks", 0, "notes"), "abcd"),
        (("tracks", 0, "notes", 0), [0, 60, 12]),
        (("tracks", 0, "notes", 0), [0, 60, 12, 80, 1]),
        (("tracks", 0, "notes", 0, 0), 0.5),
        (("tracks", 0, "notes", 0, 1), 128),
        (("tracks", 0, "notes", 0, 3), True),
        (("tracks", 0, "is_drum"), 1),
        (("tracks", 0, "program"), "40"),
        (("tracks", 0, "name"), None),
        (("meters",), []),
        (("meters", 0), [0, 3]),
        (("meters", 0, 2), 5),
        (("tempos", 0), [0]),
        (("tempos", 0), 7),
        (("tempos", 0, 1), float("nan")),
        (("tempos", 0, 1), "fast"),
    ],
)
def test_json_that_is_no_score_is_a_value_error(path: tuple[str | int, ...], value: object) -> None:
    data: Any = {"root": score_json.to_json(WALTZ)}
    place = data
    for key in ("root", *path)[:-1]:
        place = place[key]
    place[("root", *path)[-1]] = value
    with pytest.raises(ValueError, match=r"\S"):
        score_json.from_json(data["root"])


@pytest.mark.parametrize("key", ["format_version", "title", "meters", "tempos", "tracks"])
def test_json_that_lacks_a_field_names_it(key: str) -> None:
    data = score_json.to_json(WALTZ)
    del data[key]
    with pytest.raises(ValueError, match=f"lacks its {key}"):
        score_json.from_json(data)
