"""Jobs: work that must not run in the thread that asked for it, in a bounded queue with progress and stop.

Stopping is cooperative: the work asks its JobControl. What the work is, and who waits for it, is other rooms' business.
"""

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

from musicdemo.errors import JobError, MusicDemoError

T = TypeVar("T")
OUR_FAULT = "Something went wrong on our side; please try again."
_log = logging.getLogger(__name__)


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class JobControl:
    """What the work sees of its job: where to report, and whether to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._progress: object = None

    def report(self, progress: object) -> None:
        """Replace the progress that the job shows."""
        self._progress = progress

    @property
    def stopped(self) -> bool:
        """The work should return what it has, soon."""
        return self._stop.is_set()


class Job(Generic[T]):
    """One piece of work in a JobQueue; every property may be read from any thread at any time."""

    def __init__(self, queue: "JobQueue", work: Callable[[JobControl], T]) -> None:
        self.id = secrets.token_urlsafe(16)
        self._queue = queue
        self._work: Callable[[JobControl], T] | None = work
        self._control = JobControl()
        self._state = JobState.QUEUED
        self._result: T | None = None
        self._error: str | None = None
        self._ended = threading.Event()

    @property
    def state(self) -> JobState:
        """Where the job stands; a JobState equals its plain word. STOPPED: stop() came before the end."""
        return self._state

    @property
    def place(self) -> int:
        """Place in the queue, 1 for the next; 0 once the job runs or has ended."""
        return self._queue._place(self)

    @property
    def progress(self) -> object:
        """The object that the work reported last; None before."""
        return self._control._progress

    @property
    def result(self) -> T | None:
        """What the work returned, also after a stop; None until then and when it failed."""
        return self._result

    @property
    def error(self) -> str | None:
        """One sentence that may be shown to a person, where the job failed."""
        return self._error

    def stop(self) -> None:
        """Ask the work to end; a job that still waits never runs."""
        self._control._stop.set()
        if self._queue._withdraw(self):
            self._end(JobState.STOPPED)

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait for the end of the job; False if the time was up before."""
        return self._ended.wait(timeout_seconds)

    def _run(self) -> None:
        assert self._work is not None, "a job runs once"
        try:
            self._result = self._work(self._control)
        except MusicDemoError as error:
            self._end_with_error(error)
        except BaseException:  # nothing may leave a job running for ever, not even a SystemExit
            _log.exception("job %s failed", self.id)
            self._end(JobState.FAILED, error=OUR_FAULT)
        else:
            self._end(JobState.STOPPED if self._control.stopped else JobState.DONE)

    def _end_with_error(self, error: MusicDemoError) -> None:
        if self._control.stopped:
            self._end(JobState.STOPPED)
        else:
            self._end(JobState.FAILED, error=str(error))

    def _end(self, state: JobState, error: str | None = None) -> None:
        # The state comes last but one: who reads a final state also reads its result and error.
        self._error = error
        self._work = None
        self._state = state
        self._ended.set()


class JobQueue:
    """Runs jobs in the order they came, at most `workers` at once, with at most `capacity` waiting.

    A worker thread lives only while jobs wait, and the queue holds no job that has ended.
    """

    def __init__(self, *, workers: int = 1, capacity: int = 16) -> None:
        if workers < 1 or capacity < 1:
            raise ValueError(f"a queue needs at least 1 worker and 1 place, not {workers} and {capacity}")
        self._workers = workers
        self._capacity = capacity
        self._lock = threading.Lock()
        self._waiting: deque[Job[object]] = deque()
        self._working = 0

    def submit(self, work: Callable[[JobControl], T]) -> Job[T]:
        """Put `work` at the end of the queue.

        Raises:
            JobError: the queue is full.
        """
        job = Job(self, work)
        with self._lock:
            if len(self._waiting) >= self._capacity:
                raise JobError(f"{self._capacity} jobs are waiting already: please try again in a minute.")
            self._waiting.append(job)  # type: ignore[arg-type]  # the queue never looks at a result
            if self._working < self._workers:
                self._working += 1
                threading.Thread(target=self._work_off, name="musicdemo-worker", daemon=True).start()
        return job

    def _work_off(self) -> None:
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        # A function of its own, so that no local variable keeps the last job alive.
        with self._lock:
            if not self._waiting:
                self._working -= 1
                return False
            job = self._waiting.popleft()
            job._state = JobState.RUNNING
        job._run()
        return True

    def _place(self, job: Job[T]) -> int:
        with self._lock:
            return next((i for i, waiting in enumerate(self._waiting, start=1) if waiting is job), 0)

    def _withdraw(self, job: Job[T]) -> bool:
        """Take a waiting job out of the queue; False where it does not wait."""
        with self._lock:
            count = len(self._waiting)
            self._waiting = deque(waiting for waiting in self._waiting if waiting is not job)
            return len(self._waiting) < count
