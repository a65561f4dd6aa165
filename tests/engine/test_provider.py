"""The stand-in provider by the engine's protocol: what it refuses, how it compares, and for whom it acts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

from simulator.engine import wire
from simulator.engine.server import ProviderServer
from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import AWAY, DEPLOYMENT, HOME, HUB, MEMBER, organization, pipeline

QUEUE = "aws:sqs/queue:Queue"
RULE = "aws:cfg/rule:Rule"


class Dialled:
    """One connection of the engine: one provider resource."""

    def __init__(self, port: int) -> None:
        # A client of Python shares connections otherwise, which the engine does not.
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def configure(self, account: str, *roles: str, region: str = HOME) -> Dialled:
        arguments = {"region": region, "allowedAccountIds": json.dumps([account])}
        if roles:
            arguments["assumeRoles"] = json.dumps([{"roleArn": role, "sessionName": "run"} for role in roles])
        self.stub.Configure(messages.ConfigureRequest(args=wire.write(arguments)))
        return self

    def check(self, token: str, **inputs: Any) -> dict[str, str]:
        answer = self.stub.Check(messages.CheckRequest(type=token, urn="urn", news=wire.write(inputs)))
        return {one.property: one.reason for one in answer.failures}

    def diff(self, token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> messages.DiffResponse:
        request = messages.DiffRequest(
            type=token, urn="urn", id="id", old_inputs=wire.write(old), news=wire.write(new), olds=wire.write(old)
        )
        answer: messages.DiffResponse = self.stub.Diff(request)
        return answer

    def create(self, token: str, *, preview: bool = False, **inputs: Any) -> tuple[str, dict[str, Any]]:
        request = messages.CreateRequest(type=token, urn="urn", properties=wire.write(inputs), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, wire.read(answer.properties)


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


@pytest.fixture(scope="module")
def server(opened: LocalOrganization) -> Iterator[ProviderServer]:
    with ProviderServer(opened, pipeline()) as one:
        yield one


@pytest.fixture
def dialled(server: ProviderServer) -> Iterator[Dialled]:
    one = Dialled(server.port)
    yield one
    one.channel.close()


@pytest.fixture
def member(dialled: Dialled) -> Dialled:
    return dialled.configure(MEMBER, f"arn:aws:iam::{MEMBER}:role/{DEPLOYMENT}")


@pytest.mark.parametrize(
    ("token", "inputs", "property_", "said"),
    [
        pytest.param(QUEUE, {"name": "q", "colour": "red"}, "colour", "not known", id="unknown"),
        pytest.param(QUEUE, {"name": "q", "delaySeconds": 5}, "delaySeconds", "not served", id="known but not served"),
        pytest.param(QUEUE, {}, "name", "missing", id="what the real provider would choose"),
        pytest.param("aws:sqs/queuePolicy:QueuePolicy", {"policy": "{}"}, "queueUrl", "required", id="required"),
        pytest.param(
            QUEUE, {"name": "q", "visibilityTimeoutSeconds": "abc"}, "visibilityTimeoutSeconds", "integer", id="number"
        ),
        pytest.param(QUEUE, {"name": "q", "sqsManagedSseEnabled": 1}, "sqsManagedSseEnabled", "boolean", id="boolean"),
        pytest.param(QUEUE, {"name": "q", "tags": ["a"]}, "tags", "map", id="map"),
        pytest.param(RULE, {"name": "r", "source": "AWS"}, "source", "block", id="block"),
        pytest.param(
            RULE, {"name": "r", "source": {"owner": "AWS", "identifier": "X"}}, "source.identifier", "not known",
            id="unknown in a block",
        ),
        pytest.param(
            RULE, {"name": "r", "source": {"sourceIdentifier": "X"}}, "source.owner", "required",
            id="required in a block",
        ),
        pytest.param(RULE, {"name": "r", "source": {"owner": "ME"}}, "source.owner", "enum", id="enumeration"),
        pytest.param(
            "aws:kms/alias:Alias", {"name": "alias/a b", "targetKeyId": "k"}, "name", "pattern",
            id="pattern of the service model",
        ),
        pytest.param(
            "aws:lambda/function:Function",
            {"name": "f", "runtime": "python3.13", "handler": "h", "s3Bucket": "bucket", "s3Key": "k", "timeout": 0,
             "role": f"arn:aws:iam::{MEMBER}:role/r"},
            "timeout", "greater than or equal to 1", id="bound of the service model",
        ),
    ],
)  # fmt: skip
def test_what_the_provider_would_refuse_is_refused_by_check(
    dialled: Dialled, token: str, inputs: dict[str, Any], property_: str, said: str
) -> None:
    failures = dialled.check(token, **inputs)
    assert said in failures.get(property_, ""), failures


def test_check_lets_pass_what_is_right_and_what_is_not_known_yet(dialled: Dialled) -> None:
    assert dialled.check(QUEUE, name="q", visibilityTimeoutSeconds=5, tags={"a": "b"}, region=HOME) == {}
    assert dialled.check(QUEUE, name=wire.UNKNOWN, visibilityTimeoutSeconds=wire.UNKNOWN) == {}


@pytest.mark.parametrize(
    ("arguments", "property_", "said"),
    [
        pytest.param({"region": HOME, "profile": "mine"}, "profile", "not served", id="an argument of no effect"),
        pytest.param({}, "region", "missing", id="no region"),
        pytest.param({"region": HOME, "allowedAccountIds": '["12"]'}, "allowedAccountIds", "12 digits", id="account"),
        pytest.param(
            {"region": HOME, "assumeRoles": '[{"role_arn": "arn:aws:iam::300000000003:role/x"}]'},
            "assumeRoles", "role_arn", id="a plain dictionary, as pulumi-aws#5271",
        ),
        pytest.param({"region": HOME, "assumeRoles": '[{"roleArn": "x"}]'}, "assumeRoles", "ARN", id="not an ARN"),
    ],
)  # fmt: skip
def test_arguments_of_the_provider_are_checked(
    dialled: Dialled, arguments: dict[str, str], property_: str, said: str
) -> None:
    answer = dialled.stub.CheckConfig(messages.CheckRequest(urn="urn", news=wire.write(arguments)))
    assert said in " ".join(one.reason for one in answer.failures if one.property == property_)


@pytest.mark.parametrize(
    ("token", "old", "new"),
    [
        pytest.param(QUEUE, {"name": "q"}, {"name": "q", "visibilityTimeoutSeconds": 30}, id="AWS's default"),
        pytest.param(
            QUEUE, {"name": "q", "sqsManagedSseEnabled": True}, {"name": "q"}, id="what AWS computes is let go of"
        ),
        pytest.param(
            "aws:iam/rolePolicy:RolePolicy",
            {"role": "r", "name": "p", "policy": '{"Statement": [{"Action": ["a:B", "a:C"], "Effect": "Allow"}]}'},
            {"role": "r", "name": "p", "policy": '{"Statement":{"Effect":"Allow","Action":["a:C","a:B"]}}'},
            id="a policy written otherwise",
        ),
        pytest.param(
            "aws:cfg/recorder:Recorder",
            {"name": "r", "roleArn": "x", "recordingGroup": {"resourceTypes": ["A", "B"]}},
            {"name": "r", "roleArn": "x", "recordingGroup": {"resourceTypes": ["B", "A"], "allSupported": False}},
            id="a set in another order, an empty member of a block",
        ),
    ],
)
def test_values_that_mean_the_same_are_no_change(
    dialled: Dialled, token: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert dialled.diff(token, old, new).changes == messages.DiffResponse.DIFF_NONE


def test_a_changed_input_updates_or_replaces_by_the_table(dialled: Dialled) -> None:
    old = {"name": "q", "region": HOME, "visibilityTimeoutSeconds": 5}
    updated = dialled.diff(QUEUE, old, {**old, "visibilityTimeoutSeconds": 6})
    assert (list(updated.diffs), list(updated.replaces)) == (["visibilityTimeoutSeconds"], [])
    renamed = dialled.diff(QUEUE, old, {**old, "name": "r"})
    assert (list(renamed.replaces), renamed.deleteBeforeReplace) == (["name"], False)
    moved = dialled.diff(QUEUE, old, {**old, "region": AWAY})
    assert (list(moved.replaces), moved.deleteBeforeReplace) == (["region"], True)


def test_an_input_that_is_not_known_yet_counts_as_changed(dialled: Dialled) -> None:
    assert list(dialled.diff(QUEUE, {"name": "q"}, {"name": wire.UNKNOWN}).replaces) == ["name"]


def test_a_change_of_unknown_effect_is_refused_not_guessed(dialled: Dialled) -> None:
    with pytest.raises(grpc.RpcError, match="delaySeconds"):
        dialled.diff(QUEUE, {"name": "q", "delaySeconds": 5}, {"name": "q"})


def test_outputs_of_the_old_state_are_no_change(dialled: Dialled) -> None:
    request = messages.DiffRequest(
        type=QUEUE, urn="urn", id="id", olds=wire.write({"name": "q", "arn": "a"}),
        old_inputs=wire.write({"name": "q"}), news=wire.write({"name": "q"}),
    )  # fmt: skip
    assert dialled.stub.Diff(request).changes == messages.DiffResponse.DIFF_NONE


def test_a_preview_makes_nothing_and_leaves_outputs_open(opened: LocalOrganization, member: Dialled) -> None:
    identifier, properties = member.create(QUEUE, preview=True, name="planned")
    assert (identifier, properties["arn"], properties["name"]) == ("", wire.UNKNOWN, "planned")
    assert "QueueUrls" not in opened.session(MEMBER, HOME).client("sqs").list_queues(QueueNamePrefix="planned")


def test_each_connection_acts_in_the_account_that_it_was_configured_for(
    opened: LocalOrganization, server: ProviderServer
) -> None:
    hub, member = Dialled(server.port).configure(HUB), Dialled(server.port)
    member.configure(MEMBER, f"arn:aws:iam::{MEMBER}:role/{DEPLOYMENT}", region=AWAY)
    assert member.create(QUEUE, name="shared")[1]["arn"] == f"arn:aws:sqs:{AWAY}:{MEMBER}:shared"
    # The pipeline's own role may enter roles only: the call is the hub's, and refused there.
    with pytest.raises(grpc.RpcError, match=f"account {HUB}, {HOME}: .*AccessDenied"):
        hub.create(QUEUE, name="shared")


def test_a_connection_without_configuration_makes_nothing(dialled: Dialled) -> None:
    with pytest.raises(grpc.RpcError, match="never configured"):
        dialled.create(QUEUE, name="q")


def test_a_role_that_leads_nowhere_is_refused_when_the_provider_is_configured(dialled: Dialled) -> None:
    with pytest.raises(grpc.RpcError, match=f"arn:aws:iam::{MEMBER}:role/nobody"):
        dialled.configure(MEMBER, f"arn:aws:iam::{MEMBER}:role/nobody")


def test_an_import_reads_everything_by_id_and_region(opened: LocalOrganization, member: Dialled) -> None:
    client = opened.session(MEMBER, AWAY).client("sqs")
    url = client.create_queue(QueueName="byhand", Attributes={"VisibilityTimeout": "7"}, tags={"a": "b"})["QueueUrl"]
    answer = member.stub.Read(messages.ReadRequest(type=QUEUE, urn="urn", id=f"{url}@{AWAY}"))
    inputs = wire.read(answer.inputs)
    assert (answer.id, inputs["name"], inputs["region"]) == (url, "byhand", AWAY)
    assert (inputs["visibilityTimeoutSeconds"], inputs["tags"]) == (7, {"a": "b"})


def test_a_resource_that_is_gone_reads_as_gone_and_deletes_in_peace(member: Dialled) -> None:
    identifier, _ = member.create(QUEUE, name="shortlived")
    inputs = wire.write({"name": "shortlived"})
    for _ in range(2):
        member.stub.Delete(messages.DeleteRequest(type=QUEUE, urn="urn", id=identifier, old_inputs=inputs))
    answer = member.stub.Read(messages.ReadRequest(type=QUEUE, urn="urn", id=identifier, inputs=inputs))
    assert answer.id == ""


def test_a_type_that_nothing_serves_is_refused_by_name(dialled: Dialled) -> None:
    with pytest.raises(grpc.RpcError, match="aws:ec2/vpc:Vpc"):
        dialled.check("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")


def test_a_server_that_nobody_calls_takes_no_processor_time(server: ProviderServer) -> None:
    before = os.times().user
    threading.Event().wait(1)
    assert os.times().user - before < 0.3
