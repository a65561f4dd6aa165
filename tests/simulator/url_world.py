"""A function behind a URL, callers of several accounts, and requests signed as clients sign them, for tests of URLs."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from dataclasses import dataclass
from typing import Any

from boto3.session import Session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.hooks import first_non_none_response

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, MEMBER, document, role

# Answers what the body asks for: an answer of its own, an error, or the event itself.
SOURCE = """
    import json

    def handler(event, context):
        try:
            asked = json.loads(event.get("body", "{}"))
        except ValueError:
            asked = {}
        if asked.get("fail"):
            raise ValueError("as asked")
        if "letters" in asked:
            return "x" * asked["letters"]
        return asked["answer"] if "answer" in asked else event
"""
BOTH = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


@dataclass(frozen=True)
class Heard:
    """An HTTP answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def function(opened: LocalOrganization, region: str = HOME) -> Any:
    """Make the function `door` in the member account; returns its account's client."""
    iam: Any = opened.session(MEMBER).client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName="door", AssumeRolePolicyDocument=document(trust))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("url_door.py", textwrap.dedent(SOURCE))
    functions: Any = opened.session(MEMBER, region).client("lambda")
    functions.create_function(
        FunctionName="door", Runtime="python3.13", Role=made["Role"]["Arn"], Handler="url_door.handler",
        Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip
    return functions


def address(functions: Any, auth_type: str = "AWS_IAM") -> str:
    return str(functions.create_function_url_config(FunctionName="door", AuthType=auth_type)["FunctionUrl"])


def entered(
    opened: LocalOrganization, account: str, name: str, allowed: str | list[str], *, minutes: int = 60
) -> Session:
    """A session of a role that may do so much."""
    role(opened, account, name, trusted=f"arn:aws:iam::{account}:root", allowed=allowed)
    sts: Any = opened.session(account).client("sts")
    arn = f"arn:aws:iam::{account}:role/{name}"
    held = sts.assume_role(RoleArn=arn, RoleSessionName="me", DurationSeconds=minutes * 60)["Credentials"]
    return Session(held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"], region_name=HOME)


def signed(
    session: Session, url: str, body: bytes = b"", *, method: str = "POST", service: str = "lambda",
    region: str = HOME, **headers: str,
) -> AWSPreparedRequest:  # fmt: skip
    """Sign a request as botocore does; names of headers are written with underscores."""
    spelled = {"content-type": "application/json", **{key.replace("_", "-"): one for key, one in headers.items()}}
    request = AWSRequest(method=method, url=url, data=body, headers=spelled)
    held: Any = session.get_credentials()
    SigV4Auth(held.get_frozen_credentials(), service, region).add_auth(request)
    return request.prepare()


def sent(request: AWSPreparedRequest) -> Heard:
    """Send a request by the event of an in-process client."""
    found: Any = first_non_none_response(Session(region_name=HOME).events.emit("before-send.any", request=request))
    return Heard(found.status_code, found.headers, found.content)


def asked(session: Session, url: str, body: Any = None, **more: Any) -> Heard:
    return sent(signed(session, url, b"" if body is None else json.dumps(body).encode(), **more))


def without_signature(request: AWSPreparedRequest) -> None:
    del request.headers["Authorization"]


def another_body(request: AWSPreparedRequest) -> None:
    request.body = b'{"answer": "forged"}'


def another_path(request: AWSPreparedRequest) -> None:
    request.url += "more"


def another_token(request: AWSPreparedRequest) -> None:
    request.headers["X-Amz-Security-Token"] = "other"


def no_token(request: AWSPreparedRequest) -> None:
    del request.headers["X-Amz-Security-Token"]


def another_moment(request: AWSPreparedRequest) -> None:
    moment = request.headers["X-Amz-Date"]
    del request.headers["X-Amz-Date"]
    request.headers["X-Amz-Date"] = f"{moment[:9]}000000Z"


def broken(request: AWSPreparedRequest) -> None:
    proof = request.headers["Authorization"]
    del request.headers["Authorization"]
    request.headers["Authorization"] = f"{proof[:-64]}{'0' * 64}"


def unknown_key(request: AWSPreparedRequest) -> None:
    proof = request.headers["Authorization"]
    del request.headers["Authorization"]
    request.headers["Authorization"] = proof.replace("ASIA", "ASIB")


# What makes a signed request a forgery, and the error that names it.
FORGERIES = (
    (without_signature, "AccessDeniedException"),
    (another_body, "InvalidSignatureException"),
    (another_path, "InvalidSignatureException"),
    (another_moment, "InvalidSignatureException"),
    (broken, "InvalidSignatureException"),
    (another_token, "UnrecognizedClientException"),
    (no_token, "UnrecognizedClientException"),
    (unknown_key, "UnrecognizedClientException"),
)
