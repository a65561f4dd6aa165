"""Palisade.S3.1: buckets come through the remediation and back, in an account of the local organisation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from boto3 import Session
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lambdas.controls.model import Place, Plan, Refusal, Verdict
from lambdas.controls.s3_bucket_customer_key_encrypted import CONTROL
from simulator.local import LocalOrganization
from tests.controls.buckets import make_bucket
from tests.controls.cases import Case
from tests.controls.keys import ALIAS, data_key
from tests.controls.round_trip import HUB, PLACE, apply_plan, judged, member_organization, planned, undo
from tests.services.buckets import settings

GIVEN = {"key": {PLACE.region: ALIAS}}
VERSION = {"Version": "2012-10-17"}
JOB_ROLE = "re-encryption"
JOB_ROLE_ARN = f"arn:{PLACE.partition}:iam::{PLACE.account}:role/{JOB_ROLE}"
REENCRYPTED = {**GIVEN, "reencrypt": True, "reencrypt_role": JOB_ROLE_ARN}
NO_KEY = "00000000-0000-4000-8000-000000000000"


def new_key(session: Session, state: str = "Enabled") -> str:
    """Make a key in a state; returns its ARN."""
    kms = session.client("kms")
    key = str(kms.create_key(Description="Data of one bucket")["KeyMetadata"]["Arn"])
    if state == "Disabled":
        kms.disable_key(KeyId=key)
    if state == "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    return key


def new_bucket(session: Session, place: Place, rule: dict[str, Any] | None = None) -> str:
    """Make a bucket with a rule of default encryption; without one it has what S3 gives it."""
    data_key(session)
    s3 = session.client("s3", region_name=place.region)
    name = make_bucket(session, place, f"data-{place.account}-{place.region}-{len(s3.list_buckets()['Buckets'])}")
    if rule is not None:
        configuration: Any = {"Rules": [rule]}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=configuration)
    return name


def by_key(algorithm: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"KMSMasterKeyID": key} if key else {}
    return {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **named}, **more}


def state(session: Session, place: Place, bucket: str) -> object:
    """All that this control or a careless one could touch."""
    s3 = session.client("s3")
    return [
        s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"],
        s3.get_bucket_acl(Bucket=bucket)["Grants"],
        s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        s3.list_objects_v2(Bucket=bucket)["KeyCount"],
    ]


def own_key_bucket(session: Session, place: Place) -> str:
    """A team's own choice: a key that is not the one of the settings, and no bucket key."""
    return new_bucket(session, place, by_key("aws:kms", new_key(session), BucketKeyEnabled=False))


def dual_layer_bucket(session: Session, place: Place) -> str:
    """DSSE-KMS by the id of a key."""
    return new_bucket(session, place, by_key("aws:kms:dsse", new_key(session).rsplit("/", 1)[-1]))


def job_role(session: Session) -> None:
    """The role of the parameter `reencrypt_role`, as its description says, where the account has none yet."""
    iam = session.client("iam")
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "batchoperations.s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    allowed = [
        {"Effect": "Allow", "Action": ["s3:PutInventoryConfiguration", "s3:UpdateObjectEncryption"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncrypt*"],
            "Resource": "*",
        },
    ]
    try:
        iam.create_role(RoleName=JOB_ROLE, AssumeRolePolicyDocument=json.dumps({**VERSION, "Statement": [trusted]}))
    except iam.exceptions.EntityAlreadyExistsException:
        return
    iam.put_role_policy(
        RoleName=JOB_ROLE, PolicyName="job", PolicyDocument=json.dumps({**VERSION, "Statement": allowed})
    )


def bucket_with_objects(session: Session, place: Place) -> str:
    job_role(session)
    bucket = new_bucket(session, place)
    for name in ("one", "two"):
        session.client("s3").put_object(Bucket=bucket, Key=name, Body=b"written before")
    return bucket


Rule = Callable[[Session, Place], "dict[str, Any] | None"]


