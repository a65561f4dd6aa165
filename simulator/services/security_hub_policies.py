"""Configuration policies and their associations: the delegated administrator's, from the home Region.

Associating is asynchronous: PENDING, then SUCCESS or FAILED. Source: the API reference and the user
guide's chapters on configuration policies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.call import Call, ServiceError
from simulator.services.organizations import Organizations
from simulator.services.paging import paged
from simulator.services.security_hub_administration import Administration
from simulator.services.security_hub_configuration import Association, Configuration, Policy, Settings
from simulator.services.security_hub_hubs import Hubs, denied, invalid, not_found, standard_path, unique
from simulator.world import World, partition_of

SELF_MANAGED = "SELF_MANAGED_SECURITY_HUB"
# AWS promises a day and usually takes minutes. Simulated seconds.
ASSOCIATION_SECONDS = 60
MOST_POLICIES = 20
NAME = re.compile(r"^[A-Za-z0-9 \-.!*/]{1,128}$")
CONTROL_LISTS = {"EnabledSecurityControlIdentifiers", "DisabledSecurityControlIdentifiers"}
TARGETS = {"AccountId": "ACCOUNT", "OrganizationalUnitId": "ORGANIZATIONAL_UNIT", "RootId": "ROOT"}


class Policies:
    """The operations on configuration policies and associations."""

    def __init__(self, world: World, hubs: Hubs, administration: Administration, configuration: Configuration) -> None:
        self.world = world
        self.hubs = hubs
        self.administration = administration
        self.configuration = configuration

    def create_configuration_policy(self, call: Call) -> dict[str, Any]:
        """CreateConfigurationPolicy."""
        settings = self._settings(call)
        name = call.parameters["Name"]
        if any(policy.name == name for policy in settings.policies.values()):
            raise ServiceError("ResourceConflictException", f"A configuration policy named {name} exists already.", 409)
        if len(settings.policies) >= MOST_POLICIES:
            raise ServiceError("LimitExceededException", f"There can be {MOST_POLICIES} configuration policies.", 429)
        _check(name, call.parameters["ConfigurationPolicy"], call.region)
        identifier = unique("configuration-policy", call.account, call.region, name)
        partition, now = partition_of(call.region), self.world.agenda.now()
        arn = f"arn:{partition}:securityhub:{call.region}:{call.account}:configuration-policy/{identifier}"
        content = call.parameters["ConfigurationPolicy"]
        policy = Policy(arn, identifier, name, call.parameters.get("Description"), content, now, now)
        settings.policies[identifier] = policy
        if call.parameters.get("Tags"):
            self.hubs.tags[arn] = dict(call.parameters["Tags"])
        return _shown(policy)

    def get_configuration_policy(self, call: Call) -> dict[str, Any]:
        """GetConfigurationPolicy, by id or ARN."""
        return _shown(self._policy(call, call.parameters["Identifier"]))

    def list_configuration_policies(self, call: Call) -> dict[str, Any]:
        """ListConfigurationPolicies."""
        summaries = [
            {name: value for name, value in _shown(policy).items() if name not in ("ConfigurationPolicy", "CreatedAt")}
            | {"ServiceEnabled": policy.settings.get("ServiceEnabled", False)}
            for policy in self._settings(call).policies.values()
        ]
        return paged("ConfigurationPolicySummaries", summaries, call.parameters)

    def update_configuration_policy(self, call: Call) -> dict[str, Any]:
        """UpdateConfigurationPolicy: associated targets take the new content, in time."""
        policy = self._policy(call, call.parameters["Identifier"])
        name = call.parameters.get("Name", policy.name)
        content = call.parameters.get("ConfigurationPolicy", policy.content)
        _check(name, content, call.region)
        policy.name, policy.content, policy.updated = name, content, self.world.agenda.now()
        policy.description = call.parameters.get("Description", policy.description)
        for target, association in self._settings(call).associations.items():
            if association.policy == policy.id:
                self._begin(call, target, association)
        return _shown(policy)

    def delete_configuration_policy(self, call: Call) -> dict[str, Any]:
        """DeleteConfigurationPolicy: refused while it is associated with anything."""
        policy = self._policy(call, call.parameters["Identifier"])
        settings = self._settings(call)
        if any(association.policy == policy.id for association in settings.associations.values()):
            raise ServiceError(
                "ResourceConflictException", "Disassociate the configuration policy from its targets first.", 409
            )
        del settings.policies[policy.id]
        self.hubs.tags.pop(policy.arn, None)
        return {}

    def start_configuration_policy_association(self, call: Call) -> dict[str, Any]:
        """StartConfigurationPolicyAssociation: replaces what was associated with the target."""
        settings = self._settings(call)
        target, _ = self._target(call.parameters["Target"])
        identifier = call.parameters["ConfigurationPolicyIdentifier"]
        policy = SELF_MANAGED if identifier == SELF_MANAGED else self._policy(call, identifier).id
        settings.associations[target] = Association(policy, self.world.agenda.now())
        self._begin(call, target, settings.associations[target])
        return self._summary(call, target)

    def start_configuration_policy_disassociation(self, call: Call) -> dict[str, Any]:
        """StartConfigurationPolicyDisassociation: the target inherits, or keeps its settings, self-managed."""
        settings = self._settings(call)
        target, _ = self._target(call.parameters.get("Target", {}))
        identifier = call.parameters["ConfigurationPolicyIdentifier"]
        policy = SELF_MANAGED if identifier == SELF_MANAGED else self._policy(call, identifier).id
        association = settings.associations.get(target)
        if association is None or association.policy != policy:
            raise not_found(f"{identifier} is not associated with {target}.")
        del settings.associations[target]
        self.world.agenda.soon(
            lambda: self.configuration.apply(call.account), "policy disassociation", seconds=ASSOCIATION_SECONDS
        )
        return {}

    def get_configuration_policy_association(self, call: Call) -> dict[str, Any]:
        """GetConfigurationPolicyAssociation: the target's own, else what it inherits."""
        self._settings(call)
        target, _ = self._target(call.parameters["Target"])
        return self._summary(call, target)

    def batch_get_configuration_policy_associations(self, call: Call) -> dict[str, Any]:
        """BatchGetConfigurationPolicyAssociations."""
        self._settings(call)
        found, missing = [], []
        for identifier in call.parameters["ConfigurationPolicyAssociationIdentifiers"]:
            try:
                target, _ = self._target(identifier.get("Target", {}))
                found.append(self._summary(call, target))
            except ServiceError as error:
                missing.append(
                    {
                        "ConfigurationPolicyAssociationIdentifiers": identifier,
                        "ErrorCode": error.code,
                        "ErrorReason": error.message,
                    }
                )
        return {
            "ConfigurationPolicyAssociations": found,
            "UnprocessedConfigurationPolicyAssociations": missing,
        }

    def list_configuration_policy_associations(self, call: Call) -> dict[str, Any]:
        """ListConfigurationPolicyAssociations: applied and inherited ones."""
        self._settings(call)
        targets = [*self.world.service(Organizations).units(), *sorted(self.world.accounts)]
        filters = call.parameters.get("Filters", {})
        found = [
            summary
            for summary in (
                self._summary(call, target) for target in targets if self._source(call.account, target) is not None
            )
            if all(summary.get(name) == value for name, value in filters.items())
        ]
        return paged("ConfigurationPolicyAssociationSummaries", found, call.parameters)

    def _settings(self, call: Call) -> Settings:
        self.hubs.require(call)
        settings = self.configuration.settings.get(call.account)
        if self.administration.administrators.get(call.region) != call.account or not (settings and settings.central):
            raise denied("Must be a Security Hub delegated administrator with Central Configuration enabled")
        if self.administration.aggregators[call.account].region != call.region:
            raise denied("Configuration policies can be used in the home Region only")
        return settings

    def _policy(self, call: Call, identifier: str) -> Policy:
        policies = self._settings(call).policies
        policy = policies.get(identifier.rpartition("/")[2])
        if policy is None or identifier not in (policy.id, policy.arn):
            raise not_found(f"Configuration policy {identifier} not found")
        return policy

    def _target(self, given: Mapping[str, str]) -> tuple[str, str]:
        if len(given) != 1:
            raise invalid("A target is exactly one of AccountId, OrganizationalUnitId and RootId.")
        ((name, target),) = given.items()
        units = self.world.service(Organizations).units()
        known = target in self.world.accounts if name == "AccountId" else units.get(target) == TARGETS[name]
        if not known:
            raise not_found(f"{name} {target} is not in the organization.")
        return target, TARGETS[name]

    def _source(self, administrator: str, target: str) -> str | None:
        return self.configuration.effective(administrator, target)[1]

    def _begin(self, call: Call, target: str, association: Association) -> None:
        association.status, association.updated = "PENDING", self.world.agenda.now()
        self.world.agenda.soon(
            lambda: self._finish(call.account, target, association), "policy association", seconds=ASSOCIATION_SECONDS
        )

    def _finish(self, administrator: str, target: str, association: Association) -> None:
        settings = self.configuration.settings.get(administrator)
        if settings is None or settings.associations.get(target) is not association:
            return
        self.configuration.apply(administrator)
        off = not self.hubs.on(self.world.management, self.administration.aggregators[administrator].region)
        if target == self.world.management and off and association.policy != SELF_MANAGED:
            association.status = "FAILED"
            association.message = "The management account must enable Security Hub itself."
        else:
            association.status, association.message = "SUCCESS", None
        association.updated = self.world.agenda.now()

    def _summary(self, call: Call, target: str) -> dict[str, Any]:
        source = self._source(call.account, target)
        if source is None:
            raise not_found(f"No configuration is associated with {target} or a parent of it.")
        association = self._settings(call).associations[source]
        kind = "ACCOUNT" if target in self.world.accounts else self.world.service(Organizations).units()[target]
        summary = {
            "ConfigurationPolicyId": association.policy,
            "TargetId": target,
            "TargetType": kind,
            "AssociationType": "APPLIED" if source == target else "INHERITED",
            "UpdatedAt": association.updated,
            "AssociationStatus": association.status,
        }
        return summary | ({"AssociationStatusMessage": association.message} if association.message else {})


