"""Request ids that depend on what a call is and on how often it was made, not on other calls."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

REMEMBERED = 200_000  # different calls


class CallNumbers:
    """Counts equal calls. It forgets all of them at once, in bounded memory, and never gives an id twice."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._numbers: Counter[bytes] = Counter()
        self._forgotten = 0

    def identify(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> str:
        """Return the id of the next call of this kind."""
        body = json.dumps(parameters, sort_keys=True, default=_stand_in)
        what = hashlib.blake2b(f"{service}:{operation}:{region}:{body}".encode(), digest_size=16).digest()
        if len(self._numbers) >= self._remembered and what not in self._numbers:
            self._numbers.clear()
            self._forgotten += 1
        self._numbers[what] += 1
        number = f"#{self._forgotten}.{self._numbers[what]}".encode()
        digest = hashlib.blake2b(what + number, digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def _stand_in(value: object) -> str:
    """Stand for what JSON cannot write; a body of many megabytes by its digest."""
    if isinstance(value, (bytes, bytearray)):
        return hashlib.blake2b(value, digest_size=16).hexdigest()
    return str(value)
