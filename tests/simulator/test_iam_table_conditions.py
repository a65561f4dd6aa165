"""The table of IAM, second part: condition operators, missing keys and set operators."""

from typing import Any

import pytest

from simulator.iam.patterns import Value
from tests.simulator.iam_table import (
    MULTIPLE_CONDITIONS,
    OPERATORS,
    SET_OPERATORS,
    VARIABLES,
    Row,
    params,
)
from tests.simulator.iam_world import HUB, allow

Block = dict[str, dict[str, Any]]
TOPIC = f"arn:aws:sns:eu-west-1:{HUB}:outcomes"


def row(
    name: str, source: str, holds: bool, block: Block, version: str | None = "2012-10-17", /, **given: Value
) -> Row:
    """A statement that allows under a condition; the context's keys are written with `_` for the colon."""
    context = {key.replace("_", ":", 1): value for key, value in given.items()}
    return Row(name, source, holds, [allow(Condition=block)], context=context, version=version)


STRINGS = [
    row("StringEquals: exact, case sensitive", OPERATORS, True, {"StringEquals": {"aws:Referer": "Ab"}},
        aws_Referer="Ab"),
    row("StringEquals: another case", OPERATORS, False, {"StringEquals": {"aws:Referer": "Ab"}}, aws_Referer="ab"),
    row("StringEquals: a star is a star", OPERATORS, False, {"StringEquals": {"aws:Referer": "A*"}}, aws_Referer="Ab"),
    row("StringEquals: the key is missing", OPERATORS, False, {"StringEquals": {"aws:Referer": "x"}}),
    row("StringNotEquals: another value", OPERATORS, True, {"StringNotEquals": {"aws:Referer": "x"}}, aws_Referer="y"),
    row("StringNotEquals: one of the values", OPERATORS, False, {"StringNotEquals": {"aws:Referer": ["x", "y"]}},
        aws_Referer="y"),
    row("StringNotEquals: the key is missing", OPERATORS, True, {"StringNotEquals": {"aws:Referer": "x"}}),
    row("StringEqualsIgnoreCase", OPERATORS, True, {"StringEqualsIgnoreCase": {"aws:Referer": "aB"}}, aws_Referer="Ab"),
    row("StringNotEqualsIgnoreCase", OPERATORS, False, {"StringNotEqualsIgnoreCase": {"aws:Referer": "aB"}},
        aws_Referer="Ab"),
    row("StringLike: a star for many", OPERATORS, True, {"StringLike": {"s3:prefix": "home/*"}}, s3_prefix="home/ann/"),
    row("StringLike: a question mark is one", OPERATORS, True, {"StringLike": {"s3:prefix": "h?me"}}, s3_prefix="home"),
    row("StringLike: without wildcards it is whole", OPERATORS, False, {"StringLike": {"s3:prefix": "home"}},
        s3_prefix="home/ann"),
    row("StringLike: the empty prefix of the home directory example", OPERATORS, True,
        {"StringLike": {"s3:prefix": ["", "home/"]}}, s3_prefix=""),
    row("StringLike: the variable of the home directory example", OPERATORS, True,
        {"StringLike": {"s3:prefix": ["", "home/${aws:username}/"]}}, s3_prefix="home/ann/", aws_username="ann"),
    row("StringNotLike: no match", OPERATORS, True, {"StringNotLike": {"s3:prefix": "home/*"}}, s3_prefix="tmp"),
    row("StringNotLike: the key is missing", OPERATORS, True, {"StringNotLike": {"s3:prefix": "home/*"}}),
]  # fmt: skip

