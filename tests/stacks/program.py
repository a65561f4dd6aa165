"""The program run against a small organization: nothing is made, everything that it registers is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.deployment import Deployment, DeploymentError, Resource, register
from stacks.targets import Account, Organization

MANAGEMENT, HUB = "100000000001", "200000000002"
PLAIN, NESTED, SUSPENDED, STAGED, STRAY = (f"30000000000{number}" for number in range(3, 8))
ROOT, SECURITY = "r-abcd", "ou-abcd-security1"
WORKLOADS, PRODUCTION, STAGING, SANDBOX = (
    f"ou-abcd-{name}" for name in ("workloads", "production", "staging01", "sandbox01")
)
ORGANIZATION = "o-a1b2c3d4e5"
HOME, AWAY = "eu-west-1", "eu-central-1"
ACCOUNTS = (
    Account(MANAGEMENT, "management", "ACTIVE", (ROOT,)),
    Account(HUB, "security", "ACTIVE", (ROOT, SECURITY)),
    Account(PLAIN, "team", "ACTIVE", (ROOT, WORKLOADS)),
    Account(NESTED, "nested", "ACTIVE", (ROOT, WORKLOADS, PRODUCTION)),
    Account(SUSPENDED, "gone", "SUSPENDED", (ROOT, WORKLOADS, PRODUCTION)),
    Account(STAGED, "staged", "ACTIVE", (ROOT, WORKLOADS, STAGING)),
    Account(STRAY, "stray", "ACTIVE", (ROOT, SANDBOX)),
)
PARENTS = {SECURITY: ROOT, WORKLOADS: ROOT, SANDBOX: ROOT, PRODUCTION: WORKLOADS, STAGING: WORKLOADS}


def organization(accounts: tuple[Account, ...] = ACCOUNTS) -> Organization:
    """The organization as the program reads it."""
    return Organization(
        id=ORGANIZATION,
        root=ROOT,
        management=MANAGEMENT,
        units=frozenset({ROOT, *PARENTS}),
        accounts={account.id: account for account in accounts},
    )


Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Cloud:
    """What answers the program's data sources, and which of them it asked."""

    accounts: tuple[Account, ...] = ACCOUNTS
    hub: bool = True
    code: tuple[str, ...] = (HOME, AWAY)  # where the hub has this version's code
    id: str = ORGANIZATION
    asked: list[str] = field(default_factory=list)

    def answers(self) -> dict[str, Answer]:
        """The answers by data source."""
        served: dict[str, Answer] = {
            "aws:organizations/getOrganization:getOrganization": lambda _: {
                "id": self.id,
                "masterAccountId": MANAGEMENT,
                "roots": [{"id": ROOT}],
            },
            "aws:organizations/getOrganizationalUnits:getOrganizationalUnits": lambda asked: {
                "children": [{"id": unit} for unit, above in PARENTS.items() if above == asked["parentId"]]
            },
            "aws:organizations/getOrganizationalUnitChildAccounts:getOrganizationalUnitChildAccounts": self._children,
            "aws:index/getCallerIdentity:getCallerIdentity": lambda _: {"id": HUB, "accountId": HUB},
            "aws:dynamodb/getTable:getTable": self._table,
            "aws:s3/getObject:getObject": self._object,
        }
        return {token: self._noting(token, answer) for token, answer in served.items()}

    def _noting(self, token: str, answer: Answer) -> Answer:
        def noted(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            self.asked.append(token.split(":")[-1])
            return answer(arguments)

        return noted

    def _children(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        # `status` is what AWS retires in 2026: whoever reads it deploys to a suspended account.
        return {
            "accounts": [
                {"id": one.id, "name": one.name, "state": one.state, "status": "ACTIVE"}
                for one in self.accounts
                if one.path[-1] == asked["parentId"]
            ]
        }

    def _table(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.hub:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no table"}}, "DescribeTable")
        return {"id": asked["name"], "name": asked["name"]}

    def _object(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["region"] not in self.code:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")
        return {"id": asked["key"], "bucket": asked["bucket"], "key": asked["key"]}


# A Region or two of each partition, the home Region first.
PARTITIONS = {
    "aws": ("eu-west-1", "ap-northeast-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
    "aws-iso": ("us-iso-east-1", "us-iso-west-1"),
    "aws-iso-b": ("us-isob-east-1", "us-isob-west-1"),
    "aws-iso-e": ("eu-isoe-west-1",),
    "aws-iso-f": ("us-isof-south-1", "us-isof-east-1"),
    "aws-eusc": ("eusc-de-east-1",),
}


def role(account: str, name: str, partition: str = "aws") -> str:
    return f"arn:{partition}:iam::{account}:role/{name}"


def everything(**changes: Any) -> dict[str, Any]:
    """The settings of an all-in-one stack; None takes a key away."""
    settings: dict[str, Any] = {
        "layers": ["organization", "hub", "members"],
        "environment": "production",
        "organizationId": ORGANIZATION,
        "managementAccount": MANAGEMENT,
        "hubAccount": HUB,
        "homeRegion": HOME,
        "regions": [HOME, AWAY],
        "pipelineRole": role(HUB, "pipeline"),
        "managementRole": role(MANAGEMENT, "palisade-organization"),
        "environments": {"production": {"organizationalUnits": [WORKLOADS, SECURITY]}},
        "targets": {"organizationalUnits": [WORKLOADS]},
        "notifications": ["operations@example.com"],
        "controls": {"EC2.13": {"mode": "automatic"}},
        **changes,
    }
    return {key: value for key, value in settings.items() if value is not None}


def members(**changes: Any) -> dict[str, Any]:
    """The settings of a member stack."""
    return everything(**{"layers": ["members"], "managementRole": None, **changes})


def partitioned(partition: str, **changes: Any) -> dict[str, Any]:
    """The settings of an all-in-one stack in a partition, with recorders of our own."""
    home, *others = PARTITIONS[partition]
    return everything(
        **{
            "homeRegion": home,
            "regions": [home, *others],
            "pipelineRole": role(HUB, "pipeline", partition),
            "managementRole": role(MANAGEMENT, "palisade-organization", partition),
            "recorder": "create",
            "controls": {
                "EC2.13": {"mode": "automatic"},
                "Palisade.S3.1": {"mode": "approve", "parameters": {"key": {home: "alias/data"}}},
            },
            **changes,
        }
    )


def texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as Pulumi hands them over: structured values as JSON, scalars as they are."""
    return {key: json.dumps(value) if isinstance(value, list | dict) else str(value) for key, value in settings.items()}


def run(settings: Mapping[str, Any], cloud: Cloud | None = None) -> Deployment:
    """Run the program."""
    return register("test", texts(settings), (cloud or Cloud()).answers())


def refusal(settings: Mapping[str, Any], cloud: Cloud | None = None) -> str:
    """Run the program, which must refuse, and return what it says."""
    with pytest.raises(DeploymentError) as error:
        run(settings, cloud)
    return str(error.value)


def of_type(deployment: Deployment, token: str) -> list[Resource]:
    """The resources of a type, named as in `dynamodb/table:Table`."""
    return [one for one in deployment.resources if one.token == f"aws:{token}"]
