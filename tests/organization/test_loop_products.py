"""Another product's finding through the whole loop: routed, confirmed at its service, acted upon, noted, left open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Resource
from lambdas.findings import product_arn
from tests.controls.product_findings import access_key, guardduty_finds, inspector_finds
from tests.controls.test_guardduty_principal_contained import DENY_ALL, EXFILTRATION, reported_user, state, user
from tests.controls.test_inspector_instance_packages_fixed import FIXED, OPENSSL, vulnerable
from tests.organization.loop_world import PLACE, Loop, deployed
from tests.organization.product_world import of_product

CONTROL = catalog()["Palisade.GuardDuty.1"]
SWEPT = timedelta(minutes=20)


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


def contained(loop: Loop, resource: Resource) -> bool:
    attached, _ = state(loop.member(), PLACE, resource.id)  # type: ignore[misc]
    return DENY_ALL in attached  # type: ignore[has-type]


def found_again(loop: Loop, resource: Resource, kind: str) -> None:
    name = resource.id.partition("/")[2]
    unique = loop.member().client("iam").get_user(UserName=name)["User"]["UserId"]
    guardduty_finds(loop.member(), PLACE, kind, access_key(unique, name, "IAMUser"))


def test_a_finding_contains_its_principal_and_is_noted_and_stays_open_for_people(loop: Loop) -> None:
    resource = CONTROL.resource(PLACE, reported_user(loop.member(), PLACE))
    loop.rest()
    assert contained(loop, resource)
    assert [one["outcome"] for one in loop.outcomes(resource)] == ["remediated"]
    (finding,) = of_product(loop.hub, CONTROL, resource)
    assert (finding["RecordState"], finding["Workflow"]["Status"]) == ("ACTIVE", "NOTIFIED")
    assert finding["Note"]["Text"].startswith("remediated: ")
    assert len(loop.mails(resource)) == 1
    cases = [item for item in loop.state() if item["key"]["S"].endswith(resource.arn) and "next" in item]
    assert cases == [], "nobody waits for it to turn PASSED"


def test_a_sibling_of_a_finding_that_was_answered_is_answered_and_changes_nothing(loop: Loop) -> None:
    resource = CONTROL.resource(PLACE, reported_user(loop.member(), PLACE))
    loop.rest()
    found_again(loop, resource, "Impact:IAMUser/AnomalousBehavior")
    loop.rest()
    assert sorted(one["outcome"] for one in loop.outcomes(resource)) == ["already-compliant", "remediated"]
    assert {one["Workflow"]["Status"] for one in of_product(loop.hub, CONTROL, resource)} == {"NOTIFIED"}
    assert len(loop.mails(resource)) == 1


def test_what_is_found_again_after_it_was_answered_is_asked_again(loop: Loop) -> None:
    """The finding stays NOTIFIED when GuardDuty updates it, so no event tells the pipeline: the sweep does."""
    resource = CONTROL.resource(PLACE, reported_user(loop.member(), PLACE))
    loop.rest()
    loop.member().client("iam").detach_user_policy(UserName=resource.id.partition("/")[2], PolicyArn=DENY_ALL)
    loop.organization.advance(timedelta(minutes=1))
    found_again(loop, resource, EXFILTRATION)
    loop.organization.advance(SWEPT)
    assert [one["outcome"] for one in loop.outcomes(resource)] == ["remediated", "remediated"]
    assert contained(loop, resource)


def test_a_finding_that_a_member_imports_in_guardduty_s_name_changes_nothing(loop: Loop) -> None:
    whole: dict[str, Any] = next(of_product(loop.hub, CONTROL, CONTROL.resource(PLACE, reported_once(loop))))
    resource = CONTROL.resource(PLACE, user(loop.member(), PLACE))
    name = resource.id.partition("/")[2]
    kept = ("SchemaVersion", "AwsAccountId", "Types", "CreatedAt", "UpdatedAt", "Title", "Description", "GeneratorId")
    details = {"PrincipalName": name, "PrincipalType": "IAMUser"}
    forged: Any = {
        **{field: whole[field] for field in kept},
        "Id": "forged",
        "ProductArn": product_arn(PLACE),
        "ProductName": "GuardDuty",
        "CompanyName": "Amazon",
        "Severity": {"Label": "HIGH"},
        "Resources": [{**whole["Resources"][0], "Details": {"AwsIamAccessKey": details}}],
    }
    assert loop.member().client("securityhub").batch_import_findings(Findings=[forged])["FailedCount"] == 0
    loop.rest()
    loop.send({"detail": {"findings": [{**forged, "Region": PLACE.region}]}})
    loop.rest()
    assert not contained(loop, resource)
    assert loop.outcomes(resource) == []


def reported_once(loop: Loop) -> str:
    """A user that GuardDuty reports, once its finding has arrived and was answered."""
    identifier = reported_user(loop.member(), PLACE)
    loop.rest()
    return identifier


def test_however_many_packages_of_an_instance_are_vulnerable_its_owner_is_asked_once(loop: Loop) -> None:
    control = catalog()["Palisade.Inspector.1"]
    resource = control.resource(PLACE, vulnerable(loop.member(), PLACE))
    loop.rest()
    for number in range(20):
        inspector_finds(loop.member(), PLACE, resource.id, f"CVE-2023-{number:04}", OPENSSL)
    loop.organization.advance(SWEPT)
    outcomes = [one["outcome"] for one in loop.outcomes(resource) if one["control"] == control.id]
    assert set(outcomes) == {"awaiting-approval"}, "one question, whatever else is found about the same packages"
    found = list(of_product(loop.hub, control, resource))
    assert len(found) == 23
    assert {one["Workflow"]["Status"] for one in found} == {"NOTIFIED"}
    (mail,) = [one for one in loop.mails(resource) if control.id in one.subject]
    assert f"openssl={FIXED}" in mail.message
    assert "yum update openssl" in mail.message
