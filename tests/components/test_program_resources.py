"""What the program registers for a small organization: which resources, where, under which names, how protected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi.runtime.mocks import MockResourceArgs

from lambdas.controls import catalog
from lambdas.controls.model import CustomRule, ManagedRule, ProductFindings, Scope
from simulator.deployment import Deployment, Registering, Resource
from tests.stacks.program import (
    AWAY,
    HOME,
    HUB,
    MANAGEMENT,
    NESTED,
    PLAIN,
    STAGED,
    everything,
    members,
    of_type,
    role,
    run,
)

MEMBERS = (PLAIN, NESTED, STAGED)
# Other products whose findings controls take: a rule each, for all of its controls take the same severities.
PRODUCTS = len({one.detection.path for one in catalog().values() if isinstance(one.detection, ProductFindings)})
MANAGEMENT_ONCE = {
    "organizations/awsServiceAccess:AwsServiceAccess": 4,
    "organizations/delegatedAdministrator:DelegatedAdministrator": 2,
    "securityhub/organizationAdminAccount:OrganizationAdminAccount": 1,
    "cloudformation/stackSet:StackSet": 1,
    "cloudformation/stackInstances:StackInstances": 1,
}
HUB_ONCE = {
    "securityhub/findingAggregator:FindingAggregator": 1,
    "securityhub/organizationConfiguration:OrganizationConfiguration": 1,
    "securityhub/configurationPolicy:ConfigurationPolicy": 1,
    # two units, and the hub itself
    "securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation": 3,
    "dynamodb/table:Table": 3,
    # one policy item for each member
    "dynamodb/tableItem:TableItem": 3,
    "sns/topic:Topic": 1,
    "sns/topicPolicy:TopicPolicy": 1,
    "sns/topicSubscription:TopicSubscription": 1,
    "sqs/queue:Queue": 2,
    "sqs/queuePolicy:QueuePolicy": 2,
    # remediate, advance, approve, sweep
    "lambda/function:Function": 4,
    "lambda/functionUrl:FunctionUrl": 1,
    "lambda/permission:Permission": 1,
    "sfn/stateMachine:StateMachine": 1,
    "securityhub/actionTarget:ActionTarget": 3,
    "lambda/eventSourceMapping:EventSourceMapping": 1,
    "cloudwatch/logGroup:LogGroup": 4,
    # our own findings, Security Hub's, those of each other product, custom actions, the sweep's schedule
    "cloudwatch/eventRule:EventRule": 4 + PRODUCTS,
    "cloudwatch/eventTarget:EventTarget": 4 + PRODUCTS,
    "cloudwatch/metricAlarm:MetricAlarm": 11 + PRODUCTS,
    "cloudwatch/dashboard:Dashboard": 1,
    # the central remediation role, the policy writer of the one environment, and of steps, endpoint and sweep
    "iam/role:Role": 5,
    "iam/rolePolicy:RolePolicy": 6,
    # the ledger's bucket
    "s3/bucket:Bucket": 1,
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
    "s3/bucketVersioning:BucketVersioning": 1,
    "s3/bucketPolicy:BucketPolicy": 1,
    # settings of the hub's functions
    "s3/bucketObjectv2:BucketObjectv2": 1,
}
HUB_EACH_REGION = {
    "kms/key:Key": 1,
    "kms/alias:Alias": 1,
    "s3/bucket:Bucket": 1,
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
    "s3/bucketVersioning:BucketVersioning": 1,
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
    "s3/bucketPolicy:BucketPolicy": 1,
    # the archive, and the one settings object that all members share
    "s3/bucketObjectv2:BucketObjectv2": 2,
    "securityhub/automationRule:AutomationRule": 1,
}
RULES = [one for one in catalog().values() if isinstance(one.detection, CustomRule | ManagedRule)]
MEMBER_ONCE = {"iam/role:Role": 3, "iam/rolePolicy:RolePolicy": 3, "iam/policy:Policy": 1}
# What is global in an account is judged in the home Region.
MEMBER_ONCE |= {"cfg/rule:Rule": sum(one.scope is Scope.GLOBAL for one in RULES)}
MEMBER_EACH_REGION = {
    "cfg/rule:Rule": sum(one.scope is Scope.REGIONAL for one in RULES),
    "cloudwatch/eventRule:EventRule": 2,
    "cloudwatch/eventTarget:EventTarget": 2,
    "cloudwatch/logGroup:LogGroup": 1,
    "lambda/function:Function": 1,
    "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": 1,
    "lambda/invocation:Invocation": 1,
    "lambda/permission:Permission": 3,
    "sqs/queue:Queue": 1,
    "sqs/queuePolicy:QueuePolicy": 1,
}
# Where a type has no Region of its own, its provider's counts.
GLOBAL = ("aws:iam/", "aws:organizations/")


@pytest.fixture(scope="module")
def small() -> Deployment:
    return run(everything())


def placed(deployment: Deployment) -> Counter[tuple[str, str, str]]:
    return Counter((one.token.removeprefix("aws:"), one.account, one.region) for one in deployment.resources)


def expected(types: Mapping[str, int], account: str, *regions: str) -> Counter[tuple[str, str, str]]:
    return Counter({(token, account, region): number for token, number in types.items() for region in regions})


def comparable(resources: list[Resource]) -> dict[tuple[str, str, str], str]:
    """Every resource's inputs as text; an asset is its path."""
    return {
        (one.account, one.region, one.urn): json.dumps(one.inputs, default=vars, sort_keys=True) for one in resources
    }


