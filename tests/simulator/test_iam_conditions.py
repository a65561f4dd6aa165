"""Condition operators, one case for each rule of "IAM JSON policy elements: Condition operators"."""

from typing import Any

import pytest

from simulator.iam.conditions import PolicyError
from simulator.iam.decision import Policies
from simulator.iam.patterns import Value
from tests.simulator.iam_world import allow, ask, policy

Block = dict[str, dict[str, Any]]
ARN = "arn:aws:sns:eu-west-1:200000000002:outcomes"


def holds(block: Block, context: dict[str, Value]) -> bool:
    return ask(Policies(identity=(policy(allow(Condition=block)),)), context=context).allowed


@pytest.mark.parametrize(
    ("block", "context", "expected"),
    [
        pytest.param({"StringEquals": {"a:k": "x"}}, {"a:k": "x"}, True, id="string equals the value"),
        pytest.param({"StringEquals": {"a:k": "x"}}, {"a:k": "X"}, False, id="string equals minds case"),
        pytest.param({"StringEquals": {"a:k": ["x", "y"]}}, {"a:k": "y"}, True, id="string equals any of the values"),
        pytest.param({"StringEquals": {"a:k": "x*"}}, {"a:k": "xy"}, False, id="string equals knows no wildcards"),
        pytest.param({"StringEquals": {"A:K": "x"}}, {"a:k": "x"}, True, id="condition keys do not mind case"),
        pytest.param({"stringequals": {"a:k": "x"}}, {"a:k": "x"}, True, id="operators do not mind case"),
        pytest.param({"StringEquals": {"a:k": "x"}}, {}, False, id="string equals fails where the key is missing"),
        pytest.param({"StringNotEquals": {"a:k": "x"}}, {"a:k": "y"}, True, id="string differs"),
        pytest.param(
            {"StringNotEquals": {"a:k": ["x", "y"]}}, {"a:k": "y"}, False,
            id="string differs from none of two",
        ),
        pytest.param({"StringNotEquals": {"a:k": "x"}}, {}, True, id="string differs where the key is missing"),
        pytest.param({"StringEqualsIgnoreCase": {"a:k": "Xy"}}, {"a:k": "xY"}, True, id="string equals without case"),
        pytest.param(
            {"StringNotEqualsIgnoreCase": {"a:k": "Xy"}}, {"a:k": "xY"}, False,
            id="string differs without case",
        ),
        pytest.param({"StringLike": {"a:k": "ab*"}}, {"a:k": "abc"}, True, id="string like with a star"),
        pytest.param({"StringLike": {"a:k": "ab*"}}, {"a:k": "ab"}, True, id="a star stands for nothing too"),
        pytest.param({"StringLike": {"a:k": "a?c"}}, {"a:k": "abc"}, True, id="string like with a question mark"),
        pytest.param(
            {"StringLike": {"a:k": "a?c"}}, {"a:k": "ac"}, False,
            id="a question mark stands for one character",
        ),
        pytest.param({"StringLike": {"a:k": "a.c"}}, {"a:k": "abc"}, False, id="a full stop is no wildcard"),
        pytest.param({"StringLike": {"a:k": "AB*"}}, {"a:k": "abc"}, False, id="string like minds case"),
        pytest.param({"StringNotLike": {"a:k": "ab*"}}, {"a:k": "xyz"}, True, id="string not like"),
        pytest.param({"StringNotLike": {"a:k": "ab*"}}, {}, True, id="string not like where the key is missing"),
        pytest.param({"NumericEquals": {"a:k": "10"}}, {"a:k": "10.0"}, True, id="numbers equal by value"),
        pytest.param({"NumericEquals": {"a:k": 10}}, {"a:k": "10"}, True, id="a number written as a number"),
        pytest.param({"NumericEquals": {"a:k": "10"}}, {"a:k": "ten"}, False, id="what is no number equals none"),
        pytest.param({"NumericNotEquals": {"a:k": "10"}}, {"a:k": "11"}, True, id="numbers differ"),
        pytest.param({"NumericLessThan": {"a:k": "10"}}, {"a:k": "9"}, True, id="less"),
        pytest.param({"NumericLessThan": {"a:k": "10"}}, {"a:k": "10"}, False, id="equal is not less"),
        pytest.param({"NumericLessThan": {"a:k": "10"}}, {"a:k": "9x"}, False, id="what is no number is not less"),
        pytest.param({"NumericLessThanEquals": {"a:k": "10"}}, {"a:k": "10"}, True, id="less or equal"),
        pytest.param(
            {"NumericGreaterThan": {"a:k": "9"}}, {"a:k": "10"}, True,
            id="greater compares numbers, not texts",
        ),
        pytest.param({"NumericGreaterThanEquals": {"a:k": "10"}}, {"a:k": "9"}, False, id="not greater or equal"),
        pytest.param(
            {"DateEquals": {"a:k": "2026-01-05T09:00:00Z"}}, {"a:k": "2026-01-05T10:00:00+01:00"}, True,
            id="one moment in two zones",
        ),
        pytest.param(
            {"DateLessThan": {"a:k": "2026-01-06T00:00:00Z"}}, {"a:k": "2026-01-05T09:00:00Z"}, True,
            id="earlier",
        ),
        pytest.param(
            {"DateLessThan": {"a:k": "2026-01-06"}}, {"a:k": "2026-01-05T09:00:00Z"}, True,
            id="a date without time",
        ),
        pytest.param(
            {"DateGreaterThan": {"a:k": "1767600000"}}, {"a:k": "1767603600"}, True,
            id="dates as seconds since 1970",
        ),
        pytest.param(
            {"DateGreaterThanEquals": {"a:k": "2026-01-05T09:00:00Z"}}, {"a:k": "2026-01-05T09:00:00Z"}, True,
            id="at the moment or later",
        ),
        pytest.param(
            {"DateLessThanEquals": {"a:k": "2026-01-05T09:00:00Z"}}, {"a:k": "soon"}, False,
            id="what is no date is not earlier",
        ),
        pytest.param({"DateNotEquals": {"a:k": "2026-01-05"}}, {"a:k": "2026-01-06"}, True, id="another date"),
        pytest.param({"Bool": {"a:k": "true"}}, {"a:k": "true"}, True, id="true is true"),
        pytest.param({"Bool": {"a:k": True}}, {"a:k": "true"}, True, id="a boolean written as a boolean"),
        pytest.param({"Bool": {"a:k": "False"}}, {"a:k": "false"}, True, id="booleans do not mind case"),
        pytest.param({"Bool": {"a:k": "false"}}, {}, False, id="a missing boolean is not false"),
        pytest.param({"BoolIfExists": {"a:k": "false"}}, {}, True, id="a missing boolean passes if-exists"),
        pytest.param({"BinaryEquals": {"a:k": "QmluYXJ5"}}, {"a:k": "QmluYXJ5"}, True, id="the same bytes"),
        pytest.param({"BinaryEquals": {"a:k": "QmluYXJ5"}}, {"a:k": "T3RoZXI="}, False, id="other bytes"),
        pytest.param({"BinaryEquals": {"a:k": "?"}}, {"a:k": "?"}, False, id="what is no base64 equals nothing"),
        pytest.param(
            {"IpAddress": {"a:k": "203.0.113.0/24"}}, {"a:k": "203.0.113.9"}, True,
            id="an address in the range",
        ),
        pytest.param(
            {"IpAddress": {"a:k": "203.0.113.0/24"}}, {"a:k": "203.0.114.9"}, False,
            id="an address outside the range",
        ),
        pytest.param({"IpAddress": {"a:k": "203.0.113.9"}}, {"a:k": "203.0.113.9"}, True, id="a single address"),
        pytest.param(
            {"IpAddress": {"a:k": "2001:db8::/32"}}, {"a:k": "2001:db8::1"}, True,
            id="an IPv6 address in the range",
        ),
        pytest.param(
            {"IpAddress": {"a:k": "0.0.0.0/0"}}, {"a:k": "2001:db8::1"}, False,
            id="an IPv6 address is in no IPv4 range",
        ),
        pytest.param(
            {"NotIpAddress": {"a:k": "203.0.113.0/24"}}, {"a:k": "198.51.100.1"}, True,
            id="an address that is not in the range",
        ),
        pytest.param({"NotIpAddress": {"a:k": "203.0.113.0/24"}}, {}, True, id="a missing address is not in the range"),
        pytest.param({"ArnEquals": {"a:k": ARN}}, {"a:k": ARN}, True, id="the same ARN"),
        pytest.param(
            {"ArnEquals": {"a:k": "arn:aws:sns:*:200000000002:outcomes"}}, {"a:k": ARN}, True,
            id="ARN equals takes wildcards too",
        ),
        pytest.param(
            {"ArnLike": {"a:k": "arn:aws:sns:*:200000000002:*"}}, {"a:k": ARN}, True,
            id="ARN like by segment",
        ),
        pytest.param(
            {"ArnLike": {"a:k": "arn:aws:sns:*:outcomes"}}, {"a:k": ARN}, False,
            id="a star does not span the segments of an ARN",
        ),
        pytest.param(
            {"ArnLike": {"a:k": "arn:aws:sns*"}}, {"a:k": ARN}, False,
            id="half an ARN is not completed in a condition",
        ),
        pytest.param({"ArnLike": {"a:k": "*"}}, {"a:k": ARN}, True, id="a single star is every ARN"),
        pytest.param(
            {"ArnLike": {"a:k": "arn:aws:lambda:eu-west-1:1:function:*"}},
            {"a:k": "arn:aws:lambda:eu-west-1:1:function:f:1"}, True,
            id="the last segment keeps its colons",
        ),
        pytest.param({"ArnNotEquals": {"a:k": ARN}}, {"a:k": ARN}, False, id="not another ARN"),
        pytest.param({"ArnNotLike": {"a:k": "arn:aws:sqs:*:*:*"}}, {"a:k": ARN}, True, id="ARN of another service"),
        pytest.param({"ArnNotLike": {"a:k": "arn:aws:sqs:*:*:*"}}, {}, True, id="a missing ARN is not like it"),
        pytest.param({"ArnLike": {"a:k": ARN}}, {"a:k": "outcomes"}, False, id="a name is no ARN"),
        pytest.param({"Null": {"a:k": "true"}}, {}, True, id="null where the key is missing"),
        pytest.param({"Null": {"a:k": "true"}}, {"a:k": "x"}, False, id="not null where the key is there"),
        pytest.param({"Null": {"a:k": "false"}}, {"a:k": "x"}, True, id="null false asks for the key"),
        pytest.param({"Null": {"a:k": "false"}}, {"a:k": ()}, False, id="a key without values is null"),
        pytest.param({"Null": {"a:k": True}}, {}, True, id="null written as a boolean"),
        pytest.param({"StringEqualsIfExists": {"a:k": "x"}}, {}, True, id="if-exists passes where the key is missing"),
        pytest.param(
            {"StringEqualsIfExists": {"a:k": "x"}}, {"a:k": "y"}, False,
            id="if-exists asks where the key is there",
        ),
        pytest.param({"ArnLikeIfExists": {"a:k": ARN}}, {}, True, id="ARN like if it exists"),
        pytest.param(
            {"ForAllValues:StringEquals": {"a:k": ["x", "y"]}}, {"a:k": ("x", "y")}, True,
            id="all values are allowed ones",
        ),
        pytest.param(
            {"ForAllValues:StringEquals": {"a:k": ["x", "y"]}}, {"a:k": ("x", "z")}, False,
            id="one value is no allowed one",
        ),
        pytest.param({"ForAllValues:StringEquals": {"a:k": ["x"]}}, {}, True, id="for all values is true of no values"),
        pytest.param(
            {"ForAllValues:StringEquals": {"a:k": ["x"]}}, {"a:k": ()}, True,
            id="for all values is true of an empty set",
        ),
        pytest.param(
            {"ForAllValues:StringNotEquals": {"a:k": ["x"]}}, {"a:k": ("y", "z")}, True,
            id="none of the values is the refused one",
        ),
        pytest.param(
            {"ForAllValues:StringNotEquals": {"a:k": ["x"]}}, {"a:k": ("x", "z")}, False,
            id="one of the values is the refused one",
        ),
        pytest.param({"ForAnyValue:StringEquals": {"a:k": ["x"]}}, {"a:k": ("x", "z")}, True, id="one value suffices"),
        pytest.param({"ForAnyValue:StringEquals": {"a:k": ["x"]}}, {"a:k": ("y", "z")}, False, id="no value suffices"),
        pytest.param({"ForAnyValue:StringEquals": {"a:k": ["x"]}}, {}, False, id="for any value is false of no values"),
        pytest.param(
            {"ForAnyValue:StringNotEquals": {"a:k": ["x"]}}, {"a:k": ("x", "y")}, True,
            id="one value differs",
        ),
        pytest.param({"ForAnyValue:StringNotEquals": {"a:k": ["x"]}}, {}, False, id="no value is there to differ"),
        pytest.param(
            {"ForAnyValue:StringLike": {"a:k": "o-1/r-1/*"}}, {"a:k": ("o-1/r-1/ou-2/",)}, True,
            id="an organisation path like the pattern",
        ),
        pytest.param({"ForAnyValue:StringEqualsIfExists": {"a:k": "x"}}, {}, True, id="for any value if it exists"),
        pytest.param(
            {"StringEquals": {"a:k": "x", "a:l": "y"}}, {"a:k": "x", "a:l": "y"}, True,
            id="all keys of an operator hold",
        ),
        pytest.param(
            {"StringEquals": {"a:k": "x", "a:l": "y"}}, {"a:k": "x"}, False,
            id="one key of an operator fails",
        ),
        pytest.param(
            {"StringEquals": {"a:k": "x"}, "Bool": {"a:m": "true"}}, {"a:k": "x", "a:m": "false"}, False,
            id="all operators must hold",
        ),
        pytest.param({"StringEquals": {"a:k": "${b:v}"}}, {"a:k": "x", "b:v": "x"}, True, id="a variable as the value"),
        pytest.param(
            {"StringEquals": {"a:k": "${b:v}"}}, {"a:k": "x"}, False,
            id="a variable without a value matches nothing",
        ),
        pytest.param(
            {"StringNotEquals": {"a:k": "${b:v}"}}, {"a:k": "x"}, True,
            id="nothing equals a variable without a value",
        ),
        pytest.param({"StringEquals": {"a:k": "${b:v, 'x'}"}}, {"a:k": "x"}, True, id="a variable's default"),
        pytest.param(
            {"StringEquals": {"a:k": "${b:v, 'x'}"}}, {"a:k": "x", "b:v": "y"}, False,
            id="the default yields to a value",
        ),
        pytest.param(
            {"StringLike": {"a:k": "${b:v}/*"}}, {"a:k": "team/x", "b:v": "team"}, True,
            id="a variable before a star",
        ),
        pytest.param(
            {"StringLike": {"a:k": "${b:v}"}}, {"a:k": "anything", "b:v": "*"}, False,
            id="a star in a value is no wildcard",
        ),
        pytest.param({"StringEquals": {"a:k": "${*}"}}, {"a:k": "*"}, True, id="an escaped star is a star"),
        pytest.param(
            {"StringLike": {"a:k": "a${?}"}}, {"a:k": "ab"}, False,
            id="an escaped question mark is no wildcard",
        ),
        pytest.param({"StringEquals": {"a:k": "${$}{x}"}}, {"a:k": "${x}"}, True, id="an escaped dollar sign"),
        pytest.param(
            {"StringEquals": {"a:k": "${b:v}"}}, {"a:k": "x", "b:v": ("x",)}, False,
            id="a key of many values is no variable",
        ),
        pytest.param(
            {"StringEquals": {"aws:PrincipalTag/Team": "x"}}, {"aws:principaltag/team": "x"}, True,
            id="tag keys do not mind case",
        ),
    ],
)  # fmt: skip
def test_a_condition_holds_as_documented(block: Block, context: dict[str, Value], expected: bool) -> None:
    assert holds(block, context) is expected


@pytest.mark.parametrize(
    "operator",
    [
        pytest.param("StringSame", id="no such operator"),
        pytest.param("NullIfExists", id="null has no if-exists"),
        pytest.param("ForSomeValues:StringEquals", id="no such quantifier"),
    ],
)
def test_an_unknown_operator_is_refused(operator: str) -> None:
    with pytest.raises(PolicyError):
        policy(allow(Condition={operator: {"a:k": "x"}}))
