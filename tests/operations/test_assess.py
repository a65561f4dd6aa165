"""`palisade assess` over a local organisation: verdicts, plans, who manages what, and that nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from lambdas.controls import catalog
from operations import local_estate, stack_settings
from operations.cli import app
from operations.local_estate import HUB, MANAGEMENT
from simulator.door import Entry
from simulator.local import LocalOrganization
from tests.organization.loop_world import REGION, deployed

HOME, AWAY = "eu-west-1", "us-east-1"
TEAM, OTHER = "300000000001", "300000000002"
ACCESS = "OrganizationAccountAccessRole"
EXEMPTION = {"control": "EC2.13", "tag": "access=bastion", "reason": "a bastion", "owner": "team"}


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


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    plan = local_estate.plan_of(2)
    with LocalOrganization(plan, home_region=HOME, regions=(HOME, AWAY)) as organization:
        local_estate.prepare(organization)
        yield organization


@pytest.fixture
def place(opened: LocalOrganization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assessed:
    credentials = opened.administrator()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(stack_settings, "STACKS", tmp_path)
    assessed = Assessed(opened, tmp_path)
    assessed.write(exemptions=[{**EXEMPTION, "expires": "2099-12-31"}])
    return assessed


def of(lines: list[dict[str, Any]], arn: str) -> dict[str, Any]:
    (found,) = [line for line in lines if line["resource"] == arn]
    return found


def test_a_broken_group_is_shown_with_each_call_its_permissions_and_the_mode_that_applies(place: Assessed) -> None:
    broken, fine = place.group("broken"), place.group("fine", broken=False)
    lines = place.lines("--stack", "here", "--role", ACCESS)
    found = of(lines, broken)
    assert (found["outcome"], found["mode"], found["control"]) == ("would change", "automatic", "EC2.13")
    assert [call["call"] for call in found["calls"]] == ["ec2:revoke_security_group_ingress"]
    assert found["calls"][0]["permissions"] == ["ec2:RevokeSecurityGroupIngress"]
    assert found["calls"][0]["undo"] == "ec2:authorize_security_group_ingress"
    assert of(lines, fine)["outcome"] == "compliant"
    assert not [line for line in lines if line["outcome"] == "cannot be read"]


def test_settings_decide_mode_parameters_and_exemptions(place: Assessed) -> None:
    spared, other = (
        place.group("spared", tags={"access": "bastion"}),
        place.group_in(OTHER, HOME, "a", broken=True, tags={}),
    )
    quiet = {"EC2.13": {"mode": "notify", "parameters": {"allowed_sources": ["10.0.0.0/8"]}}}
    place.write(
        exemptions=[{**EXEMPTION, "expires": "2099-12-31"}], overrides=[{"accounts": [OTHER], "controls": quiet}]
    )
    lines = place.lines("--stack", "here", "--role", ACCESS)
    assert (of(lines, spared)["outcome"], of(lines, spared)["reason"]) == (
        "exempted",
        "a bastion (team, until 2099-12-31)",
    )
    assert of(lines, other)["mode"] == "notify"
    assert [call["call"] for call in of(lines, other)["calls"]] == [
        "ec2:authorize_security_group_ingress",
        "ec2:revoke_security_group_ingress",
    ]
    place.write(exemptions=[{**EXEMPTION, "expires": "2020-12-31"}])
    assert of(place.lines("--stack", "here", "--role", ACCESS), spared)["outcome"] == "would change"


def test_who_manages_a_resource_is_told_from_its_tags(place: Assessed) -> None:
    arn = place.group("managed", tags={"pulumi:stack": "web", "kubernetes.io/cluster/blue": "owned", "team": "a"})
    line = of(place.lines("--stack", "here", "--role", ACCESS), arn)
    assert line["managed_by"] == ["Kubernetes (cluster blue)", "Pulumi (stack web)"]
    shown = place.run("--stack", "here", "--role", ACCESS)
    assert "managed by Pulumi (stack web)" in shown.stdout


def test_every_account_and_region_of_the_stack_is_read_once_in_a_stable_order(place: Assessed) -> None:
    far = place.group_in(OTHER, AWAY, "far", broken=True, tags={})
    first = place.lines("--stack", "here", "--role", ACCESS)
    assert first == place.lines("--stack", "here", "--role", ACCESS)
    places = list(dict.fromkeys((line["account"], line["region"]) for line in first))
    assert places == [(account, region) for account in (TEAM, OTHER) for region in (HOME, AWAY)]
    keys = [(line["account"], line["resource"]) for line in first]
    assert len(keys) == len(set(keys))
    assert of(first, far)["outcome"] == "would change"


def test_a_bucket_without_a_key_in_the_settings_is_told_only(place: Assessed) -> None:
    place.organization.session(TEAM, AWAY).client("s3").create_bucket(Bucket="palisade-told-only")
    lines = place.lines("--accounts", TEAM, "--regions", AWAY, "--role", ACCESS)
    found = of(lines, "arn:aws:s3:::palisade-told-only")
    assert (found["outcome"], found["mode"], found["calls"]) == ("told only", "notify", [])
    assert "set the parameter `key`" in found["reason"]
    planned = of(place.lines("--stack", "here", "--role", ACCESS), "arn:aws:s3:::palisade-told-only")
    assert (planned["outcome"], planned["mode"]) == ("would change", "automatic")
    assert planned["ceiling"].startswith("approve, lifted (")
    assert "cut off" in planned["ceiling"]


def test_nothing_is_changed_and_the_session_of_a_stronger_role_could_not(place: Assessed) -> None:
    place.group("watched")
    calls = place.calls("--stack", "here", "--role", ACCESS)
    assert len(calls) > 10
    assert {(one.service, one.operation) for one in calls if one.mutating} == {("sts", "AssumeRole")}
    access = stack_settings.named_stack("here", [], [], "assess").access
    ec2 = access.enter(TEAM, [ACCESS]).session(HOME).client("ec2")
    with pytest.raises(Exception, match="UnauthorizedOperation"):
        ec2.create_security_group(GroupName="never", Description="never")


def test_the_readers_alone_are_enough_and_are_the_role_where_none_is_named(place: Assessed) -> None:
    arn = place.group("by-reader")
    for account in (TEAM, OTHER):
        reader(place.organization, account)
    done = place.run("--stack", "here", "--json")
    assert done.exit_code == 0, done.output
    assert of([json.loads(line) for line in done.stdout.splitlines()], arn)["outcome"] == "would change"


def test_the_deployed_readers_admit_the_named_role_of_people_and_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployed(assessmentRole="auditor") as loop:
        assessed = Assessed(loop.organization, tmp_path)
        auditor(loop.organization, monkeypatch)
        monkeypatch.setattr(stack_settings, "STACKS", tmp_path)
        assessed.write(targets={"accounts": [TEAM, OTHER]}, assessmentRole="auditor")
        arn = assessed.group_in(TEAM, REGION, "found", broken=True, tags={})
        before = len(loop.organization.door.log)
        done = assessed.run("--stack", "here", "--json")
        calls = list(loop.organization.door.log)[before:]
    assert done.exit_code == 0, done.output
    assert of([json.loads(line) for line in done.stdout.splitlines()], arn)["outcome"] == "would change"
    roles = {one.principal.split("/")[1] for one in calls if one.account == TEAM and one.service != "sts"}
    assert roles == {"palisade-reader"}


def test_what_is_denied_is_unread_and_never_compliant(place: Assessed) -> None:
    arn = place.group("hidden")
    reader(place.organization, TEAM, without="ec2:DescribeSecurityGroupRules")
    done = place.run("--accounts", TEAM, "--regions", HOME, "--json")
    assert done.exit_code == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    line = of(lines, arn)
    assert line["outcome"] == "cannot be read"
    assert "UnauthorizedOperation" in line["reason"]
    assert not [one for one in lines if one["control"] == "EC2.13" and one["outcome"] == "compliant"]
    assert "not known to be compliant" in place.run("--accounts", TEAM, "--regions", HOME).stdout


def test_an_account_that_cannot_be_entered_hinders_no_other(place: Assessed) -> None:
    reader(place.organization, TEAM)
    place.organization.session(OTHER).client("iam").delete_role_policy(RoleName="palisade-reader", PolicyName="all")
    place.organization.session(OTHER).client("iam").delete_role(RoleName="palisade-reader")
    lines = place.lines("--stack", "here")
    (missing,) = [line for line in lines if line["account"] == OTHER]
    assert (missing["outcome"], missing["region"], missing["resource"]) == ("cannot be read", None, None)
    assert f"role palisade-reader of account {OTHER}" in missing["reason"]
    assert "--role" in missing["reason"]
    assert any(line["account"] == TEAM and line["resource"] for line in lines)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "name a stack by --stack, or accounts and Regions"),
        (("--stack", "nowhere"), "there is no stack 'nowhere'"),
        (("--stack", "../secret"), "there is no stack '../secret'"),
        (("--accounts", "12", "--regions", HOME), "'12' is not an account id of 12 digits"),
        (("--accounts", TEAM, "--regions", "eu-west-99"), "'eu-west-99' is not a Region of AWS"),
        (("--accounts", TEAM, "--regions", f"{HOME},cn-north-1"), "span partitions"),
        (("--accounts", "999999999999", "--regions", HOME), "has no account 999999999999"),
        (("--stack", "here", "--accounts", MANAGEMENT), f"does not deploy to {MANAGEMENT}"),
        (("--stack", "here", "--regions", "eu-north-1"), "does not govern eu-north-1; it governs eu-west-1"),
    ],
)
def test_bad_input_is_refused_in_one_line_with_exit_code_2(
    place: Assessed, options: tuple[str, ...], told: str
) -> None:
    done = place.run(*options)
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_settings_with_faults_are_refused_as_the_program_refuses_them(place: Assessed) -> None:
    place.write(defaultMode="automatic", hubAccount="<hub account id>")
    done = place.run("--stack", "here")
    assert done.exit_code == 2
    assert "Pulumi.here.yaml: the settings of this stack have 2 faults" in done.stderr
    assert "defaultMode: automatic" in done.stderr


def test_a_stack_of_another_organization_is_refused(place: Assessed) -> None:
    place.write(organizationId="o-0000000000")
    done = place.run("--stack", "here")
    assert done.exit_code == 2
    assert "organizationId: the settings say o-0000000000" in done.stderr


def test_a_stack_without_members_has_nothing_to_assess(place: Assessed) -> None:
    place.write(layers=["organization", "hub"])
    done = place.run("--stack", "here")
    assert done.exit_code == 2
    assert "here deploys no members" in done.stderr


def test_credentials_that_aws_does_not_know_are_told_as_such(place: Assessed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWNUNKNOWN00")
    done = place.run("--stack", "here")
    assert done.exit_code == 2
    assert "InvalidClientTokenId" in done.stderr


def auditor(organization: LocalOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the shell the credentials of a role of the hub that may read the organization and enter the readers."""
    iam, partition = organization.session(HUB).client("iam"), organization.world.partition
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    grants: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["organizations:Describe*", "organizations:List*"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": f"arn:{partition}:iam::*:role/palisade-reader",
        },
    ]
    iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=_document(trust))
    iam.put_role_policy(RoleName="auditor", PolicyName="assess", PolicyDocument=_document(*grants))
    held = (
        organization.session(HUB)
        .client("sts")
        .assume_role(RoleArn=f"arn:{partition}:iam::{HUB}:role/auditor", RoleSessionName="auditor")["Credentials"]
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", held["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", held["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", held["SessionToken"])


def reader(organization: LocalOrganization, account: str, *, without: str | None = None) -> None:
    """Make the readers' role of an account, with the read grants of the catalog; the management account enters it."""

    client = organization.session(account).client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}
    actions = {grant.action for control in catalog().values() for grant in control.read_grants} - {without}
    grant = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    if "palisade-reader" not in {one["RoleName"] for one in client.list_roles()["Roles"]}:
        client.create_role(RoleName="palisade-reader", AssumeRolePolicyDocument=_document(trust))
    client.put_role_policy(RoleName="palisade-reader", PolicyName="all", PolicyDocument=_document(grant))


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
