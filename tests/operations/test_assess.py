"""`palisade assess` over a local organisation: verdicts, plans, who manages what, and that nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdas.controls import catalog
from operations import local_estate, stack_settings
from operations.local_estate import MANAGEMENT
from simulator.local import LocalOrganization
from tests.operations.assess_world import AWAY, HOME, OTHER, TEAM, Assessed, document, of

ACCESS = "OrganizationAccountAccessRole"
EXEMPTION = {"control": "EC2.13", "tag": "access=bastion", "reason": "a bastion", "owner": "team"}


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
    keys = [(line["account"], line["region"], line["control"], line["resource"]) for line in first]
    assert len(keys) == len(set(keys))
    assert of(first, far)["outcome"] == "would change"


def test_a_bucket_without_a_key_in_the_settings_is_told_only(place: Assessed) -> None:
    place.organization.session(TEAM, AWAY).client("s3").create_bucket(Bucket="palisade-told-only")
    lines = place.lines("--accounts", TEAM, "--regions", AWAY, "--role", ACCESS)
    found = of(lines, "arn:aws:s3:::palisade-told-only", "Palisade.S3.1")
    assert (found["outcome"], found["mode"], found["calls"]) == ("told only", "notify", [])
    assert "set the parameter `key`" in found["reason"]
    planned = of(place.lines("--stack", "here", "--role", ACCESS), "arn:aws:s3:::palisade-told-only", "Palisade.S3.1")
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
    reader(place.organization, OTHER)
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


def reader(organization: LocalOrganization, account: str, *, without: str | None = None) -> None:
    """Make the readers' role of an account, with the read grants of the catalog; the management account enters it."""

    client = organization.session(account).client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}
    actions = {grant.action for control in catalog().values() for grant in control.read_grants} - {without}
    grant = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    if "palisade-reader" not in {one["RoleName"] for one in client.list_roles()["Roles"]}:
        client.create_role(RoleName="palisade-reader", AssumeRolePolicyDocument=document(trust))
    client.put_role_policy(RoleName="palisade-reader", PolicyName="all", PolicyDocument=document(grant))
