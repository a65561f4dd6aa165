"""Deployments: the program runs in process, and what it registers is made in the accounts that its providers enter."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.config import get_config
from pulumi.runtime.settings import get_stack

from simulator.deployment import Deployment, DeploymentError, deploy, register
from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import AWAY, HOME, HUB, MEMBER, organization, pipeline

HEAD = f"""
import pulumi
import pulumi_aws as aws

member = aws.Provider(
    "member",
    region="{HOME}",
    allowed_account_ids=["{MEMBER}"],
    assume_roles=[aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::{MEMBER}:role/deployment", session_name="run")],
)
hub = aws.Provider("hub", region="{HOME}", allowed_account_ids=["{HUB}"])
"""
QUEUE = 'aws.sqs.Queue("jobs", name="jobs", region="{region}", opts=pulumi.ResourceOptions(provider={provider}))'


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "__main__.py"


def run(opened: LocalOrganization, program: Path, body: str, **config: str) -> Deployment:
    program.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
    return deploy(opened, "dev", config, pipeline(), program=program)


def refused(opened: LocalOrganization, program: Path, body: str) -> str:
    with pytest.raises(DeploymentError) as error:
        run(opened, program, body)
    return str(error.value)


def topic(name: str, provider: str = "member", options: str = "") -> str:
    return (
        f'aws.sns.Topic("{name}", name="{name}", region="{HOME}", '
        f"opts=pulumi.ResourceOptions(provider={provider}{options}))\n"
    )


def topics(opened: LocalOrganization, account: str) -> set[str]:
    listed = opened.session(account, HOME).client("sns").list_topics()["Topics"]
    return {one["TopicArn"].split(":")[-1] for one in listed}


@pytest.mark.parametrize(
    ("provider", "account", "region"),
    [
        pytest.param("member", MEMBER, HOME, id="a role in another account"),
        pytest.param("member", MEMBER, AWAY, id="a Region other than the provider's"),
        pytest.param("hub", HUB, AWAY, id="the pipeline's own account"),
    ],
)
def test_a_resource_is_made_in_its_provider_s_account_and_its_own_region(
    opened: LocalOrganization, program: Path, provider: str, account: str, region: str
) -> None:
    deployment = run(opened, program, f'aws.sns.Topic("t", name="from-{provider}", region="{region}", '
                     f"opts=pulumi.ResourceOptions(provider={provider}))\n")  # fmt: skip
    made = deployment.resources[-1]
    assert (made.token, made.account, made.region) == ("aws:sns/topic:Topic", account, region)
    assert made.id in {one["TopicArn"] for one in opened.session(account, region).client("sns").list_topics()["Topics"]}


def test_a_resource_without_a_region_goes_to_the_provider_s(opened: LocalOrganization, program: Path) -> None:
    body = 'aws.sns.Topic("t", name="unplaced", opts=pulumi.ResourceOptions(provider=member))'
    assert run(opened, program, body).resources[-1].region == HOME


def test_outputs_of_one_resource_are_inputs_of_the_next(opened: LocalOrganization, program: Path) -> None:
    body = """
        letters = aws.sqs.Queue("letters", name="letters", opts=pulumi.ResourceOptions(provider=member))
        text = letters.arn.apply(lambda arn: pulumi.Output.json_dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3}))
        aws.sqs.Queue("jobs", name="jobs", redrive_policy=text, opts=pulumi.ResourceOptions(provider=member))
        pulumi.export("letters", letters.arn)
    """  # noqa: E501
    deployment = run(opened, program, body)
    arn = f"arn:aws:sqs:{HOME}:{MEMBER}:letters"
    assert deployment.outputs == {"letters": arn}
    client = opened.session(MEMBER, HOME).client("sqs")
    url = client.get_queue_url(QueueName="jobs")["QueueUrl"]
    read = client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert arn in read["RedrivePolicy"]


def test_components_pass_their_provider_on_and_chain_their_types_in_urns(
    opened: LocalOrganization, program: Path
) -> None:
    body = """
        class Part(pulumi.ComponentResource):
            def __init__(self, name, opts):
                super().__init__("test:index:Part", name, None, opts)
                options = pulumi.ResourceOptions(parent=self, protect=True)
                aws.sns.Topic(name, name=f"in-{name}", opts=options)

        class Whole(pulumi.ComponentResource):
            def __init__(self, name, opts):
                super().__init__("test:index:Whole", name, None, opts)
                Part(f"{name}-part", pulumi.ResourceOptions(parent=self))

        Whole("whole", pulumi.ResourceOptions(providers=[member]))
    """
    made = run(opened, program, body).resources[-1]
    chain = "test:index:Whole$test:index:Part$aws:sns/topic:Topic"
    assert made.urn == f"urn:pulumi:dev::palisade::{chain}::whole-part"
    assert (made.account, made.protect) == (MEMBER, True)


def test_dependencies_order_what_is_made(opened: LocalOrganization, program: Path) -> None:
    body = f"""
        first = {topic("first")}
        second = {topic("second", options=", depends_on=[first]")}
        third = {topic("third", options=", depends_on=[second]")}
    """
    resources = run(opened, program, textwrap.dedent(body).replace("        ", "")).resources
    assert [one.name for one in resources] == ["first", "second", "third"]
    assert resources[1].dependencies == (resources[0].urn,)


def test_assets_reach_the_cloud_by_their_files(opened: LocalOrganization, program: Path, tmp_path: Path) -> None:
    asset = tmp_path / "asset.bin"
    asset.write_bytes(b"\x00bytes")
    body = f"""
        bucket = aws.s3.Bucket("code", bucket="code-of-the-team", opts=pulumi.ResourceOptions(provider=member))
        aws.s3.BucketObjectv2("code", bucket=bucket.id, key="one.zip", source=pulumi.FileAsset({str(asset)!r}),
            opts=pulumi.ResourceOptions(provider=member))
    """
    run(opened, program, body)
    read = opened.session(MEMBER, HOME).client("s3").get_object(Bucket="code-of-the-team", Key="one.zip")
    assert read["Body"].read() == b"\x00bytes"


def test_settings_reach_the_program_and_its_warnings_come_back(opened: LocalOrganization, program: Path) -> None:
    body = """
        settings = pulumi.Config()
        pulumi.log.warn("an exemption has expired")
        pulumi.export("seen", [settings.require("plain"), settings.require_object("list"), pulumi.get_stack()])
    """
    deployment = run(opened, program, body, plain="text", list='["a", "b"]')
    assert deployment.outputs["seen"] == ["text", ["a", "b"], "dev"]
    assert deployment.warnings == ["an exemption has expired"]


def test_secrets_are_made_in_plain(opened: LocalOrganization, program: Path) -> None:
    body = """
        aws.sns.Topic("t", name=pulumi.Output.secret("hidden"), opts=pulumi.ResourceOptions(provider=member))
    """
    run(opened, program, body)
    assert "hidden" in topics(opened, MEMBER)


def test_data_sources_answer_from_the_organisation(opened: LocalOrganization, program: Path) -> None:
    opened.session("100000000001").client("organizations").enable_aws_service_access(
        ServicePrincipal="config.amazonaws.com"
    )
    opened.session("100000000001").client("organizations").register_delegated_administrator(
        AccountId=HUB, ServicePrincipal="config.amazonaws.com"
    )
    # The pipeline's role may not ask; the delegated administrator's reader is another role.
    body = """
        found = aws.organizations.get_organization(opts=pulumi.InvokeOptions(provider=reader))
        pulumi.export("accounts", sorted(account.id for account in found.accounts))
    """
    reader = f"""
