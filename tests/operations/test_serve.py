"""`palisade serve`: clients of other processes see the loop at work, and the command ends cleanly."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.served import PALISADE, READY_SECONDS, ROOT, Served, palisade, served

REGIONS = ("eu-west-1", "us-east-1")


@pytest.fixture(scope="module")
def place() -> Iterator[Served]:
    with served("--accounts", "2", "--regions", ",".join(REGIONS)) as running:
        yield running


def test_one_line_says_all_that_a_client_needs(place: Served) -> None:
    line = place.line
    assert line["endpoint"].startswith("http://127.0.0.1:")
    assert (line["home_region"], tuple(line["regions"])) == (REGIONS[0], REGIONS)
    assert [one["kind"] for one in line["accounts"]] == ["management", "hub", "member", "member"]
    found = place.run("""
organizations = boto3.client("organizations")
answer = [
    (one["Id"], one["Name"], organizations.list_parents(ChildId=one["Id"])["Parents"][0]["Id"])
    for one in organizations.list_accounts()["Accounts"]
]
""")
    described = sorted([one["id"], one["name"], one["organizational_unit"]] for one in line["accounts"])
    assert sorted(found) == described


def test_default_credentials_are_the_management_accounts_and_every_account_is_entered(place: Served) -> None:
    accounts = [one["id"] for one in place.line["accounts"]]
    found = place.run(f"""
answer = [boto3.client("sts").get_caller_identity()["Account"]]
for account in {accounts[1:]!r}:
    for region in {REGIONS!r}:
        answer.append(enter(account, region).client("sts").get_caller_identity()["Account"])
for profile in ("security", "team-1"):
    answer.append(boto3.Session(profile_name=profile).client("sts").get_caller_identity()["Account"])
block = boto3.Session(profile_name="team-1").client("s3control")
try:
    block.get_public_access_block(AccountId={accounts[2]!r})
except Exception as error:
    answer.append(error.response["Error"]["Code"])
""")
    entered = [account for account in accounts[1:] for _ in REGIONS]
    assert found == [accounts[0], *entered, *accounts[1:3], "NoSuchPublicAccessBlockConfiguration"]


@pytest.mark.parametrize("region", REGIONS)
def test_a_security_group_that_somebody_opens_is_closed_within_seconds(place: Served, region: str) -> None:
    found = place.run(f"""
session, hub = enter({place.member()!r}, {region!r}), enter({place.hub()!r}).client("securityhub")
ec2 = session.client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
group = ec2.create_security_group(GroupName="opened", Description="x", VpcId=vpc)["GroupId"]
ssh = {{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{{"CidrIp": "0.0.0.0/0"}}]}}
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
arn = f"arn:aws:ec2:{region}:{place.member()}:security-group/{{group}}"
mine = {{"ResourceId": [{{"Value": arn, "Comparison": "EQUALS"}}]}}
start, answer = time.monotonic(), {{}}
while time.monotonic() - start < 120:
    open_still = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    ours = [one for one in hub.get_findings(Filters=mine)["Findings"] if one["GeneratorId"] == "palisade/EC2.13"]
    states = [one["Workflow"]["Status"] for one in ours]
    answer = {{"open": open_still, "states": states, "seconds": time.monotonic() - start}}
    if not open_still and states == ["RESOLVED"]:
        break
    time.sleep(0.5)
""")
    assert (found["open"], found["states"]) == ([], ["RESOLVED"])


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")
def test_the_aws_cli_works_in_a_profile_of_every_account_and_after_an_advance(place: Served) -> None:
    def everywhere() -> None:
        for account in place.line["accounts"][1:]:
            enter(account)

    def enter(account: dict[str, str]) -> None:
        command = ["aws", "--profile", account["name"], "sts", "get-caller-identity", "--query", "Account"]
        done = subprocess.run(command, env=place.variables(), capture_output=True, text=True, check=True)  # noqa: S603
        assert done.stdout.strip() == f'"{account["id"]}"'

    everywhere()
    assert palisade("advance", "2h", "--port", place.port).returncode == 0
    everywhere()  # the CLI's own memory of sessions, which have expired by now, is passed by


def test_time_is_advanced_with_what_is_due_in_it_and_never_goes_back(place: Served) -> None:
    script = f"""
