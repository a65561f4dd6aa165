"""The loopback port, with clients that do not know of the simulation: plain boto3 of other processes, and HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from simulator.port import Port, PortTaken
from tests.simulator.pipeline_world import HUB, MANAGEMENT, MEMBER
from tests.simulator.port_world import Endpoint, endpoint

IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BUCKET = """
s3 = boto3.client("s3")
s3.create_bucket(Bucket={name!r}, CreateBucketConfiguration={{"LocationConstraint": "eu-west-1"}})
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Endpoint]:
    with endpoint() as opened:
        yield opened


def bucket(name: str) -> str:
    return BUCKET.format(name=name)


def test_every_account_and_region_is_chosen_by_the_credentials(place: Endpoint) -> None:
    found = place.run(f"""
sts = boto3.client("sts")
answer = [sts.get_caller_identity()["Account"]]
for account in ({HUB!r}, {MEMBER!r}):
    role = f"arn:aws:iam::{{account}}:role/OrganizationAccountAccessRole"
    held = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    keys = held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"]
    for region in ("eu-west-1", "eu-central-1"):
        session = boto3.Session(*keys, region_name=region)
        topic = session.client("sns").create_topic(Name="here")["TopicArn"]
        answer.append(topic)
""")
    places = [f"arn:aws:sns:{region}:{one}:here" for one in (HUB, MEMBER) for region in ("eu-west-1", "eu-central-1")]
    assert found == [MANAGEMENT, *places]


def test_objects_of_every_kind_of_body_come_back_as_they_went(place: Endpoint) -> None:
    found = place.run(
        bucket("bodies")
        + """
import gzip
class Unseekable(io.RawIOBase):
    def __init__(self, data): self.data = io.BytesIO(data)
    def readable(self): return True
    def read(self, size=-1): return self.data.read(size)
bodies = {"plain": b"hello", "empty": b"", "a b/\\u00fc+%2F&=.txt": b"odd key", "folder/": b""}
metadata = {"my_key": "v", "other-key": "w"}
for key, body in bodies.items():
    s3.put_object(Bucket="bodies", Key=key, Body=body)
s3.put_object(Bucket="bodies", Key="sha", Body=b"sha", ChecksumAlgorithm="SHA256", Metadata=metadata)
s3.put_object(Bucket="bodies", Key="zipped", Body=gzip.compress(b"zipped"), ContentEncoding="gzip")
s3.upload_fileobj(Unseekable(b"x" * 100_000), "bodies", "stream")
read = lambda key: s3.get_object(Bucket="bodies", Key=key)["Body"].read()
sha = s3.get_object(Bucket="bodies", Key="sha", ChecksumMode="ENABLED")
head = s3.head_object(Bucket="bodies", Key="stream")
zipped = s3.get_object(Bucket="bodies", Key="zipped")
answer = {
    "same": [read(key) == body for key, body in bodies.items()],
    "keys": sorted(one["Key"] for one in s3.list_objects_v2(Bucket="bodies")["Contents"]) ,
    "sha": [sha["ChecksumSHA256"], sha["Metadata"]],
    "stream": [head["ContentLength"], read("stream") == b"x" * 100_000],
    "zipped": [zipped["ContentEncoding"], gzip.decompress(zipped["Body"].read()).decode()],
}
"""
    )
    assert found["same"] == [True] * 4
    assert found["keys"] == sorted(["plain", "empty", "a b/ü+%2F&=.txt", "folder/", "sha", "zipped", "stream"])
    assert found["sha"] == [
        base64.b64encode(hashlib.sha256(b"sha").digest()).decode(),
        {"my_key": "v", "other-key": "w"},
    ]
    assert found["stream"] == [100_000, True]
    assert found["zipped"] == ["gzip", "zipped"]


def test_a_body_of_100_megabytes_goes_in_and_out(place: Endpoint) -> None:
    found = place.run(
        bucket("large")
        + """
import hashlib, os
data = os.urandom(1 << 20) * 100
s3.put_object(Bucket="large", Key="one", Body=data)
back = s3.get_object(Bucket="large", Key="one")["Body"].read()
s3.upload_fileobj(io.BytesIO(data), "large", "parts")
answer = [back == data, s3.head_object(Bucket="large", Key="parts")["ContentLength"]]
"""
    )
    assert found == [True, 100 << 20]


