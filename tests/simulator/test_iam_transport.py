"""What a request needs beside its parameters: an encrypted way, and the key of the code that it deploys."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, HUB, document, organization

BUCKET, KEY = "code", "function.zip"
DEPLOYER = f"arn:aws:iam::{HUB}:role/deployer"


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        hub = one.session(HUB)
        s3 = hub.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
        only_tls = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        s3.put_bucket_policy(Bucket=BUCKET, Policy=document(only_tls))
        key = hub.client("kms").create_key()["KeyMetadata"]["Arn"]
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=archive(), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
        iam = hub.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        service = {**trust, "Principal": {"Service": "lambda.amazonaws.com"}}
        iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=document(trust))
        iam.create_role(RoleName="function", AssumeRolePolicyDocument=document(service))
        yield one


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        writer.writestr("code.py", "def handler(event, context):\n    return None\n")
    return packed.getvalue()


def create_function(opened: LocalOrganization, name: str, decrypting: list[Any]) -> None:
    """Create a function from the encrypted object, as a role that may all but decrypt, and `decrypting`."""
    hub = opened.session(HUB)
    deploying = {"Effect": "Allow", "Action": ["lambda:*", "s3:GetObject", "iam:PassRole"], "Resource": "*"}
    hub.client("iam").put_role_policy(
        RoleName="deployer", PolicyName="deploy", PolicyDocument=document(deploying, *decrypting)
    )
    entered = hub.client("sts").assume_role(RoleArn=DEPLOYER, RoleSessionName="deploy")["Credentials"]
    client = hub.client(
        "lambda",
        aws_access_key_id=entered["AccessKeyId"],
        aws_secret_access_key=entered["SecretAccessKey"],
        aws_session_token=entered["SessionToken"],
    )
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="code.handler",
        Role=f"arn:aws:iam::{HUB}:role/function",
        Code={"S3Bucket": BUCKET, "S3Key": KEY},
    )


def test_a_request_by_plain_http_is_not_secure(opened: LocalOrganization) -> None:
    hub = opened.session(HUB)
    assert hub.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        hub.client("s3", use_ssl=False).list_objects_v2(Bucket=BUCKET)


def test_a_loopback_endpoint_stands_for_an_encrypted_one(opened: LocalOrganization) -> None:
    client = opened.session(HUB).client("s3", endpoint_url="http://127.0.0.1:4566")
    assert client.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_who_deploys_code_must_be_able_to_decrypt_it(opened: LocalOrganization) -> None:
    with pytest.raises(ClientError, match="kms:Decrypt"):
        create_function(opened, "refused", [])


def decrypt_by(service: str) -> dict[str, Any]:
    """Decrypt with any key, by way of one service."""
    condition = {"StringEquals": {"kms:ViaService": f"{service}.{HOME}.amazonaws.com"}}
    return {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}


def test_it_is_s3_that_decrypts_the_code(opened: LocalOrganization) -> None:
    create_function(opened, "made", [decrypt_by("s3")])
    made = opened.session(HUB).client("lambda").get_function(FunctionName="made")
    assert made["Configuration"]["Handler"] == "code.handler"


def test_a_key_for_lambda_alone_does_not_decrypt_the_code(opened: LocalOrganization) -> None:
    with pytest.raises(ClientError, match="kms:Decrypt"):
        create_function(opened, "refused", [decrypt_by("lambda")])
