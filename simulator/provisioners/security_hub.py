"""Security Hub: delegated administrator, aggregation, central configuration, automation rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    given,
    lower,
    named,
    provisioner,
    retag,
    upper,
)

# Of the criteria and fields that an automation rule can have, by what Pulumi calls them (it has plurals).
CRITERIA = {
    "productNames": "ProductName",
    "titles": "Title",
    "workflowStatuses": "WorkflowStatus",
    "generatorIds": "GeneratorId",
    "awsAccountIds": "AwsAccountId",
    "recordStates": "RecordState",
}


class UnknownCriterionError(Exception):
    """A criterion that this provisioner has no name for."""


class UnprocessedRuleError(Exception):
    """Security Hub did not process an automation rule, with its reason."""


def _administrator(site: Site, inputs: Inputs) -> Made:
    site.client("securityhub").enable_organization_admin_account(AdminAccountId=inputs["adminAccountId"])
    return Made(inputs["adminAccountId"])


def _read_administrator(site: Site, known: Known) -> Standing | None:
    listed = site.client("securityhub").list_organization_admin_accounts()["AdminAccounts"]
    if known.id not in {one["AccountId"] for one in listed if one["Status"] == "ENABLED"}:
        return None
    return Standing(known.id, {"adminAccountId": known.id})


def _delete_administrator(site: Site, known: Known) -> None:
    site.client("securityhub").disable_organization_admin_account(AdminAccountId=known.id)


def _aggregator(site: Site, inputs: Inputs) -> Made:
    answer = site.client("securityhub").create_finding_aggregator(
        RegionLinkingMode=inputs["linkingMode"], **given(inputs, Regions="specifiedRegions")
    )
    return Made(answer["FindingAggregatorArn"])


def _read_aggregator(site: Site, known: Known) -> Standing | None:
    found = site.client("securityhub").get_finding_aggregator(FindingAggregatorArn=known.id)
    regions = found.get("Regions") or None
    return Standing(known.id, named(linkingMode=found["RegionLinkingMode"], specifiedRegions=regions))


def _update_aggregator(site: Site, edit: Edit) -> Mapping[str, Any]:
    site.client("securityhub").update_finding_aggregator(
        FindingAggregatorArn=edit.id,
        RegionLinkingMode=edit.new["linkingMode"],
        **given(edit.new, Regions="specifiedRegions"),
    )
    return {}


def _delete_aggregator(site: Site, known: Known) -> None:
    site.client("securityhub").delete_finding_aggregator(FindingAggregatorArn=known.id)


def _configure(site: Site, inputs: Inputs) -> None:
    client = site.client("securityhub")
    optional = {}
    if configuration := inputs.get("organizationConfiguration"):
        optional["OrganizationConfiguration"] = upper(configuration)
    client.update_organization_configuration(
        AutoEnable=bool(inputs["autoEnable"]), AutoEnableStandards=inputs["autoEnableStandards"], **optional
    )
    site.wait(
        lambda: (
            client.describe_organization_configuration()["OrganizationConfiguration"].get("Status", "ENABLED")
            == "ENABLED"
        ),
        "central configuration",
    )


def _organization(site: Site, inputs: Inputs) -> Made:
    _configure(site, inputs)
    return Made(site.account)


def _read_organization(site: Site, known: Known) -> Standing | None:
    found = site.client("securityhub").describe_organization_configuration()
    kind = found["OrganizationConfiguration"]["ConfigurationType"]
    inputs = {
        "autoEnable": bool(found["AutoEnable"]),
        "autoEnableStandards": found["AutoEnableStandards"],
        "organizationConfiguration": {"configurationType": kind},
    }
    return Standing(known.id, inputs)


def _update_organization(site: Site, edit: Edit) -> Mapping[str, Any]:
    _configure(site, edit.new)
    return {}


def _delete_organization(site: Site, known: Known) -> None:
    """Put back what an organization is born with (Terraform: organization_configuration.go)."""
    _configure(
        site,
        {
            "autoEnable": False,
            "autoEnableStandards": "NONE",
            "organizationConfiguration": {"configurationType": "LOCAL"},
        },
    )


def _ruled(inputs: Inputs) -> dict[str, Any]:
    """The parameters of a rule, the same to create and to update it."""
    if unknown := set(inputs["criteria"]) - set(CRITERIA):
        raise UnknownCriterionError(f"criteria {', '.join(sorted(unknown))} are not served")
    return {
        "RuleName": inputs["ruleName"],
        "RuleOrder": int(inputs["ruleOrder"]),
        "Description": inputs["description"],
        "Criteria": {CRITERIA[name]: upper(values) for name, values in inputs["criteria"].items()},
        "Actions": [
            {"Type": action["type"], "FindingFieldsUpdate": upper(action["findingFieldsUpdate"])}
            for action in inputs["actions"]
        ],
        "IsTerminal": bool(inputs.get("isTerminal")),
    }


def _rule(site: Site, inputs: Inputs) -> Made:
    optional = {"Tags": dict(inputs["tags"])} if inputs.get("tags") else {}
    arn = site.client("securityhub").create_automation_rule(**_ruled(inputs), **optional)["RuleArn"]
    return Made(arn, {"arn": arn})


def _read_rule(site: Site, known: Known) -> Standing | None:
    client = site.client("securityhub")
    listed = client.batch_get_automation_rules(AutomationRulesArns=[known.id])["Rules"]
    if not listed:
        return None
    found, names = listed[0], {theirs: ours for ours, theirs in CRITERIA.items()}
    inputs = named(
        ruleName=found["RuleName"],
        ruleOrder=found["RuleOrder"],
        description=found["Description"],
        isTerminal=bool(found.get("IsTerminal")),
        criteria={names[name]: lower(values) for name, values in found["Criteria"].items()},
        actions=[
            {"type": action["Type"], "findingFieldsUpdate": lower(action["FindingFieldsUpdate"])}
            for action in found["Actions"]
        ],
        tags=client.list_tags_for_resource(ResourceArn=known.id).get("Tags") or None,
    )
    return Standing(known.id, inputs, {"arn": known.id})


def _update_rule(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("securityhub")
    if edit.changed - {"tags"}:
        _processed(
            client.batch_update_automation_rules(
                UpdateAutomationRulesRequestItems=[{"RuleArn": edit.id, **_ruled(edit.new)}]
            )
        )
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_resource(ResourceArn=edit.id, Tags=tags),
            lambda keys: client.untag_resource(ResourceArn=edit.id, TagKeys=keys),
        )
    return {}


def _delete_rule(site: Site, known: Known) -> None:
    _processed(site.client("securityhub").batch_delete_automation_rules(AutomationRulesArns=[known.id]))


def _action(site: Site, inputs: Inputs) -> Made:
    answer = site.client("securityhub").create_action_target(
        Name=inputs["name"], Description=inputs["description"], Id=inputs["identifier"]
    )
    return Made(answer["ActionTargetArn"], {"arn": answer["ActionTargetArn"]})


def _read_action(site: Site, known: Known) -> Standing | None:
    pages = site.client("securityhub").get_paginator("describe_action_targets").paginate()
    found = next((one for page in pages for one in page["ActionTargets"] if one["ActionTargetArn"] == known.id), None)
    if found is None:
        return None
    identifier = known.id.rpartition("/")[2]
    inputs = {"identifier": identifier, "name": found["Name"], "description": found["Description"]}
    return Standing(known.id, inputs, {"arn": known.id})


def _update_action(site: Site, edit: Edit) -> Mapping[str, Any]:
    site.client("securityhub").update_action_target(
        ActionTargetArn=edit.id, Name=edit.new["name"], Description=edit.new["description"]
    )
    return {"arn": edit.id}


def _delete_action(site: Site, known: Known) -> None:
    site.client("securityhub").delete_action_target(ActionTargetArn=known.id)


def _processed(answer: Mapping[str, Any]) -> None:
    if failed := answer.get("UnprocessedAutomationRules"):
        raise UnprocessedRuleError(f"{failed[0]['RuleArn']}: {failed[0].get('ErrorMessage', 'no reason given')}")


PROVISIONERS = (
    provisioner(
        "aws:securityhub/organizationAdminAccount:OrganizationAdminAccount",
        create=_administrator,
        read=_read_administrator,
        delete=_delete_administrator,
        replaces="adminAccountId",
        source="securityhub/organization_admin_account.go",
        shapes={"adminAccountId": "securityhub.EnableOrganizationAdminAccount.AdminAccountId"},
    ),
    provisioner(
        "aws:securityhub/findingAggregator:FindingAggregator",
        create=_aggregator,
        read=_read_aggregator,
        update=_update_aggregator,
        delete=_delete_aggregator,
        updates="linkingMode specifiedRegions",
        sets="specifiedRegions",
        shapes={"linkingMode": "securityhub.CreateFindingAggregator.RegionLinkingMode"},
    ),
    provisioner(
        "aws:securityhub/organizationConfiguration:OrganizationConfiguration",
        create=_organization,
        read=_read_organization,
        update=_update_organization,
        delete=_delete_organization,
        updates="autoEnable autoEnableStandards organizationConfiguration",
        needs="autoEnableStandards",
        computed="organizationConfiguration",
        shapes={
            "autoEnableStandards": "securityhub.UpdateOrganizationConfiguration.AutoEnableStandards",
            "organizationConfiguration.configurationType": "securityhub.UpdateOrganizationConfiguration."
            "OrganizationConfiguration.ConfigurationType",
        },
    ),
    provisioner(
        "aws:securityhub/actionTarget:ActionTarget",
        create=_action,
        read=_read_action,
        update=_update_action,
        delete=_delete_action,
        updates="name description",
        replaces="identifier",
        source="securityhub/action_target.go",
        shapes={
            "identifier": "securityhub.CreateActionTarget.Id",
            "name": "securityhub.CreateActionTarget.Name",
            "description": "securityhub.CreateActionTarget.Description",
        },
    ),
    provisioner(
        "aws:securityhub/automationRule:AutomationRule",
        create=_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_rule,
        updates="ruleName ruleOrder description isTerminal criteria actions tags",
        defaults={"isTerminal": False},
        shapes={
            "ruleName": "securityhub.CreateAutomationRule.RuleName",
            "ruleOrder": "securityhub.CreateAutomationRule.RuleOrder",
            "description": "securityhub.CreateAutomationRule.Description",
        },
    ),
)