def test_presigned_urls_of_both_signatures_work_without_credentials(place: Endpoint) -> None:
    found = place.run(
        bucket("presigned")
        + """
import urllib.request
from botocore.config import Config
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
answer = []
for version in ("s3v4", "s3"):
    client = boto3.client("s3", config=Config(signature_version=version))
    put = client.generate_presigned_url("put_object", Params={"Bucket": "presigned", "Key": version})
    direct.open(urllib.request.Request(put, data=version.encode(), method="PUT"))
    get = client.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": version})
    answer.append(direct.open(get).read().decode())
"""
    )
    assert found == ["s3v4", "s3"]


def test_a_bucket_may_stand_in_the_host_name(place: Endpoint) -> None:
    place.run(bucket("hosted") + 's3.put_object(Bucket="hosted", Key="k", Body=b"found")')
    signed = place.signed("s3")
    port = place.port.number
    for host in (
        "hosted.localhost",
        f"hosted.s3.localhost:{port}",
        f"hosted.s3.eu-west-1.localhost:{port}",
        "hosted.s3.eu-west-1.amazonaws.com",
    ):
        assert place.ask("GET", "/k", {**signed, "Host": host}).body == b"found"
    proxied = place.ask("GET", "http://hosted.s3.eu-west-1.amazonaws.com/k", signed)
    assert proxied.body == b"found"


def test_s3_control_is_reached_with_the_account_in_the_host_name(place: Endpoint) -> None:
    found = place.run(f"""
s3control = boto3.client("s3control")
block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
s3control.put_public_access_block(AccountId={MANAGEMENT!r}, PublicAccessBlockConfiguration=block)
answer = s3control.get_public_access_block(AccountId={MANAGEMENT!r})["PublicAccessBlockConfiguration"]
""")
    assert set(found.values()) == {True}


def test_the_port_is_a_proxy_for_aws_alone(place: Endpoint) -> None:
    assert place.ask("GET", "http://example.com/", {}).status == 502
    refused = place.ask("CONNECT", "sts.amazonaws.com:443", {})
    assert (refused.status, b"plain HTTP" in refused.body) == (501, True)


def test_an_unsigned_request_is_refused_in_the_words_of_the_service(place: Endpoint) -> None:
    s3 = place.ask("GET", "/", {})
    assert (s3.status, b"<Code>MissingAuthenticationToken</Code>" in s3.body) == (403, True)
    sts = place.ask("POST", "/", FORM, IDENTITY)
    assert (sts.status, b"MissingAuthenticationToken" in sts.body) == (403, True)


def test_an_unknown_operation_and_an_unknown_service_are_named(place: Endpoint) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.MakeCoffee", "Content-Type": "application/x-amz-json-1.0"}
    heard = place.ask("POST", "/", {**place.signed("dynamodb"), **target}, "{}")
    assert heard.status == 404
    assert b"DynamoDB_20120810.MakeCoffee" in heard.body
    heard = place.ask("POST", "/", {**place.signed("coffee"), **target}, "{}")
    assert (heard.status, b"'coffee'" in heard.body) == (501, True)
    heard = place.ask("POST", "/", {**place.signed("iam"), **FORM}, "Action=MakeCoffee&Version=2010-05-08")
    assert (heard.status, b"MakeCoffee" in heard.body) == (404, True)


def test_an_operation_that_is_not_simulated_says_so_to_boto3(place: Endpoint) -> None:
    code, message = place.run("""
try:
    boto3.client("fms").list_policies()
except Exception as error:
    answer = [error.response["Error"]["Code"], str(error)]
""")
    assert code == "NotImplemented"
    assert "fms" in message


