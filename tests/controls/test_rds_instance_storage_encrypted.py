"""RDS.3: unencrypted instances are replaced by encrypted copies and brought back; what may not be touched is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Mode, Place, Plan, Refusal, Verdict
from lambdas.controls.rds_instance_storage_encrypted import CONTROL
from lambdas.services import rds_instances as instances
from simulator.local import LocalOrganization
from simulator.services.rds import RdsService
from tests.controls import databases
from tests.controls.cases import Case, settled
from tests.controls.keys import ALIAS, data_key
from tests.controls.round_trip import (
    PLACE,
    apply_plan,
    await_effect,
    judged,
    member_organization,
    planned,
    probed,
    undo,
)

GIVEN = {"key": {PLACE.region: ALIAS}}


def everything(session: Session, place: Place) -> str:
    """An instance with all that needs a permission of its own, in a VPC without a quarantine group."""
    name, key = databases.free_name(session), data_key(session)
    monitoring = databases.role(session, place, "rds-monitoring")
    for other in ("rds-directory", "rds-import"):
        databases.role(session, place, other)
    return databases.make(
        session, place, DBInstanceIdentifier=name, MonitoringInterval=30, MonitoringRoleArn=monitoring,
        EnablePerformanceInsights=True, PerformanceInsightsKMSKeyId=key, ManageMasterUserPassword=True,
        MasterUserSecretKmsKeyId=key, Domain="d-1234567890", DomainIAMRoleName="rds-directory",
        EnableIAMDatabaseAuthentication=True, Tags=[{"Key": "Owner", "Value": "team"}],
    )  # fmt: skip


def encrypted(session: Session, place: Place) -> str:
    return databases.make(session, place, StorageEncrypted=True, KmsKeyId=data_key(session))


def settle(session: Session, place: Place, name: str) -> timedelta | None:
    """Wait until an instance is available, and give the broken one its role, which only then can be given."""
    shown = databases.described(session, name)
    if shown["DBInstanceStatus"] != "available":
        return timedelta(minutes=5)
    if shown["StorageEncrypted"]:
        return None
    if not shown["AssociatedRoles"]:
        role = f"arn:{place.partition}:iam::{place.account}:role/rds-import"
        session.client("rds").add_role_to_db_instance(DBInstanceIdentifier=name, RoleArn=role, FeatureName="s3Import")
        return timedelta(minutes=1)
    return None if shown["AssociatedRoles"][0]["Status"] == "ACTIVE" else timedelta(minutes=1)


def state(session: Session, place: Place, name: str) -> object:
    """All that this control or a careless one could touch, as far as it is there from the beginning."""
    shown = databases.described(session, name)
    fields = ("DBInstanceClass", "StorageEncryptionType", "DeletionProtection", "TagList", "VpcSecurityGroups")
    return [shown.get(field) for field in fields]


CASES = (Case("with everything around it", GIVEN, everything, encrypted, state, thorough=True, settle=settle),)


class Team:
    """The account's administrator, in an organisation in which time passes."""

    def __init__(self, organization: LocalOrganization) -> None:
        self.organization = organization
        self.passes = organization.advance

    def __call__(self) -> Session:
        return self.organization.session(PLACE.account, PLACE.region)

    def plain(self, **more: Any) -> str:
        """A small instance that is there."""
        data_key(self())
        name = databases.make(self(), PLACE, **more)
        self.passes(timedelta(minutes=15))
        return name

    def plan(self, name: str) -> Plan | Refusal:
        return planned(self(), CONTROL, CONTROL.resource(PLACE, name), GIVEN)

    def verdict(self, name: str) -> Verdict:
        return judged(self(), CONTROL, CONTROL.resource(PLACE, name), GIVEN).verdict

    def shown(self, name: str) -> dict[str, Any]:
        return databases.described(self(), name)

    def replaced(self, name: str) -> Any:
        """Replace an instance; returns what was done."""
        return apply_plan(self, self.plan(name), passes=self.passes)

    def clients(self, name: str, number: int) -> None:
        """Let applications hold connections to an instance, where they are let in."""
        service = self.organization.world.service(RdsService)
        self.organization.do(partial(service.connections.feed, PLACE.account, PLACE.region, name, number))


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    with member_organization() as organization:
        yield Team(organization)


def test_an_instance_is_replaced_and_the_undo_brings_back_the_original_under_its_name(team: Team) -> None:
    case = CASES[0]
    name = settled(case, team, PLACE, case.broken(team(), PLACE), team.passes)
    before = CONTROL.read(team(), CONTROL.resource(PLACE, name), None)
    assert before is not None
    assert team.verdict(name) is Verdict.NON_COMPLIANT
    done = team.replaced(name)
    assert team.verdict(name) is Verdict.COMPLIANT
    aside = instances.set_aside(name, before)
    assert sorted(databases.names(team(), name)) == [name, aside]
    original = team.shown(aside)
    assert (original["DBInstanceStatus"], original["DbiResourceId"]) == ("stopped", before["DbiResourceId"])
    assert {"Key": instances.SUPERSEDED, "Value": name} in original["TagList"]
    assert team.verdict(aside) is Verdict.NOT_APPLICABLE
    undo(team, done, passes=team.passes)
    assert CONTROL.read(team(), CONTROL.resource(PLACE, name), None) == before
    assert sorted(databases.names(team(), name)) == [name, instances.copied(name, before)]
    team.passes(timedelta(minutes=10))
    kept = team.shown(instances.copied(name, before))
    assert (kept["DBInstanceStatus"], kept["StorageEncryptionType"]) == ("stopped", "sse-kms")
    assert team().client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"] == []


