"""EC2 where moto differs: security group rules one by one, prefix lists as AWS checks them.

Source: EC2 API reference, AuthorizeSecurityGroupIngress, RevokeSecurityGroupIngress,
DescribeSecurityGroupRules, ModifyManagedPrefixList, GetEbsDefaultKmsKeyId; VPC user guide, quotas.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.vpcs import DEFAULT_VPC_ENDPOINT_SERVICES

from simulator.call import Call, ServiceError
from simulator.service import Service
from simulator.services.ec2_flow_logs import FlowLogs
from simulator.services.ec2_rules import Source, make_rule, over_quota, same, shown, sources

if TYPE_CHECKING:
    from simulator.world import World

PAGE_RULES = 1000
PAGE_LISTS = 100
EBS_KEY = "alias/aws/ebs"
METADATA = {
    "HttpTokens": "http_tokens",
    "HttpPutResponseHopLimit": "http_put_response_hop_limit",
    "HttpEndpoint": "http_endpoint",
    "HttpProtocolIpv6": "http_protocol_ipv6",
    "InstanceMetadataTags": "instance_metadata_tags",
}
Rules = list[Any]


class Ec2Service(Service):
    """Corrections of EC2 over moto."""

    name = "ec2"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._flow_logs = FlowLogs()

    def before(self, call: Call) -> None:
        """Let moto collect endpoint services anew: after a collection that failed it answers with what it had."""
        if call.operation == "DescribeVpcEndpointServices":
            DEFAULT_VPC_ENDPOINT_SERVICES.pop(call.region, None)

    def get_ebs_default_kms_key_id(self, call: Call) -> dict[str, Any]:
        """Name the key of EBS encryption in the Region: AWS's own by its alias, a chosen one by its ARN."""
        chosen = str(get_backend("ec2")[call.account][call.region].default_kms_key_id)
        own = get_backend("kms")[call.account][call.region].get_key_id_from_alias(EBS_KEY)
        # moto makes AWS's own key, and takes it for chosen, with the first encrypted volume.
        return {"KmsKeyId": EBS_KEY if chosen in ("", own) or chosen.endswith(f":key/{own}") else chosen}

    def reset_ebs_default_kms_key_id(self, call: Call) -> dict[str, Any]:
        """Go back to AWS's own key."""
        get_backend("ec2")[call.account][call.region].default_kms_key_id = ""
        return {"KmsKeyId": EBS_KEY}

    def modify_instance_metadata_options(self, call: Call) -> dict[str, Any]:
        """Change the options that are named; moto sets all others back."""
        _dry_run(call)
        identifier = call.parameters["InstanceId"]
        found = [one for one in get_backend("ec2")[call.account][call.region].all_instances() if one.id == identifier]
        if not found:
            raise ServiceError("InvalidInstanceID.NotFound", f"The instance ID '{identifier}' does not exist")
        options = found[0].metadata_options
        for name, field in METADATA.items():
            if call.parameters.get(name) is not None:
                setattr(options, field, call.parameters[name])
        shown = {name: getattr(options, field) for name, field in METADATA.items()}
        return {"InstanceId": identifier, "InstanceMetadataOptions": {"State": "applied", **shown}}

    def create_flow_logs(self, call: Call) -> dict[str, Any]:
        """Create flow logs; what cannot be created is told of in an answer that is no error."""
        _dry_run(call)
        return self._flow_logs.create(call)

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """The groups of an instance are those of its primary network interface."""
        if call.operation == "ModifyNetworkInterfaceAttribute" and call.parameters.get("Groups"):
            state: Any = get_backend("ec2")[call.account][call.region]
            interface = state.get_network_interface(call.parameters["NetworkInterfaceId"])
            if interface.instance is not None and interface.device_index == 0:
                interface.instance.security_groups = list(interface.group_set)

    def authorize_security_group_ingress(self, call: Call) -> dict[str, Any]:
        """Add inbound rules, all or none; returns each with its id."""
        return self._authorize(call, egress=False)

    def authorize_security_group_egress(self, call: Call) -> dict[str, Any]:
        """Add outbound rules, all or none; returns each with its id."""
        return self._authorize(call, egress=True)

    def revoke_security_group_ingress(self, call: Call) -> dict[str, Any]:
        """Remove inbound rules by id or by properties; returns what was removed, without tags."""
        return self._revoke(call, egress=False)

    def revoke_security_group_egress(self, call: Call) -> dict[str, Any]:
        """Remove outbound rules by id or by properties; returns what was removed, without tags."""
        return self._revoke(call, egress=True)

    def _authorize(self, call: Call, *, egress: bool) -> dict[str, Any]:
        state, group = _group(call)
        _dry_run(call)
        rules: Rules = group.egress_rules if egress else group.ingress_rules
        wanted = sources(call, state)
        if not wanted:
            raise ServiceError("MissingParameter", "The request must contain the parameter ipPermissions")
        for number, source in enumerate(wanted):
            if any(same(rule, source) for rule in rules) or source.key in {one.key for one in wanted[:number]}:
                raise ServiceError(
                    "InvalidPermission.Duplicate",
                    f'the specified rule "peer: {source.peer}, {source.text}, ALLOW" already exists',
                )
        if over_quota(state, rules, wanted):
            raise ServiceError(
                "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
            )
        tags = _tags(call, "security-group-rule")
        added = [make_rule(state, group, source, tags, egress=egress) for source in wanted]
        rules.extend(added)
        return {"Return": True, "SecurityGroupRules": [shown(state, group, rule) for rule in added]}

    def _revoke(self, call: Call, *, egress: bool) -> dict[str, Any]:
        state, group = _group(call)
        _dry_run(call)
        rules: Rules = group.egress_rules if egress else group.ingress_rules
        identifiers = call.parameters.get("SecurityGroupRuleIds") or []
        unknown: list[dict[str, Any]] = []
        if identifiers:
            gone = [_by_id(rules, identifier) for identifier in identifiers]
        else:
            gone, unknown = self._matching(sources(call, state), state, group, rules)
        revoked = [_revoked(group, rule) for rule in gone]
        rules[:] = [rule for rule in rules if not any(rule is one for one in gone)]
        for rule in gone:
            state.tags.pop(rule.id, None)
        answer: dict[str, Any] = {"Return": True, "RevokedSecurityGroupRules": revoked}
        return {**answer, "UnknownIpPermissions": unknown} if unknown else answer

    def _matching(
        self, wanted: Sequence[Source], state: Any, group: Any, rules: Rules
    ) -> tuple[Rules, list[dict[str, Any]]]:
        """Find rules by their properties. In a default VPC what matches nothing is reported, elsewhere refused."""
        gone, unknown = [], []
        for source in wanted:
            found = next((rule for rule in rules if same(rule, source)), None)
            if found is not None:
                gone.append(found)
            elif str(state.vpcs[group.vpc_id].is_default).lower() == "true":
                unknown.append(source.permission)
            else:
                raise ServiceError(
                    "InvalidPermission.NotFound", "The specified rule does not exist in this security group."
                )
        return gone, unknown

    def describe_security_group_rules(self, call: Call) -> dict[str, Any]:
        """List rules one by one, by id, group, or tag."""
        _dry_run(call)
        state = get_backend("ec2")[call.account][call.region]
        found = [
            shown(state, group, rule)
            for groups in state.groups.values()
            for group in groups.values()
            for rule in (*group.ingress_rules, *group.egress_rules)
        ]
        for identifier in call.parameters.get("SecurityGroupRuleIds") or ():
            if all(rule["SecurityGroupRuleId"] != identifier for rule in found):
                raise _no_rule(identifier)
        wanted = call.parameters.get("SecurityGroupRuleIds")
        filters = call.parameters.get("Filters") or []
        chosen = [
            rule
            for rule in found
            if (not wanted or rule["SecurityGroupRuleId"] in wanted)
            and all(_passes(rule, one["Name"], one["Values"]) for one in filters)
        ]
        return _page(call, "SecurityGroupRules", chosen, PAGE_RULES)

    def get_managed_prefix_list_entries(self, call: Call) -> dict[str, Any]:
        """List the entries of one version of a prefix list, at most 100 a page."""
        _dry_run(call)
        prefix_list = _prefix_list(call, call.parameters["PrefixListId"])
        version = call.parameters.get("TargetVersion") or prefix_list.version
        if version is not None and version != 1 and version not in prefix_list.entries:
            raise ServiceError("InvalidParameterValue", f"The version {version} of {prefix_list.id} does not exist.")
        # moto keeps the entries of AWS's own lists under version 1 and says that they have none.
        entries = prefix_list.entries.get(version or 1) or []
        return _page(call, "Entries", [dict(entry) for entry in entries], PAGE_LISTS)

    def describe_managed_prefix_lists(self, call: Call) -> dict[str, Any]:
        """List prefix lists, those of AWS too; one that is named must exist."""
        _dry_run(call)
        state = get_backend("ec2")[call.account][call.region]
        for identifier in call.parameters.get("PrefixListIds") or ():
            _prefix_list(call, identifier)
        filters = {one["Name"]: one["Values"] for one in call.parameters.get("Filters") or ()}
        found = state.describe_managed_prefix_lists(call.parameters.get("PrefixListIds"), filters)
        return _page(call, "PrefixLists", [_described(state, one) for one in found], PAGE_LISTS)

    def modify_managed_prefix_list(self, call: Call) -> dict[str, Any]:
        """Change a prefix list; entries change only on top of the version that the caller has seen."""
        _dry_run(call)
        given = call.parameters
        prefix_list = _prefix_list(call, given["PrefixListId"])
        if prefix_list.owner_id != call.account:
            raise ServiceError("OperationNotPermitted", f"{prefix_list.id} is owned by {prefix_list.owner_id}", 403)
        added, removed = given.get("AddEntries") or [], given.get("RemoveEntries") or []
        if added or removed:
            if given.get("CurrentVersion") != prefix_list.version:
                raise ServiceError(
                    "PrefixListVersionMismatch", f"The prefix list has the version {prefix_list.version}."
                )
            self._change_entries(prefix_list, added, removed, given.get("MaxEntries"))
        if given.get("PrefixListName"):
            prefix_list.prefix_list_name = given["PrefixListName"]
        if given.get("MaxEntries"):
            prefix_list.max_entries = given["MaxEntries"]
        prefix_list.state = "modify-complete"
        return {"PrefixList": _described(get_backend("ec2")[call.account][call.region], prefix_list)}

    def _change_entries(
        self, prefix_list: Any, added: list[dict[str, Any]], removed: list[dict[str, Any]], maximum: int | None
    ) -> None:
        entries = {entry["Cidr"]: entry for entry in prefix_list.entries.get(prefix_list.version) or []}
        for entry in removed:
            if entries.pop(_network(entry["Cidr"]), None) is None:
                raise ServiceError("InvalidParameterValue", f"The prefix list has no entry {entry['Cidr']}.")
        entries |= {_network(entry["Cidr"]): {**entry, "Cidr": _network(entry["Cidr"])} for entry in added}
        if len(entries) > int(maximum or prefix_list.max_entries):
            raise ServiceError(
                "PrefixListMaxEntriesExceeded", f"{prefix_list.id} takes at most {prefix_list.max_entries} entries."
            )
        prefix_list.version += 1
        prefix_list.entries[prefix_list.version] = list(entries.values())


