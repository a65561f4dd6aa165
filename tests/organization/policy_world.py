"""The organisation in which every statement of every deployed policy has to prove itself.

Three stacks, as one would deploy them with two environments: the organization; the hub with its production members,
whose recorder is ours; the staging members by a pipeline of their own. Each account stands for one environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import boto3

from lambdas.controls import catalog
from lambdas.names import Names
from operations import local_estate
from operations.local_estate import HUB, MANAGEMENT
from simulator.deployment import deploy
from simulator.iam.authorizer import Authorizer
from simulator.identity import Credentials
from simulator.local import LocalOrganization
from simulator.services.sns import Topics

HOME, AWAY = "eu-west-1", "us-east-1"
REGIONS = (HOME, AWAY)
PRODUCTION, STAGING = "300000000001", "300000000002"
PREFIX = "palisade"
MAIL = "operations@example.com"
BATCH_ROLE = f"arn:aws:iam::{STAGING}:role/re-encryption"
EC2, S3 = "EC2.13", "Palisade.S3.1"
# The controls that take part, one of each kind: detected by a rule of ours, by another product, with plans that take
# time. That the permissions of any other control are enough, and that each grant that it declares is reached by some
# tested plan, are laws of their own (test_catalog_plans).
TAKES_PART = (EC2, S3, "Palisade.GuardDuty.1", "Palisade.GuardDuty.2", "Palisade.Macie.1")
# Roles of people in the hub: who may call the endpoint and approve, and who lacks one of the two permissions.
APPROVERS, WITHOUT_URL, WITHOUT_FUNCTION = "duty", "without-url", "without-function"
EXEMPT = {"use": "fair"}


@dataclass(frozen=True)
class Estate:
    """A deployed organisation, with sessions of everybody in it."""

    organization: LocalOrganization
    names: Names

    @property
    def authorizer(self) -> Authorizer:
        """What decides every call, and remembers which statement was needed for it."""
        return self.organization.authorizer

    @property
    def hub(self) -> boto3.Session:
        """An administrator of the hub, in a session of this hour."""
        return self.organization.session(HUB)

    def member(self, account: str, region: str = HOME) -> boto3.Session:
        """An administrator of a member account, in a session of this hour."""
        return self.organization.session(account, region)

    def pipeline(self, account: str, role: str, region: str = HOME) -> boto3.Session:
        """The pipeline in a role of an account."""
        entered = assumed(self.hub, local_estate.pipeline_role(self.organization))
        return assumed(entered, f"arn:aws:iam::{account}:role/{role}", region)

    def function(self, account: str, role: str, region: str = HOME) -> boto3.Session:
        """A session of a function's role, as Lambda opens it."""

        def enter() -> Mapping[str, Any]:
            world = self.organization.world
            service = world.as_service("lambda.amazonaws.com", account=account)
            parameters = {"RoleArn": f"arn:aws:iam::{account}:role/{role}", "RoleSessionName": "function"}
            answer = world.call(service, "sts", "AssumeRole", parameters, region=region, account=account)
            credentials: Mapping[str, Any] = answer["Credentials"]
            return credentials

        return session_of(self.organization.do(enter), region)

    def person(self, role: str) -> boto3.Session:
        """A session of a role of people in the hub."""
        return assumed(self.hub, f"arn:aws:iam::{HUB}:role/people/{role}", HOME, RoleSessionName="alice")

    @property
    def endpoint(self) -> str:
        """The URL that people call."""
        answer = self.hub.client("lambda").get_function_url_config(FunctionName=self.names.approve_function)
        return str(answer["FunctionUrl"])

    def writer(self, account: str, region: str = HOME) -> boto3.Session:
        """The central remediation role in a member's writer role, without the session policy of a plan."""
        central = self.function(HUB, self.names.remediation_role)
        return assumed(central, f"arn:aws:iam::{account}:role/{self.names.writer_role}", region, SourceIdentity="r-1")


def session_of(credentials: Mapping[str, Any], region: str) -> boto3.Session:
    """A session with the credentials that AssumeRole has answered."""
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
    )


def lasting(credentials: Credentials) -> boto3.Session:
    """A session with credentials that the organisation gives out for set-up."""
    return boto3.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        region_name=HOME,
    )


def assumed(session: boto3.Session, role: str, region: str = HOME, **more: Any) -> boto3.Session:
    """Assume a role; raises ClientError where it does not let one in."""
    answer = session.client("sts").assume_role(RoleArn=role, **{"RoleSessionName": "policies", **more})
    return session_of(answer["Credentials"], region)


def founded() -> LocalOrganization:
    """Plan an organisation of management, hub, a production and a staging account."""
    return LocalOrganization(local_estate.plan_of(2), home_region=HOME, regions=REGIONS)


