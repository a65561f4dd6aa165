"""Copies of the local organisation, each a child process: what is tried in one, nobody else ever knows.

A run that is killed at each of its calls is made once. At every call the process is copied; the copy ends the caller
there and looks at what becomes of it, and the run itself goes on untouched to its next call. So each strike begins from
the same state, whatever the strikes before it have done.
"""

from __future__ import annotations

import gc
import itertools
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Container
from typing import Any, NoReturn, TypeVar

from simulator.local import LocalOrganization

Result = TypeVar("Result")
EVERY = range(sys.maxsize)


class Copies:
    """Copies of one organisation; `quiet` says when a call is no call of what is struck."""

    def __init__(self, organization: LocalOrganization, quiet: Callable[[], bool] = lambda: False) -> None:
        self._organization, self._quiet = organization, quiet

    def outcome(self, work: Callable[[], Result]) -> Result:
        """Do something in a copy, and return what can be pickled of it; AssertionError with what it raised."""
        return self._organization.do(lambda: _copied(work))

    def killed(
        self,
        run: Callable[[], Any],
        ended: Callable[[int], None],
        places: Container[int] = EVERY,
        *,
        survives: bool = False,
    ) -> int:
        """Make a run, killing it in a copy before each call of these numbers; `ended` looks at each end there.

        What `survives` begins what was killed again by itself. Returns how many were killed; AssertionError with every
        end that was not as it should be.
        """
        return self._organization.do(lambda: self._killed(run, ended, places, survives))

    def _killed(
        self, run: Callable[[], Any], ended: Callable[[int], None], places: Container[int], survives: bool
    ) -> int:
        door, numbers = self._organization.door, itertools.count()
        handle = door.handle
        struck, failed = list[int](), list[str]()
        answering: list[int] = []  # the copy's way to answer, and in a copy alone

        def handled(request: Any) -> Any:
            if answering or self._quiet():
                return handle(request)
            number = next(numbers)
            if number in places:
                struck.append(number)
                writer = _fork(lambda reader: failed.extend(_received(reader)))
                if writer is not None:
                    answering.append(writer)
                    raise SystemExit("killed")  # no Exception: the program must not see its end
            return handle(request)

        door.handle = handled  # type: ignore[method-assign]
        try:
            run()
        except SystemExit:
            if not answering:
                raise
        except BaseException:
            if answering:
                _answer(answering[0], [traceback.format_exc()])
            raise
        else:
            if answering and not survives:
                _answer(answering[0], [f"killed before call {struck[-1]}, the run went on all the same"])
        finally:
            del door.handle
        if answering:
            _answer(answering[0], _failures(lambda: ended(struck[-1])))
        assert not failed, "\n".join(failed)
        return len(struck)


def _copied(work: Callable[[], Result]) -> Result:
    answers = list[tuple[list[str], list[Result]]]()
    writer = _fork(lambda reader: answers.append(_received(reader)))
    if writer is not None:
        made = list[Result]()
        _answer(writer, (_failures(lambda: made.append(work())), made))
    failures, results = answers[0]
    assert not failures, failures[0]
    return results[0]


def _failures(work: Callable[[], Any]) -> list[str]:
    try:
        work()
    except BaseException:
        return [traceback.format_exc()]
    return []


def _fork(wait: Callable[[int], Any]) -> int | None:
    """Copy the process: None in the one that waited for the copy's answer; in the copy, where it answers."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        gc.disable()  # a round would touch, and so copy, every page
        return writer
    os.close(writer)
    try:
        wait(reader)
    finally:
        os.close(reader)
        os.waitpid(child, 0)
    return None


def _received(reader: int) -> Any:
    with open(reader, "rb", closefd=False) as stream:
        said = stream.read()
    assert said, "a copy ended without an answer"
    return pickle.loads(said)  # noqa: S301 - this very program has said it


def _answer(writer: int, said: Any) -> NoReturn:
    """Answer, and end the copy without what the test runner would do at an end."""
    try:
        with open(writer, "wb") as stream:
            stream.write(pickle.dumps(said))
    finally:
        os._exit(0)
