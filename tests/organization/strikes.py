"""Which calls of a remediation are struck: all of some, some of all, and every one before a release."""

from __future__ import annotations

import os

from lambdas.controls import catalog
from lambdas.controls.model import Control
from operations import scenario
from tests.controls.cases import Case

# All calls of a control's thorough case are struck; of the other cases every so manieth, each beginning elsewhere, and
# on the automatic road alone. With EVERY_CALL=1 every call of every case is struck on every road: hours.
WHOLE = os.environ.get("EVERY_CALL") == "1"
STRIDE = 13
# Controls whose thorough case is struck at every call of the automatic road: a plan of one change, and of several.
THROUGHOUT = ("EC2.13", "Palisade.S3.1")
# Of the roads that people's decisions take, every so manieth call of theirs is struck.
SHARE = 3
# Of other controls so many calls of each road are struck, evenly: what they have in common is struck above. Fewer where
# resources take their time to be made, for a strike then costs seconds.
SOME, FEW = 6, 3


def thorough(control: Control) -> Case:
    """The case of which every call is struck."""
    offered: list[Case] = scenario.cases(control)
    return next((one for one in offered if one.thorough), offered[0])


def places(control: Control, case: Case, number: int, calls: int) -> range:
    """The calls that are struck of one case: to be killed after a call is to be killed before the next."""
    if WHOLE or (control.id in THROUGHOUT and case is thorough(control)):
        return range(0, calls)
    if case is thorough(control):
        return _evenly(control, case, calls, number)
    return range(number % STRIDE, calls, STRIDE)


def some_places(control: Control, case: Case, calls: int, road: int) -> range:
    """Fewer of them, for roads that share most of their calls with others: each road and control begins elsewhere."""
    if WHOLE:
        return range(0, calls)
    if control.id in THROUGHOUT:
        return range((list(catalog()).index(control.id) + road) % SHARE, calls, SHARE)
    return _evenly(control, case, calls, road)


def _evenly(control: Control, case: Case, calls: int, road: int) -> range:
    share = max(SHARE, -(-calls // (FEW if case.settle else SOME)))
    return range((list(catalog()).index(control.id) + road) % share, calls, share)
