"""Security Hub: delegated administrator, aggregation, central configuration, automation rules."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, upper

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


class AssociationFailedError(Exception):
    """Security Hub did not apply a configuration policy to a target."""


def _administrator(site: Site, inputs: Inputs) -> Made:
    site.client("securityhub").enable_organization_admin_account(AdminAccountId=inputs["adminAccountId"])
    return Made(inputs["adminAccountId"])


def _aggregator(site: Site, inputs: Inputs) -> Made:
    answer = site.client("securityhub").create_finding_aggregator(
        RegionLinkingMode=inputs["linkingMode"], **given(inputs, Regions="specifiedRegions")
    )
    return Made(answer["FindingAggregatorArn"])


def _organization(site: Site, inputs: Inputs) -> Made:
    client = site.client("securityhub")
    client.update_organization_configuration(
        AutoEnable=bool(inputs["autoEnable"]),
        AutoEnableStandards=inputs["autoEnableStandards"],
        OrganizationConfiguration=upper(inputs["organizationConfiguration"]),
    )
    site.wait(
        lambda: (
            client.describe_organization_configuration()["OrganizationConfiguration"].get("Status", "ENABLED")
            == "ENABLED"
        ),
        "central configuration",
    )
    return Made(site.account)


def _policy(site: Site, inputs: Inputs) -> Made:
    given_policy = inputs["configurationPolicy"]
    written: dict[str, Any] = {"ServiceEnabled": bool(given_policy["serviceEnabled"])}
    if written["ServiceEnabled"]:
        controls = given_policy["securityControlsConfiguration"]
        written["EnabledStandardIdentifiers"] = list(given_policy.get("enabledStandardArns") or [])
        written["SecurityControlsConfiguration"] = given(
            controls,
            DisabledSecurityControlIdentifiers="disabledControlIdentifiers",
            EnabledSecurityControlIdentifiers="enabledControlIdentifiers",
        )
    answer = site.client("securityhub").create_configuration_policy(
        Name=inputs["name"],
        ConfigurationPolicy={"SecurityHub": written},
        **given(inputs, Description="description"),
    )
    return Made(answer["Id"], {"arn": answer["Arn"]})


def _association(site: Site, inputs: Inputs) -> Made:
    target = inputs["targetId"]
    kind = "AccountId" if target.isdigit() else "RootId" if target.startswith("r-") else "OrganizationalUnitId"
    client = site.client("securityhub")
    client.start_configuration_policy_association(
        ConfigurationPolicyIdentifier=inputs["policyId"], Target={kind: target}
    )

    def applied() -> bool:
        status = client.get_configuration_policy_association(Target={kind: target})
        if status["AssociationStatus"] == "FAILED":
            raise AssociationFailedError(f"{target}: {status.get('AssociationStatusMessage', 'no reason given')}")
        return bool(status["AssociationStatus"] == "SUCCESS")

    site.wait(applied, f"the configuration policy of {target}")
    return Made(target)


def _rule(site: Site, inputs: Inputs) -> Made:
    if unknown := set(inputs["criteria"]) - set(CRITERIA):
        raise UnknownCriterionError(f"criteria {', '.join(sorted(unknown))} are not served")
    actions = []
    for action in inputs["actions"]:
        fields = action["findingFieldsUpdate"]
        actions.append({"Type": action["type"], "FindingFieldsUpdate": upper(fields)})
    tags = dict(inputs.get("tags") or {})
    arn = site.client("securityhub").create_automation_rule(
        RuleName=inputs["ruleName"],
        RuleOrder=int(inputs["ruleOrder"]),
        Description=inputs["description"],
        Criteria={CRITERIA[name]: upper(values) for name, values in inputs["criteria"].items()},
        Actions=actions,
        IsTerminal=bool(inputs.get("isTerminal")),
        **({"Tags": tags} if tags else {}),
    )["RuleArn"]
    return Made(arn, {"arn": arn})


PROVISIONERS = (
    provisioner("aws:securityhub/organizationAdminAccount:OrganizationAdminAccount", "adminAccountId", _administrator),
    provisioner("aws:securityhub/findingAggregator:FindingAggregator", "linkingMode specifiedRegions", _aggregator),
    provisioner(
        "aws:securityhub/organizationConfiguration:OrganizationConfiguration",
        "autoEnable autoEnableStandards organizationConfiguration",
        _organization,
    ),
    provisioner(
        "aws:securityhub/configurationPolicy:ConfigurationPolicy", "name description configurationPolicy", _policy
    ),
    provisioner(
        "aws:securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation",
        "policyId targetId",
        _association,
    ),
    provisioner(
        "aws:securityhub/automationRule:AutomationRule",
        "ruleName ruleOrder description isTerminal criteria actions",
        _rule,
    ),
)
