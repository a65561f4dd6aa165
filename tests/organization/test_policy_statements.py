"""Removing any one statement from a deployed policy makes a test here fail: nothing is allowed or denied in vain.

One organisation, three stacks, one run of everything that they do and of everything that must be refused. A
statement has proved itself where a call was decided by it alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import ProductFindings
from operations.local_estate import HUB
from simulator.deployment import DeploymentError
from simulator.iam.decision import StatementRef
from simulator.iam.statements import statements_of
from tests.organization.policy_attacks import attacks
from tests.organization.policy_inventory import LIFECYCLE, UNPROVEN, UNUSED, Place, generated, inventory, place_of
from tests.organization.policy_loop import ENDS, Loop
from tests.organization.policy_mutations import mutations
from tests.organization.policy_world import TAKES_PART, Estate, deployed, founded

CONTROLS = [catalog()[identifier] for identifier in TAKES_PART]
READS = sorted({grant.action for control in CONTROLS for grant in control.read_grants})
# What other products find is read by the hub alone.
READERS = sorted(
    {
        (role, grant.action)
        for control in CONTROLS
        for grant in control.read_grants
        for role in ("role palisade-detect", "role palisade-reader")
        if role.endswith("reader") or not isinstance(control.detection, ProductFindings)
    }
)
WRITES = sorted({grant.action for control in CONTROLS for grant in control.grants})
CAME: dict[str, Any] = {
    **{" ".join(case): outcome for case, outcome in ENDS.items()},
    "a bucket whose own policy refuses": "failed",
    "an approved plan": ["encrypt-by-customer-key", "re-encrypt-sse-kms-objects", "re-encrypt-sse-s3-objects"],
    # It fails again, and waits because of the hold.
    "an undo by an approver": ["remediated", "undone", "awaiting-approval"],
    "an undo that was requested by a custom action": ["remediated", "awaiting-approval", "approval-expired"],
    "an exemption": ["exemption-ends"],
    "a storm": ["[remediated] EC2.13"],
    "a plan that takes time": ["limited", "in-progress", "remediated"],
    "detection that fails": "RetriesExhausted",
    "reconciling without permission to invoke": "NO_PERMISSIONS",
    "a remediation that failed, hours later": ["failed", "failed", "failed"],
    "a sweep without permission to invoke": "NO_PERMISSIONS",
    "findings that cannot be delivered": "NO_PERMISSIONS",
    "a large entry": True,
    "a reconciliation that goes on": 202,
    "an alarm": ['ALARM: "palisade-dead-letters" in eu-west-1'],
}
# Who was refused what while the loop ran: the three things that the run itself forbids.
REFUSED = {
    ("palisade-writer", "s3:PutEncryptionConfiguration"),
    ("events.amazonaws.com", "lambda:InvokeFunction"),
    ("events.amazonaws.com", "sqs:SendMessage"),
}
MUTATED = {
    "no statement": "remediated",
    "detect: ImportFindings": None,
    "detect: PutEvaluations": None,
    "remediation: EnterMembers": "failed",
    "writer: ec2:RevokeSecurityGroupIngress": "failed",
    "queue of findings: Rules": None,
}


@dataclass
class Proof:
    """What the run has shown: each statement as written, whether it alone decided a call, and for which actions."""

    estate: Estate
    written: dict[Place, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    decided: set[Place] = field(default_factory=set)
    needed: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: set[tuple[str, str]] = field(default_factory=set)
    came: dict[str, Any] = field(default_factory=dict)
    attacked: dict[str, str] = field(default_factory=dict)

    def of(self, holder: str, action: str) -> list[Place]:
        """The statements of a holder that allow an action."""
        return [
            place
            for place, statements in self.written.items()
            if place.holder == holder and any(_allows(one, action) for one in statements)
        ]


def proven() -> Iterator[Proof]:
    """Deploy, let everything happen, try what must be refused, and read what decided."""
    with founded() as organization:
        try:
            proof = Proof(deployed(organization))
        except DeploymentError as error:
            # The message names the permission that a deployer lacks; its traceback, in every test, says no more.
            pytest.fail(str(error), pytrace=False)
        places: dict[StatementRef, Place] = {}
        for account in organization.world.accounts:
            for ref, statement in statements_of(organization.world, account):
                place = place_of(ref)
                if place is not None and (place.holder != "key" or account == HUB):
                    places[ref] = place
                    proof.written[place].append(statement)
        proof.came = Loop(proof.estate).run()
        authorizer = proof.estate.authorizer
        proof.refused = {(_name(one.principal), one.action) for one in authorizer.refusals}
        proof.attacked = attacks(proof.estate)
        for ref, place in places.items():
            if authorizer.sole[ref] or authorizer.denied[ref]:
                proof.decided.add(place)
            proof.needed[place] |= authorizer.needed[ref]
        yield proof


@pytest.fixture(scope="module")
def proof() -> Iterator[Proof]:
    yield from proven()


@pytest.fixture(scope="module")
def mutated(proof: Proof) -> dict[str, str | None]:
    return mutations(proof.estate)


def _listed(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def _allows(statement: dict[str, Any], action: str) -> bool:
    # A boundary may name whole services.
    return statement["Effect"] == "Allow" and any(fnmatch(action, pattern) for pattern in _listed(statement))


def _name(principal: str) -> str:
    """A role's name from the ARN of its session; services as they are."""
    return principal.split("/")[1] if "/" in principal else principal


