"""Tags of rules, aggregators and recorders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulator.call import Call, ServiceError
from simulator.services.config_paging import page
from simulator.services.config_rules import with_token

MAXIMUM_TAGS = 50


class Tags:
    """The tag operations of AWS Config, over ARNs."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def add(self, arn: str, tags: Iterable[dict[str, str]]) -> None:
        """Make a resource taggable, with its first tags."""
        self._tags[arn] = {tag["Key"]: tag.get("Value", "") for tag in tags}

    def _of(self, call: Call) -> dict[str, str]:
        arn = call.parameters["ResourceArn"]
        if arn not in self._tags or f":{call.region}:{call.account}:" not in arn:
            raise ServiceError("ResourceNotFoundException", f"ResourceArn '{arn}' does not exist")
        return self._tags[arn]

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Set tags."""
        tags = self._of(call)
        wanted = {**tags, **{tag["Key"]: tag.get("Value", "") for tag in call.parameters["Tags"]}}
        if len(wanted) > MAXIMUM_TAGS:
            raise ServiceError("TooManyTagsException", f"A resource has at most {MAXIMUM_TAGS} tags")
        tags.update(wanted)
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags."""
        tags = self._of(call)
        for key in call.parameters["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """List tags."""
        found = [{"Key": key, "Value": value} for key, value in self._of(call).items()]
        cut, token = page(found, call.parameters.get("NextToken"), call.parameters.get("Limit"), MAXIMUM_TAGS)
        return with_token({"Tags": cut}, token)
