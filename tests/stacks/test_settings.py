"""What settings that are accepted lead to: modes, parameters, exemptions, the documents of hub and members."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from lambdas.controls import catalog
from lambdas.controls.model import ManagedRule, Mode, Place
from lambdas.remediation.policy import AccountPolicy
from stacks.settings import Settings, load
from tests.stacks.program import (
    AWAY,
    HOME,
    NESTED,
    PLAIN,
    PRODUCTION,
    ROOT,
    WORKLOADS,
    everything,
    members,
    of_type,
    run,
)

TODAY = date(2026, 6, 1)
EXPIRED = {
    "control": "EC2.13",
    "resource": "arn:aws:ec2:*:*:security-group/sg-1",
    "reason": "migration",
    "owner": "team@example.com",
    "expires": "2025-12-31",
}
PATH = (ROOT, WORKLOADS, PRODUCTION)


def loaded(**changes: Any) -> Settings:
    return load(everything(**changes), catalog(), TODAY)


def test_where_nothing_is_set_people_are_told() -> None:
    assert set(loaded(controls={}).modes(PLAIN, PATH).values()) == {Mode.NOTIFY}


def test_the_nearest_setting_counts_account_before_unit_before_all() -> None:
    settings = loaded(
        controls={"EC2.13": {"mode": "notify", "parameters": {"allowed_sources": ["10.0.0.0/8"]}}},
        overrides=[
            {"accounts": [NESTED], "controls": {"EC2.13": {"mode": "off"}}},
            {"organizationalUnits": [PRODUCTION], "controls": {"EC2.13": {"mode": "approve"}}},
            {
                "organizationalUnits": [WORKLOADS],
                "controls": {"EC2.13": {"mode": "automatic", "parameters": {"rules_per_group": {HOME: 100}}}},
            },
        ],
    )
    assert settings.modes(PLAIN, (ROOT,))["EC2.13"] is Mode.NOTIFY
    assert settings.modes(PLAIN, (ROOT, WORKLOADS))["EC2.13"] is Mode.AUTOMATIC
    assert settings.modes(PLAIN, PATH)["EC2.13"] is Mode.APPROVE
    assert settings.modes(NESTED, PATH)["EC2.13"] is Mode.OFF
    assert settings.parameters(PLAIN, PATH) == {
        "EC2.13": {"allowed_sources": ["10.0.0.0/8"], "rules_per_group": {HOME: 100}}
    }


def test_off_without_quotes_means_off_though_yaml_reads_false() -> None:
    assert loaded(controls={"EC2.13": {"mode": False}}).modes(PLAIN, PATH)["EC2.13"] is Mode.OFF


def test_a_control_that_is_off_is_not_detected() -> None:
    settings = loaded(controls={"EC2.13": {"mode": "off"}})
    assert set(settings.detect_settings(PLAIN, PATH)["controls"]) == catalog().keys() - {"EC2.13"}


def test_a_managed_rule_is_left_out_where_an_enabled_standard_checks_the_control() -> None:
    ssh = catalog()["EC2.13"]
    managed = {**catalog(), ssh.id: replace(ssh, detection=ManagedRule("INCOMING_SSH_DISABLED"))}

    def rule(controls: dict[str, Any], *standards: str) -> str | None:
        settings = load(everything(standards=list(standards)), controls, TODAY)
        found: str | None = settings.detect_settings(PLAIN, PATH)["controls"]["EC2.13"]["rule"]
        return found

    assert rule(managed, "cis-3.0.0") is None
    assert rule(managed, "fsbp") == "palisade-security-group-ssh-restricted"
    assert rule(managed) == "palisade-security-group-ssh-restricted"
    assert rule(catalog(), "cis-3.0.0") == "palisade-security-group-ssh-restricted", "a custom rule sees more"


def test_an_expired_exemption_is_a_warning_and_written_inert() -> None:
    deployment = run(everything(exemptions=[EXPIRED]))
    assert [one for one in deployment.warnings if one.startswith("exemptions[0]: expired on 2025-12-31 and exempts")]
    item = json.loads(of_type(deployment, "dynamodb/tableItem:TableItem")[0].inputs["item"])
    policy = AccountPolicy.parse(item)
    group = catalog()["EC2.13"].resource(Place("aws", PLAIN, HOME), "sg-1")
    assert [one.expires for one in policy.exemptions] == [date(2025, 12, 31)]
    assert policy.exemption(catalog()["EC2.13"], group, {}) is None


def test_an_exemption_holds_on_its_last_day() -> None:
    today = datetime.now(UTC).date().isoformat()
    document = loaded(exemptions=[{**EXPIRED, "expires": today}]).policy_document(PLAIN, PATH)
    policy = AccountPolicy.parse({"schema": {"N": "1"}, "document": {"S": json.dumps(document)}})
    group = catalog()["EC2.13"].resource(Place("aws", PLAIN, HOME), "sg-1")
    assert policy.exemption(catalog()["EC2.13"], group, {}) is not None


def test_a_member_stack_needs_no_role_of_the_pipeline_or_of_the_management_account() -> None:
    settings = load(members(pipelineRole=None), catalog(), TODAY)
    assert (settings.pipeline_role, settings.management_role) == ("", None)


def test_scalars_arrive_as_text_and_are_read_as_what_they_are() -> None:
    # `palisade:logRetentionDays: 30` reaches the program as "30".
    groups = of_type(run(everything(logRetentionDays="30", regions=[HOME, AWAY])), "cloudwatch/logGroup:LogGroup")
    assert {one.inputs["retentionInDays"] for one in groups} == {30}