def case(name: str, rule: Rule, neighbour: Callable[[Session, Place], str] = own_key_bucket) -> Case:
    def broken(session: Session, place: Place) -> str:
        return new_bucket(session, place, rule(session, place))

    return Case(name, GIVEN, broken, neighbour, state)


def disabled_alias(session: Session) -> str:
    key = new_key(session, "Disabled")
    alias = f"alias/{key.rsplit('/', 1)[-1]}"
    session.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    return alias


def foreign_key(place: Place) -> str:
    return f"arn:{place.partition}:kms:{place.region}:210987654321:key/{NO_KEY}"


CASES = (
    case("SSE-S3, as S3 gives it", lambda session, place: None),
    case("a disabled key", lambda session, place: by_key("aws:kms", new_key(session, "Disabled"))),
    Case("SSE-S3 with objects to re-encrypt", REENCRYPTED, bucket_with_objects, own_key_bucket, state),
)
# What the loops of the whole organisation need not go through too.
MORE = (
    case(
        "SSE-S3 that blocks SSE-C",
        lambda session, place: by_key("AES256", BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]}),
        dual_layer_bucket,
    ),
    case("the AWS managed key by default", lambda session, place: by_key("aws:kms", BucketKeyEnabled=False)),
    case("the AWS managed key by its alias", lambda session, place: by_key("aws:kms", "alias/aws/s3")),
    case(
        "the AWS managed key by its ARN",
        lambda session, place: by_key(
            "aws:kms", session.client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
        ),
    ),
    case("a disabled key by alias", lambda session, place: by_key("aws:kms", disabled_alias(session))),
    case(
        "a key pending deletion",
        lambda session, place: by_key("aws:kms", new_key(session, "PendingDeletion"), BucketKeyEnabled=True),
    ),
    case("a key of another account", lambda session, place: by_key("aws:kms", foreign_key(place))),
    case(
        "dual layers by a disabled key",
        lambda session, place: by_key("aws:kms:dsse", new_key(session, "Disabled")),
        dual_layer_bucket,
    ),
)


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture(scope="module")
def member(organization: LocalOrganization) -> Session:
    return organization.session(PLACE.account, PLACE.region)


