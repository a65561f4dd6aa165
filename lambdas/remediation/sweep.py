"""The sweep: takes up what is due, and tells of what is not as it should be.

Cases say what is to be done with them and when (`case.py`). The sweep never remediates: it asks for a finding again,
or sends the message that people's answer is waiting; the pipeline decides anew.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from lambdas.controls import catalog
from lambdas.controls.model import GENERATORS, ProductFindings
from lambdas.findings import moment
from lambdas.remediation import storms
from lambdas.remediation.case import AGAIN_SECONDS, CASE_SECONDS, INDEX, SHARD, Approval, Case, Next, case_key
from lambdas.remediation.guard import ANSWERED, Guard
from lambdas.remediation.lease_items import HOUR, STOP_KEY
from lambdas.remediation.long_plans import PLAN
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.policy import AccountPolicy, PolicyError, stored
from lambdas.remediation.record import Ledger, outcome_of
from lambdas.remediation.request import InvalidRequestError, request_of, subject
from lambdas.remediation.tell import AUTHOR, Voice

# GetFindings takes twenty values of one filter; BatchUpdateFindings a hundred findings; BatchWriteItem 25 items.
FILTER_VALUES = 20
UPDATED = 100
DELETED = 25
WEEK = 7 * 24 * HOUR
# How far back changed findings are looked for: many runs, for one may fail.
RECENT = 2 * HOUR
# Cases whose findings are asked for again, if they still fail.
ASKED_AGAIN = (Next.AGAIN, Next.STUCK, Next.REMIND)
# Detection looks at everything every six hours: what fails still a day after we have proved it was broken anew before
# detection came, and its finding, which never passed, says nothing new.
UNSEEN = timedelta(days=1)
# What is to be done with a case whose resource is exempted, as long as no run has begun.
EXEMPTED = (Next.WARN, Next.AGAIN)
# Statuses that take a failing finding out of sight: ours alone are right.
SET_ASIDE = ("SUPPRESSED", "RESOLVED")


@dataclass
class Sweep:
    """One organisation's sweep; `left` says how many milliseconds the function has left."""

    guard: Guard
    ledger: Ledger
    voice: Voice
    sqs: Any
    queue: str
    policies: str
    left: Callable[[], int]
    faults: list[Exception] = field(default_factory=list)
    _policies: dict[tuple[str | None, str], AccountPolicy | None] = field(default_factory=dict)

    def run(self, *, thoroughly: bool) -> Counter[str]:
        """Take up what is due; `thoroughly` looks for statuses that we did not write, too. Returns what it did."""
        done: Counter[str] = Counter()
        self.faults.clear()
        self._policies.clear()
        self._tell(done)
        stopped = "stopped" in self._item(STOP_KEY)
        due = self._due(SHARD)
        while self._time() and (some := list(islice(due, FILTER_VALUES))):
            cases = [case for item in some if (case := self._read(item)) is not None]
            for case in cases:
                self._one(case, done)
            if not stopped:
                self._again([case for case in cases if case.next in ASKED_AGAIN], done)
                self._check([case for case in cases if case.next == Next.CHECK], done)
                for case in cases:
                    if case.next == Next.RUN:
                        self._answered(case)
                        done["run"] += 1
        if not stopped:
            # What has changed while everything was stopped, or no sweep came, is older.
            self._changed(done, WEEK if thoroughly else RECENT)
        if thoroughly:
            self._foreign(done, stopped=stopped)
            self._lifted(done)
        if self.faults:
            raise ExceptionGroup("cases, or policies that exempt their resources, cannot be read", self.faults)
        return done

    def _read(self, item: Mapping[str, Any]) -> Case | None:
        """Read a case; one that cannot be read hinders no other, and is told as an error at the end of each run."""
        try:
            case = Case.of(item)
            if case.next is not None:
                Next(case.next)
        except (AttributeError, TypeError, ValueError) as error:
            error.add_note(f"in the case {item['key']}")
            self.faults.append(error)
            return None
        return case

    def _one(self, case: Case, done: Counter[str]) -> None:
        """Do what concerns one case alone."""
        if case.next == Next.EXPIRE:
            self._expire(case)
            done["expired"] += 1
        elif case.next == Next.WARN:
            self._say("exemption-ends", case, f"an exemption ends within a week: {self._why(case)}")
            self.guard.stand(case.key, {"next": Next.AGAIN.value, "due": (case.due or 0) + WEEK})
            done["warned"] += 1

    def _lifted(self, done: Counter[str]) -> None:
        """Make due what is exempted and is so no more, or otherwise: settings change before an exemption ends."""
        for item in self._due(SHARD, "due > :now", Outcome.EXEMPTED.value):
            case = self._read(item)
            if case is None or case.next not in EXEMPTED:
                continue  # another run is at work
            try:
                stands = self._stands(case)
            except (KeyError, ValueError, PolicyError) as error:
                error.add_note(f"in the policy behind the case {case.key}")
                self.faults.append(error)
                continue
            if not stands and self._moved(case, _later(Next.AGAIN, 0), ("remediation", "outcome", "next")):
                done["lifted"] += 1
            if not self._time():
                return

    def _stands(self, case: Case) -> bool:
        """Whether the account's policy, as it is now, exempts a resource as the ledger says."""
        ended = outcome_of(self.ledger.entries(case.remediation or ""))
        if ended is None:
            return True
        account = ended["account"]
        if (case.environment, account) not in self._policies:
            policy = stored(self.guard.dynamodb, self.policies, case.environment or "", account)
            self._policies[case.environment, account] = policy
        policy = self._policies[case.environment, account]
        request = request_of(ended, case.remediation or "", ended["resource"].split(":")[1])
        exemption = policy.exemption(request.control, request.resource, ended.get("tags", {})) if policy else None
        return exemption is not None and exemption.said == ended["reason"]

    def _expire(self, case: Case) -> None:
        if self._moved(case, {"approval": Approval.EXPIRED.value, "answered_by": None, **_later(Next.RUN)}):
            self._send({"palisade": "answered", "case": case.key})

    def _moved(self, case: Case, values: Mapping[str, str | int | None], marks: Sequence[str] = ANSWERED) -> bool:
        """Write on a case whose question stands as it was read; False where people or the pipeline were faster."""
        try:
            self.guard.stand(case.key, values, unless_changed=case, marks=marks)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _answered(self, case: Case) -> None:
        """Send an answer again that has not been acted upon, or may be by now."""
        if case.approval is None:
            # It was acted upon while a guard put it off.
            self._rest(case)
            return
        if self._moved(case, _later(Next.RUN)):
            self._send({"palisade": "answered", "case": case.key})

    def _again(self, cases: Sequence[Case], done: Counter[str]) -> None:
        """Ask for findings again that still fail; what no longer does is at rest."""
        asked: list[dict[str, str]] = []
        findings = self._findings(cases)
        for case in cases:
            if case.next == Next.STUCK and (self._resumed(case) or self._unfinished(case)):
                done["resumed"] += 1
                continue
            finding = findings.get((case.finding or "", case.product or ""))
            if finding is None or not _fails(finding):
                self._rest(case)
                continue
            step = {"reminding": case.reminded + 1} if case.next == Next.REMIND else {}
            self.guard.stand(case.key, {**_later(Next.AGAIN, HOUR), **step})
            asked.append({"Id": finding["Id"], "ProductArn": finding["ProductArn"]})
        self._renew(asked)
        done["again"] += len(asked)

    def _resumed(self, case: Case) -> bool:
        """Start the steps of a long plan again that has come to a halt; False where it is none."""
        entries = self.ledger.entries(case.remediation or "")
        if not any(one["entry"] == PLAN for one in entries):
            return False
        self.guard.stand(case.key, _later(Next.STUCK, HOUR))
        self._send({"palisade": "resume", "remediation": case.remediation or ""})
        return True

    def _unfinished(self, case: Case) -> bool:
        """Send the answer of people again on which a run has begun and not ended; False where there is none.

        Their answer is to one remediation, and the finding would begin another; of an undo it says nothing.
        """
        if case.approval not in (Approval.APPROVED, Approval.REJECTED, Approval.EXPIRED):
            return False
        self._answered(case)
        return True

    def _changed(self, done: Counter[str], seconds: int) -> None:
        """Ask for findings again that have been answered and say something else since.

        Security Hub keeps the status NOTIFIED when a finding that fails is updated, so no event tells the pipeline.
        """
        now = datetime.now(UTC)
        lately = {"UpdatedAt": [{"Start": moment(now - timedelta(seconds=seconds)), "End": moment(now)}]}
        asked = [
            {"Id": finding["Id"], "ProductArn": finding["ProductArn"]}
            for filters in (self._ours("NOTIFIED"), *_of_products("NOTIFIED"))
            for page in self._pages({**filters, **lately})
            for finding in page
            if self._unanswered(finding)
        ]
        self._renew(asked)
        done["changed"] += len(asked)

    def _unanswered(self, finding: Mapping[str, Any]) -> bool:
        """Whether a finding says something since we have answered it: our note tells when, or else the case."""
        note = finding.get("Note", {})
        ours = note.get("UpdatedBy") == AUTHOR
        if ours and note["UpdatedAt"] >= finding["UpdatedAt"]:
            return False
        case = self._case_of(finding)
        if case is None or case.next == Next.STUCK:
            return False  # nobody's, or still at work: its outcome answers
        return ours or case.answered is None or case.answered < finding["UpdatedAt"]

    def _check(self, cases: Sequence[Case], done: Counter[str]) -> None:
        """Tell where another product still reports what we have proved a day ago."""
        findings = self._findings(cases)
        for case in cases:
            finding = findings.get((case.finding or "", case.product or ""))
            if finding is not None and _fails(finding):
                self._say("disagreement", case, "remediated and proved a day ago, and still reported as failing")
                done["disagreements"] += 1
            self._rest(case)

    def _foreign(self, done: Counter[str], *, stopped: bool) -> None:
        """Tell of findings of ours that fail and were set aside by somebody else; they are never an authorisation.

        Those that we have resolved ourselves, and that detection has not seen pass since, are asked for again.
        """
        asked = []
        for page in self._pages(self._ours(*SET_ASIDE)):
            for finding in page:
                case, status = self._case_of(finding), finding["Workflow"]["Status"]
                if case is None or case.next == Next.STUCK:
                    continue
                if case.status != status:
                    self._set_aside(case, finding, done)
                elif status == "RESOLVED" and (case.answered or "") < moment(datetime.now(UTC) - UNSEEN):
                    asked.append({"Id": finding["Id"], "ProductArn": finding["ProductArn"]})
        if not stopped:
            self._renew(asked)
            done["unseen"] += len(asked)

    def _renew(self, asked: Sequence[Mapping[str, str]]) -> None:
        """Ask for findings again."""
        for start in range(0, len(asked), UPDATED):
            self.voice.security_hub.batch_update_findings(
                FindingIdentifiers=asked[start : start + UPDATED], Workflow={"Status": "NEW"}
            )

    def _ours(self, *statuses: str) -> dict[str, Any]:
        """Filters for findings of ours that fail, with one of these workflow statuses."""
        return {
            "GeneratorId": [{"Value": GENERATORS, "Comparison": "PREFIX"}],
            "WorkflowStatus": [{"Value": status, "Comparison": "EQUALS"} for status in statuses],
            "ComplianceStatus": [{"Value": "FAILED", "Comparison": "EQUALS"}],
            "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
        }

    def _pages(self, filters: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Pages of findings, as long as there is time."""
        paginator = self.voice.security_hub.get_paginator("get_findings")
        for page in paginator.paginate(Filters=filters, PaginationConfig={"PageSize": 100}):
            yield page["Findings"]
            if not self._time():
                return

    def _set_aside(self, case: Case, finding: Mapping[str, Any], done: Counter[str]) -> None:
        status = finding["Workflow"]["Status"]
        # Set aside again after we have answered again is another change; Security Hub says of none when it was.
        mark = f"{status} {finding['UpdatedAt']} {case.remediation}"
        if case.reported == mark:
            return
        arn = finding["Resources"][0]["Id"]
        self._say("foreign-status", case, f"{arn} fails, and somebody else has set its finding to {status}")
        self.guard.stand(case.key, {"reported": mark, "expires": int(time.time()) + CASE_SECONDS})
        done["foreign"] += 1

    def _case_of(self, finding: Mapping[str, Any]) -> Case | None:
        """The case of a finding; None where it is none that the pipeline takes."""
        try:
            control, resource = subject(finding, str(finding["ProductArn"]).split(":")[1])
        except InvalidRequestError:
            return None
        return self.guard.case(case_key(control.id, resource.account, resource.region, resource.arn))

    def _tell(self, done: Counter[str]) -> None:
        """Send the digests of what was left untold; each is over before the next, whatever ends the sweep between."""
        for those in storms.kinds(self._due(storms.SHARD)):
            digest = storms.digest(those)
            self.voice.say(digest["subject"], digest["lines"], digest["attributes"])
            self._forget(those)
            done["digests"] += 1

    def _forget(self, items: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(items), DELETED):
            deletes = [{"DeleteRequest": {"Key": {"key": one["key"]}}} for one in items[start : start + DELETED]]
            unprocessed = {self.guard.table: deletes}
            while unprocessed:
                answer = self.guard.dynamodb.batch_write_item(RequestItems=unprocessed)
                unprocessed = answer.get("UnprocessedItems") or {}

    def _due(self, shard: str, when: str = "due <= :now", outcome: str = "") -> Iterator[dict[str, Any]]:
        values = {":shard": {"S": shard}, ":now": {"N": str(int(time.time()))}}
        pages = self.guard.dynamodb.get_paginator("query").paginate(
            TableName=self.guard.table,
            IndexName=INDEX,
            KeyConditionExpression=f"shard = :shard AND {when}",
            ExpressionAttributeValues={**values, **({":outcome": {"S": outcome}} if outcome else {})},
            **({"FilterExpression": "outcome = :outcome"} if outcome else {}),
        )
        for page in pages:
            yield from page["Items"]

    def _findings(self, cases: Sequence[Case]) -> dict[tuple[str, str], dict[str, Any]]:
        """Fetch the findings of at most twenty cases."""
        if not cases:
            return {}
        ids = [{"Value": case.finding or "", "Comparison": "EQUALS"} for case in cases]
        pages = self.voice.security_hub.get_paginator("get_findings").paginate(Filters={"Id": ids})
        return {(one["Id"], one["ProductArn"]): one for page in pages for one in page["Findings"]}

    def _item(self, key: str) -> dict[str, Any]:
        answer = self.guard.dynamodb.get_item(TableName=self.guard.table, Key={"key": {"S": key}}, ConsistentRead=True)
        return {"key": {"S": key}, **answer.get("Item", {})}

    def _why(self, case: Case) -> str:
        ended = outcome_of(self.ledger.entries(case.remediation or ""))
        return "the ledger does not say which" if ended is None else str(ended["reason"])

    def _say(self, what: str, case: Case, text: str) -> None:
        control, account, region, arn = case.key.split("#", 4)[1:]
        lines = [text, "", f"Control   {control}", f"Resource  {arn}", f"Account   {account}", f"Region    {region}"]
        attributes = {"outcome": what, "control": control, "account": account, "region": region}
        attributes |= {"environment": case.environment} if case.environment else {}
        self.voice.say(f"[{what}] {control} {arn.rpartition(':')[2]} in {account} {region}", lines, attributes)

    def _rest(self, case: Case) -> None:
        """Nothing more is to come of a case, until its finding does."""
        self.guard.stand(case.key, {"outcome": case.outcome or "over", "next": None, "due": None, "reminding": None})

    def _send(self, message: Mapping[str, str]) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(message))

    def _time(self) -> bool:
        return self.left() > 30_000


def _of_products(status: str) -> Iterator[dict[str, Any]]:
    """Filters for findings of other products that controls of the catalog take, with a workflow status."""
    detections = [control.detection for control in catalog().values()]
    products = sorted({one.product for one in detections if isinstance(one, ProductFindings)})
    if products:
        yield {
            "ProductName": [{"Value": product, "Comparison": "EQUALS"} for product in products],
            "WorkflowStatus": [{"Value": status, "Comparison": "EQUALS"}],
            "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
        }


def _later(then: Next, seconds: int = AGAIN_SECONDS) -> dict[str, str | int | None]:
    return {"next": then.value, "due": int(time.time()) + seconds}


def _fails(finding: Mapping[str, Any]) -> bool:
    """Whether a finding is still there and still fails; one without a compliance is there as long as it is active."""
    return bool(finding["RecordState"] == "ACTIVE") and finding.get("Compliance", {}).get("Status") != "PASSED"
