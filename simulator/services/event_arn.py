"""Amazon resource names, as far as targets and subscriptions need to read them."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.call import ServiceError


@dataclass(frozen=True, slots=True)
class Arn:
    """An Amazon resource name in its parts."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Read an ARN; raises ServiceError where it is none."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
            raise ServiceError("ValidationException", f"{text!r} is not an Amazon resource name")
        return cls(*parts[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def account_in(text: str | None) -> str | None:
    """Return the account that an ARN names; None for a bare name, or where an ARN names no account."""
    if text is None or not text.startswith("arn:"):
        return None
    return Arn.parse(text).account or None


def queue_url(arn: Arn) -> str:
    """Return the URL that SendMessage takes for a queue's ARN."""
    return f"https://sqs.{arn.region}.amazonaws.com/{arn.account}/{arn.resource}"