def encryption(session: Session, bucket: str) -> dict[str, Any]:
    found: Any = session.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = found["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


EVERY = (*CASES, *MORE)
BY_NAME = {one.name: one for one in EVERY}
ROUND_TRIPS = [pytest.param(one, id=one.name) for one in EVERY]
UNDONE = [pytest.param(one, id=one.name) for one in EVERY if not one.parameters.get("reencrypt")]


@pytest.mark.parametrize("one", ROUND_TRIPS)
def test_a_broken_bucket_becomes_compliant_and_its_neighbour_stays_as_it_was(member: Session, one: Case) -> None:
    assert one.neighbour is not None
    neighbour = one.neighbour(member, PLACE)
    before = one.state(member, PLACE, neighbour)
    bucket = CONTROL.resource(PLACE, one.broken(member, PLACE))
    assert judged(member, CONTROL, bucket, one.parameters).verdict is Verdict.NON_COMPLIANT
    apply_plan(member, planned(member, CONTROL, bucket, one.parameters))
    assert judged(member, CONTROL, bucket, one.parameters).verdict is Verdict.COMPLIANT
    assert encryption(member, bucket.id)["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == data_key(member)
    assert one.state(member, PLACE, neighbour) == before
    assert judged(member, CONTROL, CONTROL.resource(PLACE, neighbour)).verdict is Verdict.COMPLIANT


@pytest.mark.parametrize("one", UNDONE)
def test_the_undo_restores_the_whole_rule(member: Session, one: Case) -> None:
    bucket = CONTROL.resource(PLACE, one.broken(member, PLACE))
    before = one.state(member, PLACE, bucket.id)
    applied = apply_plan(member, planned(member, CONTROL, bucket, one.parameters))
    assert one.state(member, PLACE, bucket.id) != before
    undo(member, applied)
    assert one.state(member, PLACE, bucket.id) == before


@pytest.mark.parametrize("one", ROUND_TRIPS)
def test_the_same_plan_made_twice_changes_nothing_the_second_time(member: Session, one: Case) -> None:
    bucket = CONTROL.resource(PLACE, one.broken(member, PLACE))
    plan = planned(member, CONTROL, bucket, one.parameters)
    apply_plan(member, plan)
    after = one.state(member, PLACE, bucket.id)
    apply_plan(member, plan)
    assert one.state(member, PLACE, bucket.id) == after


def encryptions(session: Session, bucket: str) -> dict[str, str | None]:
    s3 = session.client("s3")
    return {name: s3.head_object(Bucket=bucket, Key=name).get("SSEKMSKeyId") for name in ("one", "two")}


def test_existing_objects_are_re_encrypted_by_jobs_that_begin_once_however_often_they_are_asked_for(
    organization: LocalOrganization, member: Session
) -> None:
    bucket = CONTROL.resource(PLACE, bucket_with_objects(member, PLACE))
    plan = planned(member, CONTROL, bucket, REENCRYPTED)
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert "cannot be undone" in plan.ceiling.reason
    first, again = (apply_plan(member, plan).responses for _ in range(2))
    jobs = [first[f"re-encrypt-{kind}-objects"]["JobId"] for kind in ("sse-s3", "sse-kms")]
    assert jobs == [again[f"re-encrypt-{kind}-objects"]["JobId"] for kind in ("sse-s3", "sse-kms")]
    assert encryptions(member, bucket.id) == {"one": None, "two": None}
    organization.rest()
    described = [member.client("s3control").describe_job(AccountId=PLACE.account, JobId=job)["Job"] for job in jobs]
    assert [job["Status"] for job in described] == ["Complete", "Complete"]
    assert [job["ProgressSummary"]["NumberOfTasksSucceeded"] for job in described] == [2, 0]
    assert set(encryptions(member, bucket.id).values()) == {data_key(member)}


def test_without_a_key_people_are_told_and_nothing_is_changed(member: Session) -> None:
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, new_bucket(member, PLACE)))
    assert isinstance(plan, Plan)
    assert (plan.changes, bool(plan.tell)) == ((), True)
    assert f"set the parameter `key` of {PLACE.region}" in plan.message


def test_without_a_job_objects_stay_as_they_are(member: Session) -> None:
    given = {**GIVEN, "reencrypt": True}
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, bucket_with_objects(member, PLACE)), given)
    assert isinstance(plan, Plan)
    assert [change.operation for change in plan.changes] == ["put_bucket_encryption"]
    assert "names no role" in plan.leaves[0]


def test_an_encryption_that_a_service_has_set_is_refused() -> None:
    resource = CONTROL.resource(PLACE, "data")
    plan = CONTROL.plan(resource, settings("aws:fsx"), {"key": ALIAS}, {"Location": PLACE.region})
    assert plan == Refusal("aws:fsx is set by the service that the bucket belongs to")


