"""Which IAM actions and resources a call needs."""

from dataclasses import replace
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.iam.resources import UnmappedOperationError
from tests.simulator.iam_world import HUB, MANAGEMENT, MEMBER, REGION, SESSION_CALLER, Organization, needed

HERE = f"{REGION}:{HUB}"
GROUP = f"arn:aws:ec2:{HERE}:security-group/sg-0a1"
KEY = f"arn:aws:kms:{HERE}:key/1234"
PASSED, ELSEWHERE = f"arn:aws:iam::{HUB}:role/r", f"arn:aws:iam::{MEMBER}:role/r"
PRODUCT = f"arn:aws:securityhub:{HERE}:product/{HUB}/default"


@pytest.fixture
def organization() -> Organization:
    return Organization()


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        pytest.param(
            "s3", "GetBucketEncryption", {"Bucket": "b"}, [("s3:GetEncryptionConfiguration", "arn:aws:s3:::b")],
            id="reading a bucket's encryption",
        ),
        pytest.param(
            "s3", "PutBucketEncryption", {"Bucket": "b"}, [("s3:PutEncryptionConfiguration", "arn:aws:s3:::b")],
            id="setting a bucket's encryption",
        ),
        pytest.param(
            "s3", "DeleteBucketEncryption", {"Bucket": "b"}, [("s3:PutEncryptionConfiguration", "arn:aws:s3:::b")],
            id="removing a bucket's encryption",
        ),
        pytest.param(
            "s3", "ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")],
            id="listing objects",
        ),
        pytest.param(
            "s3", "HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")],
            id="an object's head",
        ),
        pytest.param("s3", "HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")], id="a bucket's head"),
        pytest.param("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "*")], id="listing buckets"),
        pytest.param(
            "rds", "DescribeDBInstances", {"Filters": [{"Name": "dbi-resource-id", "Values": ["db-1"]}]},
            [("rds:DescribeDBInstances", f"arn:aws:rds:{HERE}:db:*")], id="listing databases",
        ),
        pytest.param(
            "rds", "DescribeDBInstances", {"DBInstanceIdentifier": "a"},
            [("rds:DescribeDBInstances", f"arn:aws:rds:{HERE}:db:a")], id="one database",
        ),
        pytest.param(
            "rds", "RestoreDBInstanceFromDBSnapshot",
            {
                "DBInstanceIdentifier": "a", "DBSnapshotIdentifier": "s", "DBSubnetGroupName": "g",
                "OptionGroupName": "o", "DBParameterGroupName": "p", "Tags": [{"Key": "k", "Value": "v"}],
            },
            [
                *(
                    ("rds:RestoreDBInstanceFromDBSnapshot", f"arn:aws:rds:{HERE}:{resource}")
                    for resource in ("db:a", "og:o", "pg:p", "snapshot:s", "subgrp:g")
                ),
                ("rds:AddTagsToResource", f"arn:aws:rds:{HERE}:db:a"),
            ],
            id="a restored database is what is tagged",
        ),
        pytest.param(
            "s3", "GetPublicAccessBlock", {"Bucket": "b"}, [("s3:GetBucketPublicAccessBlock", "arn:aws:s3:::b")],
            id="a bucket's public access block",
        ),
        pytest.param(
            "s3control", "PutPublicAccessBlock", {"AccountId": HUB}, [("s3:PutAccountPublicAccessBlock", "*")],
            id="an account's public access block",
        ),
        pytest.param(
            "s3", "GetObject", {"Bucket": "b", "Key": "k", "VersionId": "1"},
            [("s3:GetObjectVersion", "arn:aws:s3:::b/k")],
            id="one version of an object",
        ),
        pytest.param(
            "s3", "DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::b/x"), ("s3:DeleteObject", "arn:aws:s3:::b/y")],
            id="deleting several objects",
        ),
        pytest.param(
            "s3", "CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "a/x%20y"},
            [("s3:GetObject", "arn:aws:s3:::a/x y"), ("s3:PutObject", "arn:aws:s3:::b/k")],
            id="copying an object",
        ),
        pytest.param(
            "s3", "PutObject", {"Bucket": "b", "Key": "k", "ACL": "private"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:PutObjectAcl", "arn:aws:s3:::b/k")],
            id="writing with an access control list",
        ),
        pytest.param(
            "lambda", "Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f")],
            id="invoking a function",
        ),
        pytest.param(
            "lambda", "Invoke", {"FunctionName": f"arn:aws:lambda:{REGION}:{MEMBER}:function:f"},
            [("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{MEMBER}:function:f")],
            id="invoking another account's function",
        ),
        pytest.param(
            "lambda", "CreateFunction",
            {"FunctionName": "f", "Role": PASSED, "Code": {"S3Bucket": "code", "S3Key": "a.zip"}},
            [
                ("lambda:CreateFunction", f"arn:aws:lambda:{HERE}:function:f"), ("iam:PassRole", PASSED),
                ("s3:GetObject", "arn:aws:s3:::code/a.zip"),
            ],
            id="creating a function passes its role and reads its code",
        ),
        pytest.param(
            "lambda", "CreateFunction", {"FunctionName": "f", "Role": PASSED, "Code": {}, "Tags": {"a": "b"}},
            [
                ("lambda:CreateFunction", f"arn:aws:lambda:{HERE}:function:f"), ("iam:PassRole", PASSED),
                ("lambda:TagResource", f"arn:aws:lambda:{HERE}:function:f"),
            ],
            id="creating a function with tags",
        ),
        pytest.param(
            "lambda", "CreateEventSourceMapping", {"FunctionName": "f"}, [("lambda:CreateEventSourceMapping", "*")],
            id="an event source mapping",
        ),
        pytest.param(
            "ec2", "AuthorizeSecurityGroupIngress", {"GroupId": "sg-0a1"},
            [("ec2:AuthorizeSecurityGroupIngress", GROUP)],
            id="opening a security group",
        ),
        pytest.param(
            "ec2", "RevokeSecurityGroupIngress", {"GroupId": "sg-0a1", "SecurityGroupRuleIds": ["sgr-1"]},
            [("ec2:RevokeSecurityGroupIngress", GROUP)],
            id="closing a security group",
        ),
        pytest.param(
            "ec2", "AuthorizeSecurityGroupIngress",
            {
                "GroupId": "sg-0a1",
                "TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}],
            },
            [
                ("ec2:AuthorizeSecurityGroupIngress", GROUP),
                ("ec2:AuthorizeSecurityGroupIngress", f"arn:aws:ec2:{HERE}:security-group-rule/*"),
                ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:security-group-rule/*"),
            ],
            id="opening a security group with tags on the rule",
        ),
        pytest.param(
            "ec2", "CreateTags", {"Resources": ["i-0a", "vol-0b"]},
            [
                ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:instance/i-0a"),
                ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:volume/vol-0b"),
            ],
            id="tags on an instance and a volume",
        ),
        pytest.param(
            "ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"}, [("ec2:CreateVpc", f"arn:aws:ec2:{HERE}:vpc/*")],
            id="what EC2 names itself is a star",
        ),
        pytest.param(
            "ec2", "DescribeInstances", {}, [("ec2:DescribeInstances", "*")],
            id="describing has no resources",
        ),
        pytest.param(
            "ec2", "ModifyInstanceMetadataOptions", {"InstanceId": "i-0a"},
            [("ec2:ModifyInstanceMetadataOptions", f"arn:aws:ec2:{HERE}:instance/i-0a")],
            id="an instance's metadata options",
        ),
        pytest.param(
            "rds", "ModifyDBInstance", {"DBInstanceIdentifier": "db"},
            [("rds:ModifyDBInstance", f"arn:aws:rds:{HERE}:db:db")],
            id="modifying a database",
        ),
        pytest.param(
            "elbv2", "DeleteLoadBalancer",
            {"LoadBalancerArn": f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/a/1"},
            [("elasticloadbalancing:DeleteLoadBalancer", f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/a/1")],
            id="a load balancer by ARN",
        ),
        pytest.param(
            "sqs", "SendMessage", {"QueueUrl": f"https://sqs.eu-west-1.amazonaws.com/{MEMBER}/q"},
            [("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{MEMBER}:q")],
            id="a queue by its URL",
        ),
        pytest.param(
            "sqs", "DeleteMessageBatch", {"QueueUrl": f"https://sqs.eu-west-1.amazonaws.com/{HUB}/q"},
            [("sqs:DeleteMessage", f"arn:aws:sqs:{HERE}:q")],
            id="a batch needs the single action",
        ),
        pytest.param(
            "sqs", "CreateQueue", {"QueueName": "q", "tags": {"a": "b"}},
            [("sqs:CreateQueue", f"arn:aws:sqs:{HERE}:q"), ("sqs:TagQueue", f"arn:aws:sqs:{HERE}:q")],
            id="creating a queue with tags",
        ),
        pytest.param(
            "sns", "Publish", {"TopicArn": f"arn:aws:sns:{HERE}:t"}, [("sns:Publish", f"arn:aws:sns:{HERE}:t")],
            id="publishing",
        ),
        pytest.param(
            "sns", "Unsubscribe", {"SubscriptionArn": f"arn:aws:sns:{HERE}:t:uuid"},
            [("sns:Unsubscribe", f"arn:aws:sns:{HERE}:t")],
            id="a subscription is authorised on its topic",
        ),
        pytest.param("kms", "Decrypt", {"KeyId": "1234"}, [("kms:Decrypt", KEY)], id="a key by id"),
        pytest.param("kms", "Decrypt", {"KeyId": KEY}, [("kms:Decrypt", KEY)], id="a key by ARN"),
        pytest.param("kms", "CreateKey", {}, [("kms:CreateKey", "*")], id="creating a key"),
        pytest.param(
            "kms", "ReEncrypt", {"SourceKeyId": "1234", "DestinationKeyId": "99"},
            [("kms:ReEncryptFrom", KEY), ("kms:ReEncryptTo", f"arn:aws:kms:{HERE}:key/99")],
            id="re-encrypting needs both keys",
        ),
        pytest.param(
            "securityhub", "BatchImportFindings", {"Findings": [{"ProductArn": PRODUCT}, {"ProductArn": PRODUCT}]},
            [("securityhub:BatchImportFindings", PRODUCT)],
            id="importing findings is authorised on the product",
        ),
        pytest.param(
            "securityhub", "BatchUpdateFindings", {"FindingIdentifiers": []},
            [("securityhub:BatchUpdateFindings", f"arn:aws:securityhub:{HERE}:hub/default")],
            id="updating findings is authorised on the hub",
        ),
        pytest.param(
            "securityhub", "GetFindings", {}, [("securityhub:GetFindings", f"arn:aws:securityhub:{HERE}:hub/default")],
            id="reading findings",
        ),
        pytest.param(
            "config", "PutEvaluations", {"ResultToken": "t"}, [("config:PutEvaluations", "*")],
            id="evaluations have no resource",
        ),
        pytest.param(
            "events", "PutEvents", {"Entries": [{"Source": "a"}, {"EventBusName": "b"}]},
            [
                ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default"),
                ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/b"),
            ],
            id="events to two buses",
        ),
        pytest.param(
            "events", "PutTargets", {"Rule": "r", "Targets": [{"RoleArn": PASSED}]},
            [("events:PutTargets", f"arn:aws:events:{HERE}:rule/r"), ("iam:PassRole", PASSED)],
            id="targets with a role",
        ),
        pytest.param(
            "events", "PutRule", {"Name": "r", "EventBusName": "b"},
            [("events:PutRule", f"arn:aws:events:{HERE}:rule/b/r")],
            id="a rule on a custom bus",
        ),
        pytest.param(
            "logs", "PutLogEvents", {"logGroupName": "/g", "logStreamName": "s"},
            [("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/g:log-stream:s")],
            id="log events go to a stream",
        ),
        pytest.param(
            "logs", "CreateLogGroup", {"logGroupName": "/g"},
            [("logs:CreateLogGroup", f"arn:aws:logs:{HERE}:log-group:/g:log-stream:")],
            id="a log group is asked for with its streams",
        ),
        pytest.param(
            "logs", "TagResource", {"resourceArn": f"arn:aws:logs:{HERE}:log-group:/g", "tags": {}},
            [("logs:TagResource", f"arn:aws:logs:{HERE}:log-group:/g")],
            id="but not for tags",
        ),
        pytest.param(
            "organizations", "ListParents", {"ChildId": MEMBER},
            [("organizations:ListParents", f"arn:aws:organizations::{MANAGEMENT}:account/o-palisade/{MEMBER}")],
            id="an account's parents",
        ),
        pytest.param(
            "iam", "AttachRolePolicy", {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/X"},
            [("iam:AttachRolePolicy", PASSED)],
            id="attaching a policy is authorised on the role",
        ),
        pytest.param(
            "iam", "CreateRole", {"RoleName": "r", "Path": "/team/"},
            [("iam:CreateRole", f"arn:aws:iam::{HUB}:role/team/r")],
            id="a role's path is part of its ARN",
        ),
        pytest.param(
            "iam", "CreateRole", {"RoleName": "r", "Tags": [{"Key": "a", "Value": "b"}]},
            [("iam:CreateRole", PASSED), ("iam:TagRole", PASSED)],
            id="creating a role with tags",
        ),
        pytest.param(
            "sts", "AssumeRole", {"RoleArn": ELSEWHERE}, [("sts:AssumeRole", ELSEWHERE)],
            id="assuming a role",
        ),
        pytest.param(
            "sts", "AssumeRole", {"RoleArn": ELSEWHERE, "SourceIdentity": "x", "Tags": [{"Key": "a", "Value": "b"}]},
            [("sts:AssumeRole", ELSEWHERE), ("sts:SetSourceIdentity", ELSEWHERE), ("sts:TagSession", ELSEWHERE)],
            id="assuming a role with source identity and tags",
        ),
        pytest.param("sts", "GetCallerIdentity", {}, [], id="who one is needs no permission"),
        pytest.param(
            "secretsmanager", "GetSecretValue", {"SecretId": f"arn:aws:secretsmanager:{HERE}:secret:s-AbCdEf"},
            [("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:s-AbCdEf")],
            id="a secret by ARN",
        ),
        pytest.param(
            "apigateway", "GetRestApi", {"restApiId": "abc"},
            [("apigateway:GET", f"arn:aws:apigateway:{REGION}::/restapis/abc")],
            id="API Gateway authorises the HTTP method",
        ),
        pytest.param(
            "cloudtrail", "StopLogging", {"Name": "t"},
            [("cloudtrail:StopLogging", f"arn:aws:cloudtrail:{HERE}:trail/t")],
            id="a trail by name",
        ),
    ],
)  # fmt: skip
def test_a_call_needs(
    organization: Organization,
    service: str,
    operation: str,
    parameters: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    asked = needed(organization, service, operation, **parameters)
    assert [(item.action, arn) for item in asked for arn in item.resources] == expected


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "key", "value"),
    [
        pytest.param(
            "lambda", "CreateFunction", {"FunctionName": "f", "Role": "arn:aws:iam::1:role/r"}, "iam:PassedToService",
            "lambda.amazonaws.com",
            id="the service that a role is passed to",
        ),
        pytest.param(
            "ec2", "CreateVpc", {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]},
            "ec2:CreateAction", "CreateVpc",
            id="the action that tags on creation",
        ),
        pytest.param(
            "lambda", "CreateEventSourceMapping", {"FunctionName": "f"}, "lambda:FunctionArn",
            f"arn:aws:lambda:{HERE}:function:f",
            id="the function of a mapping",
        ),
        pytest.param(
            "sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "n"}, "sts:RoleSessionName",
            "n",
            id="the session's name",
        ),
        pytest.param(
            "sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r", "ExternalId": "e"}, "sts:ExternalId", "e",
            id="the external id",
        ),
        pytest.param(
            "iam", "CreateRole", {"RoleName": "r", "PermissionsBoundary": "arn:aws:iam::1:policy/b"},
            "iam:PermissionsBoundary", "arn:aws:iam::1:policy/b",
            id="the boundary of a new role",
        ),
        pytest.param(
            "s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "p/"}, "s3:prefix", "p/",
            id="the prefix that is listed",
        ),
        pytest.param(
            "kms", "Decrypt", {"KeyId": "1", "EncryptionContext": {"a": "b"}}, "kms:EncryptionContext:a", "b",
            id="the encryption context",
        ),
        pytest.param(
            "securityhub", "BatchUpdateFindings",
            {"FindingIdentifiers": [{"Id": "i", "ProductArn": "p"}], "Workflow": {"Status": "SUPPRESSED"}},
            "securityhub:ASFFSyntaxPath/Workflow.Status", "SUPPRESSED",
            id="the field of findings that is set",
        ),
    ],
)  # fmt: skip
def test_a_call_carries_the_keys_of_its_service(
    organization: Organization, service: str, operation: str, parameters: dict[str, Any], key: str, value: str
) -> None:
    asked = needed(organization, service, operation, **parameters)
    assert value in [item.context.get(key) for item in asked]


def test_a_key_is_found_by_its_alias(organization: Organization) -> None:
    backend = get_backend("kms")[HUB][REGION]
    key = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    backend.create_alias(key.id, "alias/palisade")
    for name in ("alias/palisade", f"arn:aws:kms:{HERE}:alias/palisade"):
        (asked,) = needed(organization, "kms", "GenerateDataKey", KeyId=name)
        assert asked.resources == (key.arn,)


def test_a_role_with_a_path_is_found_by_its_name(organization: Organization) -> None:
    caller = organization.role("deep", path="/team/")
    (asked,) = needed(organization, "iam", "PutRolePolicy", RoleName="deep", PolicyName="p", PolicyDocument="{}")
    assert asked.resources == (caller.role,)


def test_a_chained_session_sets_its_source_identity_again(organization: Organization) -> None:
    caller = replace(SESSION_CALLER, source_identity="r1")
    asked = needed(organization, "sts", "AssumeRole", caller, RoleArn=ELSEWHERE)
    assert [item.action for item in asked] == ["sts:AssumeRole", "sts:SetSourceIdentity"]
    assert all(item.context["sts:SourceIdentity"] == "r1" for item in asked)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "text"),
    [
        pytest.param("s3", "WriteGetObjectResponse", {}, "s3:WriteGetObjectResponse", id="no resource can be told"),
        pytest.param("ec2", "TerminateInstances", {}, "ec2:TerminateInstances", id="the resource is missing"),
        pytest.param("kinesis", "CreateQueue", {}, "IAM has no action kinesis:CreateQueue", id="no such action"),
    ],
)
def test_a_gap_in_the_tables_names_the_operation(
    organization: Organization, service: str, operation: str, parameters: dict[str, Any], text: str
) -> None:
    with pytest.raises(UnmappedOperationError, match=text):
        needed(organization, service, operation, **parameters)
