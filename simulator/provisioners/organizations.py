"""Organizations: trusted access, delegated administrators, and the data sources over its tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Inputs, Known, Made, Site, Standing, provisioner


def _access(site: Site, inputs: Inputs) -> Made:
    site.client("organizations").enable_aws_service_access(ServicePrincipal=inputs["servicePrincipal"])
    return Made(inputs["servicePrincipal"])


def _delegate(site: Site, inputs: Inputs) -> Made:
    site.client("organizations").register_delegated_administrator(
        AccountId=inputs["accountId"], ServicePrincipal=inputs["servicePrincipal"]
    )
    return Made(f"{inputs['accountId']}/{inputs['servicePrincipal']}")


def _read_access(site: Site, known: Known) -> Standing | None:
    pages = site.client("organizations").get_paginator("list_aws_service_access_for_organization").paginate()
    enabled = {one["ServicePrincipal"] for page in pages for one in page["EnabledServicePrincipals"]}
    return Standing(known.id, {"servicePrincipal": known.id}) if known.id in enabled else None


def _delete_access(site: Site, known: Known) -> None:
    site.client("organizations").disable_aws_service_access(ServicePrincipal=known.id)


def _read_delegate(site: Site, known: Known) -> Standing | None:
    account, _, principal = known.id.partition("/")
    pages = site.client("organizations").get_paginator("list_delegated_administrators")
    listed = [
        one["Id"] for page in pages.paginate(ServicePrincipal=principal) for one in page["DelegatedAdministrators"]
    ]
    if account not in listed:
        return None
    return Standing(known.id, {"accountId": account, "servicePrincipal": principal})


def _delete_delegate(site: Site, known: Known) -> None:
    account, _, principal = known.id.partition("/")
    site.client("organizations").deregister_delegated_administrator(AccountId=account, ServicePrincipal=principal)


def get_organization(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`aws.organizations.get_organization`: the organization, its accounts and roots."""
    client = site.client("organizations")
    organization = client.describe_organization()["Organization"]
    accounts = [_account(one) for page in client.get_paginator("list_accounts").paginate() for one in page["Accounts"]]
    management = organization["MasterAccountId"]
    return {
        "id": organization["Id"],
        "arn": organization["Arn"],
        "masterAccountId": management,
        "accounts": accounts,
        "nonMasterAccounts": [one for one in accounts if one["id"] != management],
        "roots": [
            {"id": root["Id"], "arn": root["Arn"], "name": root["Name"], "policyTypes": []}
            for root in client.list_roots()["Roots"]
        ],
        "featureSet": organization["FeatureSet"],
        "awsServiceAccessPrincipals": [],
        "enabledPolicyTypes": [],
    }


def get_units(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`aws.organizations.get_organizational_units`: the units directly below a parent."""
    parent = arguments["parentId"]
    return {"id": parent, "parentId": parent, "children": _units(site, parent)}


def get_descendant_units(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`get_organizational_unit_descendant_organizational_units`: the units at any depth below a parent."""
    parent = arguments["parentId"]
    found = []
    waiting = [parent]
    while waiting:
        children = _units(site, waiting.pop(0))
        found += children
        waiting += [child["id"] for child in children]
    return {"id": parent, "parentId": parent, "children": found}


def get_child_accounts(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`get_organizational_unit_child_accounts`: the accounts directly in a unit."""
    parent = arguments["parentId"]
    return {"id": parent, "parentId": parent, "accounts": _accounts(site, parent)}


def get_descendant_accounts(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`get_organizational_unit_descendant_accounts`: the accounts at any depth below a unit."""
    parent = arguments["parentId"]
    below = [parent, *(one["id"] for one in get_descendant_units(site, arguments)["children"])]
    accounts = [account for unit in below for account in _accounts(site, unit)]
    return {"id": parent, "parentId": parent, "accounts": accounts}


def _units(site: Site, parent: str) -> list[dict[str, Any]]:
    pages = site.client("organizations").get_paginator("list_organizational_units_for_parent")
    return [
        {"id": one["Id"], "arn": one["Arn"], "name": one["Name"]}
        for page in pages.paginate(ParentId=parent)
        for one in page["OrganizationalUnits"]
    ]


def _accounts(site: Site, parent: str) -> list[dict[str, Any]]:
    pages = site.client("organizations").get_paginator("list_accounts_for_parent").paginate(ParentId=parent)
    return [_account(one) for page in pages for one in page["Accounts"]]


def _account(account: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": account["Id"],
        "arn": account["Arn"],
        "name": account["Name"],
        "email": account["Email"],
        "state": account.get("State") or account["Status"],
        "status": account["Status"],
        "joinedMethod": account["JoinedMethod"],
        "joinedTimestamp": str(account["JoinedTimestamp"]),
    }


PROVISIONERS = (
    provisioner(
        "aws:organizations/awsServiceAccess:AwsServiceAccess",
        create=_access,
        read=_read_access,
        delete=_delete_access,
        said={"servicePrincipal": "Changing this value will force a new resource."},
        regional=False,
        shapes={"servicePrincipal": "organizations.EnableAWSServiceAccess.ServicePrincipal"},
    ),
    provisioner(
        "aws:organizations/delegatedAdministrator:DelegatedAdministrator",
        create=_delegate,
        read=_read_delegate,
        delete=_delete_delegate,
        replaces="accountId servicePrincipal",
        source="organizations/delegated_administrator.go",
        regional=False,
        shapes={
            "accountId": "organizations.RegisterDelegatedAdministrator.AccountId",
            "servicePrincipal": "organizations.RegisterDelegatedAdministrator.ServicePrincipal",
        },
    ),
)
INVOKES = {
    "aws:organizations/getOrganization:getOrganization": get_organization,
    "aws:organizations/getOrganizationalUnits:getOrganizationalUnits": get_units,
    "aws:organizations/getOrganizationalUnitChildAccounts:getOrganizationalUnitChildAccounts": get_child_accounts,
    "aws:organizations/getOrganizationalUnitDescendantAccounts:getOrganizationalUnitDescendantAccounts": (
        get_descendant_accounts
    ),
    "aws:organizations/getOrganizationalUnitDescendantOrganizationalUnits:"
    "getOrganizationalUnitDescendantOrganizationalUnits": get_descendant_units,
}
