"""Which of two versions of a Linux package is newer: epoch, version and release, segment by segment.

Source: RPM, "rpmvercmp" and "Dependencies" (`~` sorts before anything, `^` after its base); Debian Policy Manual,
"Version" (epoch, and the same `~`). Where the two differ, letters against punctuation, RPM's order is taken: it picks
the version that is asked for, and the package manager of the instance is who compares what is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cmp_to_key
from itertools import zip_longest

SEGMENTS = re.compile(r"\d+|[A-Za-z]+|~|\^")
# What a version is made of: nothing that a shell, an option or a list could take for something else.
FORM = r"[A-Za-z0-9][A-Za-z0-9.+~^:_-]{0,127}"


def newest(versions: Iterable[str]) -> str:
    """The newest of some versions, such as `1:1.0.2k-24.amzn2.0.6` or `1.1.1f-1ubuntu2.19`."""
    return max(versions, key=cmp_to_key(compared))


def compared(one: str, other: str) -> int:
    """Below 0 where `one` is older than `other`, above where it is newer; a missing epoch is 0."""
    for left, right in zip(_parts(one), _parts(other), strict=True):
        if found := _part(left, right):
            return found
    return 0


def _parts(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.rpartition(":")
    upstream, dash, release = rest.rpartition("-")
    return (epoch if colon else "0", upstream, release) if dash else (epoch if colon else "0", rest, "")


def _part(one: str, other: str) -> int:
    for left, right in zip_longest(SEGMENTS.findall(one), SEGMENTS.findall(other), fillvalue=""):
        if left != right and (found := _rank(left) - _rank(right)):
            return found
        if left.isdigit() and int(left) != int(right):
            return int(left) - int(right)
        if left != right and not left.isdigit():
            return -1 if left < right else 1
    return 0


def _rank(segment: str) -> int:
    """How segments of different kinds are ordered: `~`, the end, `^`, letters, numbers."""
    if segment.isdigit():
        return 4
    return {"~": 0, "": 1, "^": 2}.get(segment, 3)
