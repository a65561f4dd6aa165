"""What a bucket's policy tells of logs that AWS delivers into it."""

from __future__ import annotations

import pytest

from lambdas.services.bucket_encryption import logs_received
from tests.services.buckets import settings


@pytest.mark.parametrize(
    ("principal", "logs"),
    [
        pytest.param(
            {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "application load balancer logs",
            id="service",
        ),
        pytest.param({"Service": "logging.s3.amazonaws.com"}, "server access logs", id="S3 itself"),
        pytest.param({"Service": "delivery.logs.amazonaws.com"}, None, id="network load balancers can use any key"),
        pytest.param({"AWS": "054676820928"}, "application load balancer logs", id="the load balancers of the Region"),
        pytest.param(
            {"AWS": "arn:aws:iam::054676820928:root"}, "application load balancer logs", id="the same by their ARN"
        ),
        pytest.param({"AWS": "156460612806"}, None, id="those of another Region"),
        pytest.param({"AWS": "200000000002"}, None, id="any other account"),
    ],
)
def test_who_writes_logs_is_known_by_service_or_by_account_and_region(
    principal: dict[str, str], logs: str | None
) -> None:
    allow = {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": "*"}
    assert logs_received(settings(Policy={"Statement": [allow]})) == logs
