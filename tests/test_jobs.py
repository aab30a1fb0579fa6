"""Rules of the queue, with real threads."""

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from musicdemo.errors import GenerationError, JobError
from musicdemo.jobs import OUR_FAULT, Job, JobControl, JobQueue

PATIENCE_SECONDS = 10


class Gate:
    """Work that says when it began and goes on when it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, control: JobControl) -> str:
        self.entered.set()
        while not self.open.wait(0.005):
            if control.stopped:
                return "stopped early"
        return "done"


def note_down(done: list[Any], name: object, _control: JobControl) -> None:
    done.append(name)


def returning(value: int) -> Callable[[JobControl], int]:
    return lambda _control: value


def ended(job: Job[Any]) -> Job[Any]:
    assert job.wait(PATIENCE_SECONDS)
    return job


def busy_queue(*, capacity: int = 16) -> tuple[JobQueue, Gate, Job[str]]:
    """A queue whose only worker is held at a gate."""
    queue, gate = JobQueue(capacity=capacity), Gate()
    running = queue.submit(gate)
    assert gate.entered.wait(PATIENCE_SECONDS)
    return queue, gate, running


def test_work_runs_outside_the_thread_that_submits_it() -> None:
    job = ended(JobQueue().submit(lambda _control: threading.current_thread()))
    assert job.state == "done"
    assert job.result is not threading.current_thread()
    assert job.result is not None
    assert job.result.daemon
    assert job.error is None


def test_jobs_run_in_the_order_they_came_and_show_their_place() -> None:
    queue, gate, running = busy_queue()
    order: list[int] = []
    jobs = [queue.submit(partial(note_down, order, i)) for i in range(3)]
    assert [running.place, *(job.place for job in jobs)] == [0, 1, 2, 3]
    assert [running.state, *(job.state for job in jobs)] == ["running", "queued", "queued", "queued"]
    gate.open.set()
    assert [ended(job).place for job in jobs] == [0, 0, 0]
    assert order == [0, 1, 2]


def test_no_more_jobs_run_at_once_than_there_are_workers() -> None:
    queue, gates = JobQueue(workers=2), [Gate() for _ in range(3)]
    jobs = [queue.submit(gate) for gate in gates]
    assert gates[0].entered.wait(PATIENCE_SECONDS)
    assert gates[1].entered.wait(PATIENCE_SECONDS)
    assert not gates[2].entered.wait(0.1)
    for gate in gates:
        gate.open.set()
    assert [ended(job).result for job in jobs] == ["done"] * 3


def test_a_full_queue_refuses_and_takes_jobs_again_later() -> None:
    queue, gate, _running = busy_queue(capacity=1)
    waiting = queue.submit(lambda _control: 1)
    with pytest.raises(JobError, match="1 jobs are waiting already"):
        queue.submit(lambda _control: 2)
    gate.open.set()
    ended(waiting)
    assert ended(queue.submit(lambda _control: 3)).result == 3


def test_progress_is_the_last_report() -> None:
    queue, gate = JobQueue(), Gate()

    def work(control: JobControl) -> str:
        control.report("first")
        control.report("second")
        return gate(control)

    job = queue.submit(work)
    assert gate.entered.wait(PATIENCE_SECONDS)
    assert job.progress == "second"
    assert job.result is None
    gate.open.set()
    assert ended(job).progress == "second"


def test_running_work_that_is_stopped_keeps_what_it_returned() -> None:
    _queue, _gate, job = busy_queue()
    job.stop()
    assert ended(job).state == "stopped"
    assert job.result == "stopped early"


def test_a_waiting_job_that_is_stopped_never_runs_and_leaves_its_place() -> None:
    queue, gate, _running = busy_queue()
    ran: list[str] = []
    first, second = (queue.submit(partial(note_down, ran, name)) for name in ("first", "second"))
    first.stop()
    assert first.state == "stopped"
    assert first.wait(0)
    assert (first.place, second.place) == (0, 1)
    gate.open.set()
    ended(second)
    assert ran == ["second"]


def test_stopping_a_job_that_has_ended_changes_nothing() -> None:
    job = ended(JobQueue().submit(lambda _control: 1))
    job.stop()
    assert (job.state, job.result) == ("done", 1)


def test_an_error_of_ours_shows_its_sentence() -> None:
    def work(_control: JobControl) -> None:
        raise GenerationError("The seed is too long: choose at most 64 bars.")

    job = ended(JobQueue().submit(work))
    assert (job.state, job.error) == ("failed", "The seed is too long: choose at most 64 bars.")


def test_an_error_after_a_stop_is_a_stop() -> None:
    def work(control: JobControl) -> None:
        while not control.stopped:
            time.sleep(0.005)
        raise JobError("The job was stopped.")

    job = JobQueue().submit(work)
    job.stop()
    assert (ended(job).state, job.error) == ("stopped", None)


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), MemoryError(), SystemExit(1)])
def test_any_other_error_is_logged_and_hidden_and_the_queue_goes_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def work(_control: JobControl) -> None:
        raise error

    queue = JobQueue()
    with caplog.at_level(logging.ERROR):
        job = ended(queue.submit(work))
    assert (job.state, job.error) == ("failed", OUR_FAULT)
    assert type(error).__name__ in caplog.text
    assert "Traceback" in caplog.text
    assert ended(queue.submit(lambda _control: 1)).result == 1


def test_a_job_that_ended_is_forgotten_when_nobody_holds_it() -> None:
    queue = JobQueue()
    held = threading.Event()  # any object that can be watched

    def work_with(thing: object) -> Callable[[JobControl], object]:
        return lambda _control: thing

    job = ended(queue.submit(work_with(held)))
    watched = (weakref.ref(job), weakref.ref(held))
    ended(queue.submit(lambda _control: None))  # the worker has let go of the first by now
    del job, held
    gc.collect()
    assert [reference() for reference in watched] == [None, None]


def test_an_idle_queue_keeps_no_thread() -> None:
    before = threading.active_count()
    queue = JobQueue(workers=4)
    for job in [queue.submit(lambda _control: None) for _ in range(8)]:
        ended(job)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.005)
    assert threading.active_count() <= before


def test_many_threads_may_submit_and_stop_at_once() -> None:
    queue = JobQueue(workers=3, capacity=1000)
    jobs: list[Job[int]] = []

    def client(number: int) -> None:
        for i in range(50):
            job = queue.submit(returning(number * 50 + i))
            jobs.append(job)
            if i % 3 == 0:
                job.stop()

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    states = [ended(job).state for job in jobs]
    assert len(states) == 200
    assert set(states) <= {"done", "stopped"}
    assert all(job.result is not None for job in jobs if job.state == "done")


def test_ids_differ() -> None:
    queue = JobQueue(capacity=100)
    assert len({queue.submit(lambda _control: None).id for _ in range(50)}) == 50


@pytest.mark.parametrize("sizes", [{"workers": 0}, {"capacity": 0}])
def test_a_queue_without_room_is_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        JobQueue(**sizes)
