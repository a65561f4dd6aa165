"""A local organisation for the simulation: its accounts, and what a platform team has there before Palisade."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from botocore.session import get_session

from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization
from simulator.world import partition_of

ROOT = Path(__file__).resolve().parent.parent
MANAGEMENT = "100000000001"
HUB = "200000000002"
FIRST_MEMBER = 300000000001
PIPELINE = "palisade-pipeline"
# Not named palisade-*: the pipeline's role may change what is.
APPROVERS = "security-approvers"
ORGANIZATION_ROLE = "palisade-organization"
DATA_KEY = "alias/data"
CONFIG_BUCKET = f"config-{MANAGEMENT}"
# Members stand in nested units, so that targets by unit reach below the first level.
UNITS = (("Workloads", "Production"), ("Workloads", "Staging"), ("Workloads",))


class RegionsError(Exception):
    """Regions that no local organisation can have, with what is accepted."""


def check_regions(regions: Sequence[str]) -> None:
    """Refuse Regions that no organisation has together; raises RegionsError."""
    if not regions:
        raise RegionsError("--regions names no Region; name the home Region first, for example eu-west-1,us-east-1")
    if len(set(regions)) < len(regions):
        raise RegionsError(f"--regions names a Region twice: {', '.join(regions)}")
    if len({partition_of(region) for region in regions}) > 1:
        raise RegionsError(f"--regions spans partitions, which no organization does: {', '.join(regions)}")
    known = get_session().get_available_regions("s3", partition_of(regions[0]))
    if unknown := [region for region in regions if region not in known]:
        raise RegionsError(f"--regions names {', '.join(unknown)}; this partition has {', '.join(known)}")


def plan_of(members: int) -> OrganizationPlan:
    """Plan an organisation of a management account, a hub, and members in nested units."""
    accounts = [PlannedAccount(HUB, "security", kind="hub", unit=("Security",))]
    for number in range(members):
        unit = UNITS[number % len(UNITS)]
        accounts.append(PlannedAccount(str(FIRST_MEMBER + number), f"team-{number + 1}", unit=unit))
    return OrganizationPlan(management=MANAGEMENT, hub=HUB, accounts=tuple(accounts))


def pipeline_role(organization: LocalOrganization) -> str:
    """The ARN of the role that runs the deployment; it stands in the hub."""
    return f"arn:{organization.world.partition}:iam::{HUB}:role/{PIPELINE}"


def approvers_role(organization: LocalOrganization) -> str:
    """The ARN of the role of people who answer; it stands in the hub."""
    return f"arn:{organization.world.partition}:iam::{HUB}:role/{APPROVERS}"


def approvers_policies(partition: str, region: str, prefix: str = "palisade") -> dict[str, dict[str, Any]]:
    """The policies of an approver, by name: to answer and look, and to replay. docs/security.md shows the same.

    Source: Lambda Developer Guide, "Control access to Lambda function URLs": both actions, each with its condition.
    """
    function = f"arn:{partition}:lambda:{region}:{HUB}:function:{prefix}-approve"
    table = f"arn:{partition}:dynamodb:{region}:{HUB}:table/{prefix}"
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    through = {"StringEquals": {"kms:ViaService": f"dynamodb.{region}.{suffix}"}}
    by_url = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    answer = [
        _allow("FindEndpoint", ["lambda:GetFunctionUrlConfig"], function),
        _allow(
            "CallEndpoint",
            ["lambda:InvokeFunctionUrl"],
            function,
            {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        ),
        _allow("InvokeByEndpoint", ["lambda:InvokeFunction"], function, by_url),
        _allow("ReadLedger", ["dynamodb:Query"], [f"{table}-ledger", f"{table}-ledger/index/by-account"]),
        _allow("ReadAllOfLedger", ["dynamodb:Scan"], f"{table}-ledger"),
        _allow("DecryptLedger", ["kms:Decrypt"], f"arn:{partition}:kms:{region}:{HUB}:key/*", through),
    ]
    findings = ["securityhub:GetFindings", "securityhub:BatchUpdateFindings"]
    replay = [
        _allow("ReadPolicies", ["dynamodb:Query"], f"{table}-policies"),
        _allow(
            "ReadCases",
            ["dynamodb:GetItem"],
            f"{table}-state",
            {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["case#*"]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        ),
        _allow("RenewFindings", findings, f"arn:{partition}:securityhub:{region}:{HUB}:hub/default"),
    ]
    return {
        name: {"Version": "2012-10-17", "Statement": statements}
        for name, statements in (("answer", answer), ("replay", replay))
    }


def prepare(organization: LocalOrganization) -> None:
    """Set up what is there before Palisade: roles of pipeline and people, a recorder, and each team's own key."""
    _pipeline(organization)
    _approvers(organization)
    _management_role(organization)
    _config_bucket(organization)
    for account in organization.world.accounts.values():
        if account.kind == "management":
            continue
        for region in organization.world.regions:
            recorder(organization, account.id, region)
            if account.kind == "member":
                data_key(organization, account.id, region)


