"""What the tests of interruptions skip, by name and with its reason: whatever else they would skip is a fault."""

from __future__ import annotations

from typing import NoReturn

import pytest

from lambdas.controls.model import Control
from tests.controls.cases import Case

DELETED = "a load balancer that is deleted does not come back"
# The cases whose remediation nothing takes back.
FOR_GOOD = {
    ("Palisade.ELB.1", "application without traffic"): DELETED,
    ("Palisade.ELB.1", "network without traffic"): DELETED,
    ("Palisade.ELB.1", "gateway without traffic"): DELETED,
    ("Palisade.ELB.2", "classic without traffic"): DELETED,
    ("Palisade.S3.1", "SSE-S3 with objects to re-encrypt"): "objects that are encrypted anew stay so",
}
# The controls whose remediation takes time in their thorough case.
SLOW = {"EC2.8", "Palisade.GuardDuty.2", "Palisade.S3.1", "RDS.3"}


def for_good(control: Control, case: Case) -> NoReturn:
    """Skip a test of an undo; fails where something should take the remediation back."""
    assert (control.id, case.name) in FOR_GOOD, "nothing takes back what this remediation has changed"
    pytest.skip(FOR_GOOD[control.id, case.name])


def slow(control: Control) -> NoReturn:
    """Skip a test of remediations that one run makes; fails where no change is known to take time."""
    assert control.id in SLOW, "the plan was handed over to the steps of a long one"
    pytest.skip("its changes take time: its steps are killed at their calls by a test of their own")