def by_name(resources: list[Resource]) -> dict[str, Resource]:
    return {one.inputs["name"]: one for one in resources}


def test_a_small_organization_gets_exactly_these_resources_in_these_accounts_and_regions(small: Deployment) -> None:
    everywhere = expected(MANAGEMENT_ONCE, MANAGEMENT, HOME) + expected(HUB_ONCE, HUB, HOME)
    everywhere += expected(HUB_EACH_REGION, HUB, HOME, AWAY)
    for member in MEMBERS:
        everywhere += expected(MEMBER_ONCE, member, HOME) + expected(MEMBER_EACH_REGION, member, HOME, AWAY)
    assert placed(small) == everywhere


def test_a_member_stack_registers_the_members_part_alone() -> None:
    everywhere = expected({"dynamodb/tableItem:TableItem": 3, "s3/bucketObjectv2:BucketObjectv2": 1}, HUB, HOME)
    everywhere += expected({"s3/bucketObjectv2:BucketObjectv2": 1}, HUB, AWAY)
    for member in MEMBERS:
        everywhere += expected(MEMBER_ONCE, member, HOME) + expected(MEMBER_EACH_REGION, member, HOME, AWAY)
    assert placed(run(members())) == everywhere


def test_every_regional_resource_names_its_region_and_none_relies_on_its_provider_s(small: Deployment) -> None:
    assert {one.urn for one in small.resources if "region" not in one.inputs} == {
        one.urn for one in small.resources if one.token.startswith(GLOBAL)
    }


def test_the_program_registers_the_same_names_and_inputs_each_time(small: Deployment) -> None:
    again = run(everything())
    assert comparable(again.resources) == comparable(small.resources)


def test_the_hub_s_parts_of_a_split_deployment_are_those_of_the_whole(small: Deployment) -> None:
    apart = [
        *run(everything(layers=["organization"])).resources,
        *run(everything(layers=["hub"])).resources,
        *run(members()).resources,
    ]
    assert comparable(apart) == comparable(small.resources)


def test_what_aws_would_name_by_itself_is_named(small: Deployment) -> None:
    names = {"Permission": "statementId", "Bucket": "bucket", "Dashboard": "dashboardName"}
    names |= {"EventTarget": "targetId", "AutomationRule": "ruleName"}
    names |= dict.fromkeys(("Role", "Policy", "RolePolicy", "Queue", "Function", "LogGroup", "EventRule"), "name")
    names |= dict.fromkeys(("Rule", "Topic", "Table", "MetricAlarm", "StackSet", "ConfigurationPolicy"), "name")
    named = [one for one in small.resources if one.token.split(":")[-1] in names]
    assert {one.token.split(":")[-1] for one in named} == set(names)
    for one in named:
        assert one.inputs[names[one.token.split(":")[-1]]], one.urn