def stack_config(organization: LocalOrganization, stack: str = "local") -> dict[str, Any]:
    """Read the stack's own configuration and fill in what this organisation is."""
    document = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    config: dict[str, Any] = {key.removeprefix("palisade:"): value for key, value in document["config"].items()}
    world = organization.world
    units = _units(organization)
    return {
        **config,
        "organizationId": world.organization_id,
        "managementAccount": world.management,
        "managementRole": f"arn:{world.partition}:iam::{world.management}:role/{ORGANIZATION_ROLE}",
        "hubAccount": HUB,
        "pipelineRole": pipeline_role(organization),
        "homeRegion": world.home_region,
        "regions": list(world.regions),
        "environments": {
            config["environment"]: {
                "organizationalUnits": [units["Workloads"], units["Security"]],
                "approvers": [approvers_role(organization)],
            }
        },
        "targets": {"organizationalUnits": [units["Workloads"]]},
        "controls": _with_key(config["controls"], world.regions),
    }


def _with_key(controls: Mapping[str, Any], regions: tuple[str, ...]) -> dict[str, Any]:
    """Name each Region's key: the Regions are the run's, the alias is the one that `prepare` makes."""
    named = {}
    for control, settings in controls.items():
        parameters = dict(settings.get("parameters", {}))
        if "key" in parameters:
            parameters["key"] = dict.fromkeys(regions, DATA_KEY)
        named[control] = {**settings, **({"parameters": parameters} if parameters else {})}
    return named


def _units(organization: LocalOrganization) -> dict[str, str]:
    client = organization.session(organization.world.management).client("organizations")
    root = client.list_roots()["Roots"][0]["Id"]
    units = client.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
    return {unit["Name"]: unit["Id"] for unit in units}


def _pipeline(organization: LocalOrganization) -> None:
    partition = organization.world.partition
    client = organization.session(HUB).client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{HUB}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    enter = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Enter",
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Resource": f"arn:{partition}:iam::*:role/palisade-*",
            }
        ],
    }
    client.create_role(RoleName=PIPELINE, AssumeRolePolicyDocument=json.dumps(trust))
    client.put_role_policy(RoleName=PIPELINE, PolicyName="enter", PolicyDocument=json.dumps(enter))


def _approvers(organization: LocalOrganization) -> None:
    """Make the role of people who answer; administrators of the hub and of the management account may enter it."""
    world = organization.world
    client = organization.session(HUB).client("iam")
    roots = [f"arn:{world.partition}:iam::{account}:root" for account in (HUB, world.management)]
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": roots}, "Action": "sts:AssumeRole"}],
    }
    client.create_role(RoleName=APPROVERS, AssumeRolePolicyDocument=json.dumps(trust))
    for name, document in approvers_policies(world.partition, world.home_region).items():
        client.put_role_policy(RoleName=APPROVERS, PolicyName=name, PolicyDocument=json.dumps(document))


def _allow(
    sid: str, actions: Sequence[str], resource: str | Sequence[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def _management_role(organization: LocalOrganization) -> None:
    """Create the role of stacks/bootstrap.json, which a person deploys by CloudFormation in a real organisation."""
    world = organization.world
    template = json.loads((ROOT / "stacks" / "bootstrap.json").read_text(encoding="utf-8"))
    properties = _filled(
        template["Resources"]["Role"]["Properties"],
        {
            "AWS::Partition": world.partition,
            "AWS::AccountId": world.management,
            "PipelineRoleArn": pipeline_role(organization),
            "OrganizationId": world.organization_id,
            **{name: one["Default"] for name, one in template["Parameters"].items() if "Default" in one},
        },
    )
    client = organization.session(world.management).client("iam")
    client.create_role(
        RoleName=properties["RoleName"],
        Description=properties["Description"],
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
    )
    for policy in properties["Policies"]:
        client.put_role_policy(
            RoleName=properties["RoleName"],
            PolicyName=policy["PolicyName"],
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """Resolve the intrinsic functions that the bootstrap template uses."""
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return names[value["Ref"]]
    if set(value) == {"Fn::Sub"}:
        text = value["Fn::Sub"]
        for name, filled in names.items():
            text = text.replace(f"${{{name}}}", filled)
        return text
    if set(value) == {"Fn::Join"}:
        glue, parts = value["Fn::Join"]
        return glue.join(_filled(part, names) for part in parts)
    if set(value) == {"Fn::Select"}:
        index, parts = value["Fn::Select"]
        return _filled(parts, names)[index]
    if set(value) == {"Fn::Split"}:
        glue, text = value["Fn::Split"]
        return str(_filled(text, names)).split(glue)
    return {key: _filled(one, names) for key, one in value.items()}


def _config_bucket(organization: LocalOrganization) -> None:
    """Make the bucket that recorders deliver to. us-east-1 alone takes no location."""
    home = organization.world.home_region
    location: Any = {} if home == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": home}}
    organization.session(HUB).client("s3").create_bucket(Bucket=CONFIG_BUCKET, **location)


def recorder(organization: LocalOrganization, account: str, region: str) -> None:
    """Record everything, as Control Tower does: the account's recorder is never ours."""
    session = organization.session(account, region)
    partition = partition_of(region)
    client = session.client("config")
    client.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:{partition}:iam::{account}:role/aws-service-role/config.amazonaws.com/"
            "AWSServiceRoleForConfig",
            "recordingGroup": {"allSupported": True},
        }
    )
    client.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": CONFIG_BUCKET})
    client.start_configuration_recorder(ConfigurationRecorderName="default")


def data_key(organization: LocalOrganization, account: str, region: str) -> None:
    """Make the key of a team's data."""
    client = organization.session(account, region).client("kms")
    key = client.create_key(Description="Data of this team")["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName=DATA_KEY, TargetKeyId=key)
