"""Security controls of enabled standards: their findings, where they are enabled, and custom actions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.call import ServiceError
from simulator.local import LocalOrganization
from simulator.services.security_hub import SecurityHub
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, organization

CIS = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0"
FSBP = f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0"
PCI = f"arn:aws:securityhub:{HOME}::standards/pci-dss/v/4.0.1"
WORLD = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.rates.suspend()
        record(one)
        yield one


def client(opened: LocalOrganization, service: str, account: str = MEMBER) -> Any:
    session: Any = opened.session(account)
    return session.client(service)


def record(opened: LocalOrganization) -> None:
    home = {"LocationConstraint": HOME}
    client(opened, "s3", HUB).create_bucket(Bucket="config-files", CreateBucketConfiguration=home)
    config = client(opened, "config")
    role = f"arn:aws:iam::{MEMBER}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": role, "recordingGroup": {"allSupported": True}}
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "config-files"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")


def group(opened: LocalOrganization, *, open_to_all: bool = True) -> str:
    ec2 = client(opened, "ec2")
    made = str(ec2.create_security_group(GroupName="web", Description="web")["GroupId"])
    if open_to_all:
        ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=WORLD)
    return made


def enable(opened: LocalOrganization, *standards: str) -> Any:
    hub = client(opened, "securityhub")
    hub.enable_security_hub(EnableDefaultStandards=False)
    hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": arn} for arn in standards])
    opened.rest()
    return hub


def findings(opened: LocalOrganization, name: str, control: str = "EC2.13") -> list[dict[str, Any]]:
    """Look with new credentials: the ones before may have ended meanwhile."""
    wanted = [{"Value": control, "Comparison": "EQUALS"}]
    found = client(opened, "securityhub").get_findings(Filters={"ComplianceSecurityControlId": wanted})["Findings"]
    return [one for one in found if one["Resources"][0]["Id"].endswith(name)]


def test_a_control_of_an_enabled_standard_finds_what_is_recorded(opened: LocalOrganization) -> None:
    made = group(opened)
    enable(opened, CIS, PCI)
    (finding,) = findings(opened, made)
    assert finding["ProductArn"] == f"arn:aws:securityhub:{HOME}::product/aws/securityhub"
    assert finding["GeneratorId"] == "security-control/EC2.13"
    assert finding["Resources"][0]["Type"] == "AwsEc2SecurityGroup"
    assert finding["Severity"]["Label"] == "HIGH"
    assert finding["Workflow"]["Status"] == "NEW"
    assert finding["Compliance"]["Status"] == "FAILED"
    assert [one["StandardsId"] for one in finding["Compliance"]["AssociatedStandards"]] == [
        "ruleset/cis-aws-foundations-benchmark/v/1.2.0",
        "standards/pci-dss/v/4.0.1",
    ]


def test_a_finding_follows_its_resource_and_resolves_itself(opened: LocalOrganization) -> None:
    made = group(opened, open_to_all=False)
    enable(opened, CIS)
    ec2 = client(opened, "ec2")
    (first,) = findings(opened, made)
    assert (first["Compliance"]["Status"], first["Workflow"]["Status"]) == ("PASSED", "RESOLVED")
    assert first["Severity"]["Label"] == "INFORMATIONAL"
    ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=WORLD)
    opened.rest()
    (broken,) = findings(opened, made)
    assert (broken["Compliance"]["Status"], broken["Workflow"]["Status"]) == ("FAILED", "NEW")
    assert (broken["Id"], broken["CreatedAt"]) == (first["Id"], first["CreatedAt"])
    ec2.revoke_security_group_ingress(GroupId=made, IpPermissions=WORLD)
    opened.rest()
    (mended,) = findings(opened, made)
    assert (mended["Compliance"]["Status"], mended["Workflow"]["Status"]) == ("PASSED", "RESOLVED")


def test_the_finding_of_a_deleted_resource_is_archived_after_days(opened: LocalOrganization) -> None:
    made = group(opened)
    enable(opened, CIS)
    client(opened, "ec2").delete_security_group(GroupId=made)
    opened.rest()
    assert findings(opened, made)[0]["RecordState"] == "ACTIVE"
    opened.advance(timedelta(days=4))
    assert findings(opened, made)[0]["RecordState"] == "ARCHIVED"


def test_a_control_can_be_disabled_in_a_standard(opened: LocalOrganization) -> None:
    made = group(opened)
    hub = enable(opened, CIS, PCI)
    change = {"StandardsArn": PCI, "SecurityControlId": "EC2.13", "AssociationStatus": "DISABLED"}
    refused = hub.batch_update_standards_control_associations(StandardsControlAssociationUpdates=[change])
    assert refused["UnprocessedAssociationUpdates"][0]["ErrorCode"] == "INVALID_INPUT"
    for arn in (PCI, CIS):
        update = change | {"StandardsArn": arn, "UpdatedReason": "checked elsewhere"}
        hub = client(opened, "securityhub")
        answer = hub.batch_update_standards_control_associations(StandardsControlAssociationUpdates=[update])
        assert answer["UnprocessedAssociationUpdates"] == []
        opened.rest()
    hub = client(opened, "securityhub")
    listed = hub.list_standards_control_associations(SecurityControlId="EC2.13")
    assert {one["AssociationStatus"] for one in listed["StandardsControlAssociationSummaries"]} == {"DISABLED"}
    (control,) = hub.batch_get_security_controls(SecurityControlIds=["EC2.13"])["SecurityControls"]
    assert control["SecurityControlStatus"] == "DISABLED"
    opened.advance(timedelta(days=4))
    assert findings(opened, made)[0]["RecordState"] == "ARCHIVED"


def test_a_standard_without_the_control_finds_nothing(opened: LocalOrganization) -> None:
    made = group(opened)
    fsbp = f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0"
    enable(opened, fsbp)
    assert findings(opened, made) == []


def test_buckets_are_checked_for_kms(opened: LocalOrganization) -> None:
    s3 = client(opened, "s3")
    for name in ("plain-data", "kms-data"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HOME})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket="kms-data", ServerSideEncryptionConfiguration={"Rules": [rule]})
    enable(opened, PCI)
    assert findings(opened, "plain-data", "S3.17")[0]["Compliance"]["Status"] == "FAILED"
    assert findings(opened, "kms-data", "S3.17")[0]["Compliance"]["Status"] == "PASSED"


def test_queues_are_checked_by_a_rule_that_security_hub_brings_itself(opened: LocalOrganization) -> None:
    sqs = client(opened, "sqs")
    for name, encrypted in (("plain", "false"), ("own-keys", "true")):
        sqs.create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": encrypted})
    sqs.create_queue(QueueName="kms", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    enable(opened, FSBP)
    statuses = {
        name: findings(opened, name, "SQS.1")[0]["Compliance"]["Status"] for name in ("plain", "own-keys", "kms")
    }
    assert statuses == {"plain": "FAILED", "own-keys": "PASSED", "kms": "PASSED"}
    url = sqs.get_queue_url(QueueName="plain")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    opened.rest()
    assert findings(opened, "plain", "SQS.1")[0]["Compliance"]["Status"] == "PASSED"


def test_controls_are_listed_and_others_are_named_as_not_simulated(opened: LocalOrganization) -> None:
    hub = enable(opened, CIS)
    listed = hub.list_security_control_definitions(StandardsArn=CIS)["SecurityControlDefinitions"]
    assert [one["SecurityControlId"] for one in listed] == ["EC2.13"]
    assert hub.get_security_control_definition(SecurityControlId="S3.17")["SecurityControlDefinition"][
        "SeverityRating"
    ] == ("MEDIUM")
    with pytest.raises(ClientError, match=r"IAM\.1 is not a security control whose check is simulated"):
        hub.get_security_control_definition(SecurityControlId="IAM.1")
    asked = [{"SecurityControlId": control, "StandardsArn": CIS} for control in ("EC2.13", "IAM.1")]
    answer = hub.batch_get_standards_control_associations(StandardsControlAssociationIds=asked)
    assert answer["StandardsControlAssociationDetails"][0]["AssociationStatus"] == "ENABLED"
    assert answer["UnprocessedAssociations"][0]["StandardsControlAssociationId"] == asked[1]


def test_choosing_a_custom_action_emits_its_event_with_the_findings(opened: LocalOrganization) -> None:
    made = group(opened)
    hub = enable(opened, CIS)
    arn = hub.create_action_target(Name="Remediate", Description="Ask for it", Id="Remediate")["ActionTargetArn"]
    queue = client(opened, "sqs").create_queue(QueueName="chosen")["QueueUrl"]
    listen(opened, queue, arn)
    (finding,) = findings(opened, made)
    actions = opened.world.service(SecurityHub).actions
    opened.do(lambda: actions.choose(arn, [(finding["ProductArn"], finding["Id"])]))
    opened.rest()
    (message,) = client(opened, "sqs").receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Security Hub Findings - Custom Action"
    assert event["detail"]["actionName"] == "Remediate"
    assert [one["Id"] for one in event["detail"]["findings"]] == [finding["Id"]]


def test_an_action_takes_findings_that_are_seen_and_twenty_at_most(opened: LocalOrganization) -> None:
    hub = enable(opened, CIS)
    arn = hub.create_action_target(Name="Remediate", Description="Ask for it", Id="Remediate")["ActionTargetArn"]
    actions = opened.world.service(SecurityHub).actions
    for given, code in (
        ((arn, [("product", "unknown")]), "ResourceNotFoundException"),
        ((arn, [("product", "unknown")] * 21), "InvalidInputException"),
        ((f"{arn}2", [("product", "unknown")]), "ResourceNotFoundException"),
    ):
        with pytest.raises(ServiceError) as refused:
            actions.choose(*given)
        assert refused.value.code == code


def listen(opened: LocalOrganization, queue: str, action: str) -> None:
    events, sqs = client(opened, "events"), client(opened, "sqs")
    arn = f"arn:aws:sqs:{HOME}:{MEMBER}:chosen"
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(allow)})
    pattern = {"source": ["aws.securityhub"], "resources": [action]}
    events.put_rule(Name="chosen", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="chosen", Targets=[{"Id": "queue", "Arn": arn}])
