"""`palisade simulate` as people run it: the whole time of the command, and the peak of its memory."""

from __future__ import annotations

import sys
import tempfile
import time

from benchmarks.measure import Figure, run

# What the command breaks in by itself.
ACCOUNTS = 3
REGIONS = "eu-west-1,us-east-1"
SECONDS = 90
MEGABYTES = 700


def figures() -> dict[str, Figure]:
    """Run the command once; one that leaves something broken fails here too."""
    command = "from operations.cli import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        options = ["simulate", "--accounts", str(ACCOUNTS), "--regions", REGIONS, "--out", folder]
        start = time.perf_counter()
        child = run([sys.executable, "-c", command, *options])
        taken = time.perf_counter() - start
    return {
        "simulate_seconds": Figure(round(taken, 1), "s", SECONDS),
        "simulate_processor_seconds": Figure(round(child.processor, 1), "s"),
        "simulate_peak_memory": Figure(round(child.memory), "MB", MEGABYTES),
    }
