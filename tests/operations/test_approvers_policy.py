"""The policies of an approver in docs/security.md are those that the local organisation proves to be enough."""

from __future__ import annotations

import json
import re
from pathlib import Path

from operations.local_estate import HUB, approvers_policies

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"


def test_the_documented_policies_are_those_of_the_local_approvers() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("<hub>", HUB).replace("<home region>", "eu-west-1")
    documented = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    assert documented == list(approvers_policies("aws", "eu-west-1").values())
