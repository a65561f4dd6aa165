"""Calls that must be refused: by outsiders, and by Palisade's own roles beyond what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from operations.local_estate import HUB
from simulator.call import ServiceError
from tests.organization.policy_attacks_people import Attack, called, people_attacks
from tests.organization.policy_world import (
    APPROVERS,
    AWAY,
    HOME,
    PRODUCTION,
    STAGING,
    Estate,
    assumed,
    document,
    lasting,
)

REFUSALS = frozenset({"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
FOREIGN = "999999999999"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def attacks(estate: Estate) -> dict[str, str]:
    """Try everything; how each ended: `refused`, or what came of it instead."""
    tried = {**_foreign(estate), **_outside(estate), **_beyond(estate), **people_attacks(estate), **_plain(estate)}
    ended = {name: _ended(attack) for name, attack in tried.items()}
    with _writer_of_everything(estate):
        ended |= {name: _ended(attack) for name, attack in _widened(estate).items()}
        with _boundary_of_everything(estate):
            ended |= {name: _ended(attack) for name, attack in _unbounded(estate).items()}
    return ended


def _ended(attack: Attack) -> str:
    try:
        attack()
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
    except ServiceError as error:
        code = error.code
    else:
        return "done"
    return "refused" if code in REFUSALS else code


def _foreign(estate: Estate) -> dict[str, Attack]:
    """An account of another organization whose roles are named as ours and may do everything there."""
    names, identities, do = estate.names, estate.organization.identities, estate.organization.do
    iam = lasting(do(lambda: identities.root(FOREIGN))).client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": FOREIGN}, "Action": "sts:AssumeRole"}

    def posing(role: str) -> boto3.Session:
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))
        iam.put_role_policy(RoleName=role, PolicyName="everything", PolicyDocument=document(EVERYTHING))
        return lasting(do(lambda: identities.administrator(FOREIGN, role)))

    detect, central, recorder = map(posing, (names.detect_role, names.remediation_role, f"{names.prefix}-recorder"))
    approver = posing(APPROVERS)
    bucket, url = names.code_bucket(HUB, HOME), estate.endpoint
    return {
        "a foreign person calls the endpoint": lambda: called(approver, url),
        "a foreign detection reads code": lambda: detect.client("s3").get_object(Bucket=bucket, Key=_code(estate)),
        "a foreign central role enters a reader": lambda: assumed(
            central, f"arn:aws:iam::{PRODUCTION}:role/{names.reader_role}"
        ),
        "a foreign recorder delivers": lambda: recorder.client("s3").put_object(
            Bucket=_deliveries(estate), Key=f"AWSLogs/{FOREIGN}/Config/x", Body=b""
        ),
    }


def _outside(estate: Estate) -> dict[str, Attack]:
    """Administrators of member accounts and of the hub, and AWS services for accounts that are not meant."""
    names, member, hub = estate.names, estate.member(PRODUCTION), estate.hub

    def enter(account: str, role: str) -> str:
        return f"arn:aws:iam::{account}:role/{role}"

    def as_service(principal: str, account: str, arn: str, service: str, operation: str, **parameters: Any) -> Attack:
        world = estate.organization.world
        caller = world.as_service(principal, account=account, arn=arn)
        owner = parameters.pop("owner")
        return lambda: estate.organization.do(
            lambda: world.call(caller, service, operation, parameters, region=HOME, account=owner)
        )

    queue = f"https://sqs.{HOME}.amazonaws.com/{HUB}/{names.findings_queue}"
    topic = f"arn:aws:sns:{HOME}:{HUB}:{names.topic}"
    rule = f"arn:aws:events:{HOME}:{PRODUCTION}:rule/{names.findings_rule(1)}"
    alarm = f"arn:aws:cloudwatch:{HOME}:{PRODUCTION}:alarm:{names.prefix}-dead-letters"
    bucket, code = estate.names.code_bucket(HUB, HOME), _code(estate)
    return {
        "a member's administrator enters another member's reader": lambda: assumed(
            member, enter(STAGING, names.reader_role)
        ),
        "the hub's administrator enters a reader": lambda: assumed(hub, enter(PRODUCTION, names.reader_role)),
        "the hub's administrator enters a writer": lambda: assumed(hub, enter(PRODUCTION, names.writer_role)),
        "a member's administrator enters the central role": lambda: assumed(
            member, enter(HUB, names.remediation_role)
        ),
        "a member's administrator enters the hub's deployment role": lambda: assumed(
            member, enter(HUB, "palisade-deployment")
        ),
        "a member's administrator enters an environment's deployer": lambda: assumed(
            member, enter(HUB, names.policy_role("production"))
        ),
        "a member's administrator sends a finding": lambda: member.client("sqs").send_message(
            QueueUrl=queue, MessageBody="{}"
        ),
        "a member's administrator tells people": lambda: member.client("sns").publish(TopicArn=topic, Message="hello"),
        "the hub's administrator writes over a large entry": lambda: hub.client("s3").put_object(
            Bucket=names.ledger_bucket(HUB, HOME), Key="r-1", Body=b"{}"
        ),
        "the hub's administrator deletes a large entry": lambda: hub.client("s3").delete_object(
            Bucket=names.ledger_bucket(HUB, HOME), Key="r-1"
        ),
        "a member's administrator reads code": lambda: member.client("s3").get_object(Bucket=bucket, Key=code),
        "a rule of a member sends a finding": as_service(
            "events.amazonaws.com", PRODUCTION, rule, "sqs", "SendMessage", QueueUrl=queue, MessageBody="{}", owner=HUB
        ),
        "an alarm of a member tells people": as_service(
            "cloudwatch.amazonaws.com", PRODUCTION, alarm, "sns", "Publish", TopicArn=topic, Message="hello", owner=HUB
        ),
        "AWS Config of another account invokes detection": as_service(
            "config.amazonaws.com", STAGING, f"arn:aws:config:{HOME}:{STAGING}:config-rule/x", "lambda", "Invoke",
            FunctionName=f"arn:aws:lambda:{HOME}:{PRODUCTION}:function:{names.detect_function}", owner=PRODUCTION,
        ),
    }  # fmt: skip


def _beyond(estate: Estate) -> dict[str, Attack]:
    """Palisade's own roles, beyond what each is for."""
    names = estate.names
    central, detect = estate.function(HUB, names.remediation_role), estate.function(PRODUCTION, names.detect_role)
    staging = estate.pipeline(HUB, names.policy_role("staging"))
    deployer = estate.pipeline(PRODUCTION, "palisade-deployment")
    ledger: dict[str, Any] = {"TableName": names.ledger_table}
    key = {"remediation": {"S": "r-1"}, "entry": {"S": "outcome"}}
    item = {"environment": {"S": "production"}, "account": {"S": PRODUCTION}}
    dynamodb = central.client("dynamodb")
    writer = estate.writer(PRODUCTION)
    return {
        "the central role puts into the ledger": lambda: dynamodb.put_item(**ledger, Item=key),
        "the central role updates the ledger": lambda: dynamodb.update_item(**ledger, Key=key),
        "the central role deletes from the ledger": lambda: dynamodb.delete_item(**ledger, Key=key),
        "the central role puts an object without a condition": lambda: central.client("s3").put_object(
            Bucket=names.ledger_bucket(HUB, HOME), Key="r-1", Body=b"{}"
        ),
        "the central role writes an account's policy": lambda: dynamodb.put_item(
            TableName=names.policies_table, Item=item
        ),
        "detection imports into another account": lambda: detect.client("securityhub").batch_import_findings(
            Findings=[_finding(STAGING)]
        ),
        "detection enters the writer": lambda: assumed(detect, f"arn:aws:iam::{PRODUCTION}:role/{names.writer_role}"),
        "staging's deployer writes production's policy": lambda: staging.client("dynamodb").put_item(
            TableName=names.policies_table, Item=item
        ),
        "staging's deployer scans every policy": lambda: staging.client("dynamodb").scan(
            TableName=names.policies_table
        ),
        "staging's deployer replaces code": lambda: staging.client("s3").put_object(
            Bucket=names.code_bucket(HUB, HOME), Key=_code(estate), Body=b""
        ),
        "a deployer changes its own role": lambda: deployer.client("iam").put_role_policy(
            RoleName="palisade-deployment", PolicyName="more", PolicyDocument=document(EVERYTHING)
        ),
        "a deployer makes an administrator": lambda: deployer.client("iam").create_role(
            RoleName="administrator", AssumeRolePolicyDocument=document(EVERYTHING)
        ),
        "the writer does what no control does": lambda: writer.client("ec2").delete_security_group(
            GroupId="sg-0123456789abcdef0"
        ),
    }


