"""Load balancers where moto lies: ARNs and DNS names by type, deletion, and the health of targets.

Source: Elastic Load Balancing API references (2015-12-01 and 2012-06-01), CreateLoadBalancer, DescribeLoadBalancers,
DeleteLoadBalancer and DescribeTargetHealth; Application Load Balancer user guide, "Target health status".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.exceptions import ServiceException

from simulator.call import Call, ServiceError
from simulator.service import Service
from simulator.services.config_snapshots import existing
from simulator.services.load_balancer_traffic import Traffic, created_at
from simulator.services.paging import Words, paged
from simulator.world import dns_suffix_of

if TYPE_CHECKING:
    from simulator.world import World

KINDS = {"application": "app", "network": "net", "gateway": "gwy"}
PROVISIONING = timedelta(minutes=2)
PAGE = 400
WORDS = Words("Marker", "PageSize", "NextMarker", "ValidationError")
NOT_IN_USE = {
    "State": "unused",
    "Reason": "Target.NotInUse",
    "Description": "Target group is not configured to receive traffic from the load balancer",
}
DRAINING = {
    "State": "draining",
    "Reason": "Target.DeregistrationInProgress",
    "Description": "Target deregistration is in progress",
}


class LoadBalancers(Service):
    """Application, network and gateway load balancers; listeners, rules and target groups are moto's."""

    name = "elbv2"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.traffic = Traffic(world)
        self.metrics = self.traffic
        # When a deregistered target has drained, by target group and target.
        self._drained: dict[tuple[str, str], datetime] = {}

    def create_load_balancer(self, call: Call) -> dict[str, Any]:
        """Create a load balancer; the same settings again are the same load balancer."""
        given, state = call.parameters, get_backend("elbv2")[call.account][call.region]
        kind = given.get("Type") or "application"
        known = next((one for one in state.load_balancers.values() if one.name == given["Name"]), None)
        if known is not None:
            if known.type != kind or {one.id for one in known.subnets} != set(_subnets(given)):
                raise ServiceError(
                    "DuplicateLoadBalancerName",
                    f"A load balancer with the name '{given['Name']}' exists, but with different settings",
                )
            return {"LoadBalancers": [self._shown(known)]}
        networks = {subnet.id for zone in state.ec2_backend.subnets.values() for subnet in zone.values()}
        if missing := sorted(set(_subnets(given)) - networks):
            raise ServiceError("SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist")
        with _refused_by_moto():
            made = state.create_load_balancer(
                name=given["Name"],
                security_groups=given.get("SecurityGroups") or [],
                subnet_ids=given.get("Subnets") or [],
                subnet_mappings=given.get("SubnetMappings") or [],
                scheme=given.get("Scheme") or "internet-facing",
                loadbalancer_type=kind,
                ip_address_type=given.get("IpAddressType") or "ipv4",
                tags=given.get("Tags"),
            )
        identifier = _identifier(call, given["Name"], self.world.agenda.now())
        self._rename(state, made, made.arn.replace("/app/", f"/{KINDS[kind]}/", 1).rsplit("/", 1)[0], identifier)
        made.dns_name = (
            f"{made.name}-{identifier}.elb.{call.region}.{dns_suffix_of(call.region)}"
            if kind == "network"
            else _dns_name(made, identifier, call.region)
        )
        return {"LoadBalancers": [self._shown(made)]}

    def _rename(self, state: Any, balancer: Any, stem: str, identifier: str) -> None:
        """Give a load balancer the ARN of its type; moto calls every one an application's."""
        tags = state.tagging_service.get_tag_dict_for_resource(balancer.arn)
        state.tagging_service.delete_all_tags_for_resource(balancer.arn)
        del state.load_balancers[balancer.arn]
        balancer.arn = f"{stem}/{identifier}"
        state.load_balancers[balancer.arn] = balancer
        state.tagging_service.tag_resource(balancer.arn, [{"Key": key, "Value": value} for key, value in tags.items()])

    def describe_load_balancers(self, call: Call) -> dict[str, Any]:
        """Describe all load balancers, or those that are named by ARN or name."""
        given, state = call.parameters, get_backend("elbv2")[call.account][call.region]
        found = list(state.load_balancers.values())
        for wanted, name in (("LoadBalancerArns", "arn"), ("Names", "name")):
            asked = given.get(wanted)
            if asked:
                missing = [one for one in asked if one not in {getattr(balancer, name) for balancer in found}]
                if missing:
                    raise ServiceError("LoadBalancerNotFound", f"Load balancers '[{', '.join(missing)}]' not found")
                found = [balancer for balancer in found if getattr(balancer, name) in asked]
        shown = [self._shown(one) for one in found]
        return paged("LoadBalancers", shown, given, size=PAGE, largest=PAGE, words=WORDS)

    def _shown(self, balancer: Any) -> dict[str, Any]:
        created = created_at(balancer)
        ready = self.world.agenda.now() >= created + PROVISIONING
        shown = {
            "LoadBalancerArn": balancer.arn,
            "LoadBalancerName": balancer.name,
            "CreatedTime": created,
            "VpcId": balancer.vpc_id,
            "State": {"Code": "active" if ready else "provisioning"},
            "Type": balancer.type,
            "AvailabilityZones": [
                {"ZoneName": subnet.availability_zone, "SubnetId": subnet.id, "LoadBalancerAddresses": []}
                for subnet in balancer.subnets
            ],
            "IpAddressType": balancer.ip_address_type,
        }
        if balancer.type == "gateway":  # reached by endpoints, not by name
            return shown
        return {
            **shown,
            "DNSName": balancer.dns_name,
            "CanonicalHostedZoneId": balancer.canonical_hosted_zone_id,
            "Scheme": balancer.scheme,
            "SecurityGroups": list(balancer.security_groups or []),
        }

    def delete_load_balancer(self, call: Call) -> dict[str, Any]:
        """Delete a load balancer with its listeners; one that is not there is deleted already."""
        state = get_backend("elbv2")[call.account][call.region]
        arn = call.parameters["LoadBalancerArn"]
        balancer = state.load_balancers.get(arn)
        if balancer is None:
            return {}
        if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
            raise ServiceError(
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        if _serves_endpoints(call, arn):
            raise ServiceError(
                "ResourceInUse",
                f"Load balancer '{arn}' cannot be deleted because it is currently associated with another service",
            )
        state.delete_load_balancer(arn)
        for group in state.target_groups.values():
            group.load_balancer_arns = [one for one in group.load_balancer_arns if one != arn]
        state.tagging_service.delete_all_tags_for_resource(arn)
        return {}

    def deregister_targets(self, call: Call) -> dict[str, Any]:
        """Deregister targets; they drain for the delay of the target group's attributes."""
        state, group = _group(call)
        with _refused_by_moto():
            state.deregister_targets(group.arn, call.parameters["Targets"])
        delay = timedelta(seconds=int(group.attributes.get("deregistration_delay.timeout_seconds", 300)))
        for target in call.parameters["Targets"]:
            self._drained[group.arn, target["Id"]] = self.world.agenda.now() + delay
        return {}

    def describe_target_health(self, call: Call) -> dict[str, Any]:
        """Say how the targets are, all registered and draining ones where none is named."""
        state, group = _group(call)
        targets: Sequence[Mapping[str, Any]] = call.parameters.get("Targets") or [
            *group.targets.values(),
            *(one for name, one in group.deregistered_targets.items() if self._drains(group, name)),
        ]
        return {"TargetHealthDescriptions": [self._health(state, group, target) for target in targets]}

    def _health(self, state: Any, group: Any, target: Mapping[str, Any]) -> dict[str, Any]:
        found = group.health_for(target, state.ec2_backend)
        health = {name: value for name, value in found.target_health.items() if value is not None}
        if target["Id"] in group.targets and not _used(state, group.arn):
            health = NOT_IN_USE
        elif target["Id"] not in group.targets and self._drains(group, target["Id"]):
            health = DRAINING
        shown: dict[str, Any] = {"Target": {"Id": target["Id"]}, "TargetHealth": health}
        if group.target_type != "lambda":
            shown["Target"]["Port"] = int(found.target["Port"])
            shown["HealthCheckPort"] = str(found.health_check_port)
        return shown

    def _drains(self, group: Any, target: str) -> bool:
        until = self._drained.get((group.arn, target))
        return until is not None and self.world.agenda.now() < until


class ClassicLoadBalancers(Service):
    """Classic load balancers: the DNS name is of their Region; all else is moto's. Their traffic is with the others."""

    name = "elb"

    def create_load_balancer(self, call: Call) -> dict[str, Any]:
        """Create a classic load balancer."""
        given, state = call.parameters, get_backend("elb")[call.account][call.region]
        with _refused_by_moto():
            made = state.create_load_balancer(
                name=given["LoadBalancerName"],
                zones=given.get("AvailabilityZones") or [],
                ports=given["Listeners"],
                scheme=given.get("Scheme") or "internet-facing",
                subnets=given.get("Subnets") or [],
                security_groups=given.get("SecurityGroups") or [],
            )
        for tag in given.get("Tags") or ():
            made.add_tag(tag["Key"], tag.get("Value", ""))
        made.dns_name = _dns_name(made, _identifier(call, made.name, self.world.agenda.now()), call.region)
        return {"DNSName": made.dns_name}


def _subnets(given: Mapping[str, Any]) -> list[str]:
    return [*(given.get("Subnets") or ()), *(one["SubnetId"] for one in given.get("SubnetMappings") or ())]


def _identifier(call: Call, name: str, now: datetime) -> str:
    """An id that depends on what is made, where and when, and never on the order of calls."""
    text = f"{call.account}:{call.region}:{name}:{now.isoformat()}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _dns_name(balancer: Any, identifier: str, region: str) -> str:
    """The name of an application or classic load balancer, which has ten digits."""
    internal = "internal-" if balancer.scheme == "internal" else ""
    number = int(identifier, 16) % 10**10
    return f"{internal}{balancer.name}-{number:010}.{region}.elb.{dns_suffix_of(region)}"


def _group(call: Call) -> tuple[Any, Any]:
    state = get_backend("elbv2")[call.account][call.region]
    group = state.target_groups.get(call.parameters["TargetGroupArn"])
    if group is None:
        raise ServiceError("TargetGroupNotFound", "One or more target groups not found")
    return state, group


def _used(state: Any, group: str) -> bool:
    """Whether a listener or rule of any load balancer forwards to a target group."""
    return bool(state._any_listener_using(group))


def _serves_endpoints(call: Call, arn: str) -> bool:
    """Whether an endpoint service of AWS PrivateLink has the load balancer."""
    ec2 = existing("ec2", call.account, call.region)
    services = ec2.configurations.values() if ec2 else ()
    return any(arn in (*one.network_load_balancer_arns, *one.gateway_load_balancer_arns) for one in services)


@contextmanager
def _refused_by_moto() -> Iterator[None]:
    """Let an error of moto's state be AWS's answer."""
    try:
        yield
    except ServiceException as error:
        raise ServiceError(str(error.code), str(error.message)) from error
