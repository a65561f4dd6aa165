"""The table of IAM: what a row is. The rows stand in test_iam_table_*.py, by topic, each with its source.

A source is a page of AWS's documentation. A row says which policies there are, who asks for what, and whether the
page says that it is allowed.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from simulator.call import Caller
from simulator.iam.decision import Decision, Policies, decide
from simulator.iam.patterns import Value
from simulator.iam.policy import Policy, Request
from tests.simulator.iam_world import HUB, SESSION_CALLER, policy

Statement = dict[str, Any]
Statements = list[Statement]

EVALUATION = 'IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access"'
BASICS = 'IAM User Guide, "Policy evaluation for requests within a single account"'
CROSS_ACCOUNT = 'IAM User Guide, "Cross-account policy evaluation logic"'
BOUNDARIES = 'IAM User Guide, "Permissions boundaries for IAM entities"'
SESSION_POLICIES = 'IAM User Guide, "Policies and permissions", section "Session policies"'
INTERPLAY = 'IAM User Guide, "The difference between explicit and implicit denies"'
KEY_POLICIES = 'KMS Developer Guide, "Key policies in AWS KMS" and "Default key policy"'
GRANTS = 'KMS Developer Guide, "Grants in AWS KMS"'
OPERATORS = 'IAM User Guide, "IAM JSON policy elements: Condition operators"'
SET_OPERATORS = 'IAM User Guide, "Set operators for multivalued context keys"'
MULTIPLE_CONDITIONS = 'IAM User Guide, "Conditions with multiple context keys or values"'
VARIABLES = 'IAM User Guide, "IAM policy elements: Variables and tags"'
VERSION = 'IAM User Guide, "IAM JSON policy elements: Version"'
PRINCIPAL = 'IAM User Guide, "AWS JSON policy elements: Principal"'
NOT_PRINCIPAL = 'IAM User Guide, "AWS JSON policy elements: NotPrincipal"'
ACTION = 'IAM User Guide, "IAM JSON policy elements: Action"'
NOT_ACTION = 'IAM User Guide, "IAM JSON policy elements: NotAction"'
RESOURCE = 'IAM User Guide, "IAM JSON policy elements: Resource"'
NOT_RESOURCE = 'IAM User Guide, "IAM JSON policy elements: NotResource"'
GLOBAL_KEYS = 'IAM User Guide, "AWS global condition context keys"'
IAM_STS_KEYS = 'IAM User Guide, "IAM and AWS STS condition context keys"'
SCP = 'Organizations User Guide, "Service control policies (SCPs)"'
SCP_EVALUATION = 'Organizations User Guide, "SCP evaluation"'
RCP = 'Organizations User Guide, "Resource control policies (RCPs)"'
RCP_EVALUATION = 'Organizations User Guide, "RCP evaluation"'
ASSUME_ROLE = 'IAM User Guide, "Methods to assume a role"; STS API Reference, "AssumeRole"'
CHAINING = 'IAM User Guide, "IAM roles", section "Role chaining"'
SESSION_TAGS = 'IAM User Guide, "Pass session tags in AWS STS"'
SOURCE_IDENTITY = 'IAM User Guide, "Monitor and control actions taken with assumed roles"'
EXTERNAL_ID = 'IAM User Guide, "Access to AWS accounts owned by third parties"'
DEPUTY = 'IAM User Guide, "The confused deputy problem"'
PASS_ROLE = 'IAM User Guide, "Grant a user permissions to pass a role to an AWS service"'
S3_KEYS = 'S3 User Guide, "Tagging and access control policies"'
BUS_KEYS = 'EventBridge User Guide, "Using IAM policy conditions in Amazon EventBridge"'


@dataclass(frozen=True)
class Row:
    """One decision: the policies, the request, and what AWS's documentation says of it."""

    name: str
    source: str
    allowed: bool
    identity: Statements = field(default_factory=list)
    resource: Statements = field(default_factory=list)
    boundary: Statements | None = None
    session: list[Statements] | None = None
    scps: list[Statements] = field(default_factory=list)
    rcps: list[Statements] = field(default_factory=list)
    caller: Caller = SESSION_CALLER
    action: str = "s3:GetObject"
    on: str = "arn:aws:s3:::data/report"
    account: str = HUB
    context: dict[str, Value] = field(default_factory=dict)
    decisive: bool = False
    version: str | None = "2012-10-17"

    def decide(self) -> Decision:
        """Decide the row's request as the simulator does."""
        policies = Policies(
            identity=self._policies([self.identity]),
            resource=self._policies([self.resource]) if self.resource else (),
            boundary=None if self.boundary is None else self._policies([self.boundary])[0],
            session=None if self.session is None else self._policies(self.session),
            service_control=tuple(self._policies([level]) for level in self.scps),
            resource_control=tuple(self._policies([level]) for level in self.rcps),
            decisive=self.decisive,
            unrestricted=self.caller.kind == "root",
        )
        return decide(Request(self.caller, self.action, self.on, self.account, self.context), policies)

    def _policies(self, listed: list[Statements]) -> tuple[Policy, ...]:
        return tuple(policy(*statements, version=self.version) for statements in listed)


def params(rows: list[Row]) -> list[ParameterSet]:
    """The rows as parameters of a test, each under its name."""
    return [pytest.param(row, id=row.name) for row in rows]


def to(principal: Any, action: Any = "s3:GetObject", effect: Any = "Allow", **elements: Any) -> Statement:
    """A statement of a resource's policy."""
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": "*", **elements}
