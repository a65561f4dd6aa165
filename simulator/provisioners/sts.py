"""STS: the data source that tells who a provider is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Inputs, Site


def get_caller_identity(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`aws.get_caller_identity`: the account, ARN and unique id of the provider's credentials."""
    who = site.client("sts").get_caller_identity()
    return {"id": who["Account"], "accountId": who["Account"], "arn": who["Arn"], "userId": who["UserId"]}


INVOKES = {"aws:index/getCallerIdentity:getCallerIdentity": get_caller_identity}
