"""Signature version 4 as the side that is asked checks it: from the request as it came and the key's secret.

Source: IAM User Guide, "Create a signed AWS API request" and "Elements of an AWS API request signature". The age of a
signature is not checked: the clocks of clients in other processes are behind an organisation that was advanced.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from moto.core.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{{8}})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
MOMENT = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class Signature:
    """What an Authorization header claims: whose key, for what, over which headers, and the proof."""

    key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    proof: str

    @classmethod
    def of(cls, request: Request) -> Signature | None:
        """Read a request's signature; None where its header has none of this version."""
        found = AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
        if found is None:
            return None
        headers = tuple(found["headers"].split(";"))
        return cls(found["key"], found["date"], found["region"], found["service"], headers, found["signature"])

    def proves(self, request: Request, secret: str) -> bool:
        """Whether who signed the request as it came, body included, holds the secret of the key."""
        moment = request.headers.get("X-Amz-Date", "")
        if "host" not in self.headers or not MOMENT.fullmatch(moment) or not moment.startswith(self.date):
            return False
        scope = f"{self.date}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(_canonical(request, self.headers).encode()).hexdigest()
        text = "\n".join((ALGORITHM, moment, scope, digest))
        return hmac.compare_digest(_keyed(self._signing_key(secret), text).hex(), self.proof)

    def _signing_key(self, secret: str) -> bytes:
        key = f"AWS4{secret}".encode()
        for part in (self.date, self.region, self.service, "aws4_request"):
            key = _keyed(key, part)
        return key


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical(request: Request, signed: tuple[str, ...]) -> str:
    """The canonical request; a service other than S3 encodes the path that came once more."""
    lines = [f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed]
    return "\n".join(
        (
            request.method,
            quote(_normal(request.raw_path), safe="/-_.~"),
            _query(request.query_string.decode("latin-1")),
            *lines,
            "",
            ";".join(signed),
            hashlib.sha256(request.get_data()).hexdigest(),
        )
    )


def _normal(path: str) -> str:
    """The path without dots and doubled slashes (RFC 3986)."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    end = "/" if path.endswith("/") and kept else ""
    return f"/{'/'.join(kept)}{end}"


def _query(raw: str) -> str:
    pairs = (part.partition("=") for part in raw.split("&") if part)
    return "&".join(f"{name}={value}" for name, value in sorted((_encoded(one[0]), _encoded(one[2])) for one in pairs))


def _encoded(part: str) -> str:
    return quote(unquote(part), safe="-_.~")
