"""Systems Manager: managed instances, and the commands that really run on them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.ssm import SystemsManager
from simulator.services.ssm_hosts import Host
from tests.simulator.pipeline_world import HOME, MEMBER, organization

NUMBERS = itertools.count()
WORD = {"Word": {"type": "String", "allowedPattern": "^[a-z]+$"}}


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.rates.suspend()
        yield one


def client(opened: LocalOrganization, service: str = "ssm") -> Any:
    session: Any = opened.session(MEMBER)
    return session.client(service)


def instance(opened: LocalOrganization, manager: str = "yum", **host: Any) -> str:
    made = client(opened, "ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    service = opened.world.service(SystemsManager)
    managed = Host(host.pop("platform", "Linux"), "Linux", manager, **host)
    opened.do(partial(service.manage, MEMBER, HOME, made["InstanceId"], managed))
    return str(made["InstanceId"])


def document(opened: LocalOrganization, *lines: str, **more: Any) -> str:
    name = f"Team-Command-{next(NUMBERS)}"
    step = {"name": "run", "action": "aws:runShellScript", "inputs": {"runCommand": list(lines)}}
    content = {"schemaVersion": "2.2", "mainSteps": [{**step, **more.pop("step", {})}], **more}
    client(opened).create_document(Name=name, Content=json.dumps(content), DocumentType="Command")
    return name


def ran(opened: LocalOrganization, name: str, host: str, **parameters: str) -> dict[str, Any]:
    given: Any = {"Parameters": {key: [value] for key, value in parameters.items()}} if parameters else {}
    command = client(opened).send_command(DocumentName=name, InstanceIds=[host], **given)["Command"]
    opened.rest()
    return dict(client(opened).get_command_invocation(CommandId=command["CommandId"], InstanceId=host))


def installed(opened: LocalOrganization, name: str) -> dict[str, str]:
    return opened.world.service(SystemsManager).host(MEMBER, HOME, name).packages


def test_an_instance_is_managed_where_its_agent_says_so_and_online_while_it_runs(opened: LocalOrganization) -> None:
    one, other = instance(opened), instance(opened, platform="Windows")
    filters = [{"Key": "InstanceIds", "Values": [one]}]
    (shown,) = client(opened).describe_instance_information(Filters=filters)["InstanceInformationList"]
    assert (shown["InstanceId"], shown["PingStatus"], shown["PlatformType"]) == (one, "Online", "Linux")
    every = client(opened).describe_instance_information()["InstanceInformationList"]
    assert {one, other} <= {entry["InstanceId"] for entry in every}
    client(opened, "ec2").stop_instances(InstanceIds=[one])
    (shown,) = client(opened).describe_instance_information(Filters=filters)["InstanceInformationList"]
    assert shown["PingStatus"] == "ConnectionLost"
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        ran(opened, document(opened, "true"), one)
    client(opened, "ec2").terminate_instances(InstanceIds=[one])
    assert client(opened).describe_instance_information(Filters=filters)["InstanceInformationList"] == []
    with pytest.raises(ClientError, match="not simulated"):
        client(opened).describe_instance_information(Filters=[{"Key": "PingStatus", "Values": ["Online"]}])


def test_a_script_runs_with_its_parameters_and_nothing_but_the_package_managers_in_its_path(
    opened: LocalOrganization,
) -> None:
    host = instance(opened, packages={"openssl": "1:1.0.2k-24"}, repository={"openssl": ["1:1.0.2k-25"]})
    script = ("echo {{ Word }} $PATH_IS_ALL", "yum -y update openssl", "rpm -q openssl", "ls || exit 7")
    shown = ran(opened, document(opened, *script, parameters=WORD), host, Word="hello")
    assert (shown["Status"], shown["ResponseCode"]) == ("Failed", 7)
    assert shown["StandardOutputContent"].split() == ["hello", "openssl-1.0.2k-25"]
    assert "ls: command not found" in shown["StandardErrorContent"]
    assert installed(opened, host) == {"openssl": "1:1.0.2k-25"}


def test_a_command_takes_its_time_and_is_listed_with_what_it_has_said(opened: LocalOrganization) -> None:
    host, name = instance(opened), document(opened, "echo done")
    command = client(opened).send_command(DocumentName=name, InstanceIds=[host])["Command"]["CommandId"]

    def listed(**more: Any) -> list[dict[str, Any]]:
        return list(client(opened).list_command_invocations(CommandId=command, **more)["CommandInvocations"])

    assert [one["Status"] for one in listed()] == ["Pending"]
    opened.advance(timedelta(seconds=5))
    assert [one["Status"] for one in listed(InstanceId=host)] == ["InProgress"]
    opened.rest()
    (shown,) = listed(Details=True, Filters=[{"key": "DocumentName", "value": name}])
    assert shown["CommandPlugins"][0]["Output"] == "done\n"
    assert listed(Filters=[{"key": "Status", "value": "Failed"}]) == []
    with pytest.raises(ClientError, match="not simulated"):
        listed(Filters=[{"key": "InvokedAfter", "value": "2026-01-01T00:00:00Z"}])
    with pytest.raises(ClientError, match="InvocationDoesNotExist"):
        client(opened).get_command_invocation(CommandId=command, InstanceId="i-0123456789abcdef0")


def test_commands_are_listed_with_their_parameters_for_thirty_days(opened: LocalOrganization) -> None:
    one, other, name = instance(opened), instance(opened), document(opened, "echo {{ Word }}", parameters=WORD)

    def listed(**more: Any) -> list[dict[str, Any]]:
        filters = [{"key": key, "value": value} for key, value in more.pop("filters", {}).items()]
        given = {"key": "DocumentName", "value": name}
        return list(client(opened).list_commands(Filters=[given, *filters], **more)["Commands"])

    sent = client(opened).send_command(
        DocumentName=name, InstanceIds=[one, other], Parameters={"Word": ["first"]}, DocumentVersion="1"
    )["Command"]
    assert listed(InstanceId=one, filters={"Status": "Success"}) == []
    opened.rest()
    ran(opened, name, other, Word="second")
    (first,) = listed(InstanceId=one, filters={"Status": "Success"})
    assert (first["CommandId"], first["DocumentVersion"]) == (sent["CommandId"], "1")
    assert (first["Parameters"], first["InstanceIds"]) == ({"Word": ["first"]}, [one, other])
    assert first["RequestedDateTime"] == sent["RequestedDateTime"]
    (shown,) = client(opened).list_command_invocations(CommandId=sent["CommandId"], InstanceId=one, Details=True)[
        "CommandInvocations"
    ]
    assert shown["CommandPlugins"][0]["ResponseFinishDateTime"] > first["RequestedDateTime"]
    assert [command["Parameters"]["Word"] for command in listed(InstanceId=other)] == [["second"], ["first"]]
    assert listed(CommandId=sent["CommandId"], filters={"Status": "Failed"}) == []
    with pytest.raises(ClientError, match="not simulated"):
        listed(filters={"InvokedAfter": "2026-01-01T00:00:00Z"})
    opened.advance(timedelta(days=31))
    assert listed() == []


EVR = "rpm -q --qf '%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}\\n' curl"
APT = "apt-get -q update; apt-get -y --only-upgrade install curl=8-2"


@pytest.mark.parametrize(
    ("manager", "lines", "said"),
    [
        ("yum", "yum -q -y install gone-1-1 || echo no", ["no"]),
        ("dnf", f"dnf -y install curl-8-2; {EVR}", ["0:8-2"]),
        ("apt-get", APT + "; dpkg-query -W -f '${Version}' curl", ["8-2"]),
        ("apt-get", "dpkg --compare-versions 1.0~rc1 lt 1.0 && echo older", ["older"]),
        ("zypper", "zypper --non-interactive install curl=8-2; rpm -q curl", ["curl-8-2"]),
        ("yum", "rpm --eval \"%{lua:print(rpm.vercmp('1.10','1.9'))}\"", ["1"]),
        ("yum", "yum makecache || echo $?", ["64"]),
    ],
)  # fmt: skip
def test_each_package_manager_installs_what_its_repositories_have(
    opened: LocalOrganization, manager: str, lines: str, said: list[str]
) -> None:
    host = instance(opened, manager, packages={"curl": "7-1"}, repository={"curl": ["8-2", "9-1"]})
    assert ran(opened, document(opened, lines), host)["StandardOutputContent"].split() == said


def test_a_step_for_another_platform_is_skipped(opened: LocalOrganization) -> None:
    where = {"precondition": {"StringEquals": ["platformType", "Linux"]}}
    shown = ran(opened, document(opened, "exit 1", step=where), instance(opened, platform="Windows"))
    assert (shown["Status"], shown["StandardOutputContent"]) == ("Success", "")


def test_documents_of_aws_unknown_ones_and_other_parameters_are_refused(opened: LocalOrganization) -> None:
    host, name = instance(opened), document(opened, "echo {{ Word }}", parameters=WORD)
    for unknown in ("AWS-RunShellScript", "Team-Nothing"):
        with pytest.raises(ClientError, match="InvalidDocument"):
            ran(opened, unknown, host)
    for given in ({}, {"Word": "x; reboot"}, {"Word": "x", "More": "y"}):
        with pytest.raises(ClientError, match="InvalidParameters"):
            ran(opened, name, host, **given)
    with pytest.raises(ClientError, match="InvalidDocument"):
        client(opened).send_command(DocumentName=name, DocumentVersion="7", InstanceIds=[host])
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        ran(opened, name, "i-0123456789abcdef0", Word="x")


def test_what_is_not_simulated_of_commands_is_refused_by_name(opened: LocalOrganization) -> None:
    host = instance(opened)
    unknown: list[dict[str, Any]] = [{"step": {"action": "aws:runPowerShellScript"}}, {"files": {}}]
    for more in (*unknown, {"schemaVersion": "1.2"}):
        with pytest.raises(ClientError, match="not simulated"):
            ran(opened, document(opened, "true", **more), host)
    name, targets = document(opened, "true"), [{"Key": "tag:a", "Values": ["b"]}]
    with pytest.raises(ClientError, match="Targets is not simulated"):
        client(opened).send_command(DocumentName=name, Targets=targets)
    with pytest.raises(ClientError, match="not simulated"):
        client(opened).cancel_command(CommandId="0" * 36)
