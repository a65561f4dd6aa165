"""What statements of resource policies deny and allow, and the statement that is added."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.services.resource_policies import denies_plain_http, open_to_all, text, without_plain_http

BUCKET = "arn:aws-cn:s3:::data"
DENY: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [BUCKET, f"{BUCKET}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
PLAIN = {"aws:SecureTransport": "false"}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["*"]}},
        {"Action": ["s3:*"]},
        {"Action": "*"},
        {"Resource": "*"},
        {"Resource": f"{BUCKET}*"},
        {"Condition": {"Bool": {"AWS:securetransport": ["False"]}}},
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
        {"Condition": {"BoolIfExists": PLAIN}},
    ],
    ids=str,
)
def test_spellings_of_a_whole_denial_count(changes: dict[str, Any]) -> None:
    assert denies_plain_http(policy({**DENY, **changes}), BUCKET)


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws-cn:iam::111122223333:root"}},
        {"Action": "s3:GetObject"},
        {"Resource": f"{BUCKET}/*"},
        {"Resource": BUCKET},
        {"Resource": [BUCKET, f"{BUCKET}/public/*"]},
        {"Resource": ["arn:aws-cn:s3:::other", "arn:aws-cn:s3:::other/*"]},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {**PLAIN, "aws:ViaAWSService": "false"}}},
        {"Condition": {"Bool": PLAIN, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
        {"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
    ],
    ids=str,
)
def test_what_denies_less_does_not(changes: dict[str, Any]) -> None:
    assert not denies_plain_http(policy({**DENY, **changes}), BUCKET)


def test_statements_count_together_and_one_may_stand_alone() -> None:
    assert denies_plain_http(policy({**DENY, "Resource": BUCKET}, {**DENY, "Resource": f"{BUCKET}/*"}), BUCKET)
    assert denies_plain_http({"Statement": DENY}, BUCKET)
    assert not denies_plain_http(None, BUCKET)


def test_a_statement_is_added_once_under_a_name_of_its_own() -> None:
    first = without_plain_http({"Id": "mine", "Statement": {"Sid": "DenyPlainHttp", "Effect": "Allow"}}, BUCKET)
    assert [one["Sid"] for one in first["Statement"]] == ["DenyPlainHttp", "DenyPlainHttp1"]
    assert (first["Id"], first["Version"]) == ("mine", "2012-10-17")
    assert denies_plain_http(first, BUCKET)
    assert text(without_plain_http(None, BUCKET)).startswith('{"Version":"2012-10-17","Statement":[{"Sid"')


@pytest.mark.parametrize(
    ("condition", "opened"),
    [
        ({}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a"}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:eu-west-1:111122223333:t"}}, False),
        ({"ArnLike": {"aws:SourceArn": ["arn:aws:sns:eu-west-1:111122223333:t", "*"]}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a"}}, True),
        ({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-a"}}, False),
        ({"Null": {"aws:PrincipalArn": "true"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::data-*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*/logs"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:*:::data"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::data"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::data/*"}}, False),
        ({"StringEquals": {"aws:SourceArn": "arn:aws:s3:::data"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:data"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:data-*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:accesspoint/data"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:111122223333:accesspoint/*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-west-1:11112222333?:rule/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-west-1::rule/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:111122223333:rule/*"}}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:*:events:*:111122223333:*"}}, False),
        # The wildcard takes the attacker's account, and a path of his roles the rest.
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam:*:111122223333:role/x"}}, True),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/x"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "111122223333"}}, True),
        ({"StringLike": {"aws:SourceAccount": "*"}}, True),
        ({"StringLike": {"aws:SourceAccount": "1111*"}}, True),
        ({"StringLike": {"aws:SourceAccount": "111122223333"}}, False),
        ({"StringLike": {"aws:SourceAccount": ["111122223333", "????????????"]}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": "111122223333"}}, True),
        ({"StringEquals": {"aws:SourceAccount": ["111122223333", "444455556666"]}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}, True),
        ({"StringLike": {"aws:PrincipalAccount": "?11122223333"}}, True),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a", "aws:SourceArn": "arn:aws:s3:::*"}}, False),
    ],
    ids=str,
)
def test_open_to_all_is_what_everybody_may_where_no_condition_names_callers(
    condition: dict[str, Any], opened: bool
) -> None:
    assert open_to_all(policy({**DENY, "Effect": "Allow", "Condition": condition})) is opened
    assert not open_to_all(policy({**DENY, "Condition": condition}))
    assert not open_to_all(policy({**DENY, "Effect": "Allow", "Principal": {"AWS": "1"}, "Condition": condition}))