NUMBERS_AND_DATES = [
    row("NumericLessThanEquals: the example", OPERATORS, True, {"NumericLessThanEquals": {"s3:max-keys": "10"}},
        **{"s3_max-keys": "10"}),
    row("NumericLessThanEquals: one too many", OPERATORS, False, {"NumericLessThanEquals": {"s3:max-keys": "10"}},
        **{"s3_max-keys": "11"}),
    row("NumericEquals: by value, not by text", OPERATORS, True, {"NumericEquals": {"s3:max-keys": "10.0"}},
        **{"s3_max-keys": "10"}),
    row("NumericNotEquals: the key is missing", OPERATORS, True, {"NumericNotEquals": {"s3:max-keys": "10"}}),
    row("NumericGreaterThan: numbers, not texts", OPERATORS, True, {"NumericGreaterThan": {"s3:max-keys": "9"}},
        **{"s3_max-keys": "10"}),
    row("NumericGreaterThanEquals: equal", OPERATORS, True, {"NumericGreaterThanEquals": {"s3:max-keys": "9"}},
        **{"s3_max-keys": "9"}),
    row("NumericLessThan: equal is not less", OPERATORS, False, {"NumericLessThan": {"s3:max-keys": "9"}},
        **{"s3_max-keys": "9"}),
    row("Numeric: no variables", OPERATORS, False, {"NumericEquals": {"s3:max-keys": "${aws:PrincipalTag/most}"}},
        **{"s3_max-keys": "9", "aws_PrincipalTag/most": "9"}),
    row("DateGreaterThan: credentials issued since", OPERATORS, True,
        {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}, aws_TokenIssueTime="2026-01-05T09:00:00Z"),
    row("DateGreaterThan: lasting credentials have no issue time", OPERATORS, False,
        {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}),
    row("DateLessThan: seconds since 1970", OPERATORS, True, {"DateLessThan": {"aws:EpochTime": "1767603601"}},
        aws_EpochTime="1767603600"),
    row("DateLessThanEquals: the same moment in another zone", OPERATORS, True,
        {"DateLessThanEquals": {"aws:CurrentTime": "2026-01-05T11:00:00+02:00"}},
        aws_CurrentTime="2026-01-05T09:00:00Z"),
    row("DateEquals: a date and a moment of it", OPERATORS, False, {"DateEquals": {"aws:CurrentTime": "2026-01-05"}},
        aws_CurrentTime="2026-01-05T09:00:00Z"),
    row("DateGreaterThanEquals: a month of the W3C's profile", OPERATORS, True,
        {"DateGreaterThanEquals": {"aws:CurrentTime": "2026-01"}}, aws_CurrentTime="2026-01-05T09:00:00Z"),
    row("DateNotEquals: the key is missing", OPERATORS, True, {"DateNotEquals": {"aws:TokenIssueTime": "2026-01-05"}}),
    row("Date: no variables", OPERATORS, False, {"DateLessThan": {"aws:CurrentTime": "${aws:PrincipalTag/end}"}},
        **{"aws_CurrentTime": "2026-01-05T09:00:00Z", "aws_PrincipalTag/end": "2027-01-01"}),
]  # fmt: skip

