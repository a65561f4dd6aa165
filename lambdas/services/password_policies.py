"""What the password policy of an account's IAM users asks for, and the call that replaces it whole.

Source: IAM API Reference, PasswordPolicy and UpdateAccountPasswordPolicy; IAM User Guide, "Set an account password
policy for IAM users".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLASSES = {
    "RequireUppercaseCharacters": "an uppercase letter",
    "RequireLowercaseCharacters": "a lowercase letter",
    "RequireNumbers": "a number",
    "RequireSymbols": "a symbol",
}
SWITCHES = (*CLASSES, "AllowUsersToChangePassword", "HardExpiry")
NUMBERS = ("MinimumPasswordLength", "PasswordReusePrevention", "MaxPasswordAge")


def lacking(policy: Mapping[str, Any], wanted: Mapping[str, int | None]) -> dict[str, str]:
    """What a policy does not ask for, for people, by its field; `wanted` are the numbers, None where one is not judged.

    A number that is stronger than wanted lacks nothing: longer, more former passwords, a lower age.
    """
    found = {field: what for field, what in CLASSES.items() if not policy.get(field)}
    length, reuse, age = (wanted[name] for name in NUMBERS)
    if length is not None and (policy.get("MinimumPasswordLength") or 0) < length:
        found["MinimumPasswordLength"] = f"{length} characters"
    if reuse is not None and (policy.get("PasswordReusePrevention") or 0) < reuse:
        found["PasswordReusePrevention"] = f"none of the last {reuse} passwords"
    if age is not None and not 0 < (policy.get("MaxPasswordAge") or 0) <= age:
        found["MaxPasswordAge"] = f"a new password after {age} days"
    return found


def strengthened(policy: Mapping[str, Any], wanted: Mapping[str, int | None]) -> dict[str, Any]:
    """The policy with what it lacks, and everything else as it is."""
    strong = {**dict.fromkeys(CLASSES, True), **wanted}
    return {**policy, **{field: strong[field] for field in lacking(policy, wanted)}}


def whole(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the call that writes a policy: what they leave out falls back to its default.

    A number that is not set is left out, for IAM takes no zero.
    """
    return {
        **{field: bool(policy.get(field)) for field in SWITCHES},
        **{field: policy[field] for field in NUMBERS if policy.get(field)},
    }
