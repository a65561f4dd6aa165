"""Messages as people read them: plain text for mail, or a custom notification for chat.

Source: Amazon SNS API reference, Publish (subjects, 256 KB); Amazon Q Developer in chat applications administrator
guide, "Custom notifications" (the schema; it renders the markdown of the chat). Its page names no lengths for every
field: ours stay below what Slack shows of one block (Slack API, "Block Kit", 3,000 characters).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lambdas.remediation import links, redaction
from lambdas.remediation.case import Next
from lambdas.remediation.differences import changed, state
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.request import Request

# Bytes, of the 256 KB that Amazon SNS takes with attributes.
MESSAGE = 250_000
TITLE, DESCRIPTION, STEP, STEPS = 200, 2_900, 300, 5
Facts = tuple[tuple[str, str], ...]
Sections = tuple[tuple[str, tuple[str, ...]], ...]
HEADINGS: Mapping[Outcome, str] = {
    Outcome.REMEDIATED: "What was found and done",
    Outcome.UNDONE: "What was done",
    Outcome.FAILED: "What was tried",
    Outcome.IN_PROGRESS: "What is being done",
    Outcome.AWAITING_APPROVAL: "What is asked",
    Outcome.REJECTED: "What was asked",
    Outcome.APPROVAL_EXPIRED: "What was asked",
    Outcome.DRY_RUN: "What would be done",
}
OPEN = (Outcome.NOTIFIED, Outcome.DRY_RUN, Outcome.AWAITING_APPROVAL, Outcome.REFUSED, Outcome.LIMITED)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `thread` keeps together in a chat what concerns one resource."""

    subject: str
    title: str
    facts: Facts = ()
    sections: Sections = ()
    steps: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    thread: str = ""
    resources: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Write it for mail."""
        width = max((len(name) for name, _ in self.facts), default=0) + 2
        parts = [self.title, *(["", *(f"{name:<{width}}{value}" for name, value in self.facts)] if self.facts else [])]
        for heading, lines in self.sections:
            parts += ["", *([heading] if heading else []), *lines]
        if self.steps:
            parts += ["", "Next", *(f"- {step}" for step in self.steps)]
        return fitting("\n".join(parts), MESSAGE)

    def chat(self) -> str:
        """Write it for a chat."""
        facts = [f"*{name}*  {value}" for name, value in self.facts]
        blocks = ["\n".join(facts)] if facts else []
        for heading, lines in self.sections:
            blocks.append("\n".join([*([f"*{heading}*"] if heading else []), *lines]))
        content: dict[str, Any] = {
            "textType": "client-markdown",
            "title": _escaped(self.subject[:TITLE]),
            "description": fitting(_escaped("\n\n".join([self.title, *blocks])), DESCRIPTION),
        }
        if self.steps:
            content["nextSteps"] = [_escaped(step[:STEP]) for step in self.steps[:STEPS]]
        if self.keywords:
            content["keywords"] = list(self.keywords)
        metadata = {
            "threadId": self.thread,
            "eventType": self.attributes.get("outcome", ""),
            "summary": self.subject[:TITLE],
            "relatedResources": list(self.resources),
            "additionalContext": dict(self.attributes),
        }
        shown = {name: value for name, value in metadata.items() if value}
        return json.dumps({"version": "1.0", "source": "custom", "content": content, "metadata": shown})


def of_result(request: Request, result: Result, environment: str, owner_tag: str, home_region: str) -> Message:
    """What happened to which resource of whom, why, what changed, who manages it, and what people can do."""
    resource, control = request.resource, request.control
    attributes = _attributes(request, result, environment, owner_tag)
    facts = [
        ("Outcome", result.outcome.value),
        ("Why", result.reason),
        ("Resource", resource.arn),
        ("Account", f"{resource.account} ({environment})"),
        ("Region", resource.region),
        *([("Creator", attributes["creator"])] if attributes["creator"] else []),
        *_owner(attributes["owner"], result, owner_tag),
        ("Severity", control.severity.value),
        ("Remediation", request.id),
        *_undoes(result),
    ]
    shown = [
        ("Finding", links.of_finding(resource.partition, home_region, str(request.finding["Id"]))),
        ("Console", links.of_resource(resource)),
    ]
    facts += [(name, link) for name, link in shown if link is not None]
    what = result.details.get("step") or result.outcome.value
    return Message(
        subject=f"[{what}] {control.id} {resource.id} in {resource.account} {resource.region}",
        title=f"{control.id}: {control.title}",
        facts=tuple(facts),
        sections=tuple(_sections(request, result)),
        steps=tuple(_steps(request, result)),
        keywords=(result.outcome.value, control.id, control.severity.value, environment),
        thread=thread(control.id, resource.arn),
        resources=(resource.arn,),
        attributes={name: value for name, value in attributes.items() if value},
    )


def of_lines(subject: str, lines: Sequence[str], attributes: Mapping[str, str]) -> Message:
    """A message that is no outcome: a digest, or what the sweep has seen."""
    named = tuple(attributes[name] for name in ("outcome", "control", "environment") if name in attributes)
    return Message(
        subject=subject,
        title=lines[0],
        sections=(("", tuple(lines[1:])),) if len(lines) > 1 else (),
        keywords=named,
        thread=thread(*named),
        attributes=attributes,
    )


def thread(*parts: str) -> str:
    """A name that the messages about one thing have in common."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def fitting(text: str, limit: int) -> str:
    """Cut a text to so many bytes, and say so."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode(errors="ignore") + "\n(shortened; the ledger has the whole)"


def _escaped(text: str) -> str:
    """Take away what would make a link or call everybody: names and tags are written by other accounts.

    Source: Slack API, "Formatting text for app surfaces", on escaping.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sections(request: Request, result: Result) -> list[tuple[str, tuple[str, ...]]]:
    before, after = (redaction.by_name(result.details.get(name) or {}) for name in ("before", "after"))
    found: list[tuple[str, Sequence[str]]] = []
    # What a plan tells people may be the reason already.
    if lines := [line for line in result.lines if line != result.reason]:
        found.append((HEADINGS.get(result.outcome, "What the control plans"), lines))
    if before and after:
        found.append(("What changed", changed(before, after) or ["nothing"]))
    elif before and result.outcome in OPEN:
        found.append(("What it is now", state(before)))
    found.append(("Impact", (request.control.impact,)))
    return [(heading, tuple(f"  {line}" for line in lines)) for heading, lines in found]


