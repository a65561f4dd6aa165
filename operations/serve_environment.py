"""What clients of `palisade serve` need to know: the environment of a shell, and the accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from operations.local_estate import APPROVERS, HUB
from simulator.identity import Credentials
from simulator.port_requests import PROXIED_DOMAIN
from simulator.services.organizations import ACCESS_ROLE
from simulator.world import Account, World

# Variables of the shell that would send a client elsewhere.
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def environment(endpoint: str, credentials: Credentials, region: str, profiles: Path) -> dict[str, str]:
    """The environment of a client, of any SDK.

    S3 control puts the account into the host name, which no loopback address can have: its host is a
    name that is never resolved, reached by the endpoint as HTTP proxy. Loopback addresses stay out of
    the proxy, so that a client's own local services are reached as before.
    """
    direct = "127.0.0.1,localhost"
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3_CONTROL": f"http://s3-control.{PROXIED_DOMAIN}",
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": str(profiles),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTP_PROXY": endpoint,
        "http_proxy": endpoint,
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def description(endpoint: str, variables: Mapping[str, str], world: World) -> dict[str, Any]:
    """What `--json` prints: where the endpoint is, how to reach it, which accounts there are.

    `organizational_unit` is the id of the unit (the root's for accounts outside units), as Organizations
    returns it.
    """
    return {
        "endpoint": endpoint,
        "environment": dict(variables),
        "home_region": world.home_region,
        "regions": list(world.regions),
        "accounts": [
            {"id": one.id, "name": one.name, "kind": one.kind, "organizational_unit": one.path[-1]}
            for one in world.accounts.values()
        ],
    }


def access_role(world: World, account: str) -> str:
    """The ARN of the role by which people of the management account enter an account."""
    return f"arn:{world.partition}:iam::{account}:role/{ACCESS_ROLE}"


def profiles(world: World) -> str:
    """An AWS configuration with a profile for each account and one for approvers, by the environment's credentials.

    The AWS CLI keeps sessions by role and session name, in files and by its own clock. The name tells this
    organisation's sessions, since the clock was advanced last, from all before.
    """
    name = f"people-{world.agenda.now():%Y%m%dT%H%M%S.%f}"
    roles = {one.name: access_role(world, one.id) for one in _entered(world)}
    roles["approvers"] = f"arn:{world.partition}:iam::{HUB}:role/{APPROVERS}"
    return "\n".join(
        f"[profile {profile}]\nrole_arn = {role}\nrole_session_name = {name}\n"
        f"credential_source = Environment\nregion = {world.home_region}\n"
        for profile, role in roles.items()
    )


def for_people(port: int, variables: Mapping[str, str], world: World, *, end: str = "Ctrl-C") -> str:
    """How to point a shell at the endpoint and enter the accounts."""
    width = max(len(one.name) for one in world.accounts.values())
    example = _entered(world)[-1]
    return "\n".join(
        (
            f"The organisation has {len(world.accounts)} accounts in {', '.join(world.regions)}.",
            "",
            "Point a shell at it (its credentials are an administrator's of the management account):",
            f"  unset {' '.join(UNSET)}",
            *(f"  export {name}={value}" for name, value in variables.items()),
            "",
            "Accounts:",
            *(f"  {one.id}  {one.name:<{width}}  {one.kind}" for one in world.accounts.values()),
            "",
            "Enter one by its profile, or by assuming its access role:",
            f"  aws --profile {example.name} sts get-caller-identity",
            f"  aws sts assume-role --role-session-name me --role-arn {access_role(world, example.id)}",
            "",
            "Answer questions: palisade approve r-... --profile approvers",
            f"Let time pass: palisade advance 31d --port {port}",
            f"End it: {end}",
        )
    )


def _entered(world: World) -> list[Account]:
    """The accounts that are entered by assuming a role: all but the management account."""
    accounts: Iterable[Account] = world.accounts.values()
    return [one for one in accounts if one.kind != "management"]
