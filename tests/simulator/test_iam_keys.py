"""Keys that services use on their caller's behalf."""

import json
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import Caller, ServiceError
from tests.simulator.iam_world import HUB, MEMBER, REGION, Organization, allow, document

HERE = f"{REGION}:{HUB}"
BY_SQS = {"StringEquals": {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}}
ROOT = {"AWS": HUB}


@pytest.fixture
def organization() -> Organization:
    return Organization()


def key(*statements: dict[str, Any]) -> str:
    """Make a key of the hub; returns its ARN."""
    policy = json.dumps(document(*statements))
    return str(get_backend("kms")[HUB][REGION].create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", []).arn)


def queue(key_arn: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Make a queue of the hub under a key; returns the parameters that send to it."""
    backend = get_backend("sqs")[HUB][REGION]
    backend.create_queue("inbox")
    attributes = {"KmsMasterKeyId": key_arn, **({"Policy": json.dumps(document(*statements))} if statements else {})}
    backend.set_queue_attributes("inbox", attributes)
    return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{HUB}/inbox", "MessageBody": "m"}


def to(principal: Any, action: Any, **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **elements}


def refusal(organization: Organization, caller: Caller, operation: str, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as error:
        organization.authorize(caller, "sqs", operation, HUB, **parameters)
    return f"{error.value.code}: {error.value.message}"


def test_sending_to_an_encrypted_queue_needs_the_key(organization: Organization) -> None:
    sending = queue(key(to(ROOT, "kms:*")))
    caller = organization.role("sender", allow("sqs:*"), allow(["kms:GenerateDataKey", "kms:Decrypt"]))
    organization.authorize(caller, "sqs", "SendMessage", HUB, **sending)
    idle = organization.role("idle", allow("sqs:*"))
    text = refusal(organization, idle, "SendMessage", **sending)
    assert text.startswith(f"KmsAccessDenied: User: {idle.arn} is not authorized to perform: kms:GenerateDataKey")
    assert text.endswith("because no identity-based policy allows the kms:GenerateDataKey action")


def test_receiving_needs_to_decrypt_only(organization: Organization) -> None:
    url = queue(key(to(ROOT, "kms:*")))["QueueUrl"]
    caller = organization.role("receiver", allow("sqs:*"), allow("kms:Decrypt"))
    organization.authorize(caller, "sqs", "ReceiveMessage", HUB, QueueUrl=url)
    assert "kms:GenerateDataKey" in refusal(organization, caller, "SendMessage", QueueUrl=url, MessageBody="m")


@pytest.mark.parametrize("lacking", ["kms:CreateGrant", "kms:DescribeKey"])
def test_making_an_encrypted_table_needs_to_grant_the_use_of_its_key(organization: Organization, lacking: str) -> None:
    encrypted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key(to(ROOT, "kms:*"))}
    table = {"TableName": "orders", "SSESpecification": encrypted}
    needed = ["kms:CreateGrant", "kms:DescribeKey"]
    maker = organization.role("maker", allow("dynamodb:*"), allow(needed))
    organization.authorize(maker, "dynamodb", "CreateTable", HUB, **table)
    other = organization.role("other", allow("dynamodb:*"), allow([one for one in needed if one != lacking]))
    with pytest.raises(ServiceError, match=lacking):
        organization.authorize(other, "dynamodb", "CreateTable", HUB, **table)


def test_a_permission_by_way_of_a_service_is_good_for_that_service_alone(organization: Organization) -> None:
    arn = key(to(ROOT, "kms:*"))
    sending = queue(arn)
    caller = organization.role("sender", allow("sqs:*"), allow("kms:*", Condition=BY_SQS))
    organization.authorize(caller, "sqs", "SendMessage", HUB, **sending)
    with pytest.raises(ServiceError, match="no identity-based policy allows the kms:Decrypt action"):
        organization.authorize(caller, "kms", "Decrypt", HUB, KeyId=arn, CiphertextBlob=b"")


def test_a_key_policy_may_name_the_way_of_the_service(organization: Organization) -> None:
    arn = key(to({"AWS": "*"}, "kms:*", Condition=BY_SQS))
    caller = organization.role("sender", allow("sqs:*"))
    organization.authorize(caller, "sqs", "SendMessage", HUB, **queue(arn))
    with pytest.raises(ServiceError, match="not authorized"):
        organization.authorize(caller, "kms", "Decrypt", HUB, KeyId=arn, CiphertextBlob=b"")


def test_a_key_policy_that_is_silent_refuses_whatever_the_identity_may(organization: Organization) -> None:
    sending = queue(key(to({"AWS": MEMBER}, "kms:*")))
    caller = organization.role("sender", allow("*"))
    text = refusal(organization, caller, "SendMessage", **sending)
    assert text.endswith("because no resource-based policy allows the kms:GenerateDataKey action")


def test_a_service_needs_the_key_policy_beside_the_queues(organization: Organization) -> None:
    events = {"Service": "events.amazonaws.com"}
    of_hub = {"StringEquals": {"aws:SourceAccount": HUB}}
    arn = key(to(ROOT, "kms:*"), to(events, ["kms:GenerateDataKey", "kms:Decrypt"], Condition=of_hub, Sid="Events"))
    sending = queue(arn, to(events, "sqs:SendMessage"))
    service = organization.world.as_service("events.amazonaws.com", account=HUB, arn=f"arn:aws:events:{HERE}:rule/r")
    organization.authorize(service, "sqs", "SendMessage", HUB, **sending)
    assert {ref.statement: count for ref, count in organization.authorizer.sole.items()} == {"#0": 1, "Events": 2}
    stranger = organization.world.as_service("events.amazonaws.com", account=MEMBER)
    text = refusal(organization, stranger, "SendMessage", **sending)
    assert text.startswith("KmsAccessDenied: User: events.amazonaws.com is not authorized to perform:")


def test_a_grant_allows_its_grantee(organization: Organization) -> None:
    arn = key(to(ROOT, "kms:*"))
    caller = organization.role("worker")
    get_backend("kms")[HUB][REGION].create_grant(arn, caller.role, ["Decrypt"], "", None, None)
    organization.authorize(caller, "kms", "Decrypt", HUB, KeyId=arn, CiphertextBlob=b"")
    (ref,) = organization.authorizer.sole
    assert (ref.holder, ref.policy) == (arn, "key grants")
    with pytest.raises(ServiceError, match="kms:Encrypt"):
        organization.authorize(caller, "kms", "Encrypt", HUB, KeyId=arn, Plaintext=b"")


def test_a_ciphertext_names_its_key_where_the_call_names_none(organization: Organization) -> None:
    mine, other = (key(to(ROOT, "kms:*")) for _ in range(2))
    backend = get_backend("kms")[HUB][REGION]
    caller = organization.role("reader", allow("kms:Decrypt", mine))
    sealed, foreign = (backend.encrypt(one, b"x", {})[0] for one in (mine, other))
    organization.authorize(caller, "kms", "Decrypt", HUB, CiphertextBlob=sealed)
    with pytest.raises(ServiceError, match=f"kms:Decrypt on resource: {other}"):
        organization.authorize(caller, "kms", "Decrypt", HUB, CiphertextBlob=foreign)


def test_an_object_below_a_delete_marker_is_authorised_like_any_other(organization: Organization) -> None:
    backend = get_backend("s3")[HUB]["aws"]
    backend.create_bucket("data", REGION)
    backend.put_bucket_versioning("data", "Enabled")
    backend.put_object("data", "gone", b"x")
    backend.delete_object("data", "gone")
    untagged = {"StringNotEquals": {"s3:ExistingObjectTag/class": "secret"}}
    caller = organization.role("reader", {**allow("s3:GetObject", "arn:aws:s3:::data/*"), "Condition": untagged})
    organization.authorize(caller, "s3", "GetObject", HUB, Bucket="data", Key="gone")