def ids(places: Iterator[Place] | list[Place]) -> list[Any]:
    return [pytest.param(place, id=str(place)) for place in places]


def test_the_inventory_names_every_deployed_statement(proof: Proof) -> None:
    assert sorted(place for place in proof.written if not generated(place)) == sorted(inventory())


@pytest.mark.parametrize("place", ids([place for place in inventory() if place not in UNPROVEN]))
def test_a_statement_alone_decides_a_call(proof: Proof, place: Place) -> None:
    assert place in proof.decided


@pytest.mark.parametrize("place", ids([place for place in inventory() if place.holder not in LIFECYCLE]))
def test_every_action_of_a_statement_is_needed(proof: Proof, place: Place) -> None:
    allowed = {
        action for one in proof.written[place] if one["Effect"] == "Allow" for action in _listed(one)
    } - UNUSED.get(place, {}).keys()
    assert allowed <= proof.needed[place]


@pytest.mark.parametrize(("role", "action"), READERS)
def test_what_a_control_reads_with_stands_in_a_statement_that_decides(proof: Proof, role: str, action: str) -> None:
    statements = proof.of(role, action)
    assert statements, action
    assert proof.decided.issuperset(statements)


@pytest.mark.parametrize("action", READS)
def test_what_a_control_reads_with_is_needed_by_detection_or_for_plans(proof: Proof, action: str) -> None:
    roles = ("role palisade-detect", "role palisade-reader")
    assert any(action in proof.needed[place] for role in roles for place in proof.of(role, action))


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize("holder", ["role palisade-writer", "policy palisade-boundary"])
def test_what_a_control_changes_with_is_needed(proof: Proof, holder: str, action: str) -> None:
    assert any(action in proof.needed[place] for place in proof.of(holder, action))


@pytest.mark.parametrize("what", CAME)
def test_the_loop_does_everything_that_its_policies_are_for(proof: Proof, what: str) -> None:
    assert proof.came[what] == CAME[what]


def test_nothing_else_is_refused_while_the_loop_runs(proof: Proof) -> None:
    assert proof.refused == REFUSED


def test_whatever_must_be_refused_is_refused(proof: Proof) -> None:
    assert {name: ended for name, ended in proof.attacked.items() if ended != "refused"} == {}


@pytest.mark.parametrize("statement", MUTATED)
def test_the_loop_ends_otherwise_without_a_statement(mutated: dict[str, str | None], statement: str) -> None:
    assert mutated[statement] == MUTATED[statement]