answer = [boto3.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]["date"]]
logs = enter({place.member()!r}).client("logs")
answer.append(len(logs.filter_log_events(logGroupName="/aws/lambda/palisade-detect")["events"]))
"""
    before, lines_before = place.run(script)
    done = palisade("advance", "1d12h", environment=place.line["environment"])
    assert done.returncode == 0, done.stderr
    assert "1 of 1.5 days; in the organisation it is now" in done.stderr
    after, lines_after = place.run(script)
    passed = time.mktime(time.strptime(after, "%a, %d %b %Y %H:%M:%S GMT")) - time.mktime(
        time.strptime(before, "%a, %d %b %Y %H:%M:%S GMT")
    )
    assert 36 * 3600 <= passed < 37 * 3600
    assert lines_after > lines_before  # the detect function's schedule came


def test_a_session_of_before_the_advance_has_expired(place: Served) -> None:
    found = place.run(f"""
import subprocess, sys
session = enter({place.member()!r})
command = {[*PALISADE, "advance", "2h"]!r}
subprocess.run(command, check=True, cwd={str(ROOT)!r}, stdout=subprocess.DEVNULL)
try:
    session.client("sts").get_caller_identity()
except Exception as error:
    answer = error.response["Error"]["Code"]
""")
    assert found == "ExpiredToken"


def test_a_second_serve_on_the_port_says_who_is_there(place: Served) -> None:
    done = palisade("serve", "--port", place.port)
    assert done.returncode == 2
    assert done.stderr.strip().startswith(f"palisade: port {place.port}: `palisade serve` already runs there")
    assert str(place.process.pid) in done.stderr


def test_a_port_of_somebody_else_is_refused_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        threading.Thread(target=lambda: other.accept()[0].close(), daemon=True).start()
        done = palisade("serve", "--port", str(port), "--bare")
    assert (done.returncode, f"port {port} is in use" in done.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: int, tmp_path: Path) -> None:
    with served("--bare", "--accounts", "1", "--regions", "eu-west-1", temporary=tmp_path) as running:
        assert list(tmp_path.iterdir())
        assert running.run('answer = boto3.client("organizations").describe_organization()["Organization"]["Id"]')
        assert running.end(number) == 0
        assert not list(tmp_path.iterdir())
        with socket.create_server(("127.0.0.1", int(running.port))):
            pass


def test_a_signal_ends_the_deployment_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    command = [*PALISADE, "serve", "--port", str(port), "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(READY_SECONDS * 10):
            if not socket.socket().connect_ex(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        time.sleep(2)  # into the founding or the deployment
        process.send_signal(signal.SIGTERM)
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, said, list(tmp_path.iterdir())) == (0, "", []), complained


def test_bare_deploys_nothing() -> None:
    with served("--bare", "--accounts", "1", "--regions", "eu-west-1") as running:
        found = running.run(f"""
answer = []
for account in ({running.member()!r}, {running.hub()!r}):
    answer += enter(account).client("lambda").list_functions()["Functions"]
""")
        assert found == []


@pytest.mark.parametrize("text", ["", "31", "d", "31w", "-1d", "1.5h", "0d", "99999d"])
def test_a_duration_that_is_none_is_refused_before_anything_is_asked(text: str) -> None:
    done = palisade("advance", "--port", "1", "--", text)
    assert done.returncode == 2
    assert "no `palisade serve` runs" not in done.stderr


def test_without_a_server_advance_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
    done = palisade("advance", "31d", "--port", port)
    assert (done.returncode, f"no `palisade serve` runs on port {port}" in done.stderr) == (2, True)


def test_regions_that_no_organisation_has_are_refused() -> None:
    done = palisade("serve", "--port", "0", "--regions", "eu-west-1,cn-north-1")
    assert (done.returncode, "spans partitions" in done.stderr) == (2, True)