def _shown(policy: Policy) -> dict[str, Any]:
    shown = {
        "Arn": policy.arn,
        "Id": policy.id,
        "Name": policy.name,
        "UpdatedAt": policy.updated,
        "CreatedAt": policy.created,
        "ConfigurationPolicy": policy.content,
    }
    return shown | ({"Description": policy.description} if policy.description else {})


def _check(name: str, content: Mapping[str, Any], region: str) -> None:
    settings = content.get("SecurityHub")
    if not NAME.match(name):
        raise invalid("A policy's name has letters, digits and - . ! * / only, and 128 characters at most.")
    if settings is None or "ServiceEnabled" not in settings:
        raise invalid("ConfigurationPolicy needs SecurityHub with ServiceEnabled.")
    controls = settings.get("SecurityControlsConfiguration")
    if not settings["ServiceEnabled"]:
        if controls or settings.get("EnabledStandardIdentifiers"):
            raise invalid("A policy that disables Security Hub cannot name standards or controls.")
        return
    if "EnabledStandardIdentifiers" not in settings or controls is None:
        raise invalid(
            "A policy that enables Security Hub needs EnabledStandardIdentifiers and SecurityControlsConfiguration."
        )
    for arn in settings["EnabledStandardIdentifiers"]:
        standard_path(arn, region)
    if len(CONTROL_LISTS & set(controls)) != 1:
        raise invalid("A policy lists either the enabled or the disabled controls, the list may be empty.")
