"""One provider per account: explicit, entered by a role, and refused where the role leads elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

SESSION = "palisade-pipeline"


@dataclass(frozen=True)
class Layer:
    """A layer of this stack that others stand on.

    `reader` may read the organization; `roles` are resources that roles of later layers come from,
    `ready` what later layers must wait for.
    """

    reader: aws.Provider
    roles: Sequence[pulumi.CustomResource] = ()
    ready: Sequence[pulumi.Resource] = ()


def provider_name(account: str) -> str:
    """The name of an account's provider in the program, and so in the state."""
    return f"account-{account}"


def account_provider(
    account: str,
    region: str,
    role_arn: str | None,
    *,
    name: str | None = None,
    after: Sequence[pulumi.CustomResource] = (),
) -> aws.Provider:
    """Make the provider of an account; without a role the pipeline's own credentials must be the account's.

    Resources name their Region themselves, so one provider (one process of the engine) serves all
    Regions. The nested arguments are typed on purpose: the provider takes plain dicts as they are
    and ignores their snake_case keys (pulumi/pulumi-aws#5271). `after` makes the role's ARN unknown
    in previews where this same stack has yet to create the role, so that nothing tries to enter it.
    """
    role: pulumi.Input[str] | None = role_arn
    if role_arn and after:
        role = pulumi.Output.all(*(resource.id for resource in after)).apply(lambda _: role_arn)
    return aws.Provider(
        name or provider_name(account),
        region=region,
        allowed_account_ids=[account],
        assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role, session_name=SESSION)] if role else None,
        opts=pulumi.ResourceOptions(depends_on=list(after)),
    )


def inside(provider: aws.Provider, *after: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options that put a component and its children into an account."""
    return pulumi.ResourceOptions(providers=[provider], depends_on=list(after))
