"""`palisade up`: a local organisation with the program in it, by the real engine, in one command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from lambdas.names import Names
from operations import local_estate, opened, serve_environment, standing
from operations.engine import Engine, EngineMissingError
from operations.serve import Ending, Running, ServeError, keep
from operations.serve_engine import STACK, ByHand
from operations.standing import Standing

PATIENCE = 15  # seconds that an engine has to end by itself
LOOK = 0.2  # seconds


class UpError(Exception):
    """The organisation cannot be brought up or down; the message is for people."""


def up(port: int, accounts: int, regions: Sequence[str]) -> None:
    """Serve, deploy, say what to try, and go on until SIGINT, SIGTERM or `palisade down`; raises UpError."""
    try:
        Engine.find()
    except EngineMissingError as error:
        raise UpError(str(error)) from error
    if (there := standing.read()) is not None and there.alive():
        where = f"process {there.process}, port {there.port}"
        raise UpError(f"`palisade up` already runs ({where}); `palisade down` ends it")
    try:
        keep(port, accounts, regions, _begin, bare=True)
    except ServeError as error:
        raise UpError(str(error)) from error
    finally:
        standing.forget(os.getpid())


def _begin(running: Running) -> None:
    hand = running.hand
    if hand is None or hand.folder is None:
        raise UpError(hand.missing if hand else "nothing was laid out to deploy from")
    world = running.organization.world
    names = Names(local_estate.stack_config(running.organization, STACK)["prefix"])
    one = Standing(
        process=os.getpid(),
        port=running.port,
        folder=str(hand.folder),
        hub=world.accounts[local_estate.HUB].name,
        buckets={region: names.code_bucket(local_estate.HUB, region) for region in world.regions},
        variables={**running.variables, **hand.variables},
    )
    one.write()
    print(f"pulumi up -s {STACK} --yes", flush=True)
    code = pulumi(one, "up", ending=running.ending)
    if running.ending.is_set():
        return
    if code:
        raise UpError(f"`pulumi up` ended with exit code {code}, so nothing keeps running")
    one.deployed().write()
    print(_told(running, hand), flush=True)


def pulumi(there: Standing, *command: str, ending: Ending | None = None) -> int:
    """Run a command of the engine, its output shown, and return its exit code; the end of ours ends it."""
    engine = Engine.find()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    environment = {
        **inherited,
        **there.variables,
        "PATH": os.pathsep.join((*engine.path, inherited.get("PATH", ""))),
    }
    arguments = [str(engine.folder / "pulumi"), *command, "--stack", STACK, "--yes"]
    with subprocess.Popen(arguments, cwd=there.folder, env=environment, stdin=subprocess.DEVNULL) as process:  # noqa: S603
        while True:
            try:
                return process.wait(LOOK)
            except subprocess.TimeoutExpired:
                if ending is None or not ending.is_set():
                    continue
            process.send_signal(signal.SIGINT)
            try:
                return process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _told(running: Running, hand: ByHand) -> str:
    world = running.organization.world
    example = next(one for one in world.accounts.values() if one.kind == "member").name
    cli = f"aws --profile {example} ec2"
    return "\n".join(
        (
            "",
            serve_environment.for_people(running.port, running.variables, world, end="Ctrl-C, or palisade down"),
            "",
            "`pulumi` in that shell:",
            *hand.lines(),
            f"  pulumi preview -s {STACK} --diff",
            "",
            f"Open SSH to the world in {example}, and see it closed within seconds:",
            f"  {sys.executable} {opened.__file__} {example}",
            "or by the AWS CLI:",
            f"  group=$({cli} create-security-group --group-name me --description me --query GroupId --output text)",
            f"  {cli} authorize-security-group-ingress --group-id $group --protocol tcp --port 22 --cidr 0.0.0.0/0",
            f"  {cli} describe-security-groups --group-ids $group --query 'SecurityGroups[].IpPermissions'",
        )
    )