def deployed(organization: LocalOrganization) -> Estate:
    """Prepare the open organisation and deploy the three stacks into it."""
    estate = Estate(organization, Names(PREFIX))
    local_estate.prepare(organization)
    for region in REGIONS:
        _without_recorder(estate.member(PRODUCTION, region).client("config"))
    _batch_role(estate)
    _people(estate)
    for name, config in _stacks(organization).items():
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        deploy(organization, name, texts, (HUB, local_estate.pipeline_role(organization)))
        organization.rest()
    topic = f"arn:aws:sns:{HOME}:{HUB}:{estate.names.topic}"
    organization.do(partial(organization.world.service(Topics).confirm, topic, MAIL))
    return estate


def _stacks(organization: LocalOrganization) -> dict[str, dict[str, Any]]:
    units = _units(organization)
    approvers = {"approvers": [f"arn:aws:iam::{HUB}:role/people/{APPROVERS}"]}
    key, value = next(iter(EXEMPT.items()))
    expires = organization.do(organization.world.agenda.now).date() + timedelta(days=30)
    exemption = {"control": EC2, "tag": f"{key}={value}", "reason": "a fair", "owner": "sales", "expires": str(expires)}
    config = local_estate.stack_config(organization)
    off = {control: {"mode": "off"} for control in catalog() if control not in TAKES_PART}
    common = {
        **config,
        "controls": {**config["controls"], **off},
        "environments": {
            "production": {"organizationalUnits": [units["Production"], units["Security"]], **approvers},
            "staging": {"organizationalUnits": [units["Staging"]], **approvers},
        },
        "exemptions": [exemption],
        "limits": {"changesPerControlAccountHour": 1000, "changesPerOrganizationHour": 1000},
    }
    production = {**common, "environment": "production", "recorder": "create"}
    staging = {**common, "environment": "staging", "targets": {"organizationalUnits": [units["Staging"]]}}
    batch = {"parameters": {"reencrypt": True, "reencrypt_role": BATCH_ROLE}}
    return {
        "organization": {**production, "layers": ["organization"]},
        "production": {
            **production,
            "layers": ["hub", "members"],
            "targets": {"organizationalUnits": [units["Production"]]},
        },
        "staging": {
            **staging,
            "layers": ["members"],
            "overrides": [{"accounts": [STAGING], "controls": {S3: batch}}],
        },
    }


def _units(organization: LocalOrganization) -> dict[str, str]:
    """The ids of all organizational units by their names."""
    client = organization.session(MANAGEMENT).client("organizations")
    found: dict[str, str] = {}
    waiting = [client.list_roots()["Roots"][0]["Id"]]
    while waiting:
        below = client.list_organizational_units_for_parent(ParentId=waiting.pop())["OrganizationalUnits"]
        found |= {unit["Name"]: unit["Id"] for unit in below}
        waiting += [unit["Id"] for unit in below]
    return found


def _without_recorder(config: Any) -> None:
    """Take away the recorder that every account of the local estate has: production gets ours."""
    config.stop_configuration_recorder(ConfigurationRecorderName="default")
    config.delete_delivery_channel(DeliveryChannelName="default")
    config.delete_configuration_recorder(ConfigurationRecorderName="default")


def _batch_role(estate: Estate) -> None:
    """The role of the staging team by which jobs re-encrypt objects."""
    client, name = estate.member(STAGING).client("iam"), BATCH_ROLE.rsplit("/", 1)[-1]
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "batchoperations.s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    objects = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}
    client.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    client.put_role_policy(RoleName=name, PolicyName="objects", PolicyDocument=document(objects))


def _people(estate: Estate) -> None:
    """The roles of people in the hub."""
    function = f"arn:aws:lambda:{HOME}:{HUB}:function:{estate.names.approve_function}"
    by_url, by_function = caller_statements(function)
    allowed = {APPROVERS: [by_url, by_function], WITHOUT_URL: [by_function], WITHOUT_FUNCTION: [by_url]}
    for role, statements in allowed.items():
        people_role(estate.hub.client("iam"), role, *statements)


def people_role(iam: Any, role: str, *statements: Mapping[str, Any]) -> None:
    """Make a role of people in the hub, which anybody there may take."""
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=role, Path="/people/", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=role, PolicyName="endpoint", PolicyDocument=document(*statements))


def caller_statements(function: str) -> list[dict[str, Any]]:
    """What whoever calls a function URL needs: the right to the URL, and to the function by way of it.

    Source: Lambda Developer Guide, "Control access to Lambda function URLs".
    """
    return [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": function,
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        },
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": function,
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        },
    ]


def document(*statements: Mapping[str, Any]) -> str:
    """A policy document of statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
