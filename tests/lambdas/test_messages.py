"""Whole messages, as people receive them, beside this file in `messages/`; and those for a chat, by their schema.

A text that is meant to change is written anew by running this file: `python -m tests.lambdas.test_messages`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Audience, Change, Grant, Plan
from lambdas.remediation import describe, links, messages, redaction, storms, written
from lambdas.remediation.attempt import said_of
from lambdas.remediation.messages import Message
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.tell import Voice
from tests.lambdas.remediation_requests import ACCOUNT, REGION, S3, SSH, finding, request

TEXTS = Path(__file__).parent / "messages"
DEADLINE = 1_767_960_000
RULE = {"SecurityGroupRuleId": "sgr-1", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "0.0.0.0/0"}
OFFICE = {**RULE, "SecurityGroupRuleId": "sgr-2", "CidrIpv4": "10.0.0.0/8", "Description": "office"}
GROUP = {
    "GroupId": "sg-0123456789abcdef0",
    "VpcId": "vpc-1",
    "Rules": [
        {**one, "IsEgress": False, "GroupId": "sg-0123456789abcdef0", "GroupOwnerId": ACCOUNT} for one in (RULE, OFFICE)
    ],
    "Tags": [{"Key": "Owner", "Value": "team-a"}, {"Key": "aws:cloudformation:stack-name", "Value": "web"}],
}
MENDED = {**GROUP, "Rules": [GROUP["Rules"][1]]}
MANAGED = {"tags": {"Owner": "team-a"}, "managers": ("CloudFormation (stack web)",), "code": "Web in the template"}


ARN = request().resource.arn
OPEN = {"GroupId": "sg-0123456789abcdef0", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}]}
CLOSE = {"GroupId": "sg-0123456789abcdef0", "SecurityGroupRuleIds": ["sgr-1"]}
PLAN = Plan(
    (
        Change(
            "revoke",
            "ec2",
            "revoke_security_group_ingress",
            CLOSE,
            (Grant("ec2:RevokeSecurityGroupIngress", (ARN,)),),
            inverse=Change(
                "restore",
                "ec2",
                "authorize_security_group_ingress",
                OPEN,
                (
                    Grant(
                        "ec2:AuthorizeSecurityGroupIngress", (ARN,), {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}
                    ),
                ),
                irreversible="it is an undo",
            ),
        ),
    ),
    (Audience.OWNER,),
    leaves=("sgr-2: it admits 10.0.0.0/8 alone",),
    message="Security group sg-0123456789abcdef0 (web) lets anyone reach port 22; one network interface uses it.",
)


def details(**more: Any) -> dict[str, Any]:
    """What an attempt knows of a group that is open to everybody."""
    return {"before": GROUP, "plan": redaction.plan(written.plan(PLAN)), "audience": ("owner",), **MANAGED, **more}


def result(outcome: Outcome, reason: str, **more: Any) -> Result:
    known = details(**more)
    return Result(outcome, reason, known, said_of(known["plan"], known), due=DEADLINE)


def of(outcome: Outcome, reason: str, **more: Any) -> Message:
    return messages.of_result(request(), result(outcome, reason, **more), "production", "Owner", REGION)


def undone() -> Message:
    asked = replace(request(), id="u-0123456789abcdef01234567")
    person = "arn:aws:sts::200000000002:assumed-role/operators/ann"
    (revoke,) = PLAN.changes
    assert revoke.inverse is not None
    plan = redaction.plan(written.plan_of_changes([revoke.inverse]))
    known = {"before": MENDED, "after": GROUP, "plan": plan, "undoes": request().id, "by": person, **MANAGED}
    ended = Result(Outcome.UNDONE, "as before, field by field", known, tuple(describe.recorded(plan)))
    return messages.of_result(asked, ended, "production", "Owner", REGION)


def digest() -> Message:
    items = [
        {
            "control": "EC2.13",
            "outcome": "remediated",
            "environment": "production",
            "account": account,
            "region": REGION,
            "resource": SSH.resource(request().resource.place, f"sg-{number:017d}").arn,
            "reason": "No inbound rule opens TCP port 22 to everybody.",
        }
        for number, account in enumerate((ACCOUNT, ACCOUNT, "333333333333"))
    ]
    one = storms.digest([{name: {"S": value} for name, value in item.items()} for item in items])
    return messages.of_lines(one["subject"], one["lines"], one["attributes"])


MESSAGES: Mapping[str, Callable[[], Message]] = {
    "remediated": lambda: of(
        Outcome.REMEDIATED, "No inbound rule opens TCP port 22 to everybody.", after=MENDED
    ),
    "awaiting-approval": lambda: of(Outcome.AWAITING_APPROVAL, "the mode of this control is approve"),
    "dry-run": lambda: of(Outcome.DRY_RUN, "the mode of this control is dry-run"),
    "failed": lambda: of(
        Outcome.FAILED,
        "revoke: ec2.revoke_security_group_ingress was refused with UnauthorizedOperation: an SCP denies it; "
        "what was there before is restored; tried again in 1 hour",
    ),
    "undone": undone,
    "digest": digest,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_reads_as_it_was_reviewed(name: str) -> None:
    assert MESSAGES[name]().text() + "\n" == (TEXTS / f"{name}.txt").read_text(encoding="utf-8")


def test_a_call_with_a_whole_script_is_shortened_in_a_message_and_whole_in_the_ledger() -> None:
    (revoke,) = PLAN.changes
    script = "\n".join(f"echo {number}" for number in range(1000))
    document = redaction.plan(written.plan(replace(PLAN, changes=(replace(revoke, parameters={"Script": script}),))))
    (line,) = [one for one in said_of(document, {}) if "echo 1" in one and "revoke" in one]
    (whole,) = [one for one in describe.recorded(document) if "echo 999" in one and one.startswith("1.")]
    assert len(line) < 1100
    assert line.startswith(whole[:500])
    assert line.endswith(f"({len(whole)} characters, whole in the ledger)")


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_for_a_chat_is_a_custom_notification(name: str) -> None:
    said = json.loads(MESSAGES[name]().chat())
    assert set(said) == {"version", "source", "content", "metadata"}
    assert (said["version"], said["source"]) == ("1.0", "custom")
    content, metadata = said["content"], said["metadata"]
    assert set(content) <= {"textType", "title", "description", "nextSteps", "keywords"}
    assert content["textType"] == "client-markdown"
    assert 0 < len(content["title"]) <= 200
    assert 0 < len(content["description"]) <= 3000
    assert len(content.get("nextSteps", [])) <= 5
    assert set(metadata) <= {"threadId", "summary", "eventType", "relatedResources", "additionalContext"}
    assert all(isinstance(value, str) for value in metadata["additionalContext"].values())


def test_messages_about_one_resource_share_a_thread_and_those_about_others_do_not() -> None:
    first, again = MESSAGES["awaiting-approval"](), MESSAGES["remediated"]()
    other = messages.of_result(
        request("sg-00000000000000000"), Result(Outcome.REFUSED, "r"), "production", "Owner", REGION
    )
    assert first.thread == again.thread != other.thread


def test_a_chat_shows_how_to_approve_and_attributes_stay_what_subscribers_filter_on() -> None:
    class Topic:
        sent: Mapping[str, Any]

        def publish(self, **given: Any) -> None:
            self.sent = given

    topic = Topic()
    asked = result(Outcome.AWAITING_APPROVAL, "the mode of this control is approve")
    arn = f"arn:aws:sns:{REGION}:200000000002:palisade-notifications"
    Voice(topic, topic, arn, "chat").publish(request(), asked, "production", "Owner")
    content = json.loads(topic.sent["Message"])["content"]
    assert content["nextSteps"][0].startswith(f"Approve: palisade approve {request().id} (until 2026-01-09")
    assert topic.sent["MessageAttributes"]["outcome"]["StringValue"] == "awaiting-approval"
    assert topic.sent["MessageAttributes"]["owner"]["StringValue"] == "team-a"


def test_a_name_from_another_account_makes_no_link_in_a_chat() -> None:
    known = {"tags": {"Owner": "<https://example.com|click> <!channel>"}}
    said = messages.of_result(request(), Result(Outcome.REFUSED, "a & b", known), "production", "Owner", REGION)
    description = json.loads(said.chat())["content"]["description"]
    assert "<" not in description
    assert "a &amp; b" in description


def test_what_cannot_be_undone_is_said() -> None:
    known = details()
    known["plan"]["changes"][0] |= {"inverse": None, "irreversible": "nothing brings it back"}
    said = messages.of_result(request(), Result(Outcome.REMEDIATED, "r", known), "production", "Owner", REGION)
    assert said.steps == ("No undo: nothing brings it back",)


def test_secrets_are_not_told() -> None:
    said = of(Outcome.DRY_RUN, "r", before={"UserData": "secret", "Name": "n"})
    assert "UserData: (not recorded)" in said.text()
    assert "secret" not in said.text()


@pytest.mark.parametrize(
    ("partition", "region", "domain"),
    [
        ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_links_lead_to_the_console_of_the_partition(partition: str, region: str, domain: str) -> None:
    place = replace(request().resource.place, partition=partition, region=region)
    bucket = links.of_resource(S3.resource(place, "data"))
    assert bucket == f"{domain}s3/buckets/data?region={region}"
    assert (links.of_finding(partition, region, "palisade/a") or "").startswith(f"{domain}securityhub/home?region=")


def test_a_partition_without_a_public_console_has_no_links_and_other_types_are_shown_by_config() -> None:
    group = request().resource
    assert links.of_resource(replace(group, partition="aws-iso")) is None
    assert "config/home" in (links.of_resource(replace(group, type="AWS::Any::Thing")) or "")
    assert "palisade%252FEC2.13" in (links.of_finding("aws", REGION, finding()["Id"]) or "")


def test_settings_of_an_account_have_no_page_to_link() -> None:
    place = request().resource.place
    assert links.of_resource(catalog()["EC2.7"].resource(place, place.account)) is None


def test_a_load_balancer_is_shown_by_its_arn() -> None:
    balancer = catalog()["Palisade.ELB.1"].resource(request().resource.place, "app/web/0123456789abcdef")
    shown = links.of_resource(balancer) or ""
    assert unquote(shown).endswith(f"#LoadBalancer:loadBalancerArn={balancer.arn}")


def test_a_plan_names_what_each_call_sets_anew() -> None:
    def encryption(algorithm: str, **more: Any) -> Change:
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]
        given = {"Bucket": "data", "ServerSideEncryptionConfiguration": {"Rules": rules}}
        return Change("encrypt", "s3", "put_bucket_encryption", given, (), **more)

    plan = Plan((encryption("aws:kms", inverse=encryption("AES256", irreversible="it is an undo")),))
    (line,) = [one.strip() for one in describe.lines(plan) if "changes:" in one]
    assert line.endswith("ApplyServerSideEncryptionByDefault.SSEAlgorithm: AES256 -> aws:kms")


if __name__ == "__main__":
    for name, make in MESSAGES.items():
        (TEXTS / f"{name}.txt").write_text(make().text() + "\n", encoding="utf-8")
