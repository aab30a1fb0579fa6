"""What can be heard of a piece while it is being made."""

import io
import threading
import wave

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from musicdemo.generation import GenerationSettings, Progress
from musicdemo.music.score import Score
from musicdemo.ui import services
from musicdemo.ui.compose import Task, Wish, tasks
from musicdemo.ui.routes import live
from tests.test_ui import WAIT_SECONDS, own_database

__all__ = ["own_database"]


@pytest.fixture
def growing():
    """Yield a job that waits, and what makes it report so many new bars of a seed that goes on as itself."""
    seed = services.seeds()["minuet-in-g"].score
    score = seed.joined(seed, seed.bars[-1].end)
    go_on = threading.Event()
    controls = []

    def work(control):
        controls.append(control)
        go_on.wait(WAIT_SECONDS)

    wish = Wish("lstm", GenerationSettings(), seed, "minuet-in-g", "Minuet")
    task = Task(wish, services.job_queue().submit(work))
    tasks().put(task.job.id, task)

    def report(bars: int, score: Score = score) -> None:
        while not controls:
            pass
        controls[0].report(Progress(bars, 16, score, seed.bars[-1].end))

    yield task, report
    go_on.set()
    assert task.job.wait(WAIT_SECONDS)


def test_address_changes_when_there_is_twice_as_much(growing):
    task, report = growing
    assert live.live_source(task) == ""
    sources = []
    for bars in range(1, 17):
        report(bars)
        sources.append(live.live_source(task).removeprefix(f"/job/{task.job.id}-"))
    assert sources == [""] * 3 + ["4.wav"] * 4 + ["8.wav"] * 8 + ["16.wav"]


def test_beginning_is_heard_with_the_seed_and_nothing_beyond(growing):
    task, report = growing
    client = TestClient(Starlette(routes=live.routes()))
    report(5)
    reply = client.get(f"/job/{task.job.id}-4.wav")
    assert reply.status_code == 200
    with wave.open(io.BytesIO(reply.content)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    seed = task.wish.seed
    assert seed is not None
    music = seed.seconds_at(seed.bars[-1].end + 4 * seed.bars[-1].meter.bar_steps)
    assert music - 1 < seconds < music + 5
    for bars in (3, 6, 64):
        assert client.get(f"/job/{task.job.id}-{bars}.wav").status_code == 404
    assert client.get("/job/none-4.wav").status_code == 404
