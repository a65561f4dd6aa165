"""Forged findings change nothing and leave a record, whoever made them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas import findings
from lambdas.controls.model import Place, Resource, non_compliant
from tests.organization.loop_world import (
    FOREIGN,
    NAMES,
    NOTIFIED,
    PLACE,
    REGION,
    S3,
    SSH,
    TEAM,
    Loop,
    deployed,
    ingress,
    open_group,
)

STRANGER = "999999999999"
Forgery = Callable[["Scene"], dict[str, Any]]


class Scene:
    """The deployed loop with a compliant group of the team and an open one of somebody else."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.compliant = open_group(loop.member(), [])
        self.foreign = open_group(loop.member(FOREIGN))
        self.bucket = f"foreign-{FOREIGN}"
        where: Any = {"LocationConstraint": REGION}
        loop.member(FOREIGN).client("s3").create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where)
        loop.rest()

    def finding(self, resource: Resource | None = None, control: Any = SSH, **changes: Any) -> dict[str, Any]:
        """What detection would import for a resource, with something changed."""
        built = findings.build(
            control, resource or self.compliant, non_compliant("forged"), "d", None, datetime.now(UTC)
        )
        return {**built, **changes}

    def untouched(self) -> tuple[object, ...]:
        s3 = self.loop.member(FOREIGN).client("s3")
        return (
            ingress(self.loop.member(), self.compliant),
            ingress(self.loop.member(FOREIGN), self.foreign),
            s3.get_bucket_encryption(Bucket=self.bucket)["ServerSideEncryptionConfiguration"],
        )

    def named(self, arn: str, **more: Any) -> list[dict[str, Any]]:
        return [{"Type": SSH.asff_type, "Id": arn, "Partition": "aws", "Region": REGION, **more}]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with deployed() as loop:
        yield Scene(loop)


def foreign_account(scene: Scene) -> dict[str, Any]:
    return scene.finding(Resources=scene.named(scene.foreign.arn))


def other_type(scene: Scene) -> dict[str, Any]:
    return scene.finding(Resources=scene.named(f"arn:aws:s3:::{scene.bucket}"))


def two_resources(scene: Scene) -> dict[str, Any]:
    return scene.finding(Resources=scene.named(scene.compliant.arn) + scene.named(scene.foreign.arn))


def other_region(scene: Scene) -> dict[str, Any]:
    return scene.finding(Resources=scene.named(scene.compliant.arn, Region="us-east-1"))


def other_id(scene: Scene) -> dict[str, Any]:
    return scene.finding(Id="palisade/EC2.13/made-up")


def compliant_resource(scene: Scene) -> dict[str, Any]:
    return scene.finding()


def missing_resource(scene: Scene) -> dict[str, Any]:
    return scene.finding(SSH.resource(PLACE, "sg-0123456789abcdef0"))


def malformed_resource(scene: Scene) -> dict[str, Any]:
    return scene.finding(SSH.resource(PLACE, "sg-*"))


def impossible_bucket(scene: Scene) -> dict[str, Any]:
    return scene.finding(S3.resource(PLACE, "bucket/with/key"), S3)


def foreign_bucket(scene: Scene) -> dict[str, Any]:
    return scene.finding(S3.resource(PLACE, scene.bucket), S3)


def unknown_control(scene: Scene) -> dict[str, Any]:
    return scene.finding(GeneratorId="palisade/EC2.999")


def other_product(scene: Scene) -> dict[str, Any]:
    return scene.finding(ProductArn=f"arn:aws:securityhub:{REGION}::product/aws/guardduty")


def product_of_another(scene: Scene) -> dict[str, Any]:
    return scene.finding(ProductArn=findings.product_arn(scene.foreign))


def passed(scene: Scene) -> dict[str, Any]:
    return scene.finding(Compliance={"Status": "PASSED"})


def suppressed(scene: Scene) -> dict[str, Any]:
    return scene.finding(Workflow={"Status": "SUPPRESSED"})


def archived(scene: Scene) -> dict[str, Any]:
    return scene.finding(RecordState="ARCHIVED")


def no_account(scene: Scene) -> dict[str, Any]:
    return scene.finding(AwsAccountId=None)


def huge_fields(scene: Scene) -> dict[str, Any]:
    return scene.finding(AwsAccountId="9" * 5000, Id="x" * 5000)


def unknown_account(scene: Scene) -> dict[str, Any]:
    return scene.finding(SSH.resource(Place("aws", STRANGER, REGION), "sg-0123456789abcdef0"))


def nothing_in_it(scene: Scene) -> dict[str, Any]:
    return {}


# Each with what the record says of it. The first can be imported by a member's administrator; the others only be put on
# the queue, by an administrator of the hub.
IMPORTED: list[tuple[Forgery, str]] = [
    (foreign_account, f"is of account {FOREIGN}, but the finding of {TEAM}"),
    (other_type, "is no ARN of AWS::EC2::SecurityGroup"),
    (two_resources, "exactly one resource"),
    (other_region, "but its resource of 'us-east-1'"),
    (other_id, "is not that of a finding of EC2.13"),
    (compliant_resource, "No rules open port 22"),
    (missing_resource, "no longer exists"),
    (malformed_resource, "no longer exists"),
    (impossible_bucket, "cannot be asked for"),
    (foreign_bucket, "cannot be read"),
]
QUEUED: list[tuple[Forgery, str]] = [
    *IMPORTED,
    (unknown_control, "has no control 'EC2.999'"),
    (other_product, "does not make findings"),
    (product_of_another, "does not make findings"),
    (passed, "nothing is asked for"),
    (suppressed, "nothing is asked for"),
    (archived, "nothing is asked for"),
    (no_account, "AwsAccountId is missing"),
    (huge_fields, "is not an account id"),
    (unknown_account, "is not in this organization"),
    (nothing_in_it, "is missing"),
]


