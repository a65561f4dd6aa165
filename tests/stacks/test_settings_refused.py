"""Settings that cannot be deployed are refused whole, before the first resource, in one message."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from lambdas.controls import catalog
from simulator.deployment import Registering
from stacks.settings import SettingsError, load
from tests.stacks.program import (
    AWAY,
    HOME,
    HUB,
    MANAGEMENT,
    PLAIN,
    WORKLOADS,
    Cloud,
    everything,
    members,
    refusal,
    role,
)

TODAY = date(2026, 6, 1)
ACCEPTED = ", ".join(sorted(catalog()))
EXEMPTION = {
    "control": "EC2.13",
    "resource": "arn:aws:ec2:eu-west-1:*:security-group/sg-1",
    "reason": "bastion",
    "owner": "team@example.com",
    "expires": "2026-12-31",
}


def faults(settings: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(settings, catalog(), TODAY)
    heading, *listed = str(error.value).splitlines()
    assert heading.startswith("the settings of this stack have ")
    return [one.removeprefix("  - ") for one in listed]


def exempted(**changes: Any) -> dict[str, Any]:
    exemption = {key: value for key, value in {**EXEMPTION, **changes}.items() if value is not None}
    return {"exemptions": [exemption]}


def control(name: str, **settings: Any) -> dict[str, Any]:
    return {"controls": {name: settings}}


def environment(**changes: Any) -> dict[str, Any]:
    return {"environments": {"production": {"organizationalUnits": [WORKLOADS], **changes}}}


REFUSED = {
    # keys that are not ours, at each level
    "an unknown key": ({"notification": []}, "notification: unknown key (did you mean notifications?); accepted are"),
    "an unknown key of an environment": (
        environment(zones=[]),
        "environments.production.zones: unknown key; accepted are accounts, approvalDays, approvers, "
        "organizationalUnits, pipelineRole",
    ),
    "an unknown key of targets": (
        {"targets": {"organizationalUnits": [WORKLOADS], "exclude": []}},
        "targets.exclude: unknown key (did you mean excludeRegions?); accepted are accountFilter, accounts,",
    ),
    "an unknown key of a control": (
        control("EC2.13", modes="notify"),
        "controls.EC2.13.modes: unknown key (did you mean mode?); accepted are liftCeiling, mode, parameters",
    ),
    "an unknown key of an override's control": (
        {"overrides": [{"accounts": [PLAIN], "controls": {"EC2.13": {"modus": "off"}}}]},
        "overrides[0].controls.EC2.13.modus: unknown key (did you mean mode?); accepted are liftCeiling, mode,",
    ),
    "an unknown key of an override": (
        {"overrides": [{"account": [PLAIN], "controls": {}}]},
        "overrides[0].account: unknown key (did you mean accounts?); accepted are accounts, controls,",
    ),
    "an unknown key of an exemption": (
        exempted(until="2026-01-01"),
        "exemptions[0].until: unknown key; accepted are control, expires, owner, reason, resource, tag",
    ),
    "an unknown key of the limits": (
        {"limits": {"changesPerHour": 3}},
        "limits.changesPerHour: unknown key (did you mean changesPerAccountHour?); accepted are",
    ),
    # forms
    "a malformed account id": ({"hubAccount": "12345"}, "hubAccount: '12345' is not an account id of 12 digits, in"),
    "an account id that YAML took for a number": (
        environment(accounts=[300000000003]),
        "environments.production.accounts[0]: 300000000003 is not an account id of 12 digits, in quotes",
    ),
    "a malformed organization id": (
        {"organizationId": "org-1"},
        "organizationId: 'org-1' is not an organization id such as o-a1b2c3d4e5",
    ),
    "a malformed unit": (
        {"targets": {"organizationalUnits": ["Workloads"]}},
        "targets.organizationalUnits[0]: 'Workloads' is not the id of an organizational unit or root (ou-... or r-...)",
    ),
    "a malformed e-mail address": (
        {"notifications": ["operations"]},
        "notifications[0]: 'operations' is not an e-mail address",
    ),
    "a malformed role": ({"pipelineRole": "pipeline"}, "pipelineRole: 'pipeline' is not the ARN of an IAM role"),
    "a role name that no StackSet can have": (
        {"deploymentRole": "palisade_deployment"},
        "deploymentRole: 'palisade_deployment' is not a name of letters, digits and dashes that begins with a letter",
    ),
    "a prefix that is too long": (
        {"prefix": "palisade-production"},
        "prefix: 'palisade-production' is not lower case letters, digits and dashes, at most 16",
    ),
    "a tag key that AWS reserves": ({"tags": {"aws:team": "a"}}, "tags.aws:team: 'aws:team' is not a tag key of at"),
    "a tag key of our own": (
        {"tags": {"palisade:prefix": "a"}},
        "tags.palisade:prefix: 'palisade:prefix' is not a tag",
    ),
    "a retention that CloudWatch does not have": (
        {"logRetentionDays": 100},
        "logRetentionDays: 100 is not one of 1, 3, 5, 7, 14, 30, 60, 90,",
    ),
    "a limit out of bounds": (
        {"limits": {"failuresBeforeBreak": 0}},
        "limits.failuresBeforeBreak: 0: Input should be greater than or equal to 1",
    ),
    "text where a list stands": ({"regions": HOME}, f"regions: '{HOME}': is not a list; accepted is a list"),
    "a list where a mapping stands": ({"targets": []}, "targets: []: is not a mapping; accepted is a mapping"),
    "a lost account without quotes": (
        {"confirmLostAccounts": [333333333333]},
        "confirmLostAccounts[0]: 333333333333 is not an account id of 12 digits, in quotes",
    ),
    "an unknown recorder": ({"recorder": "own"}, "recorder: 'own': Input should be 'existing' or 'create'"),
    "an unknown standard": ({"standards": ["cis"]}, "standards[0]: 'cis' is not one of fsbp, cis-1.4.0, cis-3.0.0,"),
    "an unknown layer": ({"layers": ["hubs"]}, "layers[0]: 'hubs': Input should be 'organization', 'hub' or 'members'"),
    "a standard twice": ({"standards": ["fsbp", "fsbp"]}, "standards: names fsbp more than once; once is accepted"),
    "an address twice": ({"notifications": ["a@b.ch", "a@b.ch"]}, "notifications: names a@b.ch more than once"),
    # Regions
    "an unknown Region": (
        {"homeRegion": "eu-west-9", "regions": ["eu-west-9"]},
        "homeRegion: 'eu-west-9' is not a Region of AWS (did you mean eu-west-3?); accepted are codes such",
    ),
    "a home Region that is not governed": ({"regions": [AWAY]}, f"regions: does not contain the home Region {HOME}"),
    "Regions of two partitions": (
        {"regions": [HOME, "us-gov-west-1"]},
        "regions: spans the partitions aws, aws-us-gov; an organization is in one",
    ),
    "a role of another partition": (
        {"pipelineRole": role(HUB, "pipeline", "aws-cn")},
        f"pipelineRole: arn:aws-cn:iam::{HUB}:role/pipeline is not of the partition aws of the Regions",
    ),
    "an environment's role of another partition": (
        environment(pipelineRole=role(HUB, "pipeline", "aws-cn")),
        f"environments.production.pipelineRole: arn:aws-cn:iam::{HUB}:role/pipeline is not of the partition aws",
    ),
    "an approver of another account than the hub": (
        environment(approvers=[role(HUB, "approvers"), role(PLAIN, "approvers")]),
        f"environments.production.approvers[1]: arn:aws:iam::{PLAIN}:role/approvers is not of the hub account {HUB}, "
        "which alone reaches the endpoint",
    ),
    "an approver of another partition": (
        environment(approvers=[role(HUB, "approvers", "aws-cn")]),
        f"environments.production.approvers[0]: arn:aws-cn:iam::{HUB}:role/approvers is not of the partition aws of",
    ),
    "an excluded Region that is not governed": (
        {"targets": {"organizationalUnits": [WORKLOADS], "excludeRegions": {PLAIN: ["us-east-1"]}}},
        f"targets.excludeRegions.{PLAIN}: us-east-1 is not governed; accepted are {HOME}, {AWAY}",
    ),
    "the home Region excluded": (
        {"targets": {"organizationalUnits": [WORKLOADS], "excludeRegions": {PLAIN: [HOME]}}},
        f"targets.excludeRegions.{PLAIN}: {HOME} is the home Region, where what is global is judged; use",
    ),
    # controls
    "an unknown control": (
        control("EC2.31", mode="notify"),
        f"controls.EC2.31: the catalog has no control EC2.31 (did you mean EC2.13?); accepted: {ACCEPTED}",
    ),
    "an unknown mode": (
        control("EC2.13", mode="auto"),
        "controls.EC2.13.mode: 'auto': Input should be 'off', 'notify', 'dry-run', 'approve' or 'automatic'",
    ),
    "an unknown parameter": (
        control("EC2.13", parameters={"allowed": []}),
        "controls.EC2.13.parameters.allowed: unknown parameter (did you mean allowed_sources?); accepted: allowed",
    ),
    "a parameter of another type": (
        control("EC2.13", parameters={"allowed_sources": "10.0.0.0/8"}),
        "controls.EC2.13.parameters.allowed_sources: '10.0.0.0/8' is not of type strings",
    ),
    "a parameter that does not have its form": (
        control("EC2.13", parameters={"allowed_sources": ["0.0.0.0/0"]}),
        "controls.EC2.13.parameters.allowed_sources: '0.0.0.0/0' does not have the form",
    ),
    "a parameter below its minimum": (
        control("EC2.13", parameters={"rules_per_group": {HOME: 0}}),
        f"controls.EC2.13.parameters.rules_per_group.{HOME}: 0 is below the minimum 1",
    ),
    "a parameter above its maximum": (
        control("EC2.13", parameters={"rules_per_group": {HOME: 1001}}),
        f"controls.EC2.13.parameters.rules_per_group.{HOME}: 1001 is above the maximum 1000",
    ),
    "a parameter of a Region without the Region": (
        control("EC2.13", parameters={"rules_per_group": 60}),
        "controls.EC2.13.parameters.rules_per_group: 60 is not a mapping from Regions to values, which is accepted",
    ),
    "a parameter of a Region that is not governed": (
        control("EC2.13", parameters={"rules_per_group": {"us-east-1": 60}}),
        f"controls.EC2.13.parameters.rules_per_group.us-east-1: is not a governed Region; accepted: {HOME}, {AWAY}",
    ),
    "a mode above the ceiling": (
        control("Palisade.S3.1", mode="automatic"),
        "controls.Palisade.S3.1.mode: automatic is above the ceiling approve (",
    ),
    "a mode above the ceiling in an override": (
        {"overrides": [{"accounts": [PLAIN], "controls": {"Palisade.S3.1": {"mode": "automatic"}}}]},
        "overrides[0].controls.Palisade.S3.1.mode: automatic is above the ceiling approve (",
    ),
    "a default that acts": (
        {"defaultMode": "approve"},
        "defaultMode: approve would act for controls that nobody named; accepted are off, notify, dry-run",
    ),
    "an override of nobody": (
        {"overrides": [{"controls": {"EC2.13": {"mode": "off"}}}]},
        "overrides[0]: names neither organizationalUnits nor accounts",
    ),
    # exemptions
    "an exemption without owner": (
        exempted(owner=None),
        "exemptions[0].owner: is missing; accepted: who answers for it, such as an e-mail address",
    ),
    "an exemption without reason": (exempted(reason=None), "exemptions[0].reason: is missing; accepted: why, in a"),
    "an exemption with an empty reason": (
        exempted(reason=" "),
        "exemptions[0].reason: ' ': String should have at least",
    ),
    "an exemption without end": (
        exempted(expires=None),
        "exemptions[0].expires: is missing; accepted: the last day on which it holds, as YYYY-MM-DD in quotes",
    ),
    "an exemption that ends in a number": (
        exempted(expires=2027),
        "exemptions[0].expires: 2027 is not a day as YYYY-MM-DD, in quotes",
    ),
    "an exemption that ends on no day": (
        exempted(expires="2026-02-30"),
        "exemptions[0].expires: '2026-02-30' is no day of the calendar; accepted is YYYY-MM-DD",
    ),
    "an exemption from an unknown control": (
        exempted(control="EC2.14"),
        f"exemptions[0].control: the catalog has no control EC2.14; accepted: {ACCEPTED}, *",
    ),
    "an exemption of a bare name": (
        exempted(resource="my-bucket"),
        "exemptions[0].resource: 'my-bucket' meets no ARN; accepted is an ARN in which * and ? stand for anything",
    ),
    "an exemption of half an ARN": (
        exempted(resource="arn:aws:s3"),
        "exemptions[0].resource: 'arn:aws:s3' meets no ARN;",
    ),
    "an exemption with brackets": (
        exempted(resource="arn:aws:s3:::logs-[ab]"),
        "exemptions[0].resource: 'arn:aws:s3:::logs-[ab]' is not an ARN in which * and ? stand for anything",
    ),
    "an exemption of another partition": (
        exempted(resource="arn:aws-cn:s3:::logs"),
        "exemptions[0].resource: 'arn:aws-cn:s3:::logs' meets no ARN of the partition aws",
    ),
    "an exemption of everything": (
        exempted(resource="*"),
        "exemptions[0].resource: '*' exempts everything; switch the",
    ),
    "an exemption of everything, by colons": (
        exempted(resource="arn:aws:*:*:*:*"),
        "exemptions[0].resource: 'arn:aws:*:*:*:*' exempts everything; switch the control off instead",
    ),
    "an exemption of nothing": (
        exempted(resource=None),
        "exemptions[0]: names either resource (a pattern on the ARN) or",
    ),
    "an exemption of a resource and a tag": (exempted(tag="a=b"), "exemptions[0]: names either resource (a pattern on"),
    "an exemption of a tag without value": (
        exempted(resource=None, tag="bastion"),
        "exemptions[0].tag: 'bastion' is not a tag as key=value",
    ),
    # what fits together
    "the hub in the management account": (
        {"hubAccount": MANAGEMENT},
        f"hubAccount: {MANAGEMENT} is the management account, which AWS lets be no delegated administrator",
    ),
    "a management role of another account": (
        {"managementRole": role(HUB, "organization")},
        f"managementRole: arn:aws:iam::{HUB}:role/organization is not of the management account {MANAGEMENT}",
    ),
    "an assessing role by its ARN": (
        {"assessmentRole": role(HUB, "auditor")},
        f"assessmentRole: 'arn:aws:iam::{HUB}:role/auditor' is not the name of a role, with its path",
    ),
    "no way into the management account": (
        {"managementRole": None},
        f"managementRole: is missing, and the pipeline's role arn:aws:iam::{HUB}:role/pipeline is not of the",
    ),
    "zero targets": ({"targets": {}}, "targets: name organizationalUnits or accounts to deploy to; zero targets are"),
    "the management account as target": (
        {"targets": {"accounts": [MANAGEMENT]}},
        f"targets.accounts: {MANAGEMENT} is the management account, which is never a target",
    ),
    "units and accounts without a filter": (
        {"targets": {"organizationalUnits": [WORKLOADS], "accounts": [PLAIN]}},
        "targets.accountFilter: with organizationalUnits and accounts it is union, intersection or difference",
    ),
    "a filter without accounts": (
        {"targets": {"organizationalUnits": [WORKLOADS], "accountFilter": "difference"}},
        "targets.accountFilter: difference needs organizationalUnits and accounts",
    ),
    "a unit of two environments": (
        {
            "environments": {
                "production": {"organizationalUnits": [WORKLOADS]},
                "b": {"organizationalUnits": [WORKLOADS]},
            }
        },
        f"environments.b: {WORKLOADS} is in production already; a unit or account is in one environment",
    ),
    "an environment of nothing": (
        {"environments": {"production": {}}},
        "environments.production: names neither organizationalUnits nor accounts",
    ),
    "an environment that is not among the environments": (
        {"environment": "staging"},
        "environments: does not name this stack's environment 'staging'; named are production",
    ),
    "members beside the organization, without hub": (
        {"layers": ["organization", "members"]},
        "layers: members without hub stand in a stack of their own; accepted are all three, or members alone",
    ),
    "no layers": ({"layers": []}, "layers: is empty; accepted are organization, hub, members"),
}


@pytest.mark.parametrize(("changes", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_with_the_field_what_is_wrong_and_what_is_accepted(changes: dict[str, Any], told: str) -> None:
    found = faults(everything(**changes))
    assert [one for one in found if one.startswith(told)], found


@pytest.mark.parametrize(
    ("layers", "missing"),
    [
        (["organization"], {"pipelineRole", "environments"}),
        (["hub"], {"pipelineRole", "environments"}),
        (["members"], {"environment", "environments", "targets"}),
        (["organization", "hub", "members"], {"pipelineRole", "environment", "environments", "targets"}),
    ],
    ids=["organization", "hub", "members", "all"],
)
def test_each_layer_has_keys_that_it_cannot_do_without(layers: list[str], missing: set[str]) -> None:
    always = {"organizationId", "managementAccount", "hubAccount", "homeRegion", "regions"}
    found = faults({"layers": layers})
    assert {one.split(":")[0] for one in found} == always | missing
    assert all(": is missing; accepted: " in one for one in found)


def test_a_firm_ceiling_is_not_lifted() -> None:
    known = catalog()["Palisade.S3.1"]
    firm = {**catalog(), known.id: replace(known, ceiling=replace(known.ceiling, firm=True))}
    with pytest.raises(SettingsError) as error:
        load(everything(**control(known.id, mode="automatic", liftCeiling=True)), firm, TODAY)
    assert f"controls.{known.id}.liftCeiling: the ceiling approve is firm (" in str(error.value)
    assert f"controls.{known.id}.mode: automatic is above the ceiling approve (" in str(error.value)


def test_a_ceiling_is_lifted_by_name() -> None:
    settings = load(everything(**control("Palisade.S3.1", mode="automatic", liftCeiling=True)), catalog(), TODAY)
    assert settings.policy_document(PLAIN, ())["lifted"] == ["Palisade.S3.1"]


def test_every_fault_is_in_one_message_before_anything_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noted(_: Registering, args: Any) -> tuple[str, dict[str, Any]]:
        made.append(args.name)
        return "", {}

    monkeypatch.setattr(Registering, "new_resource", noted)
    cloud = Cloud()
    bad = {
        "hubAccount": "1",
        "regions": ["mars-1"],
        "colour": "red",
        "notifications": ["nobody"],
        **control("EC2.99", mode="notify"),
        **exempted(owner=None),
    }
    said = refusal(everything(**bad), cloud)
    assert "the settings of this stack have 6 faults:" in said
    for field in ("hubAccount", "regions[0]", "colour", "notifications[0]", "controls.EC2.99", "exemptions[0].owner"):
        assert f"  - {field}: " in said
    assert made == []
    assert cloud.asked == []


def test_a_member_stack_is_refused_alike() -> None:
    assert "targets: is missing" in refusal(members(targets=None))


@pytest.mark.parametrize("resource", ["AWS::::Account:111122223333", "AWS::::Account:*"])
def test_an_account_is_exempted_by_the_name_that_findings_have_for_it(resource: str) -> None:
    settings = load(everything(**exempted(resource=resource)), catalog(), TODAY)
    assert [one.resource for one in settings.exemptions] == [resource]
