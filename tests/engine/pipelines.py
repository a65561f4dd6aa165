"""Three pipelines of one organisation, as docs/pipelines has them: OIDC, roles of their own, one state bucket."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from operations import local_estate
from operations.engine import ROOT, Engine, Stack, Workspace
from operations.serve import Served
from simulator.engine.server import ProviderServer
from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization
from simulator.port import Port
from simulator.provisioners.entrance import Clients, Entrance

HOME = "eu-west-1"
HUB, MANAGEMENT = local_estate.HUB, local_estate.MANAGEMENT
DEVELOPED, STAGED, PRODUCED = "300000000001", "300000000002", "300000000003"
UNITS = {"development": DEVELOPED, "staging": STAGED, "production": PRODUCED}
NAMES = ("security", *UNITS)
ISSUER, REPOSITORY = "token.actions.githubusercontent.com", "example/palisade"
BUCKET, KEY = "example-state", "alias/state"
DOCUMENTS = ROOT / "docs" / "pipelines"
POLICY = "pipeline"


def role(name: str) -> str:
    """The ARN of a pipeline's role."""
    return f"arn:aws:iam::{HUB}:role/{role_name(name)}"


def role_name(name: str) -> str:
    """The name of a pipeline's role; the bootstrap role admits the one that the local organisation has anyway."""
    return local_estate.PIPELINE if name == "security" else f"{local_estate.PIPELINE}-{name}"


def token(name: str, now: float, **claims: Any) -> str:
    """A token as GitHub gives it to a job of an environment; nothing here checks its signature."""
    own = {"iss": f"https://{ISSUER}", "sub": f"repo:{REPOSITORY}:environment:{name}", "aud": "sts.amazonaws.com"}
    parts = ({"alg": "RS256", "typ": "JWT"}, {**own, "exp": now + 900, **claims})
    written = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*written, "signature"))


@dataclass
class Pipelines:
    """The organisation, and each pipeline's workspace: its own credentials, the common state backend."""

    organization: LocalOrganization
    endpoint: str
    workspaces: dict[str, Workspace] = field(default_factory=dict)
    stacks: dict[str, Stack] = field(default_factory=dict)

    def assume(self, name: str, **claims: Any) -> ReadOnlyCredentials:
        """Enter a pipeline's role by its environment's token."""
        now = self.organization.do(self.organization.world.agenda.now).timestamp()
        sts: Any = boto3.client("sts", region_name=HOME, config=Config(signature_version=UNSIGNED))
        made = sts.assume_role_with_web_identity(
            RoleArn=role(name), RoleSessionName="github", WebIdentityToken=token(name, now, **claims)
        )["Credentials"]
        return ReadOnlyCredentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def session(self, name: str) -> boto3.Session:
        """A pipeline's own session."""
        held = self.assume(name)
        return boto3.Session(held.access_key, held.secret_key, held.token, region_name=HOME)

    def config(self, name: str, **changes: Any) -> dict[str, Any]:
        """The settings of a stack: the file in stacks/, with this organisation's ids filled in."""
        units = self.units()
        environments = {
            one: {"organizationalUnits": [unit], **({"pipelineRole": role(one)} if name == "security" else {})}
            for one, unit in units.items()
            if one in UNITS
        }
        common = {
            "organizationId": self.organization.world.organization_id,
            "managementAccount": MANAGEMENT,
            "hubAccount": HUB,
            "homeRegion": HOME,
            "regions": [HOME],
        }
        if name == "security":
            own: dict[str, Any] = {
                "layers": ["organization", "hub"],
                "managementRole": f"arn:aws:iam::{MANAGEMENT}:role/{local_estate.ORGANIZATION_ROLE}",
                "pipelineRole": role("security"),
                # The hub's unit too: account filters of deployment targets are not simulated.
                "environments": {**environments, "hub": {"organizationalUnits": [units["Security"]]}},
                "notifications": ["operations@example.com"],
            }
        else:
            own = {
                "layers": ["members"],
                "environment": name,
                "environments": {name: environments[name]},
                "targets": {"organizationalUnits": [units[name]]},
                "controls": {"EC2.13": {"mode": "notify"}},
            }
        return {**common, **own, **changes}

    def units(self) -> dict[str, str]:
        """The ids of the units by their names."""
        client: Any = self.organization.session(MANAGEMENT).client("organizations")
        root = client.list_roots()["Roots"][0]["Id"]
        listed = client.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
        return {one["Name"]: one["Id"] for one in listed}