def test_after_seven_days_the_superseded_original_runs_and_the_control_asks_to_stop_it_again(team: Team) -> None:
    name = team.plain(Engine="mysql")
    settings = CONTROL.read(team(), CONTROL.resource(PLACE, name), None)
    assert settings is not None
    team.replaced(name)
    aside = instances.set_aside(name, settings)
    team.passes(timedelta(days=6, hours=23))
    assert team.verdict(aside) is Verdict.NOT_APPLICABLE
    team.passes(timedelta(hours=2))
    assert team.shown(aside)["DBInstanceStatus"] == "available"
    assert team.verdict(aside) is Verdict.NON_COMPLIANT
    plan = team.plan(aside)
    assert isinstance(plan, Plan)
    assert [change.operation for change in plan.changes] == ["stop_db_instance"]
    assert plan.proves is Verdict.NOT_APPLICABLE
    assert "US dollars a month" in plan.message
    done = apply_plan(team, plan, passes=team.passes)
    assert team.verdict(aside) is Verdict.NOT_APPLICABLE
    undo(team, done, passes=team.passes)
    assert team.verdict(aside) is Verdict.NON_COMPLIANT
    # Whoever takes the place of the copy by another instance must look at the original again.
    team().client("rds").modify_db_instance(
        DBInstanceIdentifier=name, NewDBInstanceIdentifier=f"{name}-moved", ApplyImmediately=True
    )
    team.passes(timedelta(minutes=15))
    refusal = team.plan(aside)
    assert isinstance(refusal, Refusal)
    assert "not by an encrypted instance" in refusal.reason


def test_no_snapshot_is_taken_while_anybody_is_connected(team: Team) -> None:
    name = team.plain()
    team.clients(name, 7)
    team.passes(timedelta(minutes=10))
    plan = team.plan(name)
    assert isinstance(plan, Plan)
    names = [change.name for change in plan.changes]
    closing = names.index("close-original") + 1
    done = apply_plan(team, plan, only=closing, passes=team.passes)
    team.passes(timedelta(minutes=10))
    mark = plan.changes[names.index("mark-original")]

    def connected() -> Any:
        assert mark.effect is not None
        return probed(team(), mark.effect, {})

    assert connected() == [True, 7.0], "connections that were let in outlive the groups that let them in"
    apply_plan(team, Plan(changes=plan.changes[closing : closing + 1], tell=plan.tell), passes=team.passes)
    assert connected() != [True, 0.0], "the last minutes still count"
    await_effect(mark, lambda _: connected(), team.passes)
    undo(team, done, passes=team.passes)


@pytest.mark.parametrize("at", ["take-snapshot", "adjust-copy", "set-original-aside", "stop-original", "open-copy"])
def test_a_failure_at_any_change_leads_back_to_the_original(team: Team, at: str) -> None:
    name = team.plain()
    before = CONTROL.read(team(), CONTROL.resource(PLACE, name), None)
    plan = team.plan(name)
    assert isinstance(plan, Plan)
    made = [change.name for change in plan.changes].index(at) + 1
    undo(team, apply_plan(team, plan, only=made, passes=team.passes), passes=team.passes)
    assert CONTROL.read(team(), CONTROL.resource(PLACE, name), None) == before


def test_every_change_can_be_made_twice(team: Team) -> None:
    name = team.plain()
    plan = team.plan(name)
    assert isinstance(plan, Plan)
    twice = [
        change for one in plan.changes for change in (replace(one, effect=None), replace(one, name=f"again-{one.name}"))
    ]
    apply_plan(team, replace(plan, changes=tuple(twice)), passes=team.passes)
    assert team.verdict(name) is Verdict.COMPLIANT
    inverses = [change.inverse for change in reversed(plan.changes) if change.inverse is not None]
    back = [
        change for one in inverses for change in (replace(one, effect=None), replace(one, name=f"again-{one.name}"))
    ]
    find = next(change for change in plan.changes if change.name == "find-quarantine-group")
    apply_plan(team, replace(plan, changes=(find, *back)), passes=team.passes)
    assert team.verdict(name) is Verdict.NON_COMPLIANT


def test_people_decide_and_are_told_what_it_costs(team: Team) -> None:
    plan = team.plan(team.plain(EnableIAMDatabaseAuthentication=True, ManageMasterUserPassword=True))
    assert isinstance(plan, Plan)
    assert CONTROL.ceiling.firm
    assert CONTROL.ceiling.mode is Mode.APPROVE
    assert plan.ceiling is not None
    assert plan.ceiling.mode is Mode.APPROVE
    said = " ".join((plan.message, *plan.leaves))
    for word in (
        "Nobody can connect", "ten minutes", "No write is lost", "DbiResourceId", "US dollars a month", "snapshots",
        "after seven days", "secret", "Metrics",
    ):  # fmt: skip
        assert word in said, word


def test_an_instance_that_is_gone_has_no_settings(team: Team) -> None:
    assert CONTROL.read(team(), CONTROL.resource(PLACE, "no-such-instance"), None) is None


def test_the_instances_of_the_region_are_discovered(team: Team) -> None:
    assert CONTROL.discover is not None
    name = encrypted(team(), PLACE)
    assert name in {resource.id for resource in CONTROL.discover(team(), PLACE)}
