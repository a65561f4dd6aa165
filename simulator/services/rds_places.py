"""What stands around an instance: its VPC, subnets and security groups, parameter and option groups, roles, keys.

Source: RDS API reference, CreateDBInstance; RDS User Guide, "Working with a DB instance in a VPC", "AWS KMS key
management" (what the caller needs of a key), "Restoring to a DB instance" (option groups).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.rds.models import OptionGroup

from simulator.call import Call, ServiceError
from simulator.services import rds_engines as engines
from simulator.services.rds_identifiers import chosen, combination, invalid

if TYPE_CHECKING:
    from simulator.services.rds_records import Instance
    from simulator.world import World

PRINCIPAL = "rds.amazonaws.com"
DEFAULT = "default"
DEFAULT_KEY = "alias/aws/rds"
GRANTED = (
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
    "CreateGrant", "RetireGrant", "DescribeKey",
)  # fmt: skip
# Options that can be removed from no group, and groups from no instance, once they are there.
PERMANENT = frozenset({"TDE", "TDE_HSM", "Timezone", "TIMEZONE_FILE_AUTOUPGRADE"})


def subnet_group(world: World, call: Call, name: str | None) -> dict[str, Any]:
    """A subnet group as instances show it; without a name the one called default, of the default VPC."""
    if name is None or name.lower() == DEFAULT:
        _default_subnet_group(call)
    caller = world.as_service(PRINCIPAL, account=call.account)
    asked = {"DBSubnetGroupName": (name or DEFAULT).lower()}
    found = world.call(caller, "rds", "DescribeDBSubnetGroups", asked, region=call.region, account=call.account)
    return dict(found["DBSubnetGroups"][0])


def _default_subnet_group(call: Call) -> None:
    """RDS makes the group with the first instance that needs it."""
    groups, network = get_backend("rds")[call.account][call.region], get_backend("ec2")[call.account][call.region]
    if DEFAULT in groups.subnet_groups:
        return
    vpc = network.default_vpc
    if vpc is None:
        raise ServiceError("DBSubnetGroupNotFoundFault", "No default VPC exists; specify a DB subnet group.", 404)
    subnets = [one for one in network.describe_subnets() if one.vpc_id == vpc.id]
    groups.create_subnet_group(DEFAULT, DEFAULT, subnets, [])


def zones(group: dict[str, Any]) -> list[str]:
    """The Availability Zones that a subnet group covers."""
    return sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in group["Subnets"]})


def check_public(call: Call, vpc: str) -> None:
    """Refuse a public instance where no internet gateway is; raises InvalidVPCNetworkStateFault.

    The default VPC has one; moto's has not.
    """
    network = get_backend("ec2")[call.account][call.region]
    default = network.default_vpc
    attached = any(gateway.vpc is not None and gateway.vpc.id == vpc for gateway in network.internet_gateways.values())
    if not attached and (default is None or default.id != vpc):
        raise ServiceError(
            "InvalidVPCNetworkStateFault",
            "Cannot create a publicly accessible DBInstance. The specified VPC has no internet gateway attached.",
        )


def placed(group: dict[str, Any], seed: str, zone: str | None, *, multi: bool) -> dict[str, Any]:
    """The Availability Zones of an instance; the choice looks random and depends on the seed."""
    known = zones(group)
    if zone is not None:
        if multi:
            raise combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
        if zone not in known:
            raise combination(f"The subnet group {group['DBSubnetGroupName']} does not cover {zone}.")
        return {"AvailabilityZone": zone}
    if multi and len(known) < 2:
        raise ServiceError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement: at least 2.",
        )
    at = chosen(seed, len(known))
    found = {"AvailabilityZone": known[at]}
    return {**found, "SecondaryAvailabilityZone": known[(at + 1) % len(known)]} if multi else found


def security_groups(call: Call, vpc: str, wanted: list[str] | None) -> list[dict[str, str]]:
    """Security groups as instances show them; without any the default group of the VPC."""
    network = get_backend("ec2")[call.account][call.region]
    if not wanted:
        wanted = [network.get_default_security_group(vpc).id]
    for name in wanted:
        found = network.get_security_group_from_id(name)
        if found is None:
            raise invalid(f"Invalid security group , groupId= {name}, groupName=.")
        if found.vpc_id != vpc:
            raise combination(
                "The DB instance and EC2 security group are in different VPCs. The DB instance is in "
                f"{vpc} and the EC2 security group is in {found.vpc_id}"
            )
    return [{"VpcSecurityGroupId": name, "Status": "active"} for name in dict.fromkeys(wanted)]


def admits(account: str, region: str, groups: list[dict[str, str]], port: int) -> bool:
    """Whether security groups let anybody in at a port."""
    network = get_backend("ec2")[account][region]
    found = [network.get_security_group_from_id(one["VpcSecurityGroupId"]) for one in groups]
    return any(_lets_in(rule, port) for group in found if group is not None for rule in group.ingress_rules)


def _lets_in(rule: Any, port: int) -> bool:
    protocol = str(rule.ip_protocol)
    return protocol == "-1" or (protocol in ("tcp", "6") and int(rule.from_port) <= port <= int(rule.to_port))


def parameter_group(call: Call, engine: str, version: str, name: str | None) -> list[dict[str, str]]:
    """The parameter group of an instance; raises DBParameterGroupNotFound, or where its family is another."""
    groups = get_backend("rds")[call.account][call.region]
    default = engines.parameter_group(engine, version)
    name = (name or default).lower()
    if name == default and name not in groups.db_parameter_groups:  # RDS makes it with its first instance
        family = engines.family(engine, version)
        made = {"db_parameter_group_name": name, "db_parameter_group_family": family}
        groups.create_db_parameter_group({**made, "description": f"Default parameter group for {family}", "tags": []})
    if name != default:
        found = groups.db_parameter_groups.get(name)
        if found is None:
            raise ServiceError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
        wanted = engines.family(engine, version)
        if found.family != wanted:
            raise combination(
                f"The Parameter Group {name} with DBParameterGroupFamily {found.family} can't be "
                f"used for this instance. Please use a Parameter Group with DBParameterGroupFamily {wanted}"
            )
    return [{"DBParameterGroupName": name, "ParameterApplyStatus": "in-sync"}]


def option_group(call: Call, engine: str, version: str, name: str | None) -> list[dict[str, str]]:
    """The option group of an instance; raises OptionGroupNotFoundFault, or where it is another engine's."""
    groups = get_backend("rds")[call.account][call.region]
    default = engines.option_group(engine, version)
    name = (name or default).lower()
    if name == default and name not in groups.option_groups:
        major = engines.major(engine, version)
        about = f"Default option group for {engine} {major}"
        groups.option_groups[name] = OptionGroup(groups, name, engine, major, about)
    if name != default:
        found = groups.option_groups.get(name)
        if found is None:
            raise ServiceError("OptionGroupNotFoundFault", f"Specified OptionGroupName: {name} not found.", 404)
        if found.engine_name != engine:
            raise combination(f"The option group {name} is for {found.engine_name}, not {engine}.")
    return [{"OptionGroupName": name, "Status": "in-sync"}]