def _plain(estate: Estate) -> dict[str, Attack]:
    """Administrators of the hub who talk to their buckets without TLS."""
    found: dict[str, Attack] = {}
    buckets = (estate.names.code_bucket(HUB, HOME), estate.names.code_bucket(HUB, AWAY), _deliveries(estate))
    for bucket in (*buckets, estate.names.ledger_bucket(HUB, HOME)):
        region = bucket.removeprefix(f"{bucket.split(HUB)[0]}{HUB}-")
        client = estate.hub.client("s3", region_name=region, use_ssl=False, config=Config(retries={"mode": "standard"}))
        found[f"{bucket} without TLS"] = lambda client=client, bucket=bucket: client.get_bucket_policy(  # type: ignore[misc]
            Bucket=bucket
        )
    return found


def _widened(estate: Estate) -> dict[str, Attack]:
    """The writer after somebody gave its role every permission: the boundary stands."""
    names, member, writer = estate.names, estate.member(PRODUCTION), estate.writer(PRODUCTION)
    decoy = f"{names.prefix}-code-decoy"
    member.client("s3").create_bucket(Bucket=decoy, CreateBucketConfiguration={"LocationConstraint": HOME})
    rules: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    return {
        "a writer of everything does what no control does": lambda: writer.client("iam").create_user(UserName="x"),
        "a writer of everything changes a bucket of code": lambda: writer.client("s3").put_bucket_encryption(
            Bucket=decoy, ServerSideEncryptionConfiguration=rules
        ),
        "a writer of everything passes a role of ours": lambda: writer.client("s3control").create_job(
            AccountId=PRODUCTION,
            ConfirmationRequired=False,
            Operation={"S3PutObjectTagging": {"TagSet": []}},
            Report={"Enabled": False},
            Priority=1,
            RoleArn=f"arn:aws:iam::{PRODUCTION}:role/{names.detect_role}",
            ClientRequestToken="attack",
        ),
    }


