"""Which events a pattern accepts. The cases follow the EventBridge User Guide and event-ruler's README."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.services.event_pattern import matches

INSTANCE: dict[str, Any] = {
    "version": "0",
    "id": "ddddd4-aaaa-7777-4444-345dd43cc333",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "012345679012",
    "time": "2017-10-02T16:24:49Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
        "eventVersion": "",
        "responseElements": None,
    },
}
FINDINGS: dict[str, Any] = {
    "source": "aws.securityhub",
    "detail-type": "Security Hub Findings - Imported",
    "detail": {
        "findings": [
            {
                "GeneratorId": "palisade/EC2.13",
                "ProductName": "Palisade",
                "Severity": {"Label": "HIGH", "Normalized": 70},
                "Compliance": {"Status": "PASSED", "SecurityControlId": "EC2.13"},
                "Workflow": {"Status": "RESOLVED"},
                "Resources": [{"Type": "AwsEc2SecurityGroup"}, {"Type": "AwsEc2Vpc", "Details": {"Id": "vpc-1"}}],
            },
            {
                "GeneratorId": "security-control/S3.8",
                "ProductName": "Security Hub",
                "Severity": {"Label": "LOW", "Normalized": 1},
                "Compliance": {"Status": "FAILED", "SecurityControlId": "S3.8"},
                "Workflow": {"Status": "NEW"},
                "Note": {"Text": "seen"},
                "Resources": [{"Type": "AwsS3Bucket"}],
            },
        ]
    },
}
EMPLOYEES: dict[str, Any] = {
    "employees": [
        [{"firstName": "John", "lastName": "Doe"}, {"firstName": "Anna", "lastName": "Smith"}],
        [{"firstName": "Peter", "lastName": "Jones"}],
    ]
}


def detail(**fields: Any) -> dict[str, Any]:
    return {"detail": fields}


@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [
        pytest.param({"source": ["aws.ec2"]}, True, id="a string equals"),
        pytest.param({"source": ["aws.EC2"]}, False, id="case counts"),
        pytest.param({"source": ["aws.s3", "aws.ec2"]}, True, id="any of several values"),
        pytest.param({"source": ["aws.s3", "aws.rds"]}, False, id="none of several values"),
        pytest.param({"source": ["aws.ec2"], "region": ["us-east-1"]}, True, id="all fields hold"),
        pytest.param({"source": ["aws.ec2"], "region": ["eu-west-1"]}, False, id="one field fails"),
        pytest.param({"missing": ["aws.ec2"]}, False, id="a field that the event lacks"),
        pytest.param({"resources": INSTANCE["resources"]}, True, id="an array of strings holds the value"),
        pytest.param({"resources": [{"suffix": "00000"}]}, True, id="an operator on an array's element"),
        pytest.param({"resources": ["i-1"]}, False, id="no element of an array equals"),
        pytest.param({"detail": {"state": ["initializing", "running"]}}, True, id="nested field"),
        pytest.param({"detail.state": ["running"]}, True, id="a dotted key is the nested field"),
        pytest.param({"detail": ["running"]}, False, id="an object is no leaf"),
        pytest.param({"detail": {"c-count": [5]}}, True, id="integer equals"),
        pytest.param({"detail": {"c-count": [5.0]}}, True, id="integer equals its float"),
        pytest.param({"detail": {"c-count": [6]}}, False, id="another integer"),
        pytest.param({"detail": {"c-count": ["5"]}}, False, id="a number is not its text"),
        pytest.param({"detail": {"x-limit": [3.018e2]}}, True, id="scientific notation"),
        pytest.param({"detail": {"eventVersion": [""]}}, True, id="empty string"),
        pytest.param({"detail": {"responseElements": [""]}}, False, id="null is not empty"),
        pytest.param({"detail": {"responseElements": [None]}}, True, id="null"),
        pytest.param({"detail": {"missing": [None]}}, False, id="a missing field is not null"),
        pytest.param({"detail": {"state": [{"exactly": "running"}]}}, True, id="exactly"),
        pytest.param({"detail": {"state": ["stopped", {"prefix": "run"}]}}, True, id="value or operator"),
        # prefix, suffix
        pytest.param({"time": [{"prefix": "2017-10-02"}]}, True, id="prefix"),
        pytest.param({"time": [{"prefix": "2018"}]}, False, id="another prefix"),
        pytest.param({"time": [{"prefix": ""}]}, True, id="empty prefix accepts any string"),
        pytest.param({"detail": {"c-count": [{"prefix": "5"}]}}, False, id="prefix on a number"),
        pytest.param({"source": [{"prefix": {"equals-ignore-case": "AWS.E"}}]}, True, id="prefix in any case"),
        pytest.param({"source": [{"prefix": {"equals-ignore-case": "EC2"}}]}, False, id="any-case prefix at the start"),
        pytest.param({"source": [{"suffix": "ec2"}]}, True, id="suffix"),
        pytest.param({"source": [{"suffix": "EC2"}]}, False, id="suffix minds case"),
        pytest.param({"source": [{"suffix": {"equals-ignore-case": "EC2"}}]}, True, id="suffix in any case"),
        pytest.param({"source": [{"suffix": {"equals-ignore-case": "AWS"}}]}, False, id="any-case suffix at the end"),
        pytest.param({"source": [{"equals-ignore-case": "AWS.EC2"}]}, True, id="equals in any case"),
        pytest.param({"source": [{"equals-ignore-case": "AWS.EC"}]}, False, id="any-case equality of the whole"),
        # wildcard
        pytest.param({"source": [{"wildcard": "aws.*"}]}, True, id="wildcard at the end"),
        pytest.param({"source": [{"wildcard": "*ec2"}]}, True, id="wildcard at the start"),
        pytest.param({"source": [{"wildcard": "a*s.*2"}]}, True, id="several wildcards"),
        pytest.param({"source": [{"wildcard": "aws"}]}, False, id="wildcard without star is equality"),
        pytest.param({"source": [{"wildcard": "aws.ec2*"}]}, True, id="a star may stand for nothing"),
        pytest.param({"source": [{"wildcard": "*"}]}, True, id="one star alone"),
        pytest.param({"source": [{"wildcard": "aws.ec2\\*"}]}, False, id="an escaped star is a star"),
        pytest.param({"source": [{"wildcard": "aws?ec2"}]}, False, id="a question mark is itself"),
        pytest.param({"detail": {"c-count": [{"wildcard": "*"}]}}, False, id="wildcard on a number"),
        # anything-but
        pytest.param({"detail": {"state": [{"anything-but": "initializing"}]}}, True, id="anything but a string"),
        pytest.param({"detail": {"state": [{"anything-but": "running"}]}}, False, id="anything but this string"),
        pytest.param({"detail": {"x-limit": [{"anything-but": 123}]}}, True, id="anything but a number"),
        pytest.param({"detail": {"c-count": [{"anything-but": 5}]}}, False, id="anything but this number"),
        pytest.param({"detail": {"c-count": [{"anything-but": 5.0}]}}, False, id="anything but this number as float"),
        pytest.param({"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}}, True, id="but strings"),
        pytest.param({"detail": {"state": [{"anything-but": ["stopped", "running"]}]}}, False, id="but these strings"),
        pytest.param({"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}, True, id="but numbers"),
        pytest.param({"detail": {"c-count": [{"anything-but": [5, 6]}]}}, False, id="but these numbers"),
        pytest.param({"detail": {"c-count": [{"anything-but": "5"}]}}, True, id="a number is anything but a text"),
        pytest.param({"detail": {"missing": [{"anything-but": "x"}]}}, False, id="anything-but needs the field"),
        pytest.param({"detail": {"responseElements": [{"anything-but": "x"}]}}, True, id="null is anything but"),
        pytest.param({"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}, True, id="but a prefix"),
        pytest.param({"detail": {"state": [{"anything-but": {"prefix": "run"}}]}}, False, id="but this prefix"),
        pytest.param({"detail": {"state": [{"anything-but": {"prefix": ["a", "run"]}}]}}, False, id="but prefixes"),
        pytest.param({"detail": {"state": [{"anything-but": {"suffix": "ped"}}]}}, True, id="but a suffix"),
        pytest.param({"detail": {"state": [{"anything-but": {"suffix": "ing"}}]}}, False, id="but this suffix"),
        pytest.param({"detail": {"state": [{"anything-but": {"suffix": ["ed", "ing"]}}]}}, False, id="but suffixes"),
        pytest.param({"detail": {"state": [{"anything-but": {"wildcard": "r*g"}}]}}, False, id="but this wildcard"),
        pytest.param({"detail": {"state": [{"anything-but": {"wildcard": "*/lib/*"}}]}}, True, id="but a wildcard"),
        pytest.param({"detail": {"state": [{"anything-but": {"wildcard": ["x*", "r*"]}}]}}, False, id="but wildcards"),
        pytest.param(
            {"detail": {"state": [{"anything-but": {"equals-ignore-case": "RUNNING"}}]}}, False, id="but in any case"
        ),
        pytest.param(
            {"detail": {"state": [{"anything-but": {"equals-ignore-case": ["STOPPED", "Pending"]}}]}},
            True,
            id="but several in any case",
        ),
        # numeric
        pytest.param({"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}, True, id="range with closed top"),
        pytest.param({"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}, False, id="range with open top"),
        pytest.param({"detail": {"c-count": [{"numeric": [">=", 5, "<", 6]}]}}, True, id="range with closed bottom"),
        pytest.param({"detail": {"c-count": [{"numeric": [">", 5]}]}}, False, id="greater"),
        pytest.param({"detail": {"c-count": [{"numeric": [">=", 5]}]}}, True, id="greater or equal"),
        pytest.param({"detail": {"d-count": [{"numeric": ["<", 10]}]}}, True, id="less"),
        pytest.param({"detail": {"d-count": [{"numeric": ["<=", 2]}]}}, False, id="less or equal"),
        pytest.param({"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}, True, id="numeric equality"),
        pytest.param({"detail": {"x-limit": [{"numeric": ["=", 301]}]}}, False, id="numeric inequality"),
        pytest.param({"detail": {"state": [{"numeric": [">", 0]}]}}, False, id="numeric on a string"),
        pytest.param({"detail": {"responseElements": [{"numeric": ["<", 1]}]}}, False, id="numeric on null"),
        # cidr
        pytest.param({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True, id="address in a network"),
        pytest.param({"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, False, id="address outside a network"),
        pytest.param({"detail": {"source-ip": [{"cidr": "10.0.0.77/24"}]}}, True, id="network with host bits"),
        pytest.param({"detail": {"source-ip": [{"cidr": "0.0.0.0/0"}]}}, True, id="the world"),
        pytest.param({"detail": {"source-ip": [{"cidr": "::/0"}]}}, False, id="an IPv6 network holds no IPv4"),
        pytest.param({"detail": {"state": [{"cidr": "10.0.0.0/8"}]}}, False, id="cidr on another text"),
        # exists
        pytest.param({"detail": {"c-count": [{"exists": True}]}}, True, id="a leaf exists"),
        pytest.param({"detail": {"c-count": [{"exists": False}]}}, False, id="a leaf that should not exist"),
        pytest.param({"detail": {"missing": [{"exists": False}]}}, True, id="a missing leaf"),
        pytest.param({"detail": {"missing": [{"exists": True}]}}, False, id="a missing leaf that should exist"),
        pytest.param({"detail": [{"exists": True}]}, False, id="an object does not exist as a leaf"),
        pytest.param({"detail": [{"exists": False}]}, True, id="exists sees leaves only"),
        pytest.param({"detail": {"responseElements": [{"exists": True}]}}, True, id="null exists"),
        pytest.param({"detail": {"missing": [{"exists": False}, "x"]}}, True, id="absent or a value"),
        pytest.param({"detail": {"state": [{"exists": False}, "running"]}}, True, id="a value, or absent"),
        pytest.param({"detail": {"state": [{"exists": False}, "stopped"]}}, False, id="neither value nor absent"),
        # $or
        pytest.param({"$or": [{"source": ["aws.s3"]}, {"region": ["us-east-1"]}]}, True, id="either field"),
        pytest.param({"$or": [{"source": ["aws.s3"]}, {"region": ["eu-west-1"]}]}, False, id="neither field"),
        pytest.param(
            {"source": ["aws.ec2"], "$or": [{"region": ["x"]}, {"account": ["y"]}]}, False, id="a field and an $or"
        ),
        pytest.param(
            {"source": ["aws.ec2"], "detail": {"$or": [{"c-count": [{"numeric": [">", 9]}]}, {"d-count": [3]}]}},
            True,
            id="a nested $or",
        ),
        pytest.param(
            {"$or": [{"source": ["aws.ec2"], "$or": [{"region": ["x"]}, {"id": ["y"]}]}, {"account": ["z"]}]},
            False,
            id="an $or inside an $or",
        ),
        pytest.param(
            {
                "$or": [{"source": ["x"]}, {"source": ["aws.ec2"]}],
                "detail": {"$or": [{"state": ["x"]}, {"d-count": [3]}]},
            },
            True,
            id="two $or side by side",
        ),
        pytest.param({"$or": {"source": ["aws.ec2"]}}, False, id="$or with an object is an ordinary field"),
        pytest.param(
            {
                "time": [{"prefix": "2017-10-02"}],
                "detail": {
                    "state": [{"anything-but": "initializing"}],
                    "c-count": [{"numeric": [">", 0, "<=", 5]}],
                    "d-count": [{"numeric": ["<", 10]}],
                    "x-limit": [{"anything-but": [100, 200, 300]}],
                    "source-ip": [{"cidr": "10.0.0.0/8"}],
                },
            },
            True,
            id="the guide's combination",
        ),
    ],
)
def test_a_pattern_accepts_an_instance_event(pattern: dict[str, Any], accepted: bool) -> None:
    assert matches(pattern, INSTANCE) is accepted


@pytest.mark.parametrize(
    ("pattern", "event", "accepted"),
    [
        pytest.param(detail(a=[1]), detail(a=True), False, id="1 is not true"),
        pytest.param(detail(a=[True]), detail(a=1), False, id="true is not 1"),
        pytest.param(detail(a=[True]), detail(a=True), True, id="true is true"),
        pytest.param(detail(a=[False]), detail(a=0), False, id="false is not 0"),
        pytest.param(detail(a=[False]), detail(a=False), True, id="false is false"),
        pytest.param(detail(a=["true"]), detail(a=True), False, id="the text true is not true"),
        pytest.param(detail(a=[300]), detail(a=300.0), True, id="300 equals 300.0"),
        pytest.param(detail(a=[{"numeric": ["=", 1]}]), detail(a=True), False, id="numeric on true"),
        pytest.param(detail(a=[{"anything-but": 1}]), detail(a=True), True, id="true is anything but 1"),
        pytest.param(detail(a=[123456789012]), detail(a=123456789012), True, id="numbers beyond the numeric bound"),
        pytest.param(detail(a=["x"]), detail(a=[]), False, id="an empty array has no value"),
        pytest.param(detail(a=[{"exists": False}]), detail(a=[]), True, id="an empty array has no leaf"),
        pytest.param(detail(a=[{"exists": True}]), detail(a=["x"]), True, id="an array's element exists"),
        pytest.param(detail(a=[{"anything-but": "x"}]), detail(a=["x", "y"]), True, id="anything-but on an array"),
        pytest.param(detail(a=[{"anything-but": "x"}]), detail(a=["x", "x"]), False, id="anything-but on all alike"),
        pytest.param(detail(a=[2]), detail(a=[1, [2, 3]]), True, id="arrays in arrays"),
        pytest.param(detail(a=["x"], b=["y"]), detail(a=["x", "z"], b=["w", "y"]), True, id="scalar arrays are free"),
        pytest.param({"detail": {"a": {"b.c": [1]}}}, {"detail": {"a": {"b": {"c": 1}}}}, True, id="dots in patterns"),
        pytest.param({"detail": {"a": {"b": {"c": [1]}}}}, {"detail": {"a.b": {"c": 1}}}, True, id="dots in events"),
        pytest.param(detail(ip=[{"cidr": "2001:db8::/32"}]), detail(ip="2001:db8::1"), True, id="IPv6 network"),
        pytest.param(detail(ip=[{"cidr": "2001:db8::/32"}]), detail(ip="2001:db9::1"), False, id="outside of IPv6"),
        pytest.param(detail(ip=[{"cidr": "10.0.0.5/32"}]), detail(ip="10.0.0.5"), True, id="one address"),
        pytest.param(detail(p=[{"wildcard": "a\\*b"}]), detail(p="a*b"), True, id="escaped star"),
        pytest.param(detail(p=[{"wildcard": "a\\\\b"}]), detail(p="a\\b"), True, id="escaped backslash"),
        pytest.param(detail(p=[{"wildcard": "*/lib/*"}]), detail(p="usr/lib/x"), True, id="wildcards around"),
        pytest.param(detail(p=[{"wildcard": "a.c"}]), detail(p="abc"), False, id="a dot is a dot"),
        pytest.param(detail(p=[{"wildcard": "a*c"}]), detail(p="a\nc"), True, id="a star spans lines"),
    ],
)
def test_values_and_names_are_compared_as_eventbridge_does(
    pattern: dict[str, Any], event: dict[str, Any], accepted: bool
) -> None:
    assert matches(pattern, event) is accepted


def findings(**fields: Any) -> dict[str, Any]:
    return {"detail": {"findings": fields}}


@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [
        pytest.param(findings(GeneratorId=["palisade/EC2.13"]), True, id="first element"),
        pytest.param(findings(GeneratorId=["security-control/S3.8"]), True, id="second element"),
        pytest.param(findings(GeneratorId=["palisade/S3.1"]), False, id="no element"),
        pytest.param(findings(Severity={"Label": ["LOW"]}), True, id="an object inside an element"),
        pytest.param(
            findings(Compliance={"Status": ["FAILED"]}, Workflow={"Status": ["NEW"]}), True, id="both in one element"
        ),
        pytest.param(
            findings(GeneratorId=["palisade/EC2.13"], Compliance={"Status": ["FAILED"]}),
            False,
            id="never from two elements",
        ),
        pytest.param(
            findings(Compliance={"Status": ["FAILED"], "SecurityControlId": ["EC2.13"]}),
            False,
            id="never from two elements below one object",
        ),
        pytest.param(
            findings(GeneratorId=[{"prefix": "palisade/"}], Severity={"Normalized": [{"numeric": [">=", 70]}]}),
            True,
            id="operators in one element",
        ),
        pytest.param(
            findings(Resources={"Type": ["AwsEc2Vpc"], "Details": {"Id": ["vpc-1"]}}), True, id="an array in an element"
        ),
        pytest.param(
            findings(Resources={"Type": ["AwsEc2SecurityGroup"], "Details": {"Id": ["vpc-1"]}}),
            False,
            id="two elements of the inner array",
        ),
        pytest.param(
            findings(GeneratorId=["security-control/S3.8"], Resources={"Type": ["AwsEc2Vpc"]}),
            False,
            id="an inner array belongs to its element",
        ),
        pytest.param(
            findings(
                **{
                    "$or": [
                        {"GeneratorId": ["palisade/EC2.13"]},
                        {"Compliance": {"SecurityControlId": ["S3.8"]}, "ProductName": ["Security Hub"]},
                    ],
                    "Workflow": {"Status": ["NEW"]},
                }
            ),
            True,
            id="our generators or Security Hub's own controls",
        ),
        pytest.param(
            findings(
                **{
                    "$or": [{"GeneratorId": ["palisade/EC2.13"]}, {"ProductName": ["GuardDuty"]}],
                    "Workflow": {"Status": ["NEW"]},
                }
            ),
            False,
            id="$or keeps to one element",
        ),
        pytest.param(
            findings(GeneratorId=["palisade/EC2.13"], Note={"Text": [{"exists": False}]}),
            True,
            id="absent in the element that matched",
        ),
        pytest.param(
            findings(GeneratorId=["security-control/S3.8"], Note={"Text": [{"exists": False}]}),
            False,
            id="present in the element that matched",
        ),
    ],
)
def test_fields_of_one_array_match_in_one_of_its_elements(pattern: dict[str, Any], accepted: bool) -> None:
    assert matches(pattern, FINDINGS) is accepted


@pytest.mark.parametrize(
    ("first", "last", "accepted"),
    [
        pytest.param("Anna", "Smith", True, id="one employee"),
        pytest.param("Peter", "Jones", True, id="an employee of the other team"),
        pytest.param("Anna", "Jones", False, id="two employees of two teams"),
        pytest.param("John", "Smith", False, id="two employees of one team"),
    ],
)
def test_arrays_in_arrays_keep_their_objects_together(first: str, last: str, accepted: bool) -> None:
    assert matches({"employees": {"firstName": [first], "lastName": [last]}}, EMPLOYEES) is accepted