def test_providers_enter_by_a_role_under_the_key_that_the_provider_reads_and_refuse_other_accounts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, dict[str, Any]] = {}
    make = Registering.new_resource

    def noted(self: Registering, args: MockResourceArgs) -> Any:
        if args.typ == "pulumi:providers:aws":
            seen[args.name] = dict(args.inputs)
        return make(self, args)

    monkeypatch.setattr(Registering, "new_resource", noted)
    run(everything())
    roles = {
        f"account-{MANAGEMENT}": role(MANAGEMENT, "palisade-organization"),
        "hub": role(HUB, "palisade-deployment"),
        "hub-policies": role(HUB, "palisade-policies-production"),
        **{f"account-{member}": role(member, "palisade-deployment") for member in MEMBERS},
    }
    assert set(seen) == set(roles)
    for name, inputs in seen.items():
        assert json.loads(inputs["assumeRoles"]) == [{"roleArn": roles[name], "sessionName": "palisade-pipeline"}]
        assert json.loads(inputs["allowedAccountIds"]) == [roles[name].split(":")[4]]
        assert inputs["region"] == HOME


def test_tables_keys_and_buckets_outlive_an_accidental_destroy(small: Deployment) -> None:
    protected = {one.urn for one in small.resources if one.protect}
    kept = ("aws:dynamodb/table:Table", "aws:kms/key:Key", "aws:s3/bucket:Bucket")
    assert protected == {one.urn for one in small.resources if one.token in kept}


def test_code_and_settings_stay_with_their_private_buckets_and_trusted_access_for_others(small: Deployment) -> None:
    kept = ("aws:s3/", "aws:organizations/awsServiceAccess:AwsServiceAccess")
    assert {one.urn for one in small.resources if one.retain} == {
        one.urn for one in small.resources if one.token.startswith(kept)
    }


def test_the_tables_are_encrypted_by_our_key_recoverable_and_cannot_be_deleted(small: Deployment) -> None:
    (key,) = [one for one in of_type(small, "kms/key:Key") if one.region == HOME]
    tables = by_name(of_type(small, "dynamodb/table:Table"))
    assert set(tables) == {"palisade-policies", "palisade-state", "palisade-ledger"}
    for table in tables.values():
        assert table.inputs["deletionProtectionEnabled"] is True
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True, "recoveryPeriodInDays": 35}
        assert table.inputs["serverSideEncryption"]["enabled"] is True
        assert table.inputs["serverSideEncryption"]["kmsKeyArn"].startswith(f"arn:aws:kms:{HOME}:{HUB}:")
        assert key.urn in table.dependencies
        assert table.inputs["billingMode"] == "PAY_PER_REQUEST"
    assert tables["palisade-state"].inputs["ttl"] == {"attributeName": "expires", "enabled": True}
    assert "ttl" not in tables["palisade-ledger"].inputs, "the ledger forgets nothing"


def test_the_keys_rotate_and_wait_before_they_go(small: Deployment) -> None:
    for key in of_type(small, "kms/key:Key"):
        assert (key.inputs["enableKeyRotation"], key.inputs["deletionWindowInDays"]) == (True, 30)


def test_every_function_has_its_log_group_with_retention_before_it_logs(small: Deployment) -> None:
    groups = {
        (one.account, one.region, one.inputs["name"]): one for one in of_type(small, "cloudwatch/logGroup:LogGroup")
    }
    functions = of_type(small, "lambda/function:Function")
    assert len(groups) == len(functions)
    for function in functions:
        group = groups[function.account, function.region, f"/aws/lambda/{function.inputs['name']}"]
        assert group.inputs["retentionInDays"] == 365
        assert group.urn in function.dependencies


def test_every_queue_is_a_dead_letter_queue_or_has_one(small: Deployment) -> None:
    queues = of_type(small, "sqs/queue:Queue")
    for queue in queues:
        assert queue.inputs["sqsManagedSseEnabled"] is True
        assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 3600
        if not queue.inputs["name"].endswith("-dlq"):
            redrive = json.loads(queue.inputs["redrivePolicy"])
            assert redrive == {
                "deadLetterTargetArn": f"arn:aws:sqs:{HOME}:{HUB}:palisade-findings-dlq",
                "maxReceiveCount": 5,
            }
    assert {one.inputs["name"] for one in queues} == {
        "palisade-findings",
        "palisade-findings-dlq",
        "palisade-detect-dlq",
    }


def test_no_event_is_lost_in_silence(small: Deployment) -> None:
    for target in of_type(small, "cloudwatch/eventTarget:EventTarget"):
        letters = target.inputs["deadLetterConfig"]["arn"]
        assert letters.startswith(f"arn:aws:sqs:{target.region}:{target.account}:palisade-"), "DLQ in the rule's Region"
        assert letters.endswith("-dlq")
    for one in of_type(small, "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"):
        destination = one.inputs["destinationConfig"]["onFailure"]["destination"]
        assert destination == f"arn:aws:sqs:{one.region}:{one.account}:palisade-detect-dlq"


