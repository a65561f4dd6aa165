"""The commands of people run in a local organisation, by the shell's credentials of several roles of the hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lambdas.controls.model import Resource
from operations import local_estate
from operations.cli import app
from operations.local_estate import APPROVERS, HUB
from tests.organization.loop_world import NAMES, NOTIFIED, REGION, SSH, TEAM, Loop, deployed

STRANGERS, OTHERS = "strangers", "other-approvers"
NAMED = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")
DEFAULT_REGION = "AWS_DEFAULT_REGION"


@dataclass
class People:
    """The organisation, and what people do there by the command."""

    loop: Loop
    monkeypatch: pytest.MonkeyPatch

    def enter(self, role: str, session: str = "somebody") -> None:
        """Give the shell the credentials of a role of the hub."""
        sts = self.loop.hub.client("sts")
        held = sts.assume_role(RoleArn=f"arn:aws:iam::{HUB}:role/{role}", RoleSessionName=session)["Credentials"]
        keys = (held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"])
        for name, value in zip(NAMED[1:4], keys, strict=True):
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setenv("AWS_REGION", REGION)
        self.monkeypatch.setenv(DEFAULT_REGION, REGION)

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        """Run the command; `answer` is what people type."""
        return CliRunner().invoke(app, list(arguments), input=answer, env={"COLUMNS": "300"})

    def done(self, *arguments: str, answer: str | None = None) -> str:
        """Run the command, which succeeds; what it prints."""
        ran = self.run(*arguments, answer=answer)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run the command, which does nothing; its one line."""
        ran = self.run(*arguments)
        assert ran.exit_code == code, ran.output
        said = [line for line in ran.stderr.splitlines() if line.startswith("palisade: ")]
        assert len(said) == 1, ran.output
        return said[0].removeprefix("palisade: ")

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Run the command with --json."""
        return [json.loads(line) for line in self.done(*arguments, "--json").splitlines()]

    def asked(self, resource: Resource) -> str:
        """The id of the remediation that asks about a resource."""
        (found,) = {
            remediation
            for (remediation, entry), body in self.loop.ledger().items()
            if entry.startswith("asked-") and body["resource"] == resource.arn
        }
        return found

    def remediated(self, resource: Resource) -> str:
        """The id of the remediation that has changed a resource."""
        (found,) = {
            remediation
            for (remediation, _), body in self.loop.ledger().items()
            if body.get("resource") == resource.arn and body.get("outcome") == "remediated"
        }
        return found

    def answers(self) -> list[tuple[str, str]]:
        """What the ledger has of answers."""
        kinds = ("approved-", "rejected-")
        return sorted(key for key in self.loop.ledger() if key[1].startswith(kinds))

    def mode(self, account: str, mode: str) -> None:
        """Write the mode of EC2.13 into an account's policy, as its environment's stack does."""
        dynamodb = self.loop.hub.client("dynamodb")
        key: Any = {"environment": {"S": "local"}, "account": {"S": account}}
        item = dynamodb.get_item(TableName=NAMES.policies_table, Key=key)["Item"]
        document = json.loads(item["document"]["S"])
        document["modes"][SSH.id] = mode
        changed: Any = {**item, "document": {"S": json.dumps(document)}}
        dynamodb.put_item(TableName=NAMES.policies_table, Item=changed)
        self.loop.organization.advance(timedelta(minutes=2))

    def passing(self) -> Callable[[float], None]:
        """Let time pass in the organisation where the command waits."""
        return lambda seconds: self.loop.organization.advance(timedelta(seconds=seconds))


@contextmanager
def people(mode: str = "approve") -> Iterator[People]:
    """Open an organisation whose EC2.13 has a mode, with strangers and with approvers of another environment alone.

    A third environment names no approvers.
    """
    with deployed(**_settings(mode)) as loop, pytest.MonkeyPatch.context() as monkeypatch:
        iam = loop.hub.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
            ],
        }
        for role in (STRANGERS, OTHERS):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
            document = local_estate.approvers_policies("aws", REGION)["answer"]
            iam.put_role_policy(RoleName=role, PolicyName="answer", PolicyDocument=json.dumps(document))
        for name in NAMED:
            monkeypatch.delenv(name, raising=False)
        opened = People(loop, monkeypatch)
        opened.enter(APPROVERS)
        yield opened


def _settings(mode: str) -> dict[str, Any]:
    approvers, others = (f"arn:aws:iam::{HUB}:role/{role}" for role in (APPROVERS, OTHERS))
    return {
        "overrides": [],
        "controls": {SSH.id: {"mode": mode}},
        "targets": {"accounts": [TEAM, NOTIFIED]},
        "exemptions": [],
        "environments": {
            "local": {"approvalDays": 1},
            "other": {"approvers": [approvers, others]},
            "empty": {"accounts": [HUB]},
        },
    }
