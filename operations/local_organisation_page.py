"""The page docs/local-organisation.md, written from the registry of the local organisation alone.

`python -m operations.local_organisation_page` writes it; with `--check` it writes nothing and exits 1 where
the page is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from operations.markdown import code, table
from simulator.behaviours import behaviours, differences
from simulator.behaviours.answered import services_of_moto, services_of_ours
from simulator.behaviours.model import Behaviour
from simulator.rate_table import Rate
from simulator.rates import documented

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "local-organisation.md"
GENERATED = "<!-- Written from simulator/behaviours by `make docs`; edits here are lost. -->"
TITLES = {
    "autoscaling": "EC2 Auto Scaling",
    "cloudformation": "CloudFormation",
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "config": "AWS Config",
    "deployment": "Deployment of the program",
    "door": "The front door",
    "dynamodb": "DynamoDB",
    "ec2": "EC2",
    "elb": "Elastic Load Balancing (classic)",
    "elbv2": "Elastic Load Balancing",
    "events": "EventBridge",
    "guardduty": "GuardDuty",
    "iam": "IAM",
    "inspector2": "Inspector",
    "kms": "KMS",
    "lambda": "Lambda",
    "macie2": "Macie",
    "organizations": "Organizations",
    "rds": "RDS",
    "s3": "S3",
    "s3control": "S3 Control",
    "securityhub": "Security Hub",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "Systems Manager",
    "stepfunctions": "Step Functions",
    "sts": "STS",
}
INTRODUCTION = """\
The local organisation (`simulator/`) is an AWS organisation in one process, for `palisade simulate`, `palisade serve`
and the tests. No AWS account stands behind this project, so what it lets pass is what users would find broken. This
page is its whole account: what it does as AWS does it, each with the document that says so and the tests that show
it; where it differs; and what it cannot show.

- Every API call, whoever makes it, passes the front door: who is calling, are the parameters valid, is it allowed, is
  it within the rates, does an injected fault strike. That holds for every operation of every service.
- What is behind it is ours where this page has an entry, else [moto's](https://docs.getmoto.org/). An operation that
  nobody answers is an error that names it (`NotImplemented`, status 501), never silence.
- Sources are titles of AWS's documentation. Tests are named by file; `pytest <file> -k <name>` shows one."""
FAULTS = """\
`LocalOrganization.faults.add(Fault(...))` injects throttles, errors (500, 503), denials, time-outs and kills of the
function that calls: by service, operation, account, Region and principal; at the nth, at every nth, or at a share of
the matching calls by seed; before the effect or after it. `faults.drop_config_events(share, seed)` loses compliance
events of AWS Config, which are best effort. `faults.clear()` ends them all."""
RATES = """\
Token buckets in the organisation's time, per calling account and Region; a rate holds for each operation by itself
unless it is shared. The lowest value of all Regions counts. AWS documents none for IAM, Organizations, AWS Config and
CloudFormation; SQS, S3 and DynamoDB grow with their queues, prefixes and tables."""


def page() -> str:
    """Write the page."""
    lines = [
        GENERATED,
        "# The local organisation: what it simulates, and what it cannot show",
        "",
        INTRODUCTION,
        "",
        "## What differs from AWS",
        "",
        *table(
            ("id", "what differs", "what that means for you"),
            ((code(one.id), one.what, one.meaning) for one in differences()),
        ),
        "",
        "## What is simulated",
        "",
        *_behaviours(),
        "## Request rates",
        "",
        RATES,
        "",
        *table(("service", "operations", "a second", "at once", "source"), (_rate(*one) for one in documented())),
        "",
        "## Faults",
        "",
        FAULTS,
        "",
        "## Who answers which operation",
        "",
        "Operations of these services that are ours; the others are moto's, or refused by name.",
        "",
        *table(
            ("service", "answered by us", "the others"),
            (
                (
                    code(one.service),
                    ", ".join(one.operations) or "none: checks around moto's answers",
                    _others(one.whole),
                )
                for one in services_of_ours()
            ),
        ),
        "",
        "These services are moto's alone. Callers, permissions and parameters are checked; the answers are moto's, "
        "some of which do nothing:",
        "",
        ", ".join(code(name) for name in services_of_moto()) + ".",
    ]
    return "\n".join(lines) + "\n"


def stale(path: Path) -> bool:
    """Whether a file is not the page that the registry makes."""
    return not path.exists() or path.read_text(encoding="utf-8") != page()


def _behaviours() -> Iterator[str]:
    for service, entries in groupby(sorted(behaviours(), key=_place), key=lambda one: one.service):
        yield f"### {TITLES[service]}"
        yield ""
        rows = ((code(one.id), one.sentence, one.source, _tests(one)) for one in entries)
        yield from table(("id", "behaviour", "source", "shown by"), rows)
        yield ""


def _place(behaviour: Behaviour) -> int:
    """Services in the order in which they are first named."""
    return list(dict.fromkeys(one.service for one in behaviours())).index(behaviour.service)


def _tests(behaviour: Behaviour) -> str:
    """The tests by file, each file a link."""
    cells = []
    for path, nodes in groupby(behaviour.tests, key=lambda node: node.partition("::")[0]):
        names = ", ".join(code(node.partition("::")[2]) for node in nodes)
        cells.append(f"[{path.rpartition('/')[2]}](../{path}): {names}")
    return "<br>".join(cells)


def _rate(service: str, operations: str, rate: Rate) -> tuple[str, str, str, str, str]:
    names = "all others" if operations == "*" else ", ".join(map(code, re.split(r",?\s+(?=[A-Z])", operations)))
    return (
        service,
        f"{names} (shared)" if rate.shared else names,
        f"{rate.per_second:g}",
        f"{rate.burst:g}",
        rate.source,
    )


def _others(whole: bool) -> str:
    return "refused" if whole else "moto's"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with `--check` say whether it is stale; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations.local_organisation_page", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page lies")
    given = parser.parse_args(arguments)
    if not stale(given.page):
        return 0
    print(f"{'stale' if given.check else 'written'}: {given.page}")
    if given.check:
        return 1
    given.page.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
