"""What changes a bucket's encryption: the rule that is set, and whether objects that are there are re-encrypted."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls.model import Token
from lambdas.services.bucket_encryption_changes import by_key, jobs, no_job, objects_left, set_default
from tests.services.buckets import BUCKET, KEY, ROLE, settings


@pytest.mark.parametrize(
    ("given", "algorithm", "why"),
    [
        pytest.param({"reencrypt": True, "reencrypt_role": ROLE}, "AES256", None, id="asked for"),
        pytest.param({"reencrypt": False, "reencrypt_role": ROLE}, "AES256", "`reencrypt` is off", id="not asked for"),
        pytest.param({"reencrypt": True, "reencrypt_role": None}, "AES256", "names no role of account", id="no role"),
        pytest.param(
            {"reencrypt": True, "reencrypt_role": ROLE.replace(BUCKET.account, "200000000002")},
            "AES256",
            f"names no role of account {BUCKET.account}",
            id="foreign role",
        ),
        pytest.param(
            {"reencrypt": True, "reencrypt_role": ROLE},
            "aws:kms:dsse",
            "S3 cannot re-encrypt objects to DSSE-KMS in place",
            id="in two layers",
        ),
    ],
)
def test_people_hear_why_objects_stay_as_they_are(given: dict[str, Any], algorithm: str, why: str | None) -> None:
    hindrance = no_job(BUCKET, settings(algorithm), given)
    assert (hindrance is None) is (why is None)
    assert (why or "whose key can no longer be used") in objects_left(hindrance)


@pytest.mark.parametrize(
    ("algorithm", "then"),
    [
        pytest.param("AES256", {"SSEAlgorithm": "aws:kms", "BucketKeyEnabled": True}, id="SSE-S3 gains a bucket key"),
        pytest.param("aws:kms", {"SSEAlgorithm": "aws:kms"}, id="a bucket key that was not chosen is not added"),
        pytest.param("aws:kms:dsse", {"SSEAlgorithm": "aws:kms:dsse"}, id="two layers stay two"),
    ],
)
def test_the_default_changes_its_key_and_nothing_that_was_chosen(algorithm: str, then: dict[str, Any]) -> None:
    before = settings(algorithm)
    before["Encryption"]["Rules"][0]["BlockedEncryptionTypes"] = {"EncryptionType": ["SSE-C"]}
    bucket_key = {name: value for name, value in then.items() if name == "BucketKeyEnabled"}
    assert by_key(before, KEY) == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": then["SSEAlgorithm"], "KMSMasterKeyID": KEY},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
        **bucket_key,
    }


def test_the_undo_puts_the_rule_of_before() -> None:
    before = settings()["Encryption"]["Rules"][0]
    change = set_default(BUCKET, "encrypt", by_key(settings(), KEY), before)
    assert change.inverse is not None
    assert change.inverse.name == "undo-encrypt"
    assert change.inverse.parameters["ServerSideEncryptionConfiguration"] == {"Rules": [before]}


def test_each_job_has_a_token_of_its_own_in_a_remediation() -> None:
    tokens = [change.parameters["ClientRequestToken"] for change in jobs(BUCKET, by_key(settings(), KEY), ROLE)]
    assert tokens == [Token("re-encrypt-sse-kms-objects"), Token("re-encrypt-sse-s3-objects")]
