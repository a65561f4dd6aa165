"""Which calls of a remediation are struck: all, but of a plan of many steps some, and before a release all again."""

from __future__ import annotations

import os

from lambdas.controls import catalog
from lambdas.controls.model import Control
from operations import scenario
from tests.controls.cases import Case

# With EVERY_CALL=1 every call of every case is struck on every road.
WHOLE = os.environ.get("EVERY_CALL") == "1"
# Of a run of more calls than this, or one whose resource takes its time, so many are struck, evenly: each strike is
# followed by all the steps that are left.
MANY, SOME = 45, 8


def thorough(control: Control) -> Case:
    """The case that is struck on the roads of people's decisions, which its other cases share."""
    offered: list[Case] = scenario.cases(control)
    return next((one for one in offered if one.thorough), offered[0])


def places(control: Control, case: Case, calls: int, road: int = 0) -> range:
    """The calls that are struck of one run: to be killed after a call is to be killed before the next.

    Where some are struck, each road and control begins elsewhere.
    """
    if WHOLE or (calls <= MANY and not case.settle):
        return range(calls)
    share = -(-calls // SOME)
    return range((list(catalog()).index(control.id) + road) % share, calls, share)
