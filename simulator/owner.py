"""One thread owns all state; every other thread hands its calls to it and waits."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Owner:
    """The thread that owns the organisation's state."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="organization", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Result]) -> Result:
        """Run something on the owner thread and return its result, or raise what it raised."""
        if threading.current_thread() is self._thread:
            return work()
        if not self._thread.is_alive():
            raise RuntimeError("the local organisation has been closed")
        future: Future[Result] = Future()
        self._work.put((work, future))
        return future.result()

    def close(self) -> None:
        """End the thread after what has been handed over."""
        self._work.put(None)
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            work, future = item
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
