"""One thread owns all state; every other thread hands its calls to it and waits."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class OrganizationClosed(RuntimeError):
    """The organisation takes no calls any more."""


class Due(Protocol):
    """What becomes due by itself, on a clock that runs by itself."""

    def wait(self) -> float | None:
        """Seconds until the next thing is due, 0 where it is due now; None where nothing is."""
        ...

    def step_now(self) -> bool:
        """Do one thing that is due now; False where there is none."""
        ...


class Owner:
    """The thread that owns the organisation's state.

    With something that becomes due (`palisade serve`), the thread does that too, in turn with what is
    handed to it, so that neither busy clients nor a busy loop hold up the other.
    """

    def __init__(self, due: Due | None = None) -> None:
        self._due = due
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="organization", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Result]) -> Result:
        """Run something on the owner thread and return its result, or raise what it raised."""
        if threading.current_thread() is self._thread:
            return work()
        return self.submit(work).result()

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Hand something to the owner thread without waiting for it; OrganizationClosed once it is."""
        future: Future[Result] = Future()
        with self._lock:
            if self._closed:
                raise OrganizationClosed("the local organisation has been closed")
            self._work.put((work, future))
        return future

    def close(self) -> None:
        """End the thread after what has been handed over."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._work.put(None)
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        while True:
            try:
                item = self._take()
            except queue.Empty:
                self._do_due()
                continue
            if item is None:
                return
            work, future = item
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            self._do_due()

    def _take(self) -> tuple[Callable[[], Any], Future[Any]] | None:
        """Take what was handed over; raises queue.Empty when something is due before that."""
        wait = None if self._due is None else self._due.wait()
        return self._work.get() if wait is None else self._work.get(block=wait > 0, timeout=wait)

    def _do_due(self) -> None:
        """Do one due thing. Nobody waits for it, so that its failure is logged, and the organisation lives on."""
        if self._due is None or self._closed:
            return
        try:
            self._due.step_now()
        except Exception:
            log.exception("something that was due in the local organisation failed")