reader = aws.Provider("reader", region="{HOME}", allowed_account_ids=["{HUB}"], assume_roles=[
    aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::{HUB}:role/reader", session_name="run")])
"""
    from tests.simulator.pipeline_world import role

    role(opened, HUB, "reader", trusted=pipeline()[1], allowed="organizations:*")
    assert run(opened, program, reader + textwrap.dedent(body)).outputs["accounts"] == sorted(opened.world.accounts)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param('aws.sns.Topic("t", name="x")', ["default provider", "::t"], id="no explicit provider"),
        pytest.param(
            'aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=member))',
            ["aws:ec2/vpc:Vpc"],
            id="a type that nothing serves",
        ),
        pytest.param(
            'aws.sns.Topic("t", name="x", tracing_config="Active", opts=pulumi.ResourceOptions(provider=member))',
            ["tracingConfig"],
            id="a property that nothing serves",
        ),
        pytest.param(
            'aws.Provider("wrong", region="eu-west-1", allowed_account_ids=["100000000001"])',
            ["100000000001", HUB],
            id="credentials of an account that the provider does not allow",
        ),
        pytest.param(
            f"""aws.Provider("wrong", region="eu-west-1", allowed_account_ids=["{HUB}"], assume_roles=[
                aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::{MEMBER}:role/deployment", session_name="run")])""",
            [MEMBER, HUB],
            id="a role of an account that the provider does not allow",
        ),
        pytest.param(
            """aws.Provider("closed", region="eu-west-1", assume_roles=[
                aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::300000000004:role/nobody", session_name="run")])""",
            ["300000000004:role/nobody", "AccessDenied"],
            id="a role that the pipeline may not enter",
        ),
        pytest.param(topic("same") + topic("same"), ["uplicate", "::same"], id="one name twice"),
    ],
)
def test_what_the_engine_or_a_provider_would_refuse_is_refused(
    opened: LocalOrganization, program: Path, body: str, named: list[str]
) -> None:
    message = refused(opened, program, body)
    assert [part for part in named if part not in message] == []


def test_a_failing_resource_names_itself_its_place_and_aws_s_reason_and_ends_the_run(
    opened: LocalOrganization, program: Path
) -> None:
    body = (
        "first = aws.sns.TopicPolicy('missing', "
        f"arn='arn:aws:sns:{HOME}:{MEMBER}:missing', policy='{{}}', opts=pulumi.ResourceOptions(provider=member))\n"
        + topic("never", options=", depends_on=[first]")
    )
    message = refused(opened, program, body)
    urn = "urn:pulumi:dev::palisade::aws:sns/topicPolicy:TopicPolicy::missing"
    assert [part for part in (urn, MEMBER, HOME, "NotFound") if part not in message] == []
    assert "never" not in topics(opened, MEMBER)


def test_an_exception_of_the_program_ends_the_run(opened: LocalOrganization, program: Path) -> None:
    assert "nothing to deploy" in refused(opened, program, 'raise RuntimeError("nothing to deploy")')


def test_nothing_of_a_run_stays_in_the_process(opened: LocalOrganization, program: Path) -> None:
    before = (get_stack(), pulumi.runtime.get_root_resource(), get_config("palisade:plain"))
    run(opened, program, topic("staying"), plain="text")
    refused(opened, program, 'raise RuntimeError("broken")')
    assert (get_stack(), pulumi.runtime.get_root_resource(), get_config("palisade:plain")) == before


def test_registering_makes_nothing_and_needs_no_organisation(program: Path) -> None:
    program.write_text(HEAD + topic("t", options=", protect=True") + 'pulumi.export("arn", "x")', encoding="utf-8")
    deployment = register("dev", {}, {}, program=program)
    made = deployment.resources[-1]
    assert (made.account, made.region, made.id, made.protect) == (MEMBER, HOME, "t", True)
    assert made.inputs["name"] == "t"


def test_registering_serves_data_sources_from_the_given_answers(program: Path) -> None:
    body = """
found = aws.organizations.get_organizational_units(parent_id="r-1", opts=pulumi.InvokeOptions(provider=hub))
pulumi.export("units", [unit.name for unit in found.children])
"""
    program.write_text(HEAD + body, encoding="utf-8")

    def units(arguments: Any) -> dict[str, Any]:
        return {"id": "r-1", "parentId": arguments["parentId"], "children": [{"id": "ou", "arn": "a", "name": "U"}]}

    answers = {"aws:organizations/getOrganizationalUnits:getOrganizationalUnits": units}
    assert register("dev", {}, answers, program=program).outputs == {"units": ["U"]}


def test_two_runs_register_in_one_order(program: Path) -> None:
    body = "".join(topic(f"t{number}") for number in range(40))
    program.write_text(HEAD + body, encoding="utf-8")
    first, second = (register("dev", {}, {}, program=program) for _ in range(2))
    assert [one.urn for one in first.resources] == [one.urn for one in second.resources]
