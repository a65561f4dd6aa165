"""Every provisioner: what it made reads back, each input that updates does, and what is deleted is gone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from simulator.local import LocalOrganization
from simulator.provisioners import registry
from simulator.provisioners.comparison import differing
from simulator.provisioners.model import Edit, Known, Site, Standing, UnservedPropertyError
from tests.simulator.pipeline_world import AWAY, HOME, MEMBER, document, make, organization
from tests.simulator.pipeline_world import site as standing_in

Inputs = dict[str, Any]
TAGS: Inputs = {"tags": {"a": "1", "b": "2"}}
RETAGGED: Inputs = {"tags": {"b": "3", "c": "4"}}
ARN = f"arn:aws:{{}}:{HOME}:{MEMBER}:{{}}"
ROLE = f"arn:aws:iam::{MEMBER}:role/base"
QUEUE = f"https://sqs.{HOME}.amazonaws.com/{MEMBER}/base"


def allowed(resource: str, action: str = "sqs:SendMessage") -> str:
    return document({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"}, "Action": action,
                     "Resource": resource})  # fmt: skip


def grants(action: str) -> str:
    return document({"Effect": "Allow", "Action": action, "Resource": "*"})


def machine(seconds: int) -> str:
    return json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}})


def trust(service: str) -> str:
    return document(
        {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )


def rule(days: int) -> Inputs:
    return {"id": "old", "status": "Enabled", "filter": {"prefix": ""},
            "noncurrentVersionExpiration": {"noncurrentDays": days}}  # fmt: skip


def encrypted(algorithm: str, **key: str) -> Inputs:
    return {
        "rules": [
            {"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm, **key}, "bucketKeyEnabled": bool(key)}
        ]
    }


KEEPING = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"}, "Action": "kms:*", "Resource": "*"}
READING = {**KEEPING, "Action": ["kms:ListGrants", "kms:DescribeKey"]}
TABLE: Inputs = {
    "name": "t", "hashKey": "h", "billingMode": "PAY_PER_REQUEST", "attributes": [{"name": "h", "type": "S"}],
}  # fmt: skip
INDEXED: Inputs = {
    "attributes": [{"name": "h", "type": "S"}, {"name": "i", "type": "N"}],
    "globalSecondaryIndexes": [{"name": "by-i", "hashKey": "i", "projectionType": "ALL"}],
}
FUNCTION: Inputs = {
    "name": "f", "runtime": "python3.13", "handler": "a.b", "role": ROLE, "s3Bucket": "base", "s3Key": "one.zip",
}  # fmt: skip
ALARM: Inputs = {
    "name": "alarm", "namespace": "N", "metricName": "M", "statistic": "Sum", "threshold": 1, "period": 60,
    "evaluationPeriods": 1, "comparisonOperator": "GreaterThanThreshold", "dimensions": {"D": "1"},
}  # fmt: skip
RECORDER: Inputs = {"name": "recorder", "roleArn": ROLE, "recordingGroup": {"allSupported": True}}
SELECTED: Inputs = {
    "resourceTypes": ["AWS::S3::Bucket"], "recordingStrategies": [{"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}],
}  # fmt: skip
MAPPING: Inputs = {"functionName": "base", "eventSourceArn": ARN.format("sqs", "base")}
SUBSCRIPTION: Inputs = {
    "topic": ARN.format("sns", "base"), "protocol": "sqs", "endpoint": ARN.format("sqs", "base"),
}  # fmt: skip
MACHINE: Inputs = {"name": "machine", "roleArn": f"arn:aws:iam::{MEMBER}:role/machine", "definition": machine(1)}

# type, inputs at first, what then changes (None: no longer given)
CASES: list[tuple[str, Inputs, Inputs]] = [
    ("aws:sqs/queue:Queue", {"name": "q", **TAGS}, {
        "visibilityTimeoutSeconds": 60, "messageRetentionSeconds": 3600, **RETAGGED,
        "redrivePolicy": json.dumps({"deadLetterTargetArn": ARN.format("sqs", "base"), "maxReceiveCount": 3})}),
    ("aws:sqs/queue:Queue", {"name": "q", "visibilityTimeoutSeconds": 60}, {"visibilityTimeoutSeconds": None}),
    ("aws:sqs/queue:Queue", {"name": "q"}, {"kmsMasterKeyId": "alias/aws/sqs"}),
    ("aws:sqs/queuePolicy:QueuePolicy", {"queueUrl": QUEUE, "policy": allowed(ARN.format("sqs", "base"))},
     {"policy": allowed(ARN.format("sqs", "base"), "sqs:ReceiveMessage")}),
    ("aws:sns/topic:Topic", {"name": "topic", **TAGS}, {
        "displayName": "shown", "kmsMasterKeyId": "alias/aws/sns", **RETAGGED}),
    ("aws:sns/topicPolicy:TopicPolicy",
     {"arn": ARN.format("sns", "base"), "policy": allowed(ARN.format("sns", "base"), "sns:Publish")},
     {"policy": allowed(ARN.format("sns", "base"), "sns:Subscribe")}),
    ("aws:sns/topicSubscription:TopicSubscription", SUBSCRIPTION, {
        "rawMessageDelivery": True, "filterPolicy": '{"kind": ["a"]}', "filterPolicyScope": "MessageBody"}),
    ("aws:cloudwatch/eventRule:EventRule", {"name": "rule", "scheduleExpression": "rate(1 hour)", **TAGS},
     {"description": "d", "scheduleExpression": "rate(2 hours)", "state": "DISABLED", **RETAGGED}),
    ("aws:cloudwatch/eventRule:EventRule", {"name": "rule", "eventPattern": '{"source": ["a"]}', "description": "d"},
     {"eventPattern": '{"source": ["b"]}', "description": None}),
    ("aws:cloudwatch/eventTarget:EventTarget", {"rule": "base", "targetId": "t", "arn": ARN.format("sqs", "base")}, {
        "input": '{"a": 1}', "deadLetterConfig": {"arn": ARN.format("sqs", "base")},
        "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 60}}),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "/aws/logs", **TAGS}, {"retentionInDays": 30, **RETAGGED}),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "/aws/others", "retentionInDays": 30}, {"retentionInDays": None}),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", {**ALARM, **TAGS}, {
        "threshold": 2, "alarmDescription": "d", "treatMissingData": "breaching", "dimensions": {"D": "2"},
        "alarmActions": [ARN.format("sns", "base")], "okActions": [ARN.format("sns", "base")], **RETAGGED}),
    ("aws:cloudwatch/dashboard:Dashboard", {"dashboardName": "board", "dashboardBody": '{"widgets": []}'},
     {"dashboardBody": '{"widgets": [], "start": "-PT1H"}'}),
    ("aws:cfg/rule:Rule",
     {"name": "config-rule", "source": {"owner": "AWS", "sourceIdentifier": "INCOMING_SSH_DISABLED"}, **TAGS}, {
        "description": "d", "scope": {"complianceResourceTypes": ["AWS::EC2::SecurityGroup"]}, **RETAGGED}),
    ("aws:cfg/recorder:Recorder", RECORDER,
     {"recordingGroup": {"allSupported": False, **SELECTED}, "recordingMode": {"recordingFrequency": "DAILY"}}),
    ("aws:iam/role:Role", {"name": "r", "assumeRolePolicy": trust("lambda"), **TAGS}, {
        "assumeRolePolicy": trust("events"), "description": "d", "maxSessionDuration": 7200,
        "permissionsBoundary": f"arn:aws:iam::{MEMBER}:policy/base", **RETAGGED}),
    ("aws:iam/role:Role", {"name": "r", "assumeRolePolicy": trust("lambda"), "description": "d",
                           "permissionsBoundary": f"arn:aws:iam::{MEMBER}:policy/base"},
     {"description": None, "permissionsBoundary": None}),
    ("aws:iam/rolePolicy:RolePolicy", {"name": "p", "role": "base", "policy": grants("s3:GetObject")},
     {"policy": grants("s3:PutObject")}),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",
     {"role": "base", "policyArn": f"arn:aws:iam::{MEMBER}:policy/base"}, {}),
    ("aws:iam/policy:Policy", {"name": "p", "policy": grants("s3:GetObject"), "description": "d", **TAGS},
     {"policy": grants("s3:PutObject"), **RETAGGED}),
    ("aws:kms/key:Key", {"description": "d", "policy": document(KEEPING), **TAGS}, {
        "description": "e", "policy": document(KEEPING, READING),
        "enableKeyRotation": True, "rotationPeriodInDays": 90, "deletionWindowInDays": 7, **RETAGGED}),
    ("aws:kms/key:Key", {"enableKeyRotation": True}, {"enableKeyRotation": None}),
    ("aws:lambda/function:Function", {**FUNCTION, **TAGS}, {
        "handler": "c.d", "timeout": 5, "memorySize": 256, "description": "d", "s3Key": "two.zip",
        "environment": {"variables": {"NAME": "1"}}, **RETAGGED}),
    ("aws:lambda/function:Function", {**FUNCTION, "description": "d", "environment": {"variables": {"NAME": "1"}}},
     {"description": None, "environment": None}),
    ("aws:lambda/permission:Permission", {
        "statementId": "s", "action": "lambda:InvokeFunction", "function": "base", "principal": "events.amazonaws.com",
        "sourceArn": ARN.format("events", "rule/base"), "sourceAccount": MEMBER}, {}),
    ("aws:lambda/permission:Permission", {
        "statementId": "u", "action": "lambda:InvokeFunctionUrl", "function": "base", "principal": ROLE,
        "functionUrlAuthType": "AWS_IAM"}, {}),
    ("aws:lambda/permission:Permission", {
        "statementId": "v", "action": "lambda:InvokeFunction", "function": "base", "principal": ROLE,
        "invokedViaFunctionUrl": True}, {}),
    ("aws:lambda/functionUrl:FunctionUrl", {"functionName": "base", "authorizationType": "AWS_IAM"}, {
        "cors": {"allowOrigins": ["https://b", "https://a"], "allowMethods": ["POST"], "maxAge": 60}}),
    ("aws:lambda/functionUrl:FunctionUrl",
     {"functionName": "base", "authorizationType": "AWS_IAM", "invokeMode": "BUFFERED",
      "cors": {"allowCredentials": True, "allowHeaders": ["a"], "exposeHeaders": ["b"]}}, {"cors": None}),
    ("aws:lambda/eventSourceMapping:EventSourceMapping", {**MAPPING, **TAGS}, {
        "batchSize": 5, "maximumBatchingWindowInSeconds": 3, "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 2}, "enabled": False, **RETAGGED}),
    ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", {"functionName": "base"}, {
        "maximumRetryAttempts": 0, "maximumEventAgeInSeconds": 60,
        "destinationConfig": {"onFailure": {"destination": ARN.format("sqs", "base")}}}),
    ("aws:s3/bucket:Bucket", {"bucket": "bucket-of-a-test", **TAGS}, RETAGGED),
    ("aws:s3/bucket:Bucket", {"bucket": "bucket-of-a-test", **TAGS}, {"tags": None}),
    ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "base", "policy": allowed("arn:aws:s3:::base/*", "s3:GetObject")},
     {"policy": allowed("arn:aws:s3:::base/*", "s3:PutObject")}),
    ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {"bucket": "base", "blockPublicAcls": True},
     {"blockPublicAcls": None, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}),
    ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "base", "versioningConfiguration": {"status": "Enabled"}},
     {"versioningConfiguration": {"status": "Suspended"}}),
    ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
     {"bucket": "base", **encrypted("AES256")}, encrypted("aws:kms", kmsMasterKeyId="alias/aws/s3")),
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", {"bucket": "base", "rules": [rule(30)]},
     {"rules": [rule(90)]}),
    ("aws:s3/bucketObjectv2:BucketObjectv2", {"bucket": "base", "key": "k", "content": "a"},
     {"content": "b", "contentType": "text/plain"}),
    ("aws:dynamodb/table:Table", {**TABLE, **TAGS}, {
        **INDEXED, **RETAGGED, "deletionProtectionEnabled": False, "ttl": {"attributeName": "x", "enabled": True},
        "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7}, "serverSideEncryption":
        {"enabled": True}}),
    ("aws:dynamodb/table:Table", {**TABLE, **INDEXED, "ttl": {"attributeName": "x", "enabled": True}},
     {"attributes": TABLE["attributes"], "globalSecondaryIndexes": None, "ttl": None}),
    ("aws:dynamodb/tableItem:TableItem",
     {"tableName": "base", "hashKey": "h", "item": '{"h": {"S": "1"}, "x": {"N": "1"}, "y": {"BOOL": true}}'},
     {"item": '{"h": {"S": "1"}, "x": {"N": "2"}, "z": {"L": [{"S": "a"}]}}'}),
    ("aws:dynamodb/tableItem:TableItem", {"tableName": "base", "hashKey": "h", "item": '{"h": {"S": "1"}}'},
     {"item": '{"h": {"S": "2"}, "x": {"N": "1"}}'}),
    ("aws:sfn/stateMachine:StateMachine", {**MACHINE, **TAGS}, {
        "definition": machine(2), "roleArn": f"arn:aws:iam::{MEMBER}:role/machine-too", "tracingConfiguration":
        {"enabled": True}, "loggingConfiguration":
        {"level": "ERROR", "includeExecutionData": True, "logDestination": ARN.format("logs", "log-group:l:*")},
        **RETAGGED}),
    ("aws:sfn/stateMachine:StateMachine", {**MACHINE, "tracingConfiguration": {"enabled": True}},
     {"tracingConfiguration": {"enabled": False}}),
]  # fmt: skip


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        base(standing_in(one, MEMBER))
        yield one


@pytest.fixture(scope="module")
def place(opened: LocalOrganization) -> Site:
    return standing_in(opened, MEMBER)


def base(place: Site) -> None:
    """What the cases stand on."""
    make(place, "aws:iam/role:Role", name="base", assumeRolePolicy=trust("lambda"))
    make(place, "aws:iam/rolePolicy:RolePolicy", name="all", role="base", policy=grants("*"))
    for name in ("machine", "machine-too"):
        make(place, "aws:iam/role:Role", name=name, assumeRolePolicy=trust("states"))
    make(place, "aws:iam/policy:Policy", name="base", policy=grants("s3:*"))
    make(place, "aws:cfg/recorder:Recorder", **RECORDER)
    make(place, "aws:sqs/queue:Queue", name="base")
    make(place, "aws:sns/topic:Topic", name="base")
    make(place, "aws:cloudwatch/eventRule:EventRule", name="base", scheduleExpression="rate(1 day)")
    make(place, "aws:s3/bucket:Bucket", bucket="base")
    make(place, "aws:dynamodb/table:Table", **{**TABLE, "name": "base"})
    for number, name in enumerate(("one.zip", "two.zip")):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("a.py", f"def b(event, context): return {number}")
        place.client("s3").put_object(Bucket="base", Key=name, Body=archive.getvalue())
    make(place, "aws:lambda/function:Function", **{**FUNCTION, "name": "base"})


def read(place: Site, token: str, identifier: str, inputs: Mapping[str, Any]) -> Standing | None:
    return registry.read(token, place, Known(identifier, inputs))


def differences(token: str, standing: Standing | None, inputs: Mapping[str, Any]) -> frozenset[str]:
    assert standing is not None
    return differing(registry.find(token), standing.inputs, inputs)


@pytest.mark.parametrize(("token", "inputs", "changes"), CASES, ids=lambda one: one if isinstance(one, str) else None)
def test_what_is_made_reads_back_updates_and_is_deleted(
    opened: LocalOrganization, place: Site, token: str, inputs: Inputs, changes: Inputs
) -> None:
    if token == "aws:cfg/recorder:Recorder":  # one per account and Region; the rules need the other
        place = standing_in(opened, MEMBER, AWAY)
    made = registry.create(token, place, inputs)
    standing = read(place, token, made.id, inputs)
    assert differences(token, standing, inputs) == frozenset()
    assert set(made.outputs) == set(standing.outputs if standing else ())

    new = {name: value for name, value in {**inputs, **changes}.items() if value is not None}
    changed = differing(registry.find(token), inputs, new)
    assert changed or not changes
    if changed:
        registry.update(token, place, Edit(made.id, inputs, new, changed))
        assert differences(token, read(place, token, made.id, new), new) == frozenset()

    registry.delete(token, place, Known(made.id, new))
    after = read(place, token, made.id, new)
    assert after is None or token in STAYING
    registry.delete(token, place, Known(made.id, new))


# What a bucket, a topic or a queue always has is put back instead.
STAYING = frozenset(
    {
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:sns/topicPolicy:TopicPolicy",
    }
)


def test_a_recorder_its_channel_and_its_status_stand_and_go_in_order(opened: LocalOrganization) -> None:
    place = standing_in(opened, MEMBER, AWAY)
    place.client("s3").create_bucket(
        Bucket="deliveries-of-a-test", CreateBucketConfiguration={"LocationConstraint": AWAY}
    )
    make(place, "aws:iam/role:Role", name="recording", assumeRolePolicy=trust("config"))
    make(place, "aws:iam/rolePolicy:RolePolicy", name="all", role="recording", policy=grants("s3:*"))
    chain: list[tuple[str, Inputs]] = [
        ("aws:cfg/recorder:Recorder", {**RECORDER, "roleArn": f"arn:aws:iam::{MEMBER}:role/recording"}),
        ("aws:cfg/deliveryChannel:DeliveryChannel", {"name": "recorder", "s3BucketName": "deliveries-of-a-test"}),
        ("aws:cfg/recorderStatus:RecorderStatus", {"name": "recorder", "isEnabled": True}),
    ]
    for token, inputs in chain:
        registry.create(token, place, inputs)
    status, switched = chain[2][0], {"name": "recorder", "isEnabled": False}
    registry.update(status, place, Edit("recorder", chain[2][1], switched, frozenset({"isEnabled"})))
    assert differences(status, read(place, status, "recorder", switched), switched) == frozenset()
    for token, inputs in reversed(chain):
        assert read(place, token, "recorder", inputs) is not None
        registry.delete(token, place, Known("recorder", inputs))
    assert all(read(place, token, "recorder", inputs) is None for token, inputs in chain)


def test_a_managed_policy_is_updated_more_often_than_it_may_have_versions(place: Site) -> None:
    token, inputs = "aws:iam/policy:Policy", {"name": "often", "policy": grants("s3:GetObject")}
    made = registry.create(token, place, inputs)
    for number in range(6):
        new = {**inputs, "policy": grants(f"s3:GetObject{number}")}
        registry.update(token, place, Edit(made.id, inputs, new, frozenset({"policy"})))
        assert differences(token, read(place, token, made.id, new), new) == frozenset()
    registry.delete(token, place, Known(made.id, inputs))
    assert read(place, token, made.id, inputs) is None


def test_an_alias_follows_another_key_and_is_read_as_the_program_names_it(place: Site) -> None:
    token, keys = "aws:kms/alias:Alias", [place.client("kms").create_key()["KeyMetadata"] for _ in range(2)]
    inputs = {"name": "alias/mine", "targetKeyId": keys[0]["KeyId"]}
    made = registry.create(token, place, inputs)
    new = {**inputs, "targetKeyId": keys[1]["Arn"]}
    outputs = registry.update(token, place, Edit(made.id, inputs, new, frozenset({"targetKeyId"})))
    assert outputs == {"targetKeyArn": keys[1]["Arn"]}
    assert differences(token, read(place, token, made.id, new), new) == frozenset()
    registry.delete(token, place, Known(made.id, new))
    assert read(place, token, made.id, new) is None


def test_drift_in_an_input_that_the_program_never_gave_is_found(place: Site) -> None:
    token, inputs = "aws:sqs/queue:Queue", {"name": "drifting"}
    made = registry.create(token, place, inputs)
    place.client("sqs").set_queue_attributes(QueueUrl=made.id, Attributes={"VisibilityTimeout": "77"})
    standing = read(place, token, made.id, inputs)
    assert standing is not None
    assert standing.inputs == {"name": "drifting", "visibilityTimeoutSeconds": 77}
    changed = differing(registry.find(token), standing.inputs, inputs)
    registry.update(token, place, Edit(made.id, standing.inputs, inputs, changed))
    assert differences(token, read(place, token, made.id, inputs), inputs) == frozenset()


def test_deleting_an_object_takes_all_its_versions_along(place: Site) -> None:
    client = place.client("s3")
    client.create_bucket(Bucket="versions-of-a-test", CreateBucketConfiguration={"LocationConstraint": HOME})
    client.put_bucket_versioning(Bucket="versions-of-a-test", VersioningConfiguration={"Status": "Enabled"})
    inputs = {"bucket": "versions-of-a-test", "key": "k", "content": "a"}
    made = registry.create("aws:s3/bucketObjectv2:BucketObjectv2", place, inputs)
    client.put_object(Bucket="versions-of-a-test", Key="k", Body=b"b")
    client.put_object(Bucket="versions-of-a-test", Key="k-of-another", Body=b"c")
    registry.delete("aws:s3/bucketObjectv2:BucketObjectv2", place, Known(made.id, inputs))
    left = client.list_object_versions(Bucket="versions-of-a-test")["Versions"]
    assert [one["Key"] for one in left] == ["k-of-another"]


def test_a_url_that_everybody_may_call_is_not_served(place: Site) -> None:
    with pytest.raises(UnservedPropertyError, match="authorizationType NONE"):
        make(place, "aws:lambda/functionUrl:FunctionUrl", functionName="base", authorizationType="NONE")


def test_a_url_tells_its_address_and_id(place: Site) -> None:
    made = make(place, "aws:lambda/functionUrl:FunctionUrl", functionName="base", authorizationType="AWS_IAM")
    assert made.outputs["functionUrl"] == f"https://{made.outputs['urlId']}.lambda-url.{HOME}.on.aws/"
    assert made.outputs["functionArn"] == ARN.format("lambda", "function:base")
    registry.delete("aws:lambda/functionUrl:FunctionUrl", place, Known(made.id, {}))
