"""What the front door costs beside moto alone, in process and through the port, and what a server's memory does.

Both sides make the same light calls with the same clients, in turn, in processes that stay: what else the
machine does meets both. `figures` is what `make bench` asks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
CALLS = 100  # of each kind in a round
COST = 2.0  # moto's calls per second to the door's: at most as much again as moto alone
LEAK_CALLS = 10_000
LEAK_CLIENTS = 4
LEAK_MEGABYTES = 20.0
FOREIGN = ("AWS_", "PULUMI_", "PALISADE_", "HTTP_PROXY", "http_proxy")

Figures = dict[str, tuple[float, str, float | None]]


class Worker:
    """A process of benchmarks.front_door_worker: it says when it is ready, and answers each order with a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ready = self._heard()

    def start(self, calls: int) -> None:
        """Order so many calls of each kind."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        print(calls, file=self._process.stdin, flush=True)

    def finish(self) -> dict[str, float]:
        """The seconds of what was ordered, by kind of call."""
        return self._heard()

    def call(self, calls: int) -> dict[str, float]:
        """Make so many calls of each kind and return their seconds."""
        self.start(calls)
        return self.finish()

    def memory(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended: {self._process.args!r}")
        heard: dict[str, Any] = json.loads(line)
        return heard


@contextmanager
def worker(what: str, environment: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """Start a worker; it ends with its input."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.front_door_worker", what],
        cwd=ROOT,
        env={**kept, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Worker(process)
        assert process.stdin is not None  # noqa: S101 - a pipe
        process.stdin.close()
        process.wait(timeout=60)


def figures() -> Figures:
    """Measure everything; name -> (value, unit, upper bound or None)."""
    found: Figures = {}
    with worker("moto") as moto, worker("door") as door:
        found |= _compared("in process", moto, door)
    with ExitStack() as stack:
        servers = [stack.enter_context(worker(what)) for what in ("moto-server", "door-server")]
        clients = [stack.enter_context(worker("client", one.ready)) for one in servers]
        found |= _compared("through the port", *clients)
        found |= _leak(servers[1], stack)
    return found


def _compared(where: str, moto: Worker, door: Worker) -> Figures:
    """Time both in turn; each figure is the median over the rounds."""
    rounds = [(moto.call(CALLS), door.call(CALLS)) for _ in range(ROUNDS + 1)][1:]  # the first warms up
    kinds = list(rounds[0][0])
    of_moto = median(sum(one.values()) for one, _ in rounds)
    of_door = median(sum(one.values()) for _, one in rounds)
    calls = CALLS * len(kinds)
    found: Figures = {
        f"light calls, moto alone, {where}": (calls / of_moto, "calls/s", None),
        f"light calls, front door, {where}": (calls / of_door, "calls/s", None),
        f"front door's cost, {where}": (of_door / of_moto, "times moto's", COST),
    }
    for kind in kinds:
        ratio = median(mine[kind] / its[kind] for its, mine in rounds)
        found[f"front door's cost, {where}, {kind}"] = (ratio, "times moto's", None)
    return found


def _leak(server: Worker, stack: ExitStack) -> Figures:
    """Let several clients make 10,000 calls at once and see what stays in the server's memory."""
    clients = [stack.enter_context(worker("client", server.ready)) for _ in range(LEAK_CLIENTS)]
    kinds = len(clients[0].call(LEAK_CALLS // 20))
    before = server.memory()
    for client in clients:
        client.start(LEAK_CALLS // LEAK_CLIENTS // kinds + 1)
    for client in clients:
        client.finish()
    grown = server.memory() - before
    return {f"memory that {LEAK_CALLS} calls of {LEAK_CLIENTS} clients leave": (grown, "MB", LEAK_MEGABYTES)}


if __name__ == "__main__":
    for name, (value, unit, bound) in figures().items():
        print(f"{name}: {value:.2f} {unit}" + (f" (bound {bound})" if bound is not None else ""))
