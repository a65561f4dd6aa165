"""New EBS volumes and snapshots of an account are encrypted by default in the Region.

The setting is the account's in one Region; volumes that are there keep their state. Which key encrypts is another
setting, left as it is: without a choice it is aws/ebs, whose snapshots cannot be shared with other accounts.
Source: Security Hub EC2.7; Amazon EBS User Guide, "Enable Amazon EBS encryption by default"; EC2 API Reference,
EnableEbsEncryptionByDefault. The managed rule EC2_EBS_ENCRYPTION_BY_DEFAULT sees the same; ours needs no recorder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Refusal, Resource

if TYPE_CHECKING:
    from boto3 import Session

AWS_KEY = "alias/aws/ebs"


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the setting of the Region and the key that goes with it."""
    ec2 = session.client("ec2")
    return {
        "EbsEncryptionByDefault": ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"],
        "KmsKeyId": ec2.get_ebs_default_kms_key_id()["KmsKeyId"],
    }


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the setting."""
    if settings["EbsEncryptionByDefault"]:
        return model.compliant("New EBS volumes are encrypted by default.")
    return model.non_compliant("New EBS volumes are not encrypted by default.")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Look at the state of the key, where the account has chosen one of its own."""
    key = settings["KmsKeyId"]
    if key == AWS_KEY or f":{resource.account}:" not in key:
        return {"KeyState": None}
    with absent("NotFoundException"):
        return {"KeyState": session.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]}
    return {"KeyState": "missing"}


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """The one account."""
    yield CONTROL.resource(place, place.account)


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Switch the setting on, unless its key would make every new volume fail."""
    key = settings["KmsKeyId"]
    if facts["KeyState"] not in (None, "Enabled"):
        return Refusal(
            f"the default key for EBS, {key}, is {facts['KeyState']}: every new volume would fail; choose another by "
            "`aws ec2 modify-ebs-default-kms-key-id`, or `aws ec2 reset-ebs-default-kms-key-id`"
        )
    leaves = ["Volumes and snapshots that are there stay as they are."]
    if key == AWS_KEY:
        leaves.append("The key is aws/ebs: what it encrypts cannot be shared with other accounts.")
    else:
        leaves.append("Whether the key's policy admits the roles that launch instances is not checked.")
    return Plan(
        changes=(_switch("enable", _switch("disable")),),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=tuple(leaves),
        message=f"Account {resource.id} does not encrypt new EBS volumes by default in {resource.region}; "
        f"the key for them is {key}.",
    )


def _switch(to: str, inverse: Change | None = None) -> Change:
    action = {"enable": "ec2:EnableEbsEncryptionByDefault", "disable": "ec2:DisableEbsEncryptionByDefault"}
    return Change(
        name=f"{to}-encryption-by-default",
        service="ec2",
        operation=f"{to}_ebs_encryption_by_default",
        parameters={},
        grants=(Grant(action[to], ("*",)),),
        inverse=inverse,
        irreversible=None if inverse else "it is an undo",
    )


CONTROL = model.Control(
    id="EC2.7",
    slug="account-ebs-encrypted-by-default",
    title="Accounts encrypt new EBS volumes by default",
    severity=model.Severity.MEDIUM,
    resource_type=model.ACCOUNT,
    asff_type="AwsAccount",
    arn=model.ACCOUNT_NAME,
    scope=model.Scope.REGIONAL,
    detection=model.CustomRule(on_change=False, schedule=model.Frequency.DAILY),
    parameters={},
    read_grants=(
        # No resource type narrows the settings of an account.
        Grant("ec2:GetEbsEncryptionByDefault", ("*",)),
        Grant("ec2:GetEbsDefaultKmsKeyId", ("*",)),
        Grant("kms:DescribeKey", ("arn:{partition}:kms:{region}:{account}:key/*",)),
    ),
    grants=(
        Grant("ec2:EnableEbsEncryptionByDefault", ("*",)),
        Grant("ec2:DisableEbsEncryptionByDefault", ("*",)),
    ),
    requirements=(
        "FSBP EC2.7",
        "CIS AWS Foundations v1.4.0/2.2.1",
        "CIS AWS Foundations v3.0.0/2.2.1",
        "CIS AWS Foundations v5.0.0/5.1.1",
        "NIST.800-53.r5 CA-9(1)",
        "NIST.800-53.r5 CM-3(6)",
        "NIST.800-53.r5 SC-13",
        "NIST.800-53.r5 SC-28",
        "NIST.800-53.r5 SC-28(1)",
        "NIST.800-53.r5 SC-7(10)",
        "NIST.800-53.r5 SI-7(6)",
    ),
    impact="Snapshots and images under aws/ebs cannot be shared with other accounts; instance types without EBS "
    "encryption no longer launch; under a customer managed key, roles that its policy does not admit (that of Auto "
    "Scaling for one) can launch nothing. Volumes that were made meanwhile stay encrypted after an undo.",
    remediation="Enable EBS encryption by default in the Region.",
    ceiling=model.Ceiling(
        model.Mode.APPROVE, "pipelines that share snapshots or images with other accounts break under aws/ebs"
    ),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
