"""What people and time set going in the deployed program: the endpoint, custom actions, the sweep, long plans."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import boto3

from lambdas.controls import catalog
from lambdas.controls.model import Place, Plan, Probe, Resource
from lambdas.remediation import assembly
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.request import parse
from operations.local_estate import HUB
from operations.signed_request import send
from simulator.services.event_fanout import Mail
from simulator.services.security_hub import SecurityHub
from simulator.services.sns import Topics
from tests.organization.loop_world import open_group
from tests.organization.policy_world import APPROVERS, EC2, EXEMPT, HOME, PRODUCTION, Estate

SWEPT, MOMENT = timedelta(minutes=6), timedelta(seconds=10)
# One more than are told singly.
STORM = 4


class People:
    """People of the hub, and the clock."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.organization, self.names = estate.organization, estate.names

    def asks(self, action: str, remediation: str = "", role: str = APPROVERS) -> Any:
        """What the endpoint answers a person; raises AssertionError where it does not do it."""
        body = {"action": action, "remediation": remediation}
        status, said = send(self.estate.person(role), self.estate.endpoint, HOME, body)
        assert status == 200, said
        self.organization.rest()
        return said

    def chooses(self, action: str, resource: Resource) -> None:
        """Choose a custom action for the finding of a resource in Security Hub's console."""
        finding = self.finding(resource)
        actions = self.organization.world.service(SecurityHub).actions
        arn = f"arn:aws:securityhub:{HOME}:{HUB}:action/custom/{action}"
        self.organization.do(lambda: actions.choose(arn, [(finding["ProductArn"], finding["Id"])]))
        self.organization.rest()

    def finding(self, resource: Resource) -> dict[str, Any]:
        """The finding of a resource, as the hub sees it."""
        wanted: Any = {"ResourceId": [{"Value": resource.arn, "Comparison": "EQUALS"}]}
        (found,) = self.estate.hub.client("securityhub").get_findings(Filters=wanted)["Findings"]
        return dict(found)

    def entries(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """The ledger: when, of which remediation, which entry, and what it says; the earliest first."""
        pages = self.estate.hub.client("dynamodb").get_paginator("scan").paginate(TableName=self.names.ledger_table)
        return sorted(
            (
                (item["at"]["S"], item["remediation"]["S"], item["entry"]["S"], json.loads(item["body"]["S"]))
                for page in pages
                for item in page["Items"]
            ),
            key=lambda one: one[:3],
        )

    def outcomes(self, resource: Resource) -> list[str]:
        """How the remediations of a resource ended, the earliest first."""
        return [
            body["outcome"] for *_, body in self.entries() if body.get("resource") == resource.arn and "outcome" in body
        ]

    def asked(self, resource: Resource) -> str:
        """The remediation of a resource about which people were asked last."""
        questions = [
            remediation
            for _, remediation, entry, body in self.entries()
            if entry.startswith("asked-") and body["resource"] == resource.arn
        ]
        return questions[-1]

    def remediation(self, resource: Resource) -> str:
        """The last remediation of a resource that has ended."""
        return [
            one for _, one, entry, body in self.entries() if entry == "outcome" and body.get("resource") == resource.arn
        ][-1]

    def hasten(self, resource: Resource) -> None:
        """Make the case of a group due at once, and let the sweep come.

        Again and again, for a step of a long plan makes its case due an hour later.
        """
        for _ in range(int(SWEPT / MOMENT)):
            self._due(resource)
            self.organization.advance(MOMENT)

    def _due(self, resource: Resource) -> None:
        self.estate.hub.client("dynamodb").update_item(
            TableName=self.names.state_table,
            Key={"key": {"S": f"case#{EC2}#{resource.account}#{resource.region}#{resource.arn}"}},
            UpdateExpression="SET due = :now, deadline = :now",
            ExpressionAttributeValues={":now": {"N": str(int(self.now().timestamp()))}},
        )

    def now(self) -> Any:
        """The time in the organisation."""
        return self.organization.do(self.organization.world.agenda.now)

    def mails(self) -> list[Mail]:
        """Everything that people were told."""
        topics = self.organization.world.service(Topics)
        return self.organization.do(lambda: list(topics.mailbox))


def opened(people: People, **tags: str) -> Resource:
    """A group in the production account's home Region that anybody reaches by SSH."""
    group = open_group(people.estate.member(PRODUCTION), **tags)
    return catalog()[EC2].resource(Place("aws", PRODUCTION, HOME), group.id)


def approved(people: People, resource: Resource) -> list[str]:
    """Approve the plan that waits for a resource; the changes that were made."""
    identifier = people.asked(resource)
    people.asks("approve", identifier)
    return [
        body["change"]
        for _, remediation, entry, body in people.entries()
        if remediation == identifier and entry.endswith("-response")
    ]


def taken_back(people: People, resources: Iterable[Resource]) -> None:
    """Undo what controls have remediated beside the chosen cases: some of their permissions are for that alone."""
    for resource in resources:
        if people.outcomes(resource)[-1:] != ["remediated"]:
            continue
        remediation = people.remediation(resource)
        made = [body for _, one, entry, body in people.entries() if one == remediation and "-response" in entry]
        if all(body.get("inverse") for body in made if "request_id" in body):
            people.asks("undo", remediation)


def undone(people: People, resource: Resource) -> list[str]:
    """Undo the remediation of a resource, and lift the hold; its outcomes."""
    remediation = people.remediation(resource)
    people.asks("undo", remediation)
    people.asks("lift", remediation)
    return people.outcomes(resource)


def requested(people: People, resource: Resource) -> list[str]:
    """Request an undo by a custom action, and let nobody answer; the outcomes of the resource."""
    people.chooses("PalisadeUndo", resource)
    people.hasten(resource)
    return people.outcomes(resource)


def warned(people: People) -> list[str]:
    """Let an exemption come to its last week; the outcomes that people were told of its resource."""
    group = opened(people, **EXEMPT)
    people.organization.rest()
    people.hasten(group)
    return [mail.attributes["outcome"] for mail in people.mails() if group.arn in mail.message]


def storm(people: People) -> list[str]:
    """Break more at once than is told singly; the kinds of the digests that came of it."""
    before = len(people.mails())
    for _ in range(STORM):
        opened(people)
    people.organization.rest()
    people.organization.advance(SWEPT)
    return [mail.subject.split(":")[0] for mail in people.mails()[before:] if mail.attributes.get("digest")]


def long_plan(people: People) -> list[str]:
    """Remediate a group by a plan that takes time, whose steps the sweep asks after; the outcomes of the group.

    No control of the catalog has such a plan. The central role hands one over here as the remediate function would, and
    everything after that is the deployed program. Meanwhile the emergency stop has kept that function away.
    """
    people.asks("stop")
    group = opened(people)
    people.organization.rest()
    people.asks("resume")
    finding = people.finding(group)
    with patch.dict(os.environ, _environment(people.estate)):
        pipeline: Pipeline = assembly.pipeline_of.__wrapped__(
            f"arn:aws:lambda:{HOME}:{HUB}:function:{people.names.remediate_function}"
        )
        request = parse(finding, "aws")
        policy = pipeline.policies.of(PRODUCTION)
        assert policy is not None
        pipeline.remediate(replace(request, control=_slow(group)), policy, "run")
    people.organization.advance(SWEPT)
    people.hasten(group)
    outgoing: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    people.estate.member(PRODUCTION).client("ec2").revoke_security_group_egress(
        GroupId=group.id, IpPermissions=outgoing
    )
    people.organization.advance(timedelta(minutes=20))
    return people.outcomes(group)


def _slow(group: Resource) -> Any:
    """The control of a group, with a plan that has taken when nothing leaves the group any more."""
    control = catalog()[EC2]

    def plan(*given: Any) -> Any:
        made = control.plan(*given)
        assert isinstance(made, Plan)
        effect = Probe(
            service="ec2",
            operation="describe_security_group_rules",
            parameters={"Filters": [{"Name": "group-id", "Values": [group.id]}]},
            path="length(SecurityGroupRules[?IsEgress])",
            expected=(0,),
            interval=300,
            timeout=7200,
        )
        return replace(made, changes=(*made.changes[:-1], replace(made.changes[-1], effect=effect)))

    return replace(control, plan=plan)


def _environment(estate: Estate) -> dict[str, str]:
    """The remediate function's variables, with a session of its role."""
    function = estate.hub.client("lambda").get_function_configuration(FunctionName=estate.names.remediate_function)
    session: boto3.Session = estate.function(HUB, estate.names.remediation_role)
    credentials = session.get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    return {
        **function["Environment"]["Variables"],
        "AWS_DEFAULT_REGION": HOME,
        "AWS_ACCESS_KEY_ID": str(frozen.access_key),
        "AWS_SECRET_ACCESS_KEY": str(frozen.secret_key),
        "AWS_SESSION_TOKEN": str(frozen.token),
    }
