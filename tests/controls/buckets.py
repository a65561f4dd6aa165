"""General purpose buckets in the place of a case."""

from __future__ import annotations

import uuid
from typing import Any

from boto3 import Session

from lambdas.controls.model import Place


def make_bucket(session: Session, place: Place, name: str) -> str:
    """Make a bucket of this name in a place; returns the name."""
    # us-east-1 alone takes no location.
    where: Any = {} if place.region == "us-east-1" else {"LocationConstraint": place.region}
    s3 = session.client("s3", region_name=place.region)
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
    return name


def new_bucket(session: Session, place: Place, purpose: str) -> str:
    """Make a bucket of a name that nothing else has; returns it."""
    return make_bucket(session, place, f"{purpose}-{uuid.uuid4()}")
