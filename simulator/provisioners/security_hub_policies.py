"""Security Hub: configuration policies and what they are associated with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Edit, Inputs, Known, Made, Site, Standing, given, named, provisioner


class AssociationFailedError(Exception):
    """Security Hub did not apply a configuration policy to a target."""


def _written(inputs: Inputs) -> dict[str, Any]:
    policy = inputs["configurationPolicy"]
    written: dict[str, Any] = {"ServiceEnabled": bool(policy["serviceEnabled"])}
    if written["ServiceEnabled"]:
        controls = policy["securityControlsConfiguration"]
        written["EnabledStandardIdentifiers"] = list(policy.get("enabledStandardArns") or [])
        written["SecurityControlsConfiguration"] = given(
            controls,
            DisabledSecurityControlIdentifiers="disabledControlIdentifiers",
            EnabledSecurityControlIdentifiers="enabledControlIdentifiers",
        )
        # One of the two must be there; the real provider then names no disabled controls.
        if not written["SecurityControlsConfiguration"]:
            written["SecurityControlsConfiguration"] = {"DisabledSecurityControlIdentifiers": []}
    return {"SecurityHub": written}


def _policy(site: Site, inputs: Inputs) -> Made:
    answer = site.client("securityhub").create_configuration_policy(
        Name=inputs["name"], ConfigurationPolicy=_written(inputs), **given(inputs, Description="description")
    )
    return Made(answer["Id"], {"arn": answer["Arn"]})


def _read_policy(site: Site, known: Known) -> Standing | None:
    found = site.client("securityhub").get_configuration_policy(Identifier=known.id)
    policy = found["ConfigurationPolicy"]["SecurityHub"]
    controls = policy.get("SecurityControlsConfiguration") or {}
    inputs = named(
        name=found["Name"],
        description=found.get("Description") or None,
        configurationPolicy=named(
            serviceEnabled=policy["ServiceEnabled"],
            enabledStandardArns=policy.get("EnabledStandardIdentifiers"),
            securityControlsConfiguration=named(
                disabledControlIdentifiers=controls.get("DisabledSecurityControlIdentifiers"),
                enabledControlIdentifiers=controls.get("EnabledSecurityControlIdentifiers"),
            )
            if policy["ServiceEnabled"]
            else None,
        ),
    )
    return Standing(known.id, inputs, {"arn": found["Arn"]})


def _update_policy(site: Site, edit: Edit) -> Mapping[str, Any]:
    site.client("securityhub").update_configuration_policy(
        Identifier=edit.id,
        Name=edit.new["name"],
        Description=edit.new.get("description") or "",
        ConfigurationPolicy=_written(edit.new),
    )
    return {}


def _delete_policy(site: Site, known: Known) -> None:
    site.client("securityhub").delete_configuration_policy(Identifier=known.id)


def _target(target: str) -> dict[str, str]:
    kind = "AccountId" if target.isdigit() else "RootId" if target.startswith("r-") else "OrganizationalUnitId"
    return {kind: target}


def _associate(site: Site, inputs: Inputs) -> None:
    client, target = site.client("securityhub"), inputs["targetId"]
    client.start_configuration_policy_association(
        ConfigurationPolicyIdentifier=inputs["policyId"], Target=_target(target)
    )

    def applied() -> bool:
        status = client.get_configuration_policy_association(Target=_target(target))
        if status["AssociationStatus"] == "FAILED":
            raise AssociationFailedError(f"{target}: {status.get('AssociationStatusMessage', 'no reason given')}")
        return bool(status["AssociationStatus"] == "SUCCESS")

    site.wait(applied, f"the configuration policy of {target}")


def _association(site: Site, inputs: Inputs) -> Made:
    _associate(site, inputs)
    return Made(inputs["targetId"])


def _read_association(site: Site, known: Known) -> Standing | None:
    found = site.client("securityhub").get_configuration_policy_association(Target=_target(known.id))
    if found.get("AssociationType") == "INHERITED":
        return None
    return Standing(known.id, {"targetId": known.id, "policyId": found["ConfigurationPolicyId"]})


def _update_association(site: Site, edit: Edit) -> Mapping[str, Any]:
    _associate(site, edit.new)
    return {}


def _delete_association(site: Site, known: Known) -> None:
    site.client("securityhub").start_configuration_policy_disassociation(
        ConfigurationPolicyIdentifier=known.inputs["policyId"], Target=_target(known.id)
    )


PROVISIONERS = (
    provisioner(
        "aws:securityhub/configurationPolicy:ConfigurationPolicy",
        create=_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        updates="name description configurationPolicy",
        needs="name",
        sets="configurationPolicy.enabledStandardArns "
        "configurationPolicy.securityControlsConfiguration.disabledControlIdentifiers "
        "configurationPolicy.securityControlsConfiguration.enabledControlIdentifiers",
        shapes={"name": "securityhub.CreateConfigurationPolicy.Name"},
    ),
    provisioner(
        "aws:securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation",
        create=_association,
        read=_read_association,
        update=_update_association,
        delete=_delete_association,
        replaces="targetId",
        source="securityhub/configuration_policy_association.go",
        updates="policyId",
    ),
)