def _network(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False))


def _groups_of(interface: Any) -> list[Any]:
    """The groups of an interface alone: moto adds those that its instance was launched with, for ever."""
    groups: list[Any] = interface._group_set
    return groups or list(interface.instance.security_groups if interface.instance else ())


_interfaces: Any = NetworkInterface
_interfaces.group_set = property(_groups_of)


def _group(call: Call) -> tuple[Any, Any]:
    state = get_backend("ec2")[call.account][call.region]
    wanted = call.parameters.get("GroupId") or call.parameters.get("GroupName")
    if not wanted:
        raise ServiceError("MissingParameter", "The request must contain the parameter groupName or groupId")
    group = state.get_security_group_by_name_or_id(wanted)
    if group is None:
        raise ServiceError("InvalidGroup.NotFound", f"The security group '{wanted}' does not exist")
    return state, group


def _dry_run(call: Call) -> None:
    if call.parameters.get("DryRun"):
        raise ServiceError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def _tags(call: Call, resource_type: str) -> dict[str, str]:
    return {
        tag["Key"]: tag.get("Value", "")
        for specification in call.parameters.get("TagSpecifications") or ()
        if specification.get("ResourceType") == resource_type
        for tag in specification.get("Tags") or ()
    }


def _by_id(rules: Rules, identifier: str) -> Any:
    found = next((rule for rule in rules if rule.id == identifier), None)
    if found is None:
        raise _no_rule(identifier)
    return found