def test_blocked_encryption_types_stay_blocked(member: Session) -> None:
    bucket = CONTROL.resource(PLACE, BY_NAME["SSE-S3 that blocks SSE-C"].broken(member, PLACE))
    apply_plan(member, planned(member, CONTROL, bucket, GIVEN))
    assert encryption(member, bucket.id)["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}


def test_a_key_that_fails_later_makes_the_bucket_fail(member: Session) -> None:
    key = new_key(member)
    bucket = CONTROL.resource(PLACE, new_bucket(member, PLACE, by_key("aws:kms", key)))
    assert judged(member, CONTROL, bucket).verdict is Verdict.COMPLIANT
    member.client("kms").disable_key(KeyId=key)
    assert judged(member, CONTROL, bucket).verdict is Verdict.NON_COMPLIANT


@pytest.mark.parametrize("code", ["NotFoundException", "InvalidArnException"])
def test_a_name_that_kms_does_not_know_is_no_key(member: Session, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    bucket = CONTROL.resource(PLACE, new_bucket(member, PLACE, by_key("aws:kms", NO_KEY)))
    kms = member.client("kms")
    with Stubber(kms) as stubber:
        stubber.add_client_error("describe_key", code, expected_params={"KeyId": NO_KEY})
        plain = member.client
        monkeypatch.setattr(member, "client", lambda service: kms if service == "kms" else plain(service))
        evaluation = judged(member, CONTROL, bucket)
    assert evaluation.verdict is Verdict.NON_COMPLIANT
    assert evaluation.annotation.endswith("which does not exist.")


def test_a_key_that_may_not_be_described_is_no_verdict(member: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = CONTROL.resource(PLACE, new_bucket(member, PLACE, by_key("aws:kms", NO_KEY)))
    kms = member.client("kms")
    with Stubber(kms) as stubber:
        stubber.add_client_error("describe_key", "AccessDeniedException")
        plain = member.client
        monkeypatch.setattr(member, "client", lambda service: kms if service == "kms" else plain(service))
        with pytest.raises(ClientError, match="AccessDenied"):
            judged(member, CONTROL, bucket)


@pytest.mark.parametrize("key_state", ["Disabled", "PendingDeletion"])
def test_a_key_that_cannot_be_used_is_refused_before_anything_is_changed(member: Session, key_state: str) -> None:
    bucket = CONTROL.resource(PLACE, new_bucket(member, PLACE))
    given = {"key": {PLACE.region: new_key(member, key_state)}}
    assert isinstance(planned(member, CONTROL, bucket, given), Refusal)


def test_an_asymmetric_key_is_refused(member: Session) -> None:
    key = member.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    bucket = CONTROL.resource(PLACE, new_bucket(member, PLACE))
    refusal = planned(member, CONTROL, bucket, {"key": {PLACE.region: key}})
    assert isinstance(refusal, Refusal)
    assert "symmetric" in refusal.reason


def test_a_bucket_of_another_region_is_refused(member: Session) -> None:
    bucket = CONTROL.resource(PLACE, new_bucket(member, Place(PLACE.partition, PLACE.account, "eu-west-3")))
    refusal = planned(member, CONTROL, bucket, GIVEN)
    assert refusal == Refusal("the bucket lies in eu-west-3, not in eu-central-1")


def test_who_writes_and_may_not_use_the_key_is_named_and_a_person_decides(member: Session) -> None:
    bucket = new_bucket(member, PLACE)
    partner = f"arn:{PLACE.partition}:iam::{HUB}:root"
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": partner},
        "Action": "s3:PutObject",
        "Resource": f"arn:{PLACE.partition}:s3:::{bucket}/*",
    }
    member.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, bucket), GIVEN)
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert partner in plan.ceiling.reason


def test_a_target_of_server_access_logs_by_acl_is_not_judged(member: Session) -> None:
    s3 = member.client("s3")
    bucket = new_bucket(member, PLACE)
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    group = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
    grants: Any = [{"Grantee": group, "Permission": permission} for permission in ("WRITE", "READ_ACP")]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": owner, "Grants": grants})
    assert judged(member, CONTROL, CONTROL.resource(PLACE, bucket)).verdict is Verdict.NOT_APPLICABLE


def test_a_bucket_that_is_gone_has_no_settings(member: Session) -> None:
    assert CONTROL.read(member, CONTROL.resource(PLACE, "no-such-bucket"), None) is None


def test_a_bucket_of_another_account_is_not_read_as_ours(member: Session) -> None:
    foreign = CONTROL.resource(Place(PLACE.partition, HUB, PLACE.region), new_bucket(member, PLACE))
    with pytest.raises(ClientError, match="AccessDenied"):
        CONTROL.read(member, foreign, None)


def test_the_buckets_of_the_region_are_discovered_and_no_others(member: Session) -> None:
    assert CONTROL.discover is not None
    here = new_bucket(member, PLACE)
    elsewhere = new_bucket(member, Place(PLACE.partition, PLACE.account, "eu-west-1"))
    found = {resource.id for resource in CONTROL.discover(member, PLACE)}
    assert here in found
    assert elsewhere not in found
