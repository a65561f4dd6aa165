"""Request rates: token buckets per calling account and Region, in the organisation's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model

from simulator.agenda import Agenda
from simulator.call import Call, Caller, ServiceError
from simulator.rate_table import RATES
from simulator.rates import Rates, documented, rate_of
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, organization

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})


class MovedClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(moment, self.moment)


class Bench:
    """Rates alone, with calls that have no service behind them."""

    def __init__(self, *, waits: bool = False, in_function: bool = False) -> None:
        self.clock = MovedClock()
        self.rates = Rates(Agenda(self.clock), lambda: in_function, waits=waits)

    def passed(
        self, number: int, service: str, operation: str, account: str = MEMBER, region: str = HOME, **parameters: Any
    ) -> int:
        """How many of a number of calls, made at once, were admitted."""
        caller = Caller(f"arn:aws:iam::{account}:root", account, "root")
        admitted = 0
        for _ in range(number):
            try:
                self.rates.spend(Call(service, operation, parameters, region, "aws", account, caller))
            except ServiceError:
                continue
            admitted += 1
        return admitted

    def wait(self, seconds: float) -> None:
        self.clock.forward(self.clock.moment + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("service", "operation", "burst", "per_second"),
    [
        ("securityhub", "BatchImportFindings", 30, 10),
        ("securityhub", "BatchUpdateFindings", 30, 10),
        ("securityhub", "GetFindings", 6, 3),
        ("securityhub", "UpdateStandardsControl", 5, 1),
        ("sts", "AssumeRole", 600, 600),
        ("cloudtrail", "LookupEvents", 2, 2),
        ("cloudtrail", "DescribeTrails", 10, 10),
        ("cloudtrail", "CreateTrail", 1, 1),
        ("ec2", "DescribeVpcs", 100, 20),
        ("ec2", "AuthorizeSecurityGroupIngress", 50, 5),
        ("ec2", "AuthorizeSecurityGroupEgress", 50, 5),
        ("ec2", "ModifyInstanceMetadataOptions", 100, 5),
        ("kms", "CreateKey", 5, 5),
        ("lambda", "GetFunction", 100, 100),
        ("lambda", "UpdateFunctionCode", 15, 15),
        ("events", "PutRule", 50, 50),
        ("ssm", "GetParameter", 40, 40),
        ("logs", "FilterLogEvents", 5, 5),
        ("sns", "Subscribe", 100, 100),
    ],
)
def test_a_burst_passes_and_then_the_documented_rate(service: str, operation: str, burst: int, per_second: int) -> None:
    bench = Bench()
    assert bench.passed(burst + 5, service, operation) == burst
    bench.wait(1)
    assert bench.passed(burst + 5, service, operation) == min(per_second, burst)
    bench.wait(3600)
    assert bench.passed(burst + 5, service, operation) == burst


def test_each_account_and_region_has_its_own_bucket() -> None:
    bench = Bench()
    assert bench.passed(9, "securityhub", "GetFindings") == 6
    assert bench.passed(9, "securityhub", "GetFindings", account=HUB) == 6
    assert bench.passed(9, "securityhub", "GetFindings", region="us-east-1") == 6
    assert bench.passed(9, "securityhub", "BatchImportFindings") == 9


def test_operations_share_a_bucket_where_aws_says_so() -> None:
    bench = Bench()
    assert bench.passed(14, "lambda", "CreateFunction") == 14
    assert bench.passed(5, "lambda", "AddPermission") == 1
    assert bench.passed(5, "lambda", "GetPolicy") == 5


def test_a_description_of_everything_has_a_smaller_bucket() -> None:
    bench = Bench()
    assert bench.passed(120, "ec2", "DescribeSecurityGroups") == 50
    assert bench.passed(120, "ec2", "DescribeSecurityGroups", Filters=[{"Name": "vpc-id", "Values": ["v"]}]) == 100


def test_what_has_no_documented_rate_is_not_limited() -> None:
    bench = Bench()
    for service, operation in (("iam", "GetRole"), ("config", "PutEvaluations"), ("sqs", "SendMessage")):
        assert rate_of(service, operation) is None
        assert bench.passed(2_000, service, operation) == 2_000


def test_every_operation_of_the_table_exists() -> None:
    for service, rates in RATES.items():
        known = set(get_service_model(service).operation_names)
        named = {name for names in rates for name in names.split() if not name.endswith("*")}
        assert named - known == set()


def test_every_rate_has_a_source() -> None:
    assert all(rate.source and rate.per_second > 0 and rate.burst >= 1 for _, _, rate in documented())


def test_time_passes_for_a_client_that_is_told_to_slow_down_where_the_clock_stands_still() -> None:
    outside, function = Bench(waits=True), Bench(waits=True, in_function=True)
    assert outside.passed(8, "securityhub", "GetFindings") == 7
    assert function.passed(8, "securityhub", "GetFindings") == 6


def test_whoever_measures_can_suspend_the_rates() -> None:
    bench = Bench()
    bench.rates.suspend()
    assert bench.passed(50, "securityhub", "GetFindings") == 50


def test_rates_are_on_and_answer_in_the_services_words() -> None:
    with organization() as opened:
        trails = opened.session(MEMBER).client("cloudtrail", config=ONCE)
        trails.describe_trails()
        hub = opened.session(HUB).client("securityhub", config=ONCE)
        hub.enable_security_hub(EnableDefaultStandards=False)
        for _ in range(6):
            hub.get_findings()
        began = opened.do(opened.world.agenda.now)
        with pytest.raises(ClientError) as refused:
            hub.get_findings()
        assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
        assert opened.door.log[-1].error == "TooManyRequestsException"
        assert opened.do(opened.world.agenda.now) - began == timedelta(seconds=2)
        hub.get_findings()