def _no_rule(identifier: str) -> ServiceError:
    return ServiceError(
        "InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{identifier}' does not exist"
    )


def _revoked(group: Any, rule: Any) -> dict[str, Any]:
    """A removed rule as the answer describes it: no tags, and the referenced group by its id."""
    found = shown(None, group, rule)
    reference = found.pop("ReferencedGroupInfo", None)
    kept = {
        name: value for name, value in found.items() if name not in ("Tags", "GroupOwnerId", "SecurityGroupRuleArn")
    }
    return {**kept, "ReferencedGroupId": reference["GroupId"]} if reference else kept


def _passes(rule: Mapping[str, Any], name: str, values: Sequence[str]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in rule["Tags"]}
    if name == "group-id":
        return rule["GroupId"] in values
    if name == "security-group-rule-id":
        return rule["SecurityGroupRuleId"] in values
    if name == "tag-key":
        return bool(tags.keys() & set(values))
    if name.startswith("tag:"):
        return tags.get(name.removeprefix("tag:")) in values
    raise ServiceError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _page(call: Call, name: str, entries: list[dict[str, Any]], largest: int) -> dict[str, Any]:
    token = call.parameters.get("NextToken")
    if token and not token.isdecimal():
        raise ServiceError("InvalidNextToken", "The token is not valid")
    start = int(token or 0)
    end = start + min(call.parameters.get("MaxResults") or largest, largest)
    answer: dict[str, Any] = {name: entries[start:end]}
    return {**answer, "NextToken": str(end)} if end < len(entries) else answer


def _prefix_list(call: Call, identifier: str) -> Any:
    found = get_backend("ec2")[call.account][call.region].managed_prefix_lists.get(identifier)
    if found is None or found.state == "delete-complete":
        raise ServiceError("InvalidPrefixListID.NotFound", f"The prefix list ID '{identifier}' does not exist.")
    return found


def _described(state: Any, prefix_list: Any) -> dict[str, Any]:
    found = {
        "PrefixListId": prefix_list.id,
        "AddressFamily": prefix_list.address_family,
        "State": prefix_list.state,
        "PrefixListArn": prefix_list.prefix_list_arn,
        "PrefixListName": prefix_list.prefix_list_name,
        "Tags": [{"Key": key, "Value": value} for key, value in state.tags.get(prefix_list.id, {}).items()],
        "OwnerId": prefix_list.owner_id,
    }
    if prefix_list.max_entries is None:
        return found
    return {**found, "MaxEntries": int(prefix_list.max_entries), "Version": prefix_list.version}