def test_services_that_share_a_signing_name_are_told_apart(place: Endpoint) -> None:
    found = place.run("""
answer = []
answer += boto3.client("ses").list_identities()["Identities"]
answer += boto3.client("sesv2").list_email_identities()["EmailIdentities"]
answer += boto3.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
answer += boto3.client("elbv2").describe_load_balancers()["LoadBalancers"]
answer += boto3.client("opensearch").list_domain_names()["DomainNames"]
answer += boto3.client("bedrock-agent").list_agents()["agentSummaries"]
answer += boto3.client("bedrock").list_custom_models()["modelSummaries"]
""")
    assert found == []


def test_a_list_that_the_query_string_leaves_out_is_left_out(place: Endpoint) -> None:
    # No service of moto's takes the list; that it would be too short is not the reason to refuse.
    assert (
        place.run("""
try:
    boto3.client("dlm").get_lifecycle_policies()
except Exception as error:
    answer = error.response["Error"]["Code"]
""")
        == "NotImplemented"
    )


def test_a_gzipped_request_is_read(place: Endpoint) -> None:
    found = place.run("""
from botocore.config import Config
client = boto3.client("cloudwatch", config=Config(request_min_compression_size_bytes=1))
client.put_metric_data(Namespace="here", MetricData=[{"MetricName": "m", "Value": 1.0}])
answer = [one["MetricName"] for one in client.list_metrics(Namespace="here")["Metrics"]]
""")
    assert found == ["m"]


def test_one_connection_serves_many_requests_and_waits_for_the_word_to_go_on(place: Endpoint) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", place.port.number, timeout=30)
    for _ in range(3):
        connection.request("POST", "/", IDENTITY, {**place.signed("sts"), **FORM})
        answer = connection.getresponse()
        assert (answer.status, MANAGEMENT in answer.read().decode()) == (200, True)
    head = {
        **place.signed("sts"),
        **FORM,
        "Content-Length": str(len(IDENTITY)),
        "Host": "here",
        "Expect": "100-continue",
    }
    with socket.create_connection(("127.0.0.1", place.port.number), timeout=30) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in head.items()) + b"\r\n")
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_several_clients_at_once_are_all_answered(place: Endpoint) -> None:
    def many(number: int) -> list[int]:
        return [place.ask("POST", "/", {**place.signed("sts"), **FORM}, IDENTITY).status for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        assert {status for answers in pool.map(many, range(8)) for status in answers} == {200}


def test_answers_carry_the_time_of_the_organisation(place: Endpoint) -> None:
    date = place.ask("POST", "/", {**place.signed("sts"), **FORM}, IDENTITY).headers["date"]
    assert date.endswith(" GMT")


def test_control_requests_are_taken_from_here_alone(place: Endpoint) -> None:
    json_alone = {"Content-Type": "application/json"}
    assert json.loads(place.ask("POST", "/_palisade/x", json_alone, '{"a": 1}').body) == {"name": "x"}
    assert place.behind.asked == [("x", {"a": 1})]
    refused = place.ask("POST", "/_palisade/refused", json_alone, "{}")
    assert (refused.status, json.loads(refused.body)) == (400, {"error": "refused"})
    failed = place.ask("POST", "/_palisade/failed", json_alone, "{}")
    assert (failed.status, json.loads(failed.body)) == (500, {"error": "LookupError: failed"})
    assert place.ask("POST", "/_palisade/x", json_alone, "no JSON").status == 400
    assert place.ask("POST", "/_palisade/x", {"Content-Type": "text/plain"}, '{"a": 1}').status == 415
    assert place.ask("GET", "/_palisade/x", {"Host": "evil.example"}).status == 403
    assert len(place.behind.asked) == 1


def test_a_port_is_taken_once_and_free_when_closed() -> None:
    first = Port(0)
    with pytest.raises(PortTaken, match=f"port {first.number} of 127.0.0.1"):
        Port(first.number)
    with socket.create_connection(("127.0.0.1", first.number)):
        first.close()
    Port(first.number).close()


def test_before_an_organisation_is_there_clients_are_told_to_come_again() -> None:
    port = Port(0)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port.number, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().status == 503
    finally:
        port.close()