def test_the_queue_feeds_the_function_in_batches_that_may_fail_in_part(small: Deployment) -> None:
    (source,) = of_type(small, "lambda/eventSourceMapping:EventSourceMapping")
    (queue,) = [one for one in of_type(small, "sqs/queue:Queue") if one.inputs["name"] == "palisade-findings"]
    functions = of_type(small, "lambda/function:Function")
    (function,) = [one for one in functions if one.inputs["name"] == "palisade-remediate"]
    assert source.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source.inputs["scalingConfig"] == {"maximumConcurrency": 10}
    assert source.inputs["batchSize"] == 10
    assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * function.inputs["timeout"]


def test_every_rule_of_findings_and_every_queue_of_the_hub_has_an_alarm_that_tells(small: Deployment) -> None:
    alarms = of_type(small, "cloudwatch/metricAlarm:MetricAlarm")
    watched = {value for one in alarms for value in one.inputs["dimensions"].values()}
    rules = [one for one in of_type(small, "cloudwatch/eventRule:EventRule") if one.account == HUB]
    assert {one.inputs["name"] for one in rules} <= watched
    assert {"palisade-findings", "palisade-findings-dlq"} <= watched
    assert {one.inputs["name"] for one in of_type(small, "lambda/function:Function") if one.account == HUB} <= watched
    for one in alarms:
        assert one.inputs["alarmActions"] == [f"arn:aws:sns:{HOME}:{HUB}:palisade-notifications"]


def test_each_governed_region_suppresses_the_copies_that_config_sends(small: Deployment) -> None:
    rules = of_type(small, "securityhub/automationRule:AutomationRule")
    assert {one.region for one in rules} == {HOME, AWAY}
    for one in rules:
        assert one.inputs["criteria"]["productNames"] == [{"comparison": "EQUALS", "value": "Config"}]
        assert one.inputs["criteria"]["titles"] == [{"comparison": "PREFIX", "value": "palisade-"}]
        update = one.inputs["actions"][0]["findingFieldsUpdate"]
        assert update["workflow"] == {"status": "SUPPRESSED"}