def _steps(request: Request, result: Result) -> list[str]:
    """What people can do about it."""
    if result.outcome is Outcome.REMEDIATED:
        return [_undo(request, result)]
    if result.outcome is Outcome.AWAITING_APPROVAL:
        until = f" (until {datetime.fromtimestamp(result.due, UTC):%Y-%m-%d %H:%M} UTC)" if result.due else ""
        return [f"Approve: palisade approve {request.id}{until}", f"Reject: palisade reject {request.id}"]
    if result.next is Next.REMIND and result.due is not None:
        return [f"It is told again on {datetime.fromtimestamp(result.due, UTC):%Y-%m-%d}, unless it is mended before."]
    if result.outcome is Outcome.DRY_RUN:
        return [f"Nothing was changed. To have it done, set {request.control.id} to approve or automatic."]
    if result.outcome is Outcome.UNDONE:
        return [f"{request.control.id} waits for people on this resource until: palisade lift {request.id}"]
    return []


def _undo(request: Request, result: Result) -> str:
    plan = result.details.get("plan") or {}
    reasons = [change["irreversible"] for change in plan.get("changes", ()) if not change["inverse"]]
    return f"No undo: {reasons[0]}" if reasons else f"Undo: palisade undo {request.id}"


def _owner(owner: str, result: Result, owner_tag: str) -> list[tuple[str, str]]:
    """Who answers for the resource, where its tags were read."""
    return [("Owner", owner or f"not told: it has no tag {owner_tag}")] if "tags" in result.details else []


def _undoes(result: Result) -> list[tuple[str, str]]:
    undone, by = result.details.get("undoes"), result.details.get("by")
    return [("Undoes", undone), ("Asked by", by)] if undone and by else [("Undoes", undone)] if undone else []


def _attributes(request: Request, result: Result, environment: str, owner_tag: str) -> dict[str, str]:
    """What subscribers filter on: at most ten, for Amazon SQS takes no more of a raw message and SNS drops it then."""
    tags = result.details.get("tags", {})
    return {
        "outcome": result.outcome.value,
        "control": request.control.id,
        "severity": request.control.severity.value,
        "account": request.resource.account,
        "region": request.resource.region,
        "environment": environment,
        "owner": str(tags.get(owner_tag, "")),
        "creator": str(result.details.get("creator", "")),
        "audience": ",".join(result.details.get("audience", ())),
        "remediation": request.id,
    }
