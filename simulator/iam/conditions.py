"""Condition operators of policies.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for
multivalued context keys".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.iam.patterns import Context, Text, match_arn, match_text, parse_text

MONTH = re.compile(r"\d{4}-\d{2}")

# (resolved policy value, value of the request) -> do they match
Test = Callable[[str, str], bool]


class PolicyError(ValueError):
    """A policy document that IAM would refuse as malformed."""


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _moment(text: str) -> float:
    """Read a date as AWS does: ISO 8601 or seconds since 1970."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        # The W3C's profile of ISO 8601 also knows a month without a day.
        moment = datetime.fromisoformat(f"{text}-01" if MONTH.fullmatch(text) else text)
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _same_bytes(wanted: str, given: str) -> bool:
    expected = _bytes(wanted)
    return expected is not None and expected == _bytes(given)


def _within(wanted: str, given: str) -> bool:
    try:
        network = ipaddress.ip_network(wanted, strict=False)
        address = ipaddress.ip_address(given)
    except ValueError:
        return False
    return address.version == network.version and address in network


@dataclass(frozen=True, slots=True)
class Operator:
    """What a condition operator tests; `negated` ones hold where no value matches.

    Policy variables stand only in what strings, ARNs and booleans are compared with.
    """

    test: Test
    negated: bool = False
    wildcards: bool = False
    variables: bool = False


def _ordered(read: Callable[[str], Any], name: str) -> dict[str, Operator]:
    return {
        f"{name}Equals": Operator(lambda wanted, given: bool(read(given) == read(wanted))),
        f"{name}NotEquals": Operator(lambda wanted, given: bool(read(given) == read(wanted)), negated=True),
        f"{name}LessThan": Operator(lambda wanted, given: bool(_comparable(read, given, wanted, "<"))),
        f"{name}LessThanEquals": Operator(lambda wanted, given: bool(_comparable(read, given, wanted, "<="))),
        f"{name}GreaterThan": Operator(lambda wanted, given: bool(_comparable(read, wanted, given, "<"))),
        f"{name}GreaterThanEquals": Operator(lambda wanted, given: bool(_comparable(read, wanted, given, "<="))),
    }


def _comparable(read: Callable[[str], Any], left: str, right: str, how: str) -> bool:
    low, high = read(left), read(right)
    # What is no number or no date compares with nothing; Decimal would raise instead.
    if low != low or high != high:
        return False
    return bool(low < high if how == "<" else low <= high)


def _text_tests(kind: str, name: str, test: Test, *, wildcards: bool = False) -> dict[str, Operator]:
    return {
        f"{kind}{name}": Operator(test, wildcards=wildcards, variables=True),
        f"{kind}Not{name}": Operator(test, negated=True, wildcards=wildcards, variables=True),
    }


OPERATORS: Mapping[str, Operator] = {
    name.lower(): operator
    for name, operator in {
        **_text_tests("String", "Equals", str.__eq__),
        **_text_tests("String", "EqualsIgnoreCase", lambda wanted, given: wanted.casefold() == given.casefold()),
        **_text_tests("String", "Like", match_text, wildcards=True),
        **_ordered(_number, "Numeric"),
        **_ordered(_moment, "Date"),
        "Bool": Operator(lambda wanted, given: wanted.lower() == given.lower(), variables=True),
        "BinaryEquals": Operator(_same_bytes),
        "IpAddress": Operator(_within),
        "NotIpAddress": Operator(_within, negated=True),
        **_text_tests("Arn", "Equals", match_arn, wildcards=True),
        **_text_tests("Arn", "Like", match_arn, wildcards=True),
    }.items()
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a Condition block under one operator."""

    key: str
    operator: Operator | None  # None: Null
    quantifier: str  # "", "forallvalues", "foranyvalue"
    if_exists: bool
    values: tuple[Text, ...]

    def holds(self, context: Context) -> bool:
        """Whether the request satisfies the condition."""
        found = context.get(self.key)
        given = (found,) if isinstance(found, str) else (found or ())
        if self.operator is None:
            wanted = {value.resolve(context) for value in self.values}
            return ("true" if not given else "false") in wanted
        if not given or (self.quantifier and not any(given)):
            # A missing key satisfies the negated operators and "for all"; to set operators an empty text is missing.
            return (
                (self.if_exists and not given)
                or self.quantifier == "forallvalues"
                or (self.operator.negated and self.quantifier != "foranyvalue")
            )
        operator = self.operator
        resolved = [text for text in (value.resolve(context) for value in self.values) if text is not None]
        matched = [any(operator.test(text, value) for text in resolved) for value in given]
        if self.quantifier == "forallvalues":
            return all(match != operator.negated for match in matched)
        if self.quantifier == "foranyvalue":
            return any(match != operator.negated for match in matched)
        return any(matched) != operator.negated


def parse_conditions(block: Mapping[str, Any], *, variables: bool) -> tuple[Condition, ...]:
    """Read a Condition block; raises PolicyError for an operator that does not exist."""
    return tuple(
        _condition(operator, key, values, variables) for operator, keys in block.items() for key, values in keys.items()
    )


def _condition(written: str, key: str, values: Any, variables: bool) -> Condition:
    name = written.lower()
    quantifier = ""
    if ":" in name:
        quantifier, name = name.split(":", 1)
        if quantifier not in ("forallvalues", "foranyvalue"):
            raise PolicyError(f"Invalid Condition type : {written}.")
    if_exists = name.endswith("ifexists")
    if if_exists:
        name = name.removesuffix("ifexists")
    if (name != "null" and name not in OPERATORS) or (name == "null" and if_exists):
        raise PolicyError(f"Invalid Condition type : {written}.")
    operator = OPERATORS.get(name)
    listed = values if isinstance(values, (list, tuple)) else [values]
    texts = [_text(value) for value in listed]
    if operator is None:
        texts = [text.lower() for text in texts]
    return Condition(
        key=key.lower(),
        operator=operator,
        quantifier=quantifier,
        if_exists=if_exists,
        values=tuple(
            parse_text(
                text,
                variables=variables and operator is not None and operator.variables,
                wildcards=operator is not None and operator.wildcards,
            )
            for text in texts
        ),
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
