"""`palisade doctor` in a local organisation: what blocks is named with place and remedy, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.local_estate import HUB, MANAGEMENT
from tests.operations.doctor_world import AWAY, HOME, TEAM, Doctored, doctored, settled
from tests.organization.loop_world import deployed

MEMBERS: dict[str, Any] = {"layers": ["members"]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doctored]:
    with doctored(tmp_path, monkeypatch) as one:
        yield one


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doctored]:
    with doctored(tmp_path, monkeypatch, regions=(HOME, AWAY)) as one:
        yield one


def test_an_organization_that_is_ready_has_nothing_that_blocks_and_is_left_as_it_was(wide: Doctored) -> None:
    before = len(wide.organization.door.log)
    assert wide.checks("blocks") == []
    calls = list(wide.organization.door.log)[before:]
    assert {(one.service, one.operation) for one in calls if one.mutating} == {("sts", "AssumeRole")}
    assert {(one.account, one.region) for one in calls if one.service == "config"} >= {
        (account, region) for account in (HUB, TEAM) for region in (HOME, AWAY)
    }
    shown = wide.run("--stack", "here")
    assert shown.exit_code == 0
    assert "Nothing blocks." in shown.stdout


def test_what_cannot_be_read_is_neither_ok_nor_silent(place: Doctored) -> None:
    unread = {line["check"] for line in place.checks("unread")}
    # The local organisation simulates none of these three reads, and says so.
    assert unread == {"StackSets", "Control Tower", "quota of Lambda"}


def test_the_cost_counts_scheduled_evaluations_and_names_what_nobody_knows(place: Doctored) -> None:
    place.write(only="EC2.13")
    ec2 = place.client(TEAM, "ec2")
    for number in range(9):
        ec2.create_security_group(GroupName=f"g{number}", Description="g")
    (estimate,) = [one for one in place.lines() if one.get("estimate") and one["account"] == TEAM]
    # Ten groups, the default one among them, judged every six hours of 730, at $0.001.
    assert estimate["made_of"] == ["EC2.13: 10 resources, 122 evaluations each"]
    assert estimate["us_dollars_at_least"] == pytest.approx(10 * 730 / 6 * 0.001, abs=0.005)
    assert any("evaluations of changed resources" in one for one in estimate["unknown"])


def test_a_recorder_that_is_off_blocks_in_its_region_alone(wide: Doctored) -> None:
    wide.client(TEAM, "config", AWAY).stop_configuration_recorder(ConfigurationRecorderName="default")
    (found,) = wide.checks("blocks")
    assert (found["check"], found["account"], found["region"]) == ("recorder", TEAM, AWAY)
    assert "start-configuration-recorder" in found["remedy"]


def test_a_recorder_that_leaves_out_what_a_control_judges_blocks(place: Doctored) -> None:
    config = place.client(TEAM, "config")
    recorder = config.describe_configuration_recorders(ConfigurationRecorderNames=["default"])
    recorder = recorder["ConfigurationRecorders"][0]
    group = {"allSupported": False, "resourceTypes": ["AWS::S3::Bucket"]}
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": recorder["roleARN"], "recordingGroup": group}
    )
    (found,) = place.checks("blocks")
    left_out = found["told"].removeprefix("default leaves out ").split(", ")
    assert "AWS::EC2::SecurityGroup" in left_out
    assert "AWS::S3::Bucket" not in left_out


def test_a_recorder_of_somebody_else_blocks_where_the_stack_would_make_one(place: Doctored) -> None:
    place.write(recorder="create")
    (found,) = place.checks("blocks")
    assert (found["account"], found["remedy"]) == (TEAM, "set recorder: existing")


def test_a_missing_recorder_blocks_unless_the_stack_makes_it(place: Doctored) -> None:
    config = place.client(TEAM, "config")
    config.stop_configuration_recorder(ConfigurationRecorderName="default")
    config.delete_delivery_channel(DeliveryChannelName="default")
    config.delete_configuration_recorder(ConfigurationRecorderName="default")
    (found,) = place.checks("blocks")
    assert "there is none" in found["told"]
    place.write(recorder="create")
    assert place.checks("blocks") == []


def test_a_member_stack_before_the_security_stack_is_told_what_is_missing(place: Doctored) -> None:
    place.write(**MEMBERS)
    found = {(line["check"], line["account"]) for line in place.checks("blocks")}
    assert found == {
        ("trusted access", MANAGEMENT),
        ("delegated administrators", MANAGEMENT),
        ("deployment role", HUB),
        ("deployment role", TEAM),
    }
    told = [line["told"] for line in place.checks("blocks") if line["account"] == HUB]
    assert told == ["palisade-policies-local is not there"]


def test_a_deployment_role_that_admits_another_pipeline_blocks(place: Doctored) -> None:
    make_role(place, "palisade-deployment", f"arn:aws:iam::{MANAGEMENT}:role/somebody")
    (found,) = [line for line in place.checks("blocks") if line["check"] == "deployment role"]
    assert "does not admit arn:aws:iam::200000000002:role/palisade-pipeline" in found["told"]


def test_names_that_strangers_have_block_and_are_named(place: Doctored) -> None:
    place.client(TEAM, "sqs").create_queue(QueueName="palisade-detect-dlq", tags={"palisade:prefix": "other"})
    make_role(place, "palisade-reader", f"arn:aws:iam::{TEAM}:root")
    place.client(HUB, "s3").create_bucket(
        Bucket=f"palisade-code-{HUB}-{HOME}", CreateBucketConfiguration={"LocationConstraint": HOME}
    )
    found = {line["told"] for line in place.checks("blocks")}
    assert found == {
        "role palisade-reader is there without the tag palisade:prefix",
        "queue palisade-detect-dlq is there of another deployment (palisade:prefix: other)",
        f"bucket palisade-code-{HUB}-{HOME} is there without the tag palisade:prefix",
    }


def test_a_bucket_of_another_account_takes_the_name(place: Doctored) -> None:
    place.client(TEAM, "s3").create_bucket(
        Bucket=f"palisade-code-{HUB}-{HOME}", CreateBucketConfiguration={"LocationConstraint": HOME}
    )
    (found,) = place.checks("blocks")
    assert (found["account"], found["check"]) == (HUB, "names")


def test_another_administrator_of_security_hub_blocks(place: Doctored) -> None:
    place.client(MANAGEMENT, "organizations").enable_aws_service_access(ServicePrincipal="securityhub.amazonaws.com")
    place.client(MANAGEMENT, "securityhub").enable_organization_admin_account(AdminAccountId=TEAM)
    found = [line for line in place.checks("blocks") if line["check"] == "delegated administrators"]
    assert [f"securityhub.amazonaws.com: {TEAM} administers it" in line["told"] for line in found] == [True]


def test_an_aggregator_in_another_region_blocks_and_one_at_home_is_to_be_imported(wide: Doctored) -> None:
    wide.client(MANAGEMENT, "organizations").enable_aws_service_access(ServicePrincipal="securityhub.amazonaws.com")
    for region in (HOME, AWAY):
        wide.client(MANAGEMENT, "securityhub", region).enable_organization_admin_account(AdminAccountId=HUB)
    arn = wide.client(HUB, "securityhub", AWAY).create_finding_aggregator(RegionLinkingMode="NO_REGIONS")
    (found,) = wide.checks("blocks")
    assert found["told"] == f"findings are aggregated in {AWAY}, and the home Region is {HOME}"
    hub = wide.client(HUB, "securityhub", AWAY)
    hub.delete_finding_aggregator(FindingAggregatorArn=arn["FindingAggregatorArn"])
    wide.client(HUB, "securityhub").create_finding_aggregator(RegionLinkingMode="NO_REGIONS")
    warned = [line for line in wide.checks("warns") if line["check"] == "finding aggregator"]
    assert [line["remedy"].startswith("pulumi import") for line in warned] == [True]


def test_a_service_control_policy_in_the_way_is_named_with_its_statement(place: Doctored) -> None:
    deny = {"Sid": "NoFunctions", "Effect": "Deny", "Action": "lambda:Create*", "Resource": "*"}
    attach(place, "guardrail", deny)
    found = place.checks("blocks")
    assert [(line["account"], line["check"]) for line in found] == [(TEAM, "service control policies")]
    assert f"guardrail (NoFunctions) at {TEAM} denies the deployment role lambda:CreateFunction" in found[0]["told"]


def test_a_policy_that_denies_remediation_alone_warns(place: Doctored) -> None:
    place.write(only="EC2.13")
    attach(place, "no-edits", {"Effect": "Deny", "Action": "ec2:Revoke*", "Resource": "*"})
    assert place.checks("blocks") == []
    warned = [line["told"] for line in place.checks("warns") if line["check"] == "service control policies"]
    assert warned == [
        f"no-edits (statement 1) at {TEAM} denies the writer role ec2:RevokeSecurityGroupIngress: "
        "its remediations will fail"
    ]


def test_a_region_that_the_account_has_not_enabled_blocks(place: Doctored) -> None:
    found = place.checks("blocks", "--accounts", TEAM, "--regions", f"{HOME},ap-east-1")
    assert [(line["check"], line["account"]) for line in found] == [("Regions", TEAM)]
    assert "ap-east-1 is not-opted-in" in found[0]["told"]


def test_an_account_that_nothing_enters_is_told_with_its_roles(place: Doctored) -> None:
    found = [line for line in place.checks("blocks", "--stack", "here", "--role", "nobody") if line["account"] == TEAM]
    assert [line["check"] for line in found] == ["account"]
    for role in ("nobody", "palisade-deployment"):
        assert f"role {role} of account {TEAM} cannot be entered" in found[0]["told"]


def test_after_the_first_up_the_names_are_ours_and_nothing_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployed() as loop:
        place = settled(loop.organization, tmp_path, monkeypatch)
        place.write(targets={"accounts": [TEAM]})
        lines = place.lines()
    assert [line for line in lines if line.get("level") == "blocks"] == []
    names = {line["told"] for line in lines if line.get("check") == "names"}
    assert names
    assert all("are ours already" in told for told in names)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "name a stack by --stack, or accounts and Regions"),
        (("--stack", "nowhere"), "there is no stack 'nowhere' in"),
        (("--accounts", TEAM), "name a stack by --stack, or accounts and Regions"),
        (("--accounts", "x", "--regions", HOME), "'x' is not an account id of 12 digits"),
        (("--stack", "here", "--accounts", "999999999999"), "does not deploy to 999999999999"),
    ],
)
def test_bad_input_is_refused_in_one_line_with_exit_code_2(
    place: Doctored, options: tuple[str, ...], told: str
) -> None:
    done = place.run(*options)
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_no_yaml_is_refused(place: Doctored) -> None:
    (place.folder / "Pulumi.here.yaml").write_text("config: [", encoding="utf-8")
    done = place.run("--stack", "here")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "Pulumi.here.yaml cannot be read" in done.stderr


def make_role(place: Doctored, name: str, trusted: str) -> None:
    """Make a role of the team that one principal may enter; a role that is named must be there."""
    if ":role/" in trusted:
        principal = trusted.split(":")[4]
        trust = statement({"AWS": f"arn:aws:iam::{principal}:root"}, {"ArnEquals": {"aws:PrincipalArn": trusted}})
    else:
        trust = statement({"AWS": trusted}, {})
    place.client(TEAM, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def statement(principal: dict[str, str], condition: dict[str, Any]) -> str:
    one = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**one, **({"Condition": condition} if condition else {})}]}
    )


def attach(place: Doctored, name: str, denied: dict[str, Any]) -> None:
    """Attach a service control policy to the team."""
    organizations = place.client(MANAGEMENT, "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    made = organizations.create_policy(
        Name=name,
        Description=name,
        Type="SERVICE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": [denied]}),
    )
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=TEAM)