def new_option_group(call: Call) -> Any:
    """Make an option group for any engine and version; raises ServiceError."""
    given = call.parameters
    groups, name = get_backend("rds")[call.account][call.region], given["OptionGroupName"].lower()
    if given["EngineName"] not in engines.ENGINES:
        raise invalid(f"Invalid DB engine: {given['EngineName']}")
    if name in groups.option_groups:
        raise ServiceError("OptionGroupAlreadyExistsFault", f"An option group named {name} already exists.")
    made = OptionGroup(
        groups, name, given["EngineName"], given["MajorEngineVersion"], given["OptionGroupDescription"],
        [dict(tag) for tag in given.get("Tags") or ()],
    )  # fmt: skip
    groups.option_groups[name] = made
    return made


def keeps_options(call: Call, name: str) -> bool:
    """Whether an option group holds options that are permanent or persistent, so that a restored instance keeps it."""
    found = get_backend("rds")[call.account][call.region].option_groups.get(name)
    return found is not None and bool(PERMANENT & set(found._options))


def role(call: Call, name: str) -> str:
    """Check that a role is there and return its ARN."""
    roles = get_backend("iam")[call.account][call.partition].roles.values()
    if not any(one.arn == name for one in roles):
        raise invalid(f"IAM role ARN value is invalid or does not include the required permissions: {name}")
    return name


def key(world: World, call: Call, name: str | None) -> str:
    """Get RDS the use of a key with the caller's permissions, and return the key's ARN.

    RDS asks kms:DescribeKey and kms:CreateGrant in the caller's name. Raises KMSKeyNotAccessibleFault where the key
    is not there, of another Region, not enabled, not a symmetric one for encryption, or denied to the caller.
    """
    name = name or DEFAULT_KEY
    caller = replace(call.caller, via="rds")
    region = name.split(":")[3] if name.startswith("arn:") else call.region
    try:
        if region != call.region:
            raise inaccessible(name)
        asked = {"KeyId": name}
        found = world.call(caller, "kms", "DescribeKey", asked, region=call.region)["KeyMetadata"]
        symmetric = found.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
        if found["KeyState"] != "Enabled" or not symmetric or found["KeyUsage"] != "ENCRYPT_DECRYPT":
            raise inaccessible(found["Arn"])
        grant = {
            "KeyId": found["Arn"], "GranteePrincipal": f"rds.{call.region}.amazonaws.com", "Operations": list(GRANTED),
        }  # fmt: skip
        world.call(caller, "kms", "CreateGrant", grant, region=call.region)
    except ServiceError as error:
        raise inaccessible(name) from error
    return str(found["Arn"])


def usable(account: str, region: str, name: str) -> bool:
    """Whether a key that RDS has a grant for is still enabled."""
    found = get_backend("kms")[account][region].keys.get(name.rsplit("/", 1)[-1])
    return found is not None and found.key_state == "Enabled"


def inaccessible(name: str) -> ServiceError:
    """The error of a key that RDS cannot use for its caller."""
    return ServiceError(
        "KMSKeyNotAccessibleFault",
        f"The specified KMS key [{name}] does not exist, is not enabled or you do not have permissions to access it.",
    )


def log_stream(place: Call | Instance, identifier: str) -> str:
    """The log stream of Enhanced Monitoring in the account and Region of a call or an instance."""
    return f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:RDSOSMetrics:log-stream:{identifier}"


def cluster(call: Call, name: str) -> Any:
    """A DB cluster, which moto keeps; raises DBClusterNotFoundFault."""
    found = get_backend("rds")[call.account][call.region].clusters.get(name.lower())
    if found is None:
        raise ServiceError("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)
    return found


def managed_key(world: World, call: Call, service: str) -> str:
    """The key that AWS manages for another service, which needs no permission of the caller's."""
    caller = replace(call.caller, via=service)
    try:
        found = world.call(caller, "kms", "DescribeKey", {"KeyId": f"alias/aws/{service}"}, region=call.region)
    except ServiceError as error:
        raise inaccessible(f"alias/aws/{service}") from error
    return str(found["KeyMetadata"]["Arn"])
