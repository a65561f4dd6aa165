"""Resource ARNs that parameters alone do not tell: aliases, paths, URLs, defaults.

Each lookup returns the ARNs of one resource type that a call names; none where it names none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto.backends import get_backend

from simulator.call import Call

if TYPE_CHECKING:
    from simulator.world import World

Lookup = Callable[[Call, "World"], tuple[str, ...]]
KEY_ID_BYTES = 36  # moto's ciphertexts start with the id of their key


def is_arn(text: str) -> bool:
    """Whether a text is an ARN rather than a name or id."""
    return text.startswith("arn:") and text.count(":") >= 5


def key_arn(call: Call, key: str, account: str) -> str:
    """Resolve a KMS key id, alias name, alias ARN or key ARN to the ARN of the key.

    An alias that does not exist stays as it is: KMS answers NotFoundException after authorisation.
    """
    region = call.region
    if is_arn(key):
        region, account = key.split(":")[3:5]
        key = key.split(":", 5)[5]
    name = key.removeprefix("key/")
    if name.startswith("alias/"):
        keys = get_backend("kms")[account][region].keys.values()
        name = next((item.id for item in keys if name in item.aliases), name)
    kind = "" if name.startswith("alias/") else "key/"
    return f"arn:{call.partition}:kms:{region}:{account}:{kind}{name}"


def key_of(ciphertext: Any, region: str) -> str | None:
    """The ARN of the key that a ciphertext was made with, in whichever account of the Region."""
    if not isinstance(ciphertext, bytes):
        return None
    identifier = ciphertext[:KEY_ID_BYTES].decode(errors="replace")
    for regional in list(get_backend("kms").values()):
        state = regional.get(region)
        if state is not None and identifier in state.keys:
            return str(state.keys[identifier].arn)
    return None


def _keys(call: Call, world: World) -> tuple[str, ...]:
    named = [call.parameters.get(name) for name in ("KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId")]
    if call.operation == "Decrypt" and named[0] is None:
        named[0] = key_of(call.parameters.get("CiphertextBlob"), call.region)
    if call.operation in ("DeleteAlias", "UpdateAlias"):
        # Both the alias and the key that it now points to are authorised.
        named.append(call.parameters["AliasName"])
    found = tuple(dict.fromkeys(key_arn(call, key, call.account) for key in named if isinstance(key, str)))
    return found or (f"arn:{call.partition}:kms:{call.region}:{call.account}:key/*",)


def _aliases(call: Call, world: World) -> tuple[str, ...]:
    name = call.parameters.get("AliasName")
    return (f"arn:{call.partition}:kms:{call.region}:{call.account}:{name}",) if isinstance(name, str) else ()


def _queues(call: Call, world: World) -> tuple[str, ...]:
    account, name = call.account, call.parameters.get("QueueName")
    url = call.parameters.get("QueueUrl")
    if isinstance(url, str):
        # A queue's URL ends in account and name.
        parts = urlsplit(url).path.strip("/").split("/")
        name = parts[-1]
        account = parts[-2] if len(parts) > 1 else account
    elif call.operation == "GetQueueUrl":
        account = call.parameters.get("QueueOwnerAWSAccountId") or account
    source = call.parameters.get("SourceArn") or call.parameters.get("TaskHandle")
    if name is None and isinstance(source, str):
        return (source,) if is_arn(source) else (f"arn:{call.partition}:sqs:{call.region}:{account}:*",)
    return (f"arn:{call.partition}:sqs:{call.region}:{account}:{name or '*'}",)


def _topics(call: Call, world: World) -> tuple[str, ...]:
    topic = call.parameters.get("TopicArn") or call.parameters.get("TargetArn") or call.parameters.get("ResourceArn")
    if isinstance(topic, str):
        return (topic,)
    subscription = call.parameters.get("SubscriptionArn")
    if isinstance(subscription, str):
        return (subscription.rsplit(":", 1)[0],)
    name = call.parameters.get("Name")
    return (f"arn:{call.partition}:sns:{call.region}:{call.account}:{name or '*'}",)


def event_bus_arn(call: Call, name: str) -> str:
    """Return the ARN of an event bus by its name or ARN."""
    return name if is_arn(name) else f"arn:{call.partition}:events:{call.region}:{call.account}:event-bus/{name}"


def _event_buses(call: Call, world: World) -> tuple[str, ...]:
    tagged = call.parameters.get("ResourceARN")
    if isinstance(tagged, str):
        return (tagged,) if ":event-bus/" in tagged else ()
    return (event_bus_arn(call, call.parameters.get("Name") or call.parameters.get("EventBusName") or "default"),)


def _rules(call: Call, world: World) -> tuple[str, ...]:
    name = call.parameters.get("Rule") or call.parameters.get("Name")
    if not isinstance(name, str):
        tagged = call.parameters.get("ResourceARN")
        return (tagged,) if isinstance(tagged, str) and ":rule/" in tagged else ()
    bus = (call.parameters.get("EventBusName") or "default").split("/")[-1]
    path = name if bus == "default" else f"{bus}/{name}"
    return (f"arn:{call.partition}:events:{call.region}:{call.account}:rule/{path}",)


def _no_resources(call: Call, world: World) -> tuple[str, ...]:
    return ()


def _log_groups(call: Call, world: World) -> tuple[str, ...]:
    """Return log groups as CloudWatch Logs asks for them: with `:log-stream:` behind, except where tags are meant.

    Source: CloudWatch Logs User Guide, "Overview of managing access permissions": a policy names
    `log-group:NAME:*` for everything but the tagging operations.
    """
    named = [
        *_listed(call.parameters, "logGroupName", "logGroupNames", "logGroupIdentifier", "logGroupIdentifiers"),
        *_listed(call.parameters, "resourceArn", "logGroupArn", "logGroupArnList", "resourceIdentifier"),
    ]
    base = f"arn:{call.partition}:logs:{call.region}:{call.account}:log-group:"
    arns = [name.removesuffix(":*") if is_arn(name) else base + name for name in named]
    groups = tuple(dict.fromkeys(arn for arn in arns if ":log-group:" in arn))
    if call.operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        return groups
    return tuple(f"{arn}:log-stream:" for arn in groups)


def _log_streams(call: Call, world: World) -> tuple[str, ...]:
    group, stream = call.parameters.get("logGroupName"), call.parameters.get("logStreamName")
    if not isinstance(group, str) or not isinstance(stream, str):
        return ()
    return (f"arn:{call.partition}:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{stream}",)


def _listed(parameters: Mapping[str, Any], *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = parameters.get(name)
        found.extend([value] if isinstance(value, str) else value or ())
    return found


def _volumes(call: Call, world: World) -> tuple[str, ...]:
    """The volumes that a call names; CreateSnapshots means those of an instance."""
    named = _listed(call.parameters, "VolumeId", "VolumeIds", "Resources", "ResourceIds", "ResourceId")
    if call.operation == "CreateSnapshots":
        state: Any = get_backend("ec2")[call.account][call.region]
        asked = [(call.parameters.get("InstanceSpecification") or {}).get("InstanceId")]
        instances = [one for each in state.reservations.values() for one in each.instances if one.id in asked]
        named = [mapping.volume_id for one in instances for mapping in one.block_device_mapping.values()]
    place = f"arn:{call.partition}:ec2:{call.region}:{call.account}"
    return tuple(f"{place}:volume/{one}" for one in named if one.startswith("vol-"))


def _iam_entities(kind: str, parameter: str, collection: str) -> Lookup:
    """IAM names its entities by name, and authorises by ARN, which has their path in it."""

    def look(call: Call, world: World) -> tuple[str, ...]:
        named = call.parameters.get(parameter)
        if not isinstance(named, str):
            return tuple(
                arn for arn in _listed(call.parameters, "Arn", "PolicySourceArn", "EntityArn") if f":{kind}/" in arn
            ) or _own_user(call, kind)
        entities = getattr(get_backend("iam")[call.account][call.partition], collection).values()
        path = next((entity.path for entity in entities if entity.name == named), call.parameters.get("Path") or "/")
        return (f"arn:{call.partition}:iam::{call.account}:{kind}{path}{named}",)

    return look


def _own_user(call: Call, kind: str) -> tuple[str, ...]:
    # Operations on the caller's own user may leave the name out.
    own = kind == "user" and call.caller.kind == "user" and "User" in call.operation + "".join(call.parameters)
    return (call.caller.arn,) if own or (kind == "user" and call.caller.kind == "user") else ()


def _findings_products(call: Call, world: World) -> tuple[str, ...]:
    findings = call.parameters.get("Findings", ())
    return tuple(dict.fromkeys(item["ProductArn"] for item in findings if item.get("ProductArn")))


def _config_rules(call: Call, world: World) -> tuple[str, ...]:
    """Config names rules by name and authorises by an id that only Config knows."""
    rule = call.parameters.get("ConfigRule")
    named = [
        *_listed(call.parameters, "ConfigRuleName", "ConfigRuleNames"),
        *([rule["ConfigRuleName"]] if isinstance(rule, Mapping) and rule.get("ConfigRuleName") else ()),
    ]
    known = getattr(world.services.get("config"), "rule_arn", None)
    if known is None or not named:
        return (f"arn:{call.partition}:config:{call.region}:{call.account}:config-rule/*",)
    return tuple(known(call.account, call.region, name) for name in named)


def _organizational_units(call: Call, world: World) -> tuple[str, ...]:
    return _organization_ids(call, world, "ou-", "ou")


def _roots(call: Call, world: World) -> tuple[str, ...]:
    return _organization_ids(call, world, "r-", "root")


def _organization_accounts(call: Call, world: World) -> tuple[str, ...]:
    return _organization_ids(call, world, "", "account")


def _organization_policies(call: Call, world: World) -> tuple[str, ...]:
    named = [name for name in _listed(call.parameters, "PolicyId", "ResourceId") if name.startswith("p-")]
    backend = get_backend("organizations")[world.management]["aws" if call.partition == "aws" else call.partition]
    arns = {policy.id: policy.arn for policy in getattr(backend, "policies", ())}
    base = f"arn:{call.partition}:organizations::{world.management}:policy/{world.organization_id}"
    return tuple(arns.get(name, f"{base}/*/{name}") for name in named)


def _organization_ids(call: Call, world: World, start: str, kind: str) -> tuple[str, ...]:
    named = _listed(
        call.parameters,
        "AccountId", "ChildId", "ParentId", "TargetId", "ResourceId", "RootId", "OrganizationalUnitId",
        "SourceParentId", "DestinationParentId",
    )  # fmt: skip
    fitting = [name for name in named if (name.startswith(start) if start else name.isdigit())]
    base = f"arn:{call.partition}:organizations::{world.management}:{kind}/{world.organization_id}"
    return tuple(f"{base}/{name}" for name in fitting)


def _handshakes(call: Call, world: World) -> tuple[str, ...]:
    # Invitations are the only handshakes that are simulated.
    base = f"arn:{call.partition}:organizations::{world.management}:handshake/{world.organization_id}/invite"
    return tuple(f"{base}/{name}" for name in _listed(call.parameters, "HandshakeId"))


def _of_rds(kind: str, listing: str, *parameters: str) -> Lookup:
    """All instances or snapshots that a call names, by name or ARN; a list of all is authorised on a star."""

    def look(call: Call, world: World) -> tuple[str, ...]:
        base = f"arn:{call.partition}:rds:{call.region}:{call.account}:{kind}"
        named = _listed(call.parameters, *parameters, "ResourceName")
        fitting = [name for name in named if not is_arn(name) or name.split(":")[5] == kind]
        if call.operation == listing and not fitting and not call.parameters.get("DBInstanceIdentifier"):
            return (f"{base}:*",)
        return tuple(name if is_arn(name) else f"{base}:{name.lower()}" for name in fitting)

    return look


def _instances(kind: str) -> Lookup:
    """Instances of EC2 (i-), and those that Systems Manager alone knows (mi-): what a call names is asked for."""
    start, service = ("mi-", "ssm") if kind == "managed-instance" else ("i-", "ec2")

    def found(call: Call, world: World) -> tuple[str, ...]:
        named = (call.parameters.get("InstanceId"), *(call.parameters.get("InstanceIds") or ()))
        place = f"arn:{call.partition}:{service}:{call.region}:{call.account}:{kind}"
        return tuple(f"{place}/{one}" for one in named if one and one.startswith(start))

    return found


LOOKUPS: Mapping[tuple[str, str], Lookup] = {
    ("kms", "key"): _keys,
    ("kms", "alias"): _aliases,
    ("sqs", "queue"): _queues,
    ("sns", "topic"): _topics,
    ("ec2", "volume"): _volumes,
    ("events", "event-bus"): _event_buses,
    ("events", "event-busv2"): _no_resources,
    ("events", "rule-on-default-event-bus"): _rules,
    ("events", "rule-on-custom-event-bus"): _no_resources,
    ("logs", "log-group"): _log_groups,
    ("logs", "log-stream"): _log_streams,
    ("iam", "role"): _iam_entities("role", "RoleName", "roles"),
    ("iam", "user"): _iam_entities("user", "UserName", "users"),
    ("iam", "group"): _iam_entities("group", "GroupName", "groups"),
    ("iam", "instance-profile"): _iam_entities("instance-profile", "InstanceProfileName", "instance_profiles"),
    ("ssm", "instance"): _instances("instance"),
    ("ssm", "managed-instance"): _instances("managed-instance"),
    ("securityhub", "product"): _findings_products,
    ("securityhub", "hubv2"): _no_resources,
    ("config", "ConfigRule"): _config_rules,
    ("organizations", "account"): _organization_accounts,
    ("organizations", "organizationalunit"): _organizational_units,
    ("organizations", "handshake"): _handshakes,
    ("organizations", "root"): _roots,
    ("organizations", "policy"): _organization_policies,
    ("organizations", "awspolicy"): _no_resources,
    ("rds", "db"): _of_rds(
        "db", "DescribeDBInstances",
        "DBInstanceIdentifier", "SourceDBInstanceIdentifier", "TargetDBInstanceIdentifier",
    ),
    # A copy is authorised on the snapshot that is copied, which another account may share, and on the new one.
    ("rds", "snapshot"): _of_rds(
        "snapshot", "DescribeDBSnapshots",
        "DBSnapshotIdentifier", "SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier",
    ),
    # Access points are not simulated; a bucket's name never is one.
    ("s3", "accesspoint"): _no_resources,
    ("s3", "accesspointobject"): _no_resources,
}  # fmt: skip
