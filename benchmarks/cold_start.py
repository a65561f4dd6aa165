"""Cold starts from the built archive: a function up to its first client, against boto3 and a client alone.

Both start in a clean interpreter on the unpacked archive, without byte code, as in AWS: the archive holds
none and its folder is read-only. The real handler runs until its first client is made.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.measure import ROOT, BenchmarkError, Child, Figure, alternate, ratio, run, seconds
from components.archive import build
from simulator.world import partition_of

ROUNDS = 9
BOUND = 1.4
FUNCTIONS = ("detect", "remediate")
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "POWERTOOLS_SERVICE_NAME": "palisade",
    "PALISADE_PREFIX": "palisade",
    "PALISADE_HUB_ACCOUNT": "200000000002",
    "PALISADE_HOME_REGION": "eu-west-1",
    "FUNCTION_ARNS": f"arn:{partition_of('eu-west-1')}:lambda:eu-west-1:200000000002:function:",
    "PALISADE_SETTINGS_BUCKET": "palisade-code",
    "PALISADE_SETTINGS_KEY": "settings/none.json",
}
PLAIN = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
os.environ.update(json.loads(sys.argv[2]))
start = time.perf_counter()
import boto3
boto3.client("s3")
print(json.dumps({"seconds": time.perf_counter() - start}))
"""
FUNCTION = """
import importlib, json, os, sys, time
sys.path.insert(0, sys.argv[1])
os.environ.update(json.loads(sys.argv[2]))

class Reached(BaseException):
    pass

class Context:
    function_name = sys.argv[3]
    memory_limit_in_mb = 256
    aws_request_id = "request"
    invoked_function_arn = os.environ["FUNCTION_ARNS"] + sys.argv[3]

start = time.perf_counter()
handler = importlib.import_module(f"lambdas.{sys.argv[3]}").handler
import botocore.session
make = botocore.session.Session.create_client

def first(*given, **named):
    made = make(*given, **named)
    raise Reached(time.perf_counter() - start, made.meta.service_model.service_name)

botocore.session.Session.create_client = first
try:
    handler({"palisade": "reconcile", "Records": []}, Context())
except Reached as reached:
    taken, service = reached.args
    print(json.dumps({"seconds": taken, "service": service}))
"""


def figures() -> dict[str, Figure]:
    """Measure boto3 and each function in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = build(ROOT, folder / "archive")
        with zipfile.ZipFile(archive.path) as opened:
            opened.extractall(folder / "function")
        plain, *functions = alternate(
            ROUNDS,
            lambda: _child(folder / "function", PLAIN),
            *(lambda one=one: _child(folder / "function", FUNCTION, one) for one in FUNCTIONS),
        )
    found = {"cold_start_boto3_seconds": Figure(round(seconds(plain), 3), "s")}
    for function, children in zip(FUNCTIONS, functions, strict=True):
        if any(child.said.get("service") != "s3" for child in children):
            raise BenchmarkError(f"the first client of {function} is not the one that boto3 alone makes")
        found[f"cold_start_{function}_ratio"] = Figure(round(ratio(children, plain), 3), "ratio", BOUND)
        found[f"cold_start_{function}_seconds"] = Figure(round(seconds(children), 3), "s")
    return found


def _child(folder: Path, script: str, *arguments: str) -> Child:
    command = [sys.executable, "-I", "-S", "-B", "-c", script, str(folder), json.dumps(ENVIRONMENT), *arguments]
    return run(command, folder)
