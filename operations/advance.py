"""`palisade advance`: lets time pass in the local organisation that `palisade serve` keeps alive."""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
DEFAULT_PORT = 4599
CONTROL = "/_palisade/"
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
DURATION = re.compile(r"(?:\d{1,9}[dhms])+")
LONGEST = timedelta(days=3660)
DAY = timedelta(days=1)


class AdvanceError(Exception):
    """Time cannot be advanced as asked, with the reason for people."""


def duration_of(text: str) -> timedelta:
    """Read a duration such as 31d, 90m or 1d12h; raises AdvanceError."""
    if not DURATION.fullmatch(text):
        raise AdvanceError(f"{text!r} is no duration; write a number and d, h, m or s, for example 31d or 1d12h")
    parts = re.findall(r"(\d+)([dhms])", text)
    duration = sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if not duration:
        raise AdvanceError("the clock only advances; a duration of nothing changes nothing")
    if duration > LONGEST:
        raise AdvanceError(f"{text} is more than {LONGEST.days} days")
    return duration


def port_here(environment: Mapping[str, str] = os.environ) -> int:
    """The port that this shell points at, else the one that `palisade serve` takes by itself."""
    endpoint = urlsplit(environment.get("AWS_ENDPOINT_URL", ""))
    return endpoint.port if endpoint.hostname == HOST and endpoint.port else DEFAULT_PORT


def ask(port: int, name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Make a control request, which may take long; raises AdvanceError where no `palisade serve` answers."""
    connection = http.client.HTTPConnection(HOST, port)
    try:
        if given is None:
            connection.request("GET", CONTROL + name)
        else:
            connection.request("POST", CONTROL + name, json.dumps(given), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except ConnectionRefusedError as error:
        raise AdvanceError(f"no `palisade serve` runs on port {port}; start one, or name its port by --port") from error
    except (OSError, http.client.HTTPException) as error:
        raise AdvanceError(f"`palisade serve` on port {port} ended before it answered: {error}") from error
    except ValueError as error:
        raise AdvanceError(f"what runs on port {port} is not `palisade serve`") from error
    finally:
        connection.close()
    if not isinstance(found, dict) or "error" in found:
        reason = found["error"] if isinstance(found, dict) else "no answer of palisade"
        raise AdvanceError(f"port {port}: {reason}")
    return found


def advance(text: str, port: int | None, tell: Callable[[str], object]) -> str:
    """Advance the clock day by day, telling how far it is, and return what to tell at the end; raises AdvanceError."""
    whole = left = duration_of(text)
    port = port or port_here()
    while True:
        part = min(left, DAY)
        answer = ask(port, "advance", {"seconds": part.total_seconds()})
        left -= part
        if not left:
            return f"advanced by {text}; in the organisation it is now {answer['now']}"
        tell(f"{(whole - left) // DAY} of {whole / DAY:.4g} days; in the organisation it is now {answer['now']}")