@contextmanager
def opened(engine: Engine, folder: Path) -> Iterator[Pipelines]:
    """Found the organisation, make the pipelines' roles and their backend, and make the stacks as a person does."""
    accounts = [PlannedAccount(HUB, "security", kind="hub", unit=("Security",))]
    accounts += [PlannedAccount(account, unit, unit=(unit,)) for unit, account in UNITS.items()]
    plan = OrganizationPlan(management=MANAGEMENT, hub=HUB, accounts=tuple(accounts))
    # On the real clock: the engine's own S3 client signs with it.
    with LocalOrganization(plan, home_region=HOME, regions=(HOME,), real_time=True) as one, ExitStack() as stack:
        local_estate.prepare(one)
        port = Port(0)
        stack.callback(port.close)
        port.open(Served(one, folder / "config"))
        pipelines = Pipelines(one, port.endpoint)
        _backend(one)
        for name in NAMES:
            _role(one, name)
            entrance = Entrance(
                Clients(), partial(pipelines.assume, name), lambda seconds: one.advance(timedelta(seconds=seconds))
            )
            server = stack.enter_context(ProviderServer(one, entrance))
            home = folder / name
            home.mkdir()
            made = Workspace.make(engine, home, server.port)
            pipelines.workspaces[name] = Workspace(made.folder, _shell(made, pipelines, pipelines.assume(name)))
        for name in NAMES:
            pipelines.stacks[name] = _made_by_a_person(pipelines, name)
        yield pipelines


def filled(name: str, environment: str, one: LocalOrganization) -> dict[str, Any]:
    """A document of docs/pipelines with this organisation's names."""
    text = (DOCUMENTS / name).read_text(encoding="utf-8")
    for placeholder, value in {
        "<pipeline account id>": HUB,
        "<hub account id>": HUB,
        "<management account id>": MANAGEMENT,
        "<organization id>": one.world.organization_id,
        "<github organization>/<repository>": REPOSITORY,
        "<environment>": environment,
        "<state bucket>": BUCKET,
        "<arn of the state key>": _key(one),
    }.items():
        text = text.replace(placeholder, value)
    assert "<" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def permissions(name: str, one: LocalOrganization) -> dict[str, Any]:
    """What a pipeline's role may do."""
    return filled("permissions-security.json" if name == "security" else "permissions-member.json", name, one)


def actions_of(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """The actions of each statement."""
    return {
        one["Sid"]: {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
        for one in document["Statement"]
    }


def _role(one: LocalOrganization, name: str) -> None:
    iam: Any = one.session(HUB).client("iam")
    trust = filled("trust-policy.json", name, one)
    if name == "security":
        iam.delete_role_policy(RoleName=role_name(name), PolicyName="enter")
        iam.update_assume_role_policy(RoleName=role_name(name), PolicyDocument=json.dumps(trust))
    else:
        iam.create_role(RoleName=role_name(name), AssumeRolePolicyDocument=json.dumps(trust))
    document = permissions(name, one)
    iam.put_role_policy(RoleName=role_name(name), PolicyName=POLICY, PolicyDocument=json.dumps(document))


def _backend(one: LocalOrganization) -> None:
    hub = one.session(HUB)
    iam: Any = hub.client("iam")
    iam.create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    s3: Any = hub.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
    kms: Any = hub.client("kms")
    kms.create_alias(AliasName=KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def _key(one: LocalOrganization) -> str:
    kms: Any = one.session(HUB).client("kms")
    return str(kms.describe_key(KeyId=KEY)["KeyMetadata"]["Arn"])


def _shell(made: Workspace, pipelines: Pipelines, credentials: ReadOnlyCredentials) -> Mapping[str, str]:
    """The variables of a job: the backend in S3, and short-lived credentials."""
    backend = f"s3://{BUCKET}?region={HOME}&endpoint={pipelines.endpoint}&s3ForcePathStyle=true"
    return {
        **made.environment,
        "PULUMI_BACKEND_URL": backend,
        "AWS_ENDPOINT_URL": pipelines.endpoint,
        "AWS_REGION": HOME,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": credentials.access_key or "",
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key or "",
        "AWS_SESSION_TOKEN": credentials.token or "",
    }


def _made_by_a_person(pipelines: Pipelines, name: str) -> Stack:
    workspace = pipelines.workspaces[name]
    session = pipelines.organization.session(HUB)
    credentials = session.get_credentials()
    assert credentials is not None
    person = Workspace(workspace.folder, _shell(workspace, pipelines, credentials.get_frozen_credentials()))
    stack = Stack(person, name)
    stack.configure(pipelines.config(name))
    stack.run("stack", "init", name, "--secrets-provider", f"awskms://{KEY}?region={HOME}")
    return Stack(workspace, name)