def test_security_hub_is_configured_centrally_in_the_order_that_aws_asks_for(small: Deployment) -> None:
    (aggregator,) = of_type(small, "securityhub/findingAggregator:FindingAggregator")
    (central,) = of_type(small, "securityhub/organizationConfiguration:OrganizationConfiguration")
    (policy,) = of_type(small, "securityhub/configurationPolicy:ConfigurationPolicy")
    assert aggregator.inputs["linkingMode"] == "SPECIFIED_REGIONS"
    assert aggregator.inputs["specifiedRegions"] == [AWAY]
    assert aggregator.urn in central.dependencies
    assert central.inputs["organizationConfiguration"] == {"configurationType": "CENTRAL"}
    assert (central.inputs["autoEnable"], central.inputs["autoEnableStandards"]) == (False, "NONE")
    assert central.urn in policy.dependencies
    standards = policy.inputs["configurationPolicy"]["enabledStandardArns"]
    assert standards == [f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0"]


def test_a_hub_of_one_region_links_none() -> None:
    (aggregator,) = of_type(
        run(everything(layers=["hub"], regions=[HOME])), "securityhub/findingAggregator:FindingAggregator"
    )
    assert aggregator.inputs["linkingMode"] == "NO_REGIONS"
    assert "specifiedRegions" not in aggregator.inputs, "AWS refuses an empty list"


def test_an_account_that_only_tells_has_no_writer_and_no_boundary() -> None:
    overrides = [{"accounts": [PLAIN], "controls": {"EC2.13": {"mode": "notify"}}}]
    deployment = run(members(overrides=overrides))
    roles = {account: {one.inputs["name"] for one in of_type(deployment, "iam/role:Role") if one.account == account}
             for account in (PLAIN, NESTED)}  # fmt: skip
    assert roles[PLAIN] == {"palisade-detect", "palisade-reader"}
    assert roles[NESTED] == {"palisade-detect", "palisade-reader", "palisade-writer"}
    assert {one.account for one in of_type(deployment, "iam/policy:Policy")} == {NESTED, STAGED}


def test_readers_alone_admit_the_role_by_which_people_assess() -> None:
    assessor = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Audit_0123456789abcdef"
    deployment = run(members(assessmentRole=assessor))
    roles = by_name([one for one in of_type(deployment, "iam/role:Role") if one.account == NESTED])
    (trust,) = json.loads(roles["palisade-reader"].inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{HUB}:root"}
    assert trust["Condition"]["ArnEquals"]["aws:PrincipalArn"] == [
        f"arn:aws:iam::{HUB}:role/palisade-remediation",
        f"arn:aws:iam::{HUB}:role/{assessor}",
    ]
    assert assessor not in roles["palisade-writer"].inputs["assumeRolePolicy"]


def test_the_writer_holds_the_actions_of_acting_controls_alone_under_its_boundary(small: Deployment) -> None:
    roles = by_name([one for one in of_type(small, "iam/role:Role") if one.account == PLAIN])
    policies = by_name([one for one in of_type(small, "iam/rolePolicy:RolePolicy") if one.account == PLAIN])
    actions = {
        action for one in json.loads(policies["writer"].inputs["policy"])["Statement"] for action in one["Action"]
    }
    # EC2.13 is automatic here, Palisade.S3.1 only tells.
    assert {action.split(":")[0] for action in actions} == {"ec2"}
    assert roles["palisade-writer"].inputs["permissionsBoundary"].endswith(f":{PLAIN}:policy/palisade-boundary")
    assert "permissionsBoundary" not in roles["palisade-reader"].inputs


def test_an_account_whose_controls_are_all_off_has_no_policy_without_statements() -> None:
    off = {name: {"mode": "off"} for name in catalog()}
    deployment = run(members(controls=off))
    for one in of_type(deployment, "iam/rolePolicy:RolePolicy"):
        assert json.loads(one.inputs["policy"])["Statement"], one.urn
    assert of_type(deployment, "cfg/rule:Rule") == []


def test_members_act_only_while_their_policy_item_is_there(small: Deployment) -> None:
    for item in of_type(small, "dynamodb/tableItem:TableItem"):
        account = json.loads(item.inputs["item"])["account"]["S"]
        policies = [one for one in of_type(small, "iam/rolePolicy:RolePolicy") if one.account == account]
        assert {one.urn for one in policies} <= set(item.dependencies)


def test_a_recorder_is_ours_only_where_the_settings_ask_for_it(small: Deployment) -> None:
    assert of_type(small, "cfg/recorder:Recorder") == []
    deployment = run(everything(recorder="create"))
    recorders = of_type(deployment, "cfg/recorder:Recorder")
    assert {(one.account, one.region) for one in recorders} == {(a, r) for a in MEMBERS for r in (HOME, AWAY)}
    for kind, needs in (
        ("deliveryChannel:DeliveryChannel", recorders),
        ("recorderStatus:RecorderStatus", of_type(deployment, "cfg/deliveryChannel:DeliveryChannel")),
    ):
        for one in of_type(deployment, f"cfg/{kind}"):  # fmt: skip
            there = {need.urn for need in needs if (need.account, need.region) == (one.account, one.region)}
            assert there <= set(one.dependencies)
    for rule in of_type(deployment, "cfg/rule:Rule"):
        status = [one.urn for one in of_type(deployment, "cfg/recorderStatus:RecorderStatus")
                  if (one.account, one.region) == (rule.account, rule.region)]  # fmt: skip
        function = next(one for one in of_type(deployment, "lambda/function:Function")
                        if (one.account, one.region) == (rule.account, rule.region))  # fmt: skip
        assert set(status) <= set(function.dependencies)


def test_a_custom_rule_is_told_of_changes_oversized_ones_too_and_asked_on_its_schedule(small: Deployment) -> None:
    rules = {one.inputs["name"]: one.inputs for one in of_type(small, "cfg/rule:Rule") if one.region == HOME}
    for name, resource_type, frequency in (
        ("palisade-security-group-ssh-restricted", "AWS::EC2::SecurityGroup", "Six_Hours"),
        ("palisade-s3-bucket-customer-key-encrypted", "AWS::S3::Bucket", "TwentyFour_Hours"),
    ):
        source = rules[name]["source"]
        assert source["owner"] == "CUSTOM_LAMBDA"
        assert rules[name]["scope"] == {"complianceResourceTypes": [resource_type]}
        assert {(one["messageType"], one.get("maximumExecutionFrequency")) for one in source["sourceDetails"]} == {
            ("ConfigurationItemChangeNotification", None),
            ("OversizedConfigurationItemChangeNotification", None),
            ("ScheduledNotification", frequency),
        }