def unharmed(scene: Scene, bring: Callable[[], None]) -> list[dict[str, Any]]:
    """Bring something in, let the loop run, and return what is new in the ledger; nothing else may be new."""
    loop = scene.loop
    before, ledger, log = scene.untouched(), loop.ledger(), len(loop.organization.door.log)
    dead = loop.waiting(NAMES.findings_dead_letters)
    bring()
    loop.rest()
    assert scene.untouched() == before
    # Whoever changes something assumes the writer role under the id of a remediation.
    assert [entry for entry in loop.organization.door.log[log:] if entry.source_identity] == []
    assert loop.waiting(NAMES.findings_dead_letters) == dead
    return [body for key, body in loop.ledger().items() if key not in ledger]


def unrecorded(
    records: list[dict[str, Any]], forged: dict[str, dict[str, Any]], said: dict[str, str]
) -> tuple[list[str], list[dict[str, Any]]]:
    """The forgeries without a record that says why, and the records that are of no forgery."""
    left, missing = list(records), []
    for name, finding in forged.items():
        shown = str(finding.get("Id"))[:512]
        found = [one for one in left if one["finding"]["Id"] == shown and said[name] in one["reason"]]
        missing += [] if found else [name]
        left = [one for one in left if one not in found[:1]]
    return missing, left


def test_findings_that_a_member_forges_change_nothing_and_each_leaves_a_record(scene: Scene) -> None:
    forged: dict[str, dict[str, Any]] = {}
    hub = scene.loop.member().client("securityhub")

    def bring() -> None:
        for forge, _ in IMPORTED:
            # Several have the id of one finding: each import is later than the last, or it would be ignored.
            forged[forge.__name__] = forge(scene)
            import_finding(hub, forged[forge.__name__])
            scene.loop.rest()

    records = unharmed(scene, bring)
    assert unrecorded(records, forged, {forge.__name__: said for forge, said in IMPORTED}) == ([], [])


def import_finding(hub: Any, finding: dict[str, Any]) -> None:
    assert hub.batch_import_findings(Findings=[finding])["FailedFindings"] == []


def test_findings_that_are_put_on_the_queue_change_nothing_and_each_leaves_a_record(scene: Scene) -> None:
    # Another state of each finding than the one that a member imports.
    later = {"Region": REGION, "UpdatedAt": "2026-01-05T23:00:00.000Z"}
    forged = {forge.__name__: {**forge(scene), **later} for forge, _ in QUEUED}
    forged["nothing_in_it"] = {}

    def bring() -> None:
        for finding in forged.values():
            scene.loop.send({"detail": {"findings": [finding]}})

    records = unharmed(scene, bring)
    assert unrecorded(records, forged, {forge.__name__: said for forge, said in QUEUED}) == ([], [])


def test_security_hub_lets_no_member_import_for_others(scene: Scene) -> None:
    hub = scene.loop.member().client("securityhub")
    for forge in (product_of_another, other_product):
        with pytest.raises(ClientError, match="AccessDenied"):
            hub.batch_import_findings(Findings=[forge(scene)])


def test_a_finding_of_an_unknown_control_does_not_even_reach_the_queue(scene: Scene) -> None:
    hub = scene.loop.member().client("securityhub")
    assert unharmed(scene, lambda: import_finding(hub, unknown_control(scene))) == []


def test_a_forged_finding_on_somebody_else_s_bucket_does_not_hold_up_its_owner(scene: Scene) -> None:
    """The ARN of a bucket names no account: a lock by ARN alone would be one for everybody."""
    loop = scene.loop
    bucket = f"own-{NOTIFIED}"
    owned = S3.resource(Place("aws", NOTIFIED, REGION), bucket)
    forged = {**scene.finding(S3.resource(PLACE, bucket), S3), "Region": REGION}
    where: Any = {"LocationConstraint": REGION}
    # Both in one batch; the forged one first.
    loop.send({"detail": {"findings": [forged]}})
    loop.member(NOTIFIED).client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    loop.rest()
    keys = [item["key"]["S"] for item in loop.state() if bucket in item["key"]["S"]]
    assert {key.split("#")[-3] for key in keys if key.startswith("lock#")} == {TEAM, NOTIFIED}
    assert "notified" in [one["outcome"] for one in loop.outcomes(owned)]


MALFORMED = (
    "no JSON at all",
    "[]",
    json.dumps({"detail": {}}),
    json.dumps({"detail": {"findings": "x"}}),
    json.dumps({"detail": {"findings": ["x"]}}),
)


def test_malformed_messages_alone_end_in_the_dead_letter_queue(scene: Scene) -> None:
    loop = scene.loop
    genuine = open_group(loop.member())
    for body in MALFORMED:
        loop.send(body)
    loop.rest()
    assert sorted(loop.waiting(NAMES.findings_dead_letters)) == sorted(MALFORMED)
    assert [one["outcome"] for one in loop.outcomes(genuine)] == ["remediated"]
