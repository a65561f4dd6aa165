"""The standards of Security Hub CSPM that the settings may enable.

Source: Security Hub User Guide, "Standards reference"; the ARNs by DescribeStandards. A control of ours
that a standard checks names that in its requirements, by the label here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lambdas.controls.model import Control


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard: its path in ARNs, and how requirements of controls begin that belong to it."""

    path: str
    label: str


STANDARDS = {
    "fsbp": Standard("standards/aws-foundational-security-best-practices/v/1.0.0", "FSBP"),
    "cis-1.4.0": Standard("standards/cis-aws-foundations-benchmark/v/1.4.0", "CIS AWS Foundations v1.4.0"),
    "cis-3.0.0": Standard("standards/cis-aws-foundations-benchmark/v/3.0.0", "CIS AWS Foundations v3.0.0"),
    "cis-5.0.0": Standard("standards/cis-aws-foundations-benchmark/v/5.0.0", "CIS AWS Foundations v5.0.0"),
    "nist-800-53-r5": Standard("standards/nist-800-53/v/5.0.0", "NIST.800-53.r5"),
    "pci-dss-3.2.1": Standard("standards/pci-dss/v/3.2.1", "PCI DSS v3.2.1"),
    "pci-dss-4.0.1": Standard("standards/pci-dss/v/4.0.1", "PCI DSS v4.0.1"),
}


def standard_arn(name: str, partition: str, region: str) -> str:
    """The ARN of a standard in a Region; raises KeyError for an unknown name."""
    return f"arn:{partition}:securityhub:{region}::{STANDARDS[name].path}"


def checked_by(control: Control, standards: Iterable[str]) -> bool:
    """Whether an enabled standard checks a control already. Only Security Hub's own controls can be."""
    if control.id.startswith("Palisade."):
        return False
    labels = tuple(STANDARDS[name].label for name in standards)
    return any(requirement.startswith(labels) for requirement in control.requirements) if labels else False
