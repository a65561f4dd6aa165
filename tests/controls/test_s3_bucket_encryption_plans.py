"""Palisade.S3.1: verdicts and plans on made-up settings that no account of the local organisation shows."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls.model import Plan, Refusal, Verdict
from lambdas.controls.s3_bucket_customer_key_encrypted import CONTROL
from tests.controls.round_trip import HUB, PLACE

BUCKET = CONTROL.resource(PLACE, "data")
KEY = f"arn:aws:kms:{PLACE.region}:{PLACE.account}:key/00000000-0000-4000-8000-000000000000"
ROLE = f"arn:aws:iam::{PLACE.account}:role/re-encryption"
FACTS = {
    "Location": PLACE.region,
    "Key": {"Name": KEY, "Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"},
    "CutOff": [],
    "NotReplicated": [],
}


def settings(algorithm: str = "AES256", **more: Any) -> dict[str, Any]:
    return {
        "Bucket": BUCKET.id,
        "Account": PLACE.account,
        "Region": PLACE.region,
        "Encryption": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]},
        "Tags": [],
        "Policy": None,
        "LogDeliveryByAcl": False,
        "Key": None,
        **more,
    }


def plan(of: dict[str, Any], **given: Any) -> Plan | Refusal:
    return CONTROL.plan(BUCKET, of, CONTROL.resolve(given, PLACE.region), FACTS)


@pytest.mark.parametrize(
    ("principal", "verdict"),
    [
        pytest.param("054676820928", Verdict.NOT_APPLICABLE, id="the load balancers of the Region"),
        pytest.param("arn:aws:iam::054676820928:root", Verdict.NOT_APPLICABLE, id="the same by their ARN"),
        pytest.param("156460612806", Verdict.NON_COMPLIANT, id="those of another Region"),
        pytest.param(HUB, Verdict.NON_COMPLIANT, id="any other account"),
    ],
)
def test_who_writes_the_logs_of_load_balancers_is_known_by_account_and_region(principal: str, verdict: Verdict) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "s3:PutObject", "Resource": "*"}
    judged = CONTROL.evaluate(settings(Policy={"Statement": [allow]}), CONTROL.resolve({}, PLACE.region))
    assert judged.verdict is verdict


def test_without_a_key_people_are_told_and_nothing_is_changed() -> None:
    made = plan(settings())
    assert isinstance(made, Plan)
    assert (made.changes, bool(made.tell)) == ((), True)
    assert f"set the parameter `key` of {PLACE.region}" in made.message


def test_an_encryption_that_a_service_has_set_is_refused() -> None:
    made = plan(settings("aws:fsx"), key={PLACE.region: KEY})
    assert made == Refusal("aws:fsx is set by the service that the bucket belongs to")


def test_objects_in_two_layers_are_not_re_encrypted() -> None:
    made = plan(settings("aws:kms:dsse"), key={PLACE.region: KEY}, reencrypt=True, reencrypt_role=ROLE)
    assert isinstance(made, Plan)
    assert [change.operation for change in made.changes] == ["put_bucket_encryption"]
    assert "S3 cannot re-encrypt objects to DSSE-KMS in place" in made.leaves[0]
