"""KMS as it is, where moto is otherwise; the tests of moto alone fail once it closes a gap."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import moto.kms.utils as moto_utils
import pytest

from simulator.call import ServiceError
from simulator.services.kms import KmsService
from tests.simulator.correction_world import ACCOUNT, OTHER, REGION, Desk, desk


@pytest.fixture
def kms() -> Iterator[Desk]:
    with desk(KmsService) as made:
        yield made


def key(kms: Desk, **more: Any) -> dict[str, Any]:
    return dict(kms.ask("CreateKey", **more)["KeyMetadata"])


def describe(kms: Desk, name: str, **more: Any) -> dict[str, Any]:
    return dict(kms.ask("DescribeKey", KeyId=name, **more)["KeyMetadata"])


def test_the_default_key_of_a_service_is_managed_by_aws_however_it_is_named(kms: Desk) -> None:
    found = describe(kms, "alias/aws/s3")
    assert found["KeyManager"] == "AWS"
    for name in (found["KeyId"], found["Arn"], f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"):
        assert describe(kms, name) == found


def test_moto_still_calls_it_customer_managed() -> None:
    with desk("kms") as moto:
        assert describe(moto, "alias/aws/s3")["KeyManager"] == "CUSTOMER"


def test_the_policy_of_an_aws_managed_key_admits_only_its_service(kms: Desk) -> None:
    found = describe(kms, "alias/aws/s3")
    policy = kms.corrected.resource_policy(found["Arn"])
    use, metadata = policy["Statement"]
    assert use["Condition"]["StringEquals"] == {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": f"s3.{REGION}.amazonaws.com",
    }
    assert "kms:Describe*" in metadata["Action"]
    assert json.loads(kms.ask("GetKeyPolicy", KeyId=found["KeyId"])["Policy"]) == policy


def test_a_key_says_its_usage_and_that_it_is_of_one_region(kms: Desk) -> None:
    for name in (key(kms)["KeyId"], "alias/aws/s3"):
        found = describe(kms, name)
        assert (found["KeyUsage"], found["MultiRegion"]) == ("ENCRYPT_DECRYPT", False)


def test_a_customer_key_is_found_by_id_arn_and_alias(kms: Desk) -> None:
    made = key(kms)
    kms.ask("CreateAlias", AliasName="alias/mine", TargetKeyId=made["KeyId"])
    names = (made["KeyId"], made["Arn"], "alias/mine", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/mine")
    assert {describe(kms, name)["Arn"] for name in names} == {made["Arn"]}
    assert describe(kms, made["Arn"])["KeyManager"] == "CUSTOMER"
    assert kms.corrected.resource_policy(made["Arn"])["Statement"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("alias/none", id="alias"),
        pytest.param("00000000-0000-0000-0000-000000000000", id="id"),
        pytest.param(f"arn:aws:kms:{REGION}:{OTHER}:key/00000000-0000-0000-0000-000000000000", id="foreign ARN"),
    ],
)
def test_an_unknown_key_is_not_found(kms: Desk, name: str) -> None:
    with pytest.raises(ServiceError, match="NotFoundException"):
        describe(kms, name)


def test_a_key_of_another_account_or_region_is_reached_by_its_arn_alone(kms: Desk) -> None:
    theirs = kms.ask("CreateKey", by=OTHER)["KeyMetadata"]
    assert describe(kms, theirs["Arn"])["AWSAccountId"] == OTHER
    assert kms.allowed.owners[-1] == OTHER
    with pytest.raises(ServiceError, match="NotFoundException"):
        describe(kms, theirs["KeyId"])
    with pytest.raises(ServiceError, match="NotFoundException"):
        describe(kms, theirs["Arn"].replace(REGION, "eu-west-1"))
    sealed = kms.ask("Encrypt", KeyId=theirs["Arn"], Plaintext=b"x")["CiphertextBlob"]
    assert kms.ask("Decrypt", CiphertextBlob=sealed)["Plaintext"] == b"x"


def test_moto_still_takes_a_foreign_arn_for_the_callers_own_key() -> None:
    with desk("kms") as moto:
        made = key(moto)
        assert describe(moto, made["Arn"].replace(ACCOUNT, OTHER))["AWSAccountId"] == ACCOUNT


@pytest.mark.parametrize("by_arn", [pytest.param(True, id="by ARN"), pytest.param(False, id="by id")])
def test_a_key_is_deleted_when_its_window_ends(kms: Desk, by_arn: bool) -> None:
    made = key(kms)
    name = made["Arn"] if by_arn else made["KeyId"]
    answer = kms.ask("ScheduleKeyDeletion", KeyId=name, PendingWindowInDays=7)
    assert (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]) == (made["Arn"], "PendingDeletion", 7)
    found = describe(kms, name)
    assert (found["KeyState"], found["Enabled"], found["DeletionDate"]) == (
        "PendingDeletion",
        False,
        kms.world.agenda.now() + timedelta(days=7),
    )
    kms.world.agenda.advance(timedelta(days=6))
    describe(kms, name)
    kms.world.agenda.advance(timedelta(days=1))
    with pytest.raises(ServiceError, match="NotFoundException"):
        describe(kms, name)


def test_moto_still_cannot_schedule_a_deletion_by_arn() -> None:
    with desk("kms") as moto:
        made = key(moto)
        with pytest.raises(ServiceError, match="KeyError"):
            moto.ask("ScheduleKeyDeletion", KeyId=made["Arn"], PendingWindowInDays=7)


def test_a_cancelled_deletion_leaves_the_key_disabled(kms: Desk) -> None:
    made = key(kms)
    kms.ask("ScheduleKeyDeletion", KeyId=made["Arn"], PendingWindowInDays=7)
    with pytest.raises(ServiceError, match="KMSInvalidStateException"):
        kms.ask("ScheduleKeyDeletion", KeyId=made["Arn"], PendingWindowInDays=7)
    kms.ask("CancelKeyDeletion", KeyId=made["Arn"])
    kms.world.agenda.advance(timedelta(days=8))
    assert describe(kms, made["Arn"])["KeyState"] == "Disabled"
    with pytest.raises(ServiceError, match="KMSInvalidStateException"):
        kms.ask("CancelKeyDeletion", KeyId=made["Arn"])


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        pytest.param("DisableKey", "DisabledException", id="disabled"),
        pytest.param("ScheduleKeyDeletion", "KMSInvalidStateException", id="pending deletion"),
    ],
)
def test_a_key_that_is_not_enabled_cannot_be_used(kms: Desk, operation: str, code: str) -> None:
    made = key(kms)
    sealed = kms.ask("Encrypt", KeyId=made["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.ask(operation, KeyId=made["Arn"])
    uses: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Encrypt", {"KeyId": made["Arn"], "Plaintext": b"x"}),
        ("GenerateDataKey", {"KeyId": made["KeyId"], "KeySpec": "AES_256"}),
        ("Decrypt", {"CiphertextBlob": sealed}),
    )
    for use, parameters in uses:
        with pytest.raises(ServiceError) as refused:
            kms.ask(use, **parameters)
        assert refused.value.code == code, use


def test_moto_still_encrypts_with_a_disabled_key() -> None:
    with desk("kms") as moto:
        made = key(moto)
        moto.ask("DisableKey", KeyId=made["KeyId"])
        moto.ask("Encrypt", KeyId=made["KeyId"], Plaintext=b"x")


def test_a_key_is_enabled_again_by_arn_and_takes_a_policy(kms: Desk) -> None:
    made = key(kms)
    kms.ask("DisableKey", KeyId=made["Arn"])
    kms.ask("EnableKey", KeyId=made["Arn"])
    assert describe(kms, made["Arn"])["KeyState"] == "Enabled"
    kms.ask("PutKeyPolicy", KeyId=made["Arn"], Policy='{"Statement": []}')
    assert kms.corrected.resource_policy(made["Arn"]) == {"Statement": []}
    with pytest.raises(ServiceError, match="MalformedPolicyDocumentException"):
        kms.ask("PutKeyPolicy", KeyId=made["Arn"], Policy="{")
    with pytest.raises(ServiceError, match="ValidationException"):
        kms.ask("ScheduleKeyDeletion", KeyId=made["Arn"], PendingWindowInDays=3)


def test_only_asymmetric_keys_get_a_key_pair_of_their_own(kms: Desk) -> None:
    def public(**more: Any) -> bytes:
        return bytes(kms.ask("GetPublicKey", KeyId=key(kms, **more)["KeyId"])["PublicKey"])

    signing = {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}
    assert public(**signing) != public(**signing)
    assert public() == public()


def test_moto_still_makes_a_pair_for_every_symmetric_key() -> None:
    first, second = (moto_utils.generate_private_key("SYMMETRIC_DEFAULT") for _ in range(2))
    assert first.public_key() != second.public_key()


@pytest.mark.parametrize(("given", "told"), [({}, 365), ({"RotationPeriodInDays": 90}, 90)])
def test_a_rotated_key_tells_its_period(kms: Desk, given: dict[str, Any], told: int) -> None:
    made = key(kms)["KeyId"]
    assert "RotationPeriodInDays" not in kms.ask("GetKeyRotationStatus", KeyId=made)
    kms.ask("EnableKeyRotation", KeyId=made, **given)
    status = kms.ask("GetKeyRotationStatus", KeyId=made)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, told)
