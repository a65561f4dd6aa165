"""Rules: what is accepted, and when a custom rule's function or a model is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.config_world import ACCOUNT, FUNCTION, REGION, ROLE, Place, small_world

CHANGE = "ConfigurationItemChangeNotification"
SCHEDULED = "ScheduledNotification"
GROUPS = {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"]}


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        made.start_recorder()
        yield made


def detail(message: str, **more: Any) -> dict[str, Any]:
    return {"EventSource": "aws.config", "MessageType": message, **more}


def custom(**source: Any) -> dict[str, Any]:
    return {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": FUNCTION, "SourceDetails": [detail(CHANGE)], **source}


def managed(identifier: str) -> dict[str, Any]:
    return {"Owner": "AWS", "SourceIdentifier": identifier}


def asked(place: Place, resource: str | None = None) -> list[dict[str, Any]]:
    """The messages that reached the function since the last look, of one resource if given."""
    place.world.agenda.rest()
    messages = place.functions.messages()
    place.functions.events.clear()
    return [one for one in messages if resource in (None, one.get("configurationItem", {}).get("resourceId"))]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        pytest.param({"Source": managed("NO_SUCH_RULE")}, "sourceIdentifier NO_SUCH_RULE", id="unknown managed rule"),
        pytest.param(
            {"Source": managed("INCOMING_SSH_DISABLED"), "InputParameters": '{"x": "1"}'},
            "Unknown parameters",
            id="unknown parameter",
        ),
        pytest.param(
            {"Source": managed("ALB_DESYNC_MODE_CHECK")}, "required parameter .desyncMode", id="missing parameter"
        ),
        pytest.param(
            {"Source": managed("S3_DEFAULT_ENCRYPTION_KMS"), "MaximumExecutionFrequency": "One_Hour"},
            "maximum execution frequency",
            id="period of a rule without schedule",
        ),
        pytest.param({"Source": custom(SourceDetails=[])}, "SourceDetails", id="custom rule without trigger"),
        pytest.param({"Source": custom(SourceIdentifier="detect")}, "ARN", id="function by name"),
        pytest.param(
            {"Source": custom(SourceDetails=[detail(CHANGE, MaximumExecutionFrequency="One_Hour")])},
            "maximum execution frequency",
            id="period of a change trigger",
        ),
        pytest.param({"Source": custom(), "InputParameters": "[1]"}, "Invalid json", id="parameters are no object"),
        pytest.param({"Source": custom(), "Scope": {"TagValue": "v"}}, "TagKey", id="tag value without key"),
        pytest.param({"Source": custom(), "ConfigRuleState": "DELETING"}, "ConfigRuleState", id="state"),
        pytest.param(
            {"Source": custom(), "Scope": {"ComplianceResourceId": "sg-1"}}, "resourceType", id="resource without type"
        ),
    ],
)
def test_wrong_rules_are_refused(place: Place, rule: dict[str, Any], fault: str) -> None:
    with pytest.raises(ServiceError, match=fault) as refused:
        place.ask("PutConfigRule", ConfigRule={"ConfigRuleName": "rule", **rule})
    assert refused.value.code == "InvalidParameterValueException"


def test_parameters_longer_than_1024_characters_are_refused(place: Place) -> None:
    with pytest.raises(ServiceError, match="1024"):
        place.put_custom_rule(InputParameters=json.dumps({"a": "x" * 1024}))


def test_a_function_must_admit_config(place: Place) -> None:
    place.world.door.admitted.clear()  # type: ignore[attr-defined]
    with pytest.raises(ServiceError, match="InsufficientPermissionsException"):
        place.put_custom_rule()
    assert place.ask("DescribeConfigRules")["ConfigRules"] == []


def test_managed_rules_need_a_recorder_and_custom_rules_do_not() -> None:
    with small_world() as place:
        with pytest.raises(ServiceError, match="NoAvailableConfigurationRecorderException"):
            place.put_managed_rule("INCOMING_SSH_DISABLED")
        place.put_custom_rule("rule", CHANGE)


def test_a_rule_keeps_its_identity_when_it_changes(place: Place) -> None:
    place.put_custom_rule("rule", Description="one")
    [before] = place.ask("DescribeConfigRules")["ConfigRules"]
    assert before["ConfigRuleArn"].endswith(before["ConfigRuleId"])
    place.put_custom_rule("rule", Description="two")
    [after] = place.ask("DescribeConfigRules", ConfigRuleNames=["rule"])["ConfigRules"]
    assert after == {**before, "Description": "two"}
    with pytest.raises(ServiceError, match="NoSuchConfigRuleException"):
        place.ask("DescribeConfigRules", ConfigRuleNames=["other"])


def test_tags_are_set_at_creation_and_by_the_tag_operations(place: Place) -> None:
    rule = {"ConfigRuleName": "rule", "Source": custom()}
    place.ask("PutConfigRule", ConfigRule=rule, Tags=[{"Key": "a", "Value": "1"}])
    place.ask("PutConfigRule", ConfigRule=rule, Tags=[{"Key": "b", "Value": "2"}])
    [made] = place.ask("DescribeConfigRules")["ConfigRules"]
    arn = made["ConfigRuleArn"]
    assert place.ask("ListTagsForResource", ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    place.ask("TagResource", ResourceArn=arn, Tags=[{"Key": "c", "Value": "3"}])
    place.ask("UntagResource", ResourceArn=arn, TagKeys=["a"])
    assert place.ask("ListTagsForResource", ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "3"}]
    with pytest.raises(ServiceError, match="ResourceNotFoundException"):
        place.ask("ListTagsForResource", ResourceArn=arn + "x")


def test_a_new_rule_evaluates_what_is_recorded_in_its_scope(place: Place) -> None:
    group = place.security_group()
    place.put_custom_rule(Scope=GROUPS)
    assert group in {message["configurationItem"]["resourceId"] for message in asked(place)}


def test_the_event_of_a_change_is_exactly_that_of_aws(place: Place) -> None:
    place.put_custom_rule(Scope=GROUPS, InputParameters='{"port": "22"}')
    group = place.security_group()
    place.world.agenda.rest()
    place.functions.events.clear()
    place.open_ssh(group)
    place.world.agenda.rest()
    [event] = place.functions.events
    [rule] = place.ask("DescribeConfigRules")["ConfigRules"]
    assert set(event) == {
        "version", "invokingEvent", "ruleParameters", "resultToken", "eventLeftScope", "executionRoleArn",
        "configRuleArn", "configRuleName", "configRuleId", "accountId",
    }  # fmt: skip
    assert (event["version"], event["accountId"], event["executionRoleArn"]) == ("1.0", ACCOUNT, ROLE)
    assert (event["configRuleArn"], event["configRuleId"]) == (rule["ConfigRuleArn"], rule["ConfigRuleId"])
    assert json.loads(event["ruleParameters"]) == {"port": "22"}
    assert event["eventLeftScope"] is False
    message = json.loads(event["invokingEvent"])
    assert set(message) == {
        "configurationItemDiff", "configurationItem", "notificationCreationTime", "messageType", "recordVersion",
    }  # fmt: skip
    item = message["configurationItem"]
    assert (item["configurationItemStatus"], item["awsAccountId"], item["awsRegion"]) == ("OK", ACCOUNT, REGION)
    assert (item["resourceType"], item["resourceId"]) == ("AWS::EC2::SecurityGroup", group)
    assert item["ARN"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{group}"
    assert item["configurationItemCaptureTime"].endswith("Z")
    assert list(message["configurationItemDiff"]["changedProperties"]) == ["Configuration.ipPermissions"]
    [caller] = {one.source_arn for one in place.functions.callers}
    assert caller == rule["ConfigRuleArn"]


def test_other_types_and_other_resources_do_not_trigger(place: Place) -> None:
    place.put_custom_rule(Scope={"ComplianceResourceTypes": ["AWS::S3::Bucket"]})
    place.security_group()
    assert asked(place) == []


def test_a_deleted_resource_is_announced(place: Place) -> None:
    group = place.security_group()
    place.put_custom_rule(Scope=GROUPS)
    asked(place)
    place.client("ec2").delete_security_group(GroupId=group)
    place.config.record("ec2", ACCOUNT, REGION)
    [message] = asked(place)
    assert message["configurationItem"]["configurationItemStatus"] == "ResourceDeleted"
    assert message["configurationItem"]["configuration"] is None
    assert message["configurationItemDiff"]["changeType"] == "DELETE"


def test_a_resource_that_loses_the_tag_has_left_the_scope(place: Place) -> None:
    group = place.security_group()
    ec2 = place.client("ec2")
    ec2.create_tags(Resources=[group], Tags=[{"Key": "watch", "Value": "yes"}])
    place.config.record("ec2", ACCOUNT, REGION)
    place.put_custom_rule(Scope={"TagKey": "watch", "TagValue": "yes"})
    place.world.agenda.rest()
    place.evaluate("NON_COMPLIANT", group)
    ec2.delete_tags(Resources=[group], Tags=[{"Key": "watch"}])
    place.config.record("ec2", ACCOUNT, REGION)
    place.world.agenda.rest()
    assert [event["eventLeftScope"] for event in place.functions.events] == [False, True]
    details = place.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="rule")
    assert details["EvaluationResults"] == []


def large_group(place: Place) -> str:
    """A resource whose item is larger than 100 KB."""
    group = place.security_group()
    state = place.client("ec2")
    tags = [{"Key": f"{number:03}" + "k" * 120, "Value": "v" * 250} for number in range(50)]
    state.create_tags(Resources=[group], Tags=tags)
    ranges = [{"CidrIp": f"10.0.{number}.0/24", "Description": "d" * 250} for number in range(55)]
    for port in (1, 2):
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges[port - 1 :: 2]}
        state.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    return group


@pytest.mark.parametrize(
    ("subscribed", "delivered"),
    [
        pytest.param((CHANGE,), [], id="not told to a rule that did not ask"),
        pytest.param((CHANGE, f"Oversized{CHANGE}"), [f"Oversized{CHANGE}"], id="a summary"),
    ],
)
def test_an_oversized_item_comes_as_a_summary(
    place: Place, monkeypatch: pytest.MonkeyPatch, subscribed: tuple[str, ...], delivered: list[str]
) -> None:
    monkeypatch.setattr("simulator.services.config_triggers.OVERSIZED_BYTES", 20_000)
    source = custom(SourceDetails=[detail(message) for message in subscribed])
    place.ask("PutConfigRule", ConfigRule={"ConfigRuleName": "rule", "Source": source, "Scope": GROUPS})
    asked(place)
    large_group(place)
    asked(place)
    place.config.record("ec2", ACCOUNT, REGION)
    messages = asked(place)
    assert [message["messageType"] for message in messages] == delivered
    for message in messages:
        assert "configuration" not in message["configurationItemSummary"]
        assert message["s3DeliverySummary"]["s3BucketLocation"].startswith(f"config-{ACCOUNT}/AWSLogs/{ACCOUNT}")


def test_a_scheduled_rule_runs_when_it_is_made_and_then_by_its_period(place: Place) -> None:
    source = custom(SourceDetails=[detail(SCHEDULED, MaximumExecutionFrequency="Six_Hours")])
    place.ask("PutConfigRule", ConfigRule={"ConfigRuleName": "rule", "Source": source})
    assert [message["messageType"] for message in asked(place)] == [SCHEDULED]
    place.world.agenda.advance(timedelta(hours=25))
    messages = place.functions.messages()
    assert len(messages) == 4
    assert messages[0]["awsAccountId"] == ACCOUNT
    assert "configurationItem" not in messages[0]
    place.functions.events.clear()
    place.ask("DeleteConfigRule", ConfigRuleName="rule")
    place.world.agenda.advance(timedelta(days=2))
    assert place.functions.events == []


def test_an_evaluation_on_request_judges_the_last_recorded_state_once_a_minute(place: Place) -> None:
    group = place.security_group()
    place.put_custom_rule(Scope=GROUPS)
    asked(place)
    vpc = place.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"]
    place.client("ec2").create_security_group(GroupName="unseen", Description="d", VpcId=vpc)
    place.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"])
    with pytest.raises(ServiceError, match="LimitExceededException"):
        place.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"])
    names = {message["configurationItem"]["resourceName"] for message in asked(place)}
    assert names == {"default", "web"}
    place.world.agenda.advance(timedelta(minutes=1))
    place.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"])


def test_a_failed_invocation_shows_in_the_status(place: Place) -> None:
    place.put_custom_rule(Scope=GROUPS)
    place.functions.broken = True
    asked(place)
    [status] = place.ask("DescribeConfigRuleEvaluationStatus")["ConfigRulesEvaluationStatus"]
    assert status["LastErrorCode"] == "ResourceNotFoundException"
    assert status["FirstEvaluationStarted"]


def test_a_managed_rule_without_a_model_says_that_it_is_not_simulated(place: Place) -> None:
    place.put_managed_rule("CLOUD_TRAIL_ENABLED")
    place.world.agenda.rest()
    [status] = place.ask("DescribeConfigRuleEvaluationStatus")["ConfigRulesEvaluationStatus"]
    assert status["LastErrorCode"] == "NotSimulated"
    assert "LastSuccessfulEvaluationTime" not in status
    [summed] = place.ask("DescribeComplianceByConfigRule")["ComplianceByConfigRules"]
    assert summed["Compliance"]["ComplianceType"] == "INSUFFICIENT_DATA"


def verdict(place: Place, resource: str) -> str:
    place.world.agenda.rest()
    results = place.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="managed", Limit=100)["EvaluationResults"]
    by_id = {
        one["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]: one["ComplianceType"]
        for one in results
    }
    return str(by_id[resource])


@pytest.mark.parametrize(
    ("cidr", "protocol", "expected"),
    [
        pytest.param("0.0.0.0/0", "tcp", "NON_COMPLIANT", id="IPv4 world"),
        pytest.param("::/0", "tcp", "NON_COMPLIANT", id="IPv6 world"),
        pytest.param("0.0.0.0/0", "-1", "NON_COMPLIANT", id="all protocols"),
        pytest.param("0.0.0.0/0", "udp", "COMPLIANT", id="another protocol"),
        pytest.param("10.0.0.0/8", "tcp", "COMPLIANT", id="a bounded range"),
    ],
)
def test_restricted_ssh_follows_its_documentation(place: Place, cidr: str, protocol: str, expected: str) -> None:
    place.put_managed_rule("INCOMING_SSH_DISABLED")
    group = place.security_group()
    assert verdict(place, group) == "COMPLIANT"
    place.open_ssh(group, cidr, protocol)
    assert verdict(place, group) == expected


@pytest.mark.parametrize(
    ("default", "parameters", "expected"),
    [
        pytest.param({"SSEAlgorithm": "AES256"}, {}, "NON_COMPLIANT", id="SSE-S3"),
        pytest.param({"SSEAlgorithm": "aws:kms"}, {}, "COMPLIANT", id="the AWS managed key passes"),
        pytest.param(
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k1"}, {"kmsKeyArns": "a,k1"}, "COMPLIANT", id="one"
        ),
        pytest.param({"SSEAlgorithm": "aws:kms:dsse"}, {"kmsKeyArns": "k1"}, "NON_COMPLIANT", id="not listed"),
    ],
)
def test_s3_default_encryption_kms_follows_its_documentation(
    place: Place, default: dict[str, Any], parameters: dict[str, str], expected: str
) -> None:
    s3 = place.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket="data", ServerSideEncryptionConfiguration=rules)
    place.config.record("s3", ACCOUNT, REGION)
    place.put_managed_rule("S3_DEFAULT_ENCRYPTION_KMS", InputParameters=json.dumps(parameters))
    assert verdict(place, "data") == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param({}, "NON_COMPLIANT", id="missing"),
        pytest.param({"CostCenter": "1"}, "NON_COMPLIANT", id="wrong value"),
        pytest.param({"CostCenter": "42"}, "COMPLIANT", id="one of the values"),
    ],
)
def test_required_tags_follows_its_documentation(place: Place, tags: dict[str, str], expected: str) -> None:
    place.put_managed_rule("REQUIRED_TAGS", InputParameters='{"tag1Value": "41, 42"}', Scope=GROUPS)
    group = place.security_group()
    if tags:
        place.client("ec2").create_tags(
            Resources=[group], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
        )
        place.config.record("ec2", ACCOUNT, REGION)
    assert verdict(place, group) == expected
