"""Conditions of permissions that hold for tags of some keys alone.

Source: IAM User Guide, "Multivalued context keys": ForAllValues is true where the request has no key; Amazon EC2 API
Reference, DeleteTags: a call without keys takes every tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def only(keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The conditions under which a call sets or takes tags of these keys, at least one, and no others."""
    return {"ForAllValues:StringEquals": {"aws:TagKeys": list(keys)}, "Null": {"aws:TagKeys": "false"}}
