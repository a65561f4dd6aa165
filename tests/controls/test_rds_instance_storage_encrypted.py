"""RDS.3: unencrypted instances are replaced by encrypted copies, and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Place, Plan, Verdict
from lambdas.controls.rds_instance_storage_encrypted import CONTROL
from lambdas.services import rds_carried as carried
from simulator.local import LocalOrganization
from tests.controls import databases
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, judged, member_organization, planned, undo

GIVEN = {"key": {PLACE.region: databases.ALIAS}}
SETTLES = timedelta(minutes=15)


def everything(session: Session, place: Place) -> str:
    """An instance with all that needs a permission of its own, in a VPC without a quarantine group."""
    name = databases.free_name(session)
    key = databases.data_key(session)
    monitoring = databases.role(session, place, "rds-monitoring")
    databases.role(session, place, "rds-directory")
    databases.make(
        session, place, DBInstanceIdentifier=name, MonitoringInterval=30, MonitoringRoleArn=monitoring,
        EnablePerformanceInsights=True, PerformanceInsightsKMSKeyId=key, PerformanceInsightsRetentionPeriod=31,
        ManageMasterUserPassword=True, MasterUserSecretKmsKeyId=key, Domain="d-1234567890",
        DomainIAMRoleName="rds-directory", EnableIAMDatabaseAuthentication=True, CopyTagsToSnapshot=True,
        Tags=[{"Key": "Owner", "Value": "team"}],
    )  # fmt: skip
    return name


def small(session: Session, place: Place) -> str:
    """A small instance with nothing set, in a VPC whose quarantine group is there."""
    databases.data_key(session)
    name = databases.free_name(session)
    given = databases.network(session, place, f"net-{name}", port=3306)
    vpc = databases.vpc_of(session, given["DBSubnetGroupName"])
    ec2 = session.client("ec2")
    ec2.create_security_group(GroupName="palisade-quarantine", Description="nobody", VpcId=vpc)
    return databases.make(session, place, DBInstanceIdentifier=name, Engine="mysql", **given)


def encrypted(session: Session, place: Place) -> str:
    return databases.make(session, place, StorageEncrypted=True, KmsKeyId=databases.data_key(session))


def state(session: Session, place: Place, name: str) -> object:
    """All that this control or a careless one could touch, as far as it is there from the beginning."""
    shown = databases.described(session, name)
    fields = ("DBInstanceClass", "StorageEncryptionType", "DeletionProtection", "TagList", "VpcSecurityGroups")
    return [shown.get(field) for field in fields]


CASES = (Case("with everything around it", GIVEN, everything, encrypted, state, thorough=True, settles=SETTLES),)


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


def test_try(organization: LocalOrganization) -> None:
    session = lambda: organization.session(PLACE.account, PLACE.region)
    name = everything(session(), PLACE)
    organization.advance(SETTLES)
    before = databases.described(session(), name)
    resource = CONTROL.resource(PLACE, name)
    plan = planned(session(), CONTROL, resource, GIVEN)
    assert isinstance(plan, Plan), plan
    from lambdas.remediation import describe

    print("\n".join([plan.message, *describe.lines(plan)]))
    start = organization.do(organization.world.agenda.now)
    done = apply_plan(session, plan, passes=organization.advance)
    print(organization.do(organization.world.agenda.now) - start)
    print(judged(session(), CONTROL, resource, GIVEN))
    after = databases.described(session(), name)
    for field in sorted({*before, *after}):
        if before.get(field) != after.get(field):
            print(field, field in carried.DIFFERENT, before.get(field), after.get(field))
    start = organization.do(organization.world.agenda.now)
    undo(session, done, passes=organization.advance)
    print(organization.do(organization.world.agenda.now) - start)
    print(databases.names(session(), name))
    after = databases.described(session(), name)
    for field in sorted({*before, *after}):
        if before.get(field) != after.get(field):
            print("U", field, before.get(field), after.get(field))