OTHERS = [
    row("Bool: true", OPERATORS, True, {"Bool": {"aws:SecureTransport": "true"}}, aws_SecureTransport="true"),
    row("Bool: the key is missing", OPERATORS, False, {"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
    row("Bool: a variable", OPERATORS, True, {"Bool": {"aws:SecureTransport": "${aws:PrincipalTag/tls}"}},
        **{"aws_SecureTransport": "true", "aws_PrincipalTag/tls": "true"}),
    row("BinaryEquals: the same bytes", OPERATORS, True, {"BinaryEquals": {"a:k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}},
        a_k="QmluYXJ5VmFsdWVJbkJhc2U2NA=="),
    row("BinaryEquals: other bytes", OPERATORS, False, {"BinaryEquals": {"a:k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}},
        a_k="QmluYXJ5"),
    row("IpAddress: the range of the example", OPERATORS, True, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        aws_SourceIp="203.0.113.255"),
    row("IpAddress: outside it", OPERATORS, False, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        aws_SourceIp="203.0.114.0"),
    row("IpAddress: one address without prefix", OPERATORS, False, {"IpAddress": {"aws:SourceIp": "203.0.113.1"}},
        aws_SourceIp="203.0.113.2"),
    row("IpAddress: IPv4 and IPv6 side by side", OPERATORS, True,
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8:1234:5678::/64"]}},
        aws_SourceIp="2001:db8:1234:5678::9"),
    row("IpAddress: the key is missing by way of a service", OPERATORS, False,
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
    row("NotIpAddress: the key is missing", OPERATORS, True, {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    row("NotIpAddress: inside the range", OPERATORS, False, {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        aws_SourceIp="203.0.113.7"),
    row("IpAddress: no variables", OPERATORS, False, {"IpAddress": {"aws:SourceIp": "${aws:PrincipalTag/ip}"}},
        **{"aws_SourceIp": "203.0.113.7", "aws_PrincipalTag/ip": "203.0.113.7"}),
    row("ArnEquals and ArnLike are the same", OPERATORS, True,
        {"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:*:{HUB}:out*"}}, aws_SourceArn=TOPIC),
    row("ArnLike: each segment by itself", OPERATORS, False, {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:outcomes"}},
        aws_SourceArn=TOPIC),
    row("ArnLike: another account", OPERATORS, False,
        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}, aws_SourceArn=TOPIC),
    row("ArnLike: a variable", OPERATORS, True,
        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-west-1:${aws:PrincipalAccount}:*"}},
        aws_SourceArn=TOPIC, aws_PrincipalAccount=HUB),
    row("ArnNotLike: the key is missing", OPERATORS, True, {"ArnNotLike": {"aws:SourceArn": "arn:aws:sqs:*:*:*"}}),
    row("ArnNotEquals: the same ARN", OPERATORS, False, {"ArnNotEquals": {"aws:SourceArn": TOPIC}},
        aws_SourceArn=TOPIC),
    row("Null true: lasting credentials", OPERATORS, True, {"Null": {"aws:TokenIssueTime": "true"}}),
    row("Null false: temporary credentials", OPERATORS, True, {"Null": {"aws:TokenIssueTime": "false"}},
        aws_TokenIssueTime="2026-01-05T09:00:00Z"),
    row("Null false: the key is missing", OPERATORS, False, {"Null": {"aws:TokenIssueTime": "false"}}),
    row("IfExists: the instance type example, key there", OPERATORS, False,
        {"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "m3.*"]}}, ec2_InstanceType="c5.large"),
    row("IfExists: the instance type example, key missing", OPERATORS, True,
        {"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "m3.*"]}}),
    row("IfExists of a negated operator, key there and matching", OPERATORS, False,
        {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, aws_PrincipalOrgID="o-1"),
    row("BoolIfExists: without multi-factor information", OPERATORS, True,
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
]  # fmt: skip

SETS = [
    row("ForAllValues: all requested tags are permitted", SET_OPERATORS, True,
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}}, aws_TagKeys=("environment",)),
    row("ForAllValues: one is not", SET_OPERATORS, False,
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]}},
        aws_TagKeys=("environment", "owner")),
    row("ForAllValues: no key at all", SET_OPERATORS, True, {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}),
    row("ForAllValues: an empty text is an empty set", SET_OPERATORS, True,
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, aws_TagKeys=""),
    row("ForAllValues with Null asks for a key too", SET_OPERATORS, False,
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}, "Null": {"aws:TagKeys": "false"}}),
    row("ForAnyValue: one of the requested tags", SET_OPERATORS, True,
        {"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment"]}}, aws_TagKeys=("owner", "environment")),
    row("ForAnyValue: none of them", SET_OPERATORS, False,
        {"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment"]}}, aws_TagKeys=("owner",)),
    row("ForAnyValue: no key at all", SET_OPERATORS, False, {"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}),
    row("ForAnyValue: an empty text is an empty set", SET_OPERATORS, False,
        {"ForAnyValue:StringLike": {"aws:TagKeys": ["*"]}}, aws_TagKeys=""),
    row("ForAnyValue negated: one that differs is enough", SET_OPERATORS, True,
        {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, aws_TagKeys=("a", "b")),
    row("ForAllValues negated: none may match", SET_OPERATORS, False,
        {"ForAllValues:StringNotEquals": {"aws:TagKeys": ["a"]}}, aws_TagKeys=("a", "b")),
    row("ForAnyValue: paths of the organisation below a unit", SET_OPERATORS, True,
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-1/r-1/ou-1/*"]}},
        aws_PrincipalOrgPaths=("o-1/r-1/ou-1/ou-2/",)),
    row("ForAllValues of attributes, the DynamoDB example", SET_OPERATORS, False,
        {"ForAllValues:StringLike": {"dynamodb:Attributes": ["PostDateTime", "Message", "Tags"]}},
        dynamodb_Attributes=("PostDateTime", "UserName")),
    row("ForAnyValue of attributes, the DynamoDB example", SET_OPERATORS, True,
        {"ForAnyValue:StringLike": {"dynamodb:Attributes": ["ID", "PostDateTime"]}},
        dynamodb_Attributes=("UserName", "Message", "PostDateTime")),
]  # fmt: skip

SEVERAL = [
    row("several keys of an operator: AND", MULTIPLE_CONDITIONS, False,
        {"StringEquals": {"aws:PrincipalTag/department": "finance", "aws:PrincipalTag/role": "audit"}},
        **{"aws_PrincipalTag/department": "finance"}),
    row("several operators: AND", MULTIPLE_CONDITIONS, False,
        {"StringEquals": {"aws:PrincipalTag/department": "finance"}, "Bool": {"aws:SecureTransport": "true"}},
        **{"aws_PrincipalTag/department": "finance", "aws_SecureTransport": "false"}),
    row("several values: OR", MULTIPLE_CONDITIONS, True,
        {"StringEquals": {"aws:PrincipalTag/department": ["finance", "hr", "legal"]}},
        **{"aws_PrincipalTag/department": "hr"}),
    row("several values of a negated operator: NOR", MULTIPLE_CONDITIONS, False,
        {"StringNotEquals": {"aws:PrincipalTag/department": ["finance", "hr"]}},
        **{"aws_PrincipalTag/department": "hr"}),
    row("keys compare without case", MULTIPLE_CONDITIONS, True, {"StringEquals": {"AWS:principaltag/Dept": "x"}},
        **{"aws_PrincipalTag/dept": "x"}),
    row("Null knows no variables", VARIABLES, False, {"Null": {"aws:TokenIssueTime": "${aws:PrincipalTag/none}"}},
        **{"aws_PrincipalTag/none": "true"}),
    row("in the old version a variable is text", VARIABLES, True,
        {"StringEquals": {"aws:Referer": "${aws:username}"}}, "2008-10-17", aws_Referer="${aws:username}"),
    row("a variable without a value matches nothing", VARIABLES, False,
        {"StringEquals": {"aws:Referer": "${aws:username}"}}, aws_Referer=""),
    row("a default stands in for a missing value", VARIABLES, True,
        {"StringEquals": {"aws:Referer": "${aws:PrincipalTag/team, 'company-wide'}"}}, aws_Referer="company-wide"),
    row("a default yields to a value", VARIABLES, False,
        {"StringEquals": {"aws:Referer": "${aws:PrincipalTag/team, 'company-wide'}"}},
        **{"aws_Referer": "company-wide", "aws_PrincipalTag/team": "red"}),
    row("${*} is a star", VARIABLES, True, {"StringLike": {"aws:Referer": "a${*}"}}, aws_Referer="a*"),
    row("${*} is no wildcard", VARIABLES, False, {"StringLike": {"aws:Referer": "a${*}"}}, aws_Referer="ab"),
    row("${?} is a question mark", VARIABLES, True, {"StringLike": {"aws:Referer": "a${?}"}}, aws_Referer="a?"),
    row("${$} is a dollar sign", VARIABLES, True, {"StringLike": {"aws:Referer": "${$}{x}"}}, aws_Referer="${x}"),
    row("a key of many values is no variable", VARIABLES, False, {"StringEquals": {"aws:Referer": "${aws:TagKeys}"}},
        aws_Referer="a", aws_TagKeys=("a",)),
]  # fmt: skip

ROWS = [*STRINGS, *NUMBERS_AND_DATES, *OTHERS, *SETS, *SEVERAL]


@pytest.mark.parametrize("row", params(ROWS))
def test_a_condition_holds_as_documented(row: Row) -> None:
    assert row.decide().allowed is row.allowed