def _unbounded(estate: Estate) -> dict[str, Attack]:
    """The same where the catalog would need every action: what the boundary denies, it denies to any catalog."""
    names, writer = estate.names, estate.writer(PRODUCTION)
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    estate.member(PRODUCTION).client("iam").create_role(RoleName="decoy", AssumeRolePolicyDocument=document(trust))
    return {
        "a catalog of everything changes the reader": lambda: writer.client("iam").put_role_policy(
            RoleName=names.reader_role, PolicyName="more", PolicyDocument=document(EVERYTHING)
        ),
        "a catalog of everything gives a role permissions": lambda: writer.client("iam").attach_role_policy(
            RoleName="decoy", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
        ),
        "a catalog of everything stops detection": lambda: writer.client("events").disable_rule(
            Name=names.compliance_rule
        ),
        "a catalog of everything asks about the organization": lambda: writer.client(
            "organizations"
        ).describe_organization(),
        "a catalog of everything stops the recorder": lambda: writer.client("config").stop_configuration_recorder(
            ConfigurationRecorderName=names.prefix
        ),
    }


@contextmanager
def _writer_of_everything(estate: Estate) -> Iterator[None]:
    """Give the writer role every permission beside its own, as an intruder in the member account might."""
    role = estate.names.writer_role
    estate.member(PRODUCTION).client("iam").put_role_policy(
        RoleName=role, PolicyName="everything", PolicyDocument=document(EVERYTHING)
    )
    yield
    estate.member(PRODUCTION).client("iam").delete_role_policy(RoleName=role, PolicyName="everything")


@contextmanager
def _boundary_of_everything(estate: Estate) -> Iterator[None]:
    """Write the boundary as it would be for a catalog that needs every action; its denials stay as they are."""
    iam = estate.member(PRODUCTION).client("iam")
    arn = f"arn:aws:iam::{PRODUCTION}:policy/{estate.names.boundary}"
    first: Any = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    statements = [{**one, "Action": "*"} if one["Effect"] == "Allow" else one for one in first["Statement"]]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(*statements), SetAsDefault=True)
    yield
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")


def _finding(account: str) -> Any:
    """A finding that detection would import, of an account."""
    return {
        "SchemaVersion": "2018-10-08",
        "Id": "forged",
        "ProductArn": f"arn:aws:securityhub:{HOME}:{PRODUCTION}:product/{PRODUCTION}/default",
        "GeneratorId": "palisade/EC2.13",
        "AwsAccountId": account,
        "CreatedAt": "2026-01-05T09:00:00Z",
        "UpdatedAt": "2026-01-05T09:00:00Z",
        "Severity": {"Label": "HIGH"},
        "Title": "forged",
        "Description": "forged",
        "Types": ["Software and Configuration Checks"],
        "Resources": [{"Type": "AwsEc2SecurityGroup", "Id": f"arn:aws:ec2:{HOME}:{account}:security-group/sg-1"}],
    }


def _code(estate: Estate) -> str:
    """The key of the archive in the code bucket."""
    client = estate.hub.client("s3")
    listed = client.list_objects_v2(Bucket=estate.names.code_bucket(HUB, HOME), Prefix="functions/")["Contents"]
    return str(listed[0]["Key"])


def _deliveries(estate: Estate) -> str:
    """The bucket that our recorders deliver to."""
    return f"{estate.names.prefix}-config-{HUB}-{HOME}"
