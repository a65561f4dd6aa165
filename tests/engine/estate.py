"""A small organisation to deploy into by the real engine: hub first, members after it, one Region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.controls import catalog
from operations import local_estate
from operations.engine import Engine, Stack, Workspace
from simulator.engine.server import ProviderServer
from simulator.local import LocalOrganization

REGION = "eu-west-1"
CONTROLS = ("EC2.13", "Palisade.S3.1")
WORLD_OPEN: Any = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
FIRST, SECOND = (str(local_estate.FIRST_MEMBER + number) for number in range(2))


@dataclass(frozen=True, slots=True)
class Estate:
    """The organisation, and where stacks of the program are run."""

    organization: LocalOrganization
    workspace: Workspace

    def stack(self, name: str, *layers: str, **changes: Any) -> Stack:
        """Make a stack of some layers."""
        return self.workspace.stack(name, self.config(*layers, **changes))

    def config(self, *layers: str, **changes: Any) -> dict[str, Any]:
        """The settings of a stack of some layers; two controls are enough for what the engine does with them."""
        config = local_estate.stack_config(self.organization)
        off = {control: {"mode": "off"} for control in catalog() if control not in CONTROLS}
        return {**config, "controls": {**config["controls"], **off}, "layers": list(layers), **changes}

    def client(self, account: str, service: str) -> Any:
        """An administrator's client in an account."""
        session: Any = self.organization.session(account, REGION)
        return session.client(service)

    def changing_calls(self, work: Callable[[], object]) -> list[str]:
        """The calls that change something while work is done; entering a role is none."""
        before = len(self.organization.door.log)
        work()
        made = self.organization.door.log[before:]
        return [one.called for one in made if one.mutating and one.service != "sts"]

    def open_group(self, account: str, name: str) -> str:
        """Have a team open SSH to the world, let the loop come to rest, and return the group's id."""
        ec2 = self.client(account, "ec2")
        group: str = ec2.create_security_group(GroupName=name, Description="of a test")["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=WORLD_OPEN)
        self.organization.rest()
        return group

    def findings(self, account: str) -> list[dict[str, Any]]:
        """The findings of an account, ours and others'."""
        pages = self.client(account, "securityhub").get_paginator("get_findings").paginate()
        return [finding for page in pages for finding in page["Findings"] if finding["AwsAccountId"] == account]

    def standing(self, account: str) -> Mapping[str, list[str]]:
        """What stands in an account, by kind."""
        iam, functions = self.client(account, "iam"), self.client(account, "lambda")
        return {
            "roles": sorted(one["RoleName"] for one in iam.list_roles()["Roles"]),
            "policies": sorted(one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]),
            "functions": sorted(one["FunctionName"] for one in functions.list_functions()["Functions"]),
            "queues": sorted(self.client(account, "sqs").list_queues().get("QueueUrls", [])),
            "events": sorted(one["Name"] for one in self.client(account, "events").list_rules()["Rules"]),
            "logs": sorted(
                one["logGroupName"] for one in self.client(account, "logs").describe_log_groups()["logGroups"]
            ),
            "config": sorted(
                one["ConfigRuleName"] for one in self.client(account, "config").describe_config_rules()["ConfigRules"]
            ),
        }


@contextmanager
def opened(
    engine: Engine, folder: Path, *, regions: tuple[str, ...] = (REGION,), checkpoints: bool = False
) -> Iterator[Estate]:
    """Found the organisation, serve its provider, and lay out a workspace."""
    plan = local_estate.plan_of(2)
    with LocalOrganization(plan, home_region=REGION, regions=regions) as organization:
        local_estate.prepare(organization)
        pipeline = (local_estate.HUB, local_estate.pipeline_role(organization))
        with ProviderServer(organization, pipeline) as server:
            yield Estate(organization, Workspace.make(engine, folder, server.port, checkpoints=checkpoints))
