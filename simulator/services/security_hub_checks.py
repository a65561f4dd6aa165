"""The security controls whose checks are simulated: those whose rule has a model here.

A row is one control of Security Hub CSPM: what it says, by which rule it is checked, in which standards it
is and under which requirements. Source: Security Hub User Guide, "Security Hub controls reference" and the
pages "Security Hub controls for Amazon EC2", "... for Amazon S3" and "... for Amazon SQS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.services.config_items import Item
from simulator.services.config_managed import COMPLIANT, MODELS, NON_COMPLIANT, Model

FSBP = "standards/aws-foundational-security-best-practices/v/1.0.0"
CIS_1_2 = "ruleset/cis-aws-foundations-benchmark/v/1.2.0"
NIST_800_53 = "standards/nist-800-53/v/5.0.0"
NIST_800_171 = "standards/nist-800-171/v/2.0.0"
PCI_3_2_1 = "standards/pci-dss/v/3.2.1"
PCI_4_0_1 = "standards/pci-dss/v/4.0.1"


@dataclass(frozen=True, slots=True)
class Check:
    """One security control. `standards` maps paths of standards to the requirements that it checks there."""

    control: str
    title: str
    description: str
    severity: str
    resource_type: str
    identifier: str  # of the managed rule, or of a rule that Security Hub brings itself
    rule: str  # how its service-linked rule begins
    standards: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def help(self) -> str:
        """Where the console's help on remediation is."""
        return f"https://docs.aws.amazon.com/console/securityhub/{self.control}/remediation"


CHECKS: Mapping[str, Check] = {
    check.control: check
    for check in (
        Check(
            control="EC2.13",
            title="Security groups should not allow ingress from 0.0.0.0/0 or ::/0 to port 22",
            description="This control checks whether an Amazon EC2 security group allows ingress from 0.0.0.0/0 or "
            "::/0 to port 22. The control fails if the security group allows ingress from 0.0.0.0/0 or ::/0 to port "
            "22.",
            severity="HIGH",
            resource_type="AWS::EC2::SecurityGroup",
            identifier="INCOMING_SSH_DISABLED",
            rule="restricted-ssh",
            standards={
                CIS_1_2: ("CIS AWS Foundations Benchmark v1.2.0/4.1",),
                NIST_800_53: ("NIST.800-53.r5 AC-4", "NIST.800-53.r5 CM-7", "NIST.800-53.r5 SC-7"),
                NIST_800_171: ("NIST.800-171.r2 3.1.3", "NIST.800-171.r2 3.13.1"),
                PCI_3_2_1: ("PCI DSS v3.2.1/1.2.1", "PCI DSS v3.2.1/1.3.1", "PCI DSS v3.2.1/2.2.2"),
                PCI_4_0_1: ("PCI DSS v4.0.1/1.3.1",),
            },
        ),
        Check(
            control="SQS.1",
            title="Amazon SQS queues should be encrypted at rest",
            description="This control checks whether an Amazon SQS queue is encrypted at rest. The control fails if "
            "the queue isn't encrypted with an SQS-managed key (SSE-SQS) or an AWS Key Management Service (AWS KMS) "
            "key (SSE-KMS).",
            severity="MEDIUM",
            resource_type="AWS::SQS::Queue",
            identifier="sqs-queue-encrypted",
            rule="sqs-queue-encrypted",
            standards={
                FSBP: (),
                NIST_800_53: (
                    "NIST.800-53.r5 CA-9(1)",
                    "NIST.800-53.r5 CM-3(6)",
                    "NIST.800-53.r5 SC-13",
                    "NIST.800-53.r5 SC-28",
                    "NIST.800-53.r5 SC-28(1)",
                    "NIST.800-53.r5 SC-7(10)",
                    "NIST.800-53.r5 SI-7(6)",
                ),
            },
        ),
        Check(
            control="S3.17",
            title="S3 general purpose buckets should be encrypted at rest with AWS KMS keys",
            description="This control checks whether an Amazon S3 general purpose bucket is encrypted with an AWS KMS "
            "key (SSE-KMS or DSSE-KMS). The control fails if the bucket is encrypted with default encryption (SSE-S3).",
            severity="MEDIUM",
            resource_type="AWS::S3::Bucket",
            identifier="S3_DEFAULT_ENCRYPTION_KMS",
            rule="s3-default-encryption-kms",
            standards={
                NIST_800_53: ("NIST.800-53.r5 SC-28", "NIST.800-53.r5 SC-28(1)", "NIST.800-53.r5 SC-13"),
                NIST_800_171: ("NIST.800-171.r2 3.8.9", "NIST.800-171.r2 3.13.16"),
                PCI_4_0_1: ("PCI DSS v4.0.1/3.5.1",),
            },
        ),
    )
}


def sqs_queue_encrypted(item: Item, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    """sqs-queue-encrypted: non-compliant where neither SQS's own keys nor a KMS key encrypt a queue."""
    found = item.snapshot.configuration
    return (COMPLIANT if found.get("SqsManagedSseEnabled") or found.get("KmsMasterKeyId") else NON_COMPLIANT), None


# With the rules that Security Hub brings itself, for AWS Config has none: "custom Security Hub rule" in its reference.
RULES: Mapping[str, Model] = {**MODELS, "sqs-queue-encrypted": sqs_queue_encrypted}
