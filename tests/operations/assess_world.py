"""`palisade assess` run in a local organisation through the command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner, Result

from operations import local_estate
from operations.cli import app
from simulator.door import Entry
from simulator.local import LocalOrganization

HOME, AWAY = "eu-west-1", "us-east-1"
TEAM, OTHER = "300000000001", "300000000002"


@dataclass
class Assessed:
    """The organisation, and what a run of the command left in the front door's log."""

    organization: LocalOrganization
    folder: Path

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(app, ["assess", *options])

    def lines(self, *options: str) -> list[dict[str, Any]]:
        """Run with --json; the lines of resources that tests made, and all that is unread."""
        done = self.run("--json", *options)
        assert done.exit_code in (0, 1), done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def calls(self, *options: str) -> list[Entry]:
        before = len(self.organization.door.log)
        self.run(*options)
        return list(self.organization.door.log)[before:]

    def write(self, **settings: Any) -> None:
        """Write the settings of a stack called here."""
        config = {**local_estate.stack_config(self.organization), **settings}
        text = yaml.safe_dump({"config": {f"palisade:{key}": value for key, value in config.items()}})
        (self.folder / "Pulumi.here.yaml").write_text(text, encoding="utf-8")

    def group(self, name: str, *, broken: bool = True, tags: dict[str, str] | None = None) -> str:
        """Make a security group in the first team's home Region; return its ARN."""
        return self.group_in(TEAM, HOME, name, broken=broken, tags=tags or {})

    def group_in(self, account: str, region: str, name: str, *, broken: bool, tags: dict[str, str]) -> str:
        ec2 = self.organization.session(account, region).client("ec2")
        made = ec2.create_security_group(GroupName=name, Description=name)["GroupId"]
        if tags:
            ec2.create_tags(Resources=[made], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        if broken:
            ec2.authorize_security_group_ingress(
                GroupId=made, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
            )
        return f"arn:aws:ec2:{region}:{account}:security-group/{made}"


def of(lines: list[dict[str, Any]], arn: str, control: str | None = None) -> dict[str, Any]:
    (found,) = [line for line in lines if line["resource"] == arn and control in (None, line["control"])]
    return found


def document(*statements: dict[str, Any]) -> str:
    """Write a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
