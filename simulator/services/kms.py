"""KMS where moto differs: keys that AWS manages, states, keys by ARN, keys of other accounts.

Source: KMS developer guide, "AWS managed keys", "Key states", "Deleting keys"; API reference,
ScheduleKeyDeletion.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import moto.kms.models
from moto.backends import get_backend
from moto.kms.utils import KeySpec, generate_private_key

from simulator.call import Call, ServiceError
from simulator.iam.lookups import key_of
from simulator.service import Service
from simulator.world import dns_suffix_of

AWS_ALIAS = "alias/aws/"
ASYMMETRIC = frozenset((*KeySpec.rsa_key_specs(), *KeySpec.ecc_key_specs()))
USES = frozenset(
    {
        "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Sign", "Verify",
        "GenerateMac", "VerifyMac", "CreateGrant", "EnableKeyRotation",
    }
)  # fmt: skip
DAYS = range(7, 31)
ROTATION_DAYS = 365  # API reference, EnableKeyRotation


class KmsService(Service):
    """Corrections of KMS over moto."""

    name = "kms"

    def owner(self, call: Call) -> str:
        """The account of the key: an ARN says whose it is; without a key id the ciphertext does."""
        parameters = call.parameters
        name = parameters.get("KeyId") or parameters.get("TargetKeyId") or parameters.get("SourceKeyId")
        if name is None and call.operation in ("Decrypt", "ReEncrypt"):
            name = key_of(parameters.get("CiphertextBlob"), call.region)
        parts = str(name).split(":")
        return parts[4] if len(parts) > 5 and parts[2] == "kms" else call.caller.account

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The policy of a key."""
        _, _, _, region, account, name = arn.split(":", 5)
        key = _find(account, region, name.removeprefix("key/"))
        return None if key is None else json.loads(key.policy)

    def before(self, call: Call) -> None:
        """Refuse what moto lets pass: the use of a key that is disabled or about to be deleted."""
        name = call.parameters.get("KeyId")
        if call.operation == "Decrypt" and name is None:
            name = key_of(call.parameters.get("CiphertextBlob"), call.region)
        if call.operation not in USES or name is None:
            return
        key = _find(call.account, call.region, name)
        if key is None:
            return
        if key.key_state == "Disabled":
            raise ServiceError("DisabledException", f"{key.arn} is disabled.")
        if key.key_state != "Enabled":
            raise _wrong_state(key)

    def describe_key(self, call: Call) -> dict[str, Any]:
        """Describe a key by id, ARN, alias or alias ARN."""
        key = _need(call)
        found = dict(key.to_dict()["KeyMetadata"])
        found["CreationDate"] = datetime.fromtimestamp(found["CreationDate"], UTC)
        if "DeletionDate" in found:
            found["DeletionDate"] = datetime.fromtimestamp(found["DeletionDate"], UTC)
        given = {name: value for name, value in found.items() if value is not None}
        # moto leaves open what the creator did not say; KMS never does.
        return {"KeyMetadata": {"KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False, **given}}

    def get_key_policy(self, call: Call) -> dict[str, Any]:
        """Return a key's policy."""
        return {"Policy": _need(call, aliases=False).policy, "PolicyName": "default"}

    def put_key_policy(self, call: Call) -> dict[str, Any]:
        """Replace a key's policy."""
        policy = call.parameters["Policy"]
        try:
            json.loads(policy)
        except json.JSONDecodeError as error:
            raise ServiceError("MalformedPolicyDocumentException", "The new key policy is not valid JSON.") from error
        _need(call, aliases=False).policy = policy
        return {}

    def enable_key_rotation(self, call: Call) -> dict[str, Any]:
        """Rotate a key every so many days; moto forgets how many."""
        key = _need(call, aliases=False)
        key.key_rotation_status = True
        key.rotation_period = call.parameters.get("RotationPeriodInDays", ROTATION_DAYS)
        return {}

    def get_key_rotation_status(self, call: Call) -> dict[str, Any]:
        """Tell whether and how often a key is rotated."""
        key = _need(call, aliases=False)
        answer = {"KeyId": key.id, "KeyRotationEnabled": bool(key.key_rotation_status)}
        if key.key_rotation_status:
            answer["RotationPeriodInDays"] = getattr(key, "rotation_period", ROTATION_DAYS)
        return answer

    def enable_key(self, call: Call) -> dict[str, Any]:
        """Enable a key."""
        return self._switch(call, enabled=True)

    def disable_key(self, call: Call) -> dict[str, Any]:
        """Disable a key."""
        return self._switch(call, enabled=False)

    def _switch(self, call: Call, *, enabled: bool) -> dict[str, Any]:
        key = _need(call, aliases=False)
        if key.key_state == "PendingDeletion":
            raise _wrong_state(key)
        key.enabled, key.key_state = enabled, "Enabled" if enabled else "Disabled"
        return {}

    def schedule_key_deletion(self, call: Call) -> dict[str, Any]:
        """Put a key to death in 7 to 30 days."""
        key = _need(call, aliases=False)
        days = call.parameters.get("PendingWindowInDays") or 30
        if days not in DAYS:
            raise ServiceError("ValidationException", f"PendingWindowInDays must be from 7 to 30, not {days}")
        if key.key_state == "PendingDeletion":
            raise _wrong_state(key)
        death = self.world.agenda.now() + timedelta(days=days)
        key.enabled, key.key_state, key.deletion_date = False, "PendingDeletion", death.replace(tzinfo=None)
        self.world.agenda.at(death, lambda: self._delete(key, death), f"kms: deletion of {key.id}", background=True)
        return {"KeyId": key.arn, "DeletionDate": death, "KeyState": key.key_state, "PendingWindowInDays": days}

    def cancel_key_deletion(self, call: Call) -> dict[str, Any]:
        """Keep a key after all; it is disabled."""
        key = _need(call, aliases=False)
        if key.key_state != "PendingDeletion":
            raise _wrong_state(key)
        key.key_state, key.deletion_date = "Disabled", None
        return {"KeyId": key.arn}

    def _delete(self, key: Any, death: datetime) -> None:
        if key.key_state == "PendingDeletion" and key.deletion_date == death.replace(tzinfo=None):
            get_backend("kms")[key.account_id][key.region].delete_key(key.id)
            if self.world.door.recorder is not None:
                self.world.door.recorder.record("kms", key.account_id, key.region)


def _find(account: str, region: str, name: str) -> Any | None:
    """Find a key by id, ARN, alias or alias ARN; aws/* aliases make their key when they are first asked for."""
    state = get_backend("kms")[account][region]
    alias = "alias/" + name.split("alias/", 1)[1] if "alias/" in name else None
    identifier = state.get_key_id_from_alias(alias) if alias else name.rsplit("key/", 1)[-1]
    if name.startswith("arn:") and name.split(":")[3] != region:
        return None
    key = state.keys.get(identifier)
    if key is not None and key.key_manager != "AWS" and any(one.startswith(AWS_ALIAS) for one in key.aliases):
        _hand_to_aws(key)
    return key


def _need(call: Call, *, aliases: bool = True) -> Any:
    name = call.parameters["KeyId"]
    if "alias/" in name and not aliases:
        raise ServiceError("NotFoundException", f"Invalid keyId {name}")
    key = _find(call.account, call.region, name)
    if key is None:
        kind = "Alias" if "alias/" in name else "Key"
        arn = name if name.startswith("arn:") else _arn(call, name)
        raise ServiceError("NotFoundException", f"{kind} '{arn}' does not exist")
    return key


def _arn(call: Call, name: str) -> str:
    kind = "" if name.startswith("alias/") else "key/"
    return f"arn:{call.partition}:kms:{call.region}:{call.account}:{kind}{name}"


def _hand_to_aws(key: Any) -> None:
    """Make a default key of moto one that AWS manages: its manager, description and policy."""
    service = next(name for name in key.aliases if name.startswith(AWS_ALIAS)).removeprefix(AWS_ALIAS)
    key.key_manager = "AWS"
    key.description = f"Default key that protects my {service.upper()} data when no other key is defined"
    endpoint = f"{service}.{key.region}.{dns_suffix_of(key.region)}"
    via = {"kms:CallerAccount": key.account_id, "kms:ViaService": endpoint}
    everyone = {"AWS": "*"}
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"]
    metadata = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
    partition = key.arn.split(":")[1]
    root = {"AWS": f"arn:{partition}:iam::{key.account_id}:root"}
    key.policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Id": f"auto-{service}-2",
            "Statement": [
                {
                    "Sid": f"Allow access through {service} for all principals of the account that may use it",
                    "Effect": "Allow",
                    "Principal": everyone,
                    "Action": use,
                    "Resource": "*",
                    "Condition": {"StringEquals": via},
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": root,
                    "Action": metadata,
                    "Resource": "*",
                },
            ],
        }
    )


def _key_pair(key_spec: str) -> Any:
    """Make the pair of an asymmetric key. moto makes symmetric keys a pair too, which takes long and is never used."""
    return generate_private_key(key_spec) if key_spec in ASYMMETRIC else _idle_pair()


@cache
def _idle_pair() -> Any:
    return generate_private_key(KeySpec.SYMMETRIC_DEFAULT.value)


moto.kms.models.generate_private_key = _key_pair


def _wrong_state(key: Any) -> ServiceError:
    state = "pending deletion" if key.key_state == "PendingDeletion" else str(key.key_state).lower()
    return ServiceError("KMSInvalidStateException", f"{key.arn} is {state}.")
