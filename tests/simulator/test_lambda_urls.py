"""Function URLs: their configuration, who is let in by which signature and policies, and the events and answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from boto3.session import Session
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import ClientError

from simulator.faults import Fault, Kind
from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, organization
from tests.simulator.url_world import BOTH, FORGERIES, Heard, address, asked, entered, function, sent, signed

FAILED = b"Internal Server Error"
ARN = f"arn:aws:lambda:{HOME}:{MEMBER}:function:door"


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.rates.suspend()
        yield one


@pytest.fixture(scope="module")
def functions(opened: LocalOrganization) -> Any:
    return function(opened)


@pytest.fixture(scope="module")
def approver(opened: LocalOrganization) -> Session:
    return entered(opened, MEMBER, "approver", list(BOTH))


@pytest.fixture
def url(functions: Any) -> Iterator[str]:
    yield address(functions)
    functions.delete_function_url_config(FunctionName="door")


@pytest.fixture
def permit(functions: Any) -> Iterator[Callable[..., None]]:
    """Add statements to the function's policy, for one test."""
    added: list[str] = []

    def add(principal: str, action: str, **more: Any) -> None:
        added.append(f"s{len(added)}")
        functions.add_permission(
            FunctionName="door", StatementId=added[-1], Principal=principal, Action=action, **more
        )  # fmt: skip

    yield add
    for name in added:
        functions.remove_permission(FunctionName="door", StatementId=name)


def test_a_url_is_made_read_changed_listed_and_taken_away(functions: Any) -> None:
    made = functions.create_function_url_config(
        FunctionName="door", AuthType="AWS_IAM", Cors={"AllowOrigins": ["https://here"], "MaxAge": 60}
    )
    identifier = made["FunctionUrl"].removeprefix("https://").removesuffix(f".lambda-url.{HOME}.on.aws/")
    assert len(identifier) == 32
    assert (made["FunctionArn"], made["AuthType"], made["InvokeMode"]) == (ARN, "AWS_IAM", "BUFFERED")
    with pytest.raises(ClientError, match="ResourceConflictException"):
        address(functions)
    read = functions.get_function_url_config(FunctionName="door")
    assert (read["FunctionUrl"], read["Cors"]) == (
        made["FunctionUrl"],
        {"AllowOrigins": ["https://here"], "MaxAge": 60},
    )
    changed = functions.update_function_url_config(FunctionName="door", AuthType="NONE", Cors={})
    assert changed["AuthType"] == "NONE"
    assert "Cors" not in changed
    (listed,) = functions.list_function_url_configs(FunctionName="door")["FunctionUrlConfigs"]
    assert (listed["FunctionUrl"], listed["AuthType"]) == (made["FunctionUrl"], "NONE")
    functions.delete_function_url_config(FunctionName="door")
    assert functions.list_function_url_configs(FunctionName="door")["FunctionUrlConfigs"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.get_function_url_config(FunctionName="door")
    again = address(functions)
    functions.delete_function_url_config(FunctionName="door")
    assert again != made["FunctionUrl"]  # a URL that was taken away does not come back


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Qualifier": "live"}, "Cannot find alias"),
        ({"InvokeMode": "RESPONSE_STREAM"}, "NotImplemented"),
        ({"AuthType": "OTHER"}, "OTHER|AuthType"),
    ],
)
def test_what_a_url_cannot_have_is_refused_by_name(functions: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        functions.create_function_url_config(**{"FunctionName": "door", "AuthType": "AWS_IAM", **more})


@pytest.mark.parametrize(("region", "said"), [("cn-north-1", "aws-cn"), ("eu-south-2", "not supported in eu-south-2")])
def test_regions_without_function_urls_refuse_them(opened: LocalOrganization, region: str, said: str) -> None:
    elsewhere: Any = opened.session(MEMBER, region).client("lambda")
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    elsewhere.create_function(
        FunctionName="door", Runtime="python3.13", Role=f"arn:aws:iam::{MEMBER}:role/door", Handler="a.b", Code=code
    )
    with pytest.raises(ClientError, match=said):
        address(elsewhere)


def test_the_function_receives_payload_format_2_0(opened: LocalOrganization, url: str, approver: Session) -> None:
    request = signed(
        approver, f"{url}a%20b/c?x=1&y=%C3%BC&x=2&z=", b'{"n": 1}', cookie="a=1; b=2", user_agent="me/1", x_more="m"
    )
    heard = sent(request)
    assert (heard.status, heard.headers["content-type"]) == (200, "application/json")
    event, host = heard.json, url.split("/")[2]
    now = opened.do(opened.world.agenda.now)
    held: Any = approver.get_credentials()
    caller: Any = approver.client("sts")
    who = caller.get_caller_identity()
    assert event["requestContext"] == {
        "accountId": MEMBER,
        "apiId": host.partition(".")[0],
        "authorizer": {
            "iam": {
                "accessKey": held.access_key,
                "accountId": MEMBER,
                "callerId": who["UserId"],
                "cognitoIdentity": None,
                "principalOrgId": opened.world.organization_id,
                "userArn": f"arn:aws:sts::{MEMBER}:assumed-role/approver/me",
                "userId": who["UserId"],
            }
        },
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": "POST", "path": "/a%20b/c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "me/1",
        },
        "requestId": heard.headers["x-amzn-RequestId"],
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }  # fmt: skip
    assert {name: event[name] for name in ("version", "routeKey", "rawPath", "rawQueryString")} == {
        "version": "2.0", "routeKey": "$default", "rawPath": "/a%20b/c", "rawQueryString": "x=1&y=%C3%BC&x=2&z=",
    }  # fmt: skip
    assert event["queryStringParameters"] == {"x": "1,2", "y": "ü", "z": ""}
    assert (event["cookies"], event["body"], event["isBase64Encoded"]) == (["a=1", "b=2"], '{"n": 1}', False)
    headers = event["headers"]
    assert (headers["host"], headers["x-more"], headers["x-forwarded-proto"]) == (host, "m", "https")
    assert not {"authorization", "cookie"} & set(headers)


def test_a_binary_body_is_base64_and_a_missing_one_is_absent(url: str, approver: Session) -> None:
    event = sent(signed(approver, url, b"\xff\x00", content_type="application/octet-stream")).json
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\xff\x00", True)
    event = sent(signed(approver, url, method="GET")).json
    assert "body" not in event
    assert "queryStringParameters" not in event


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        pytest.param({"a": [1]}, 200, b'{"a": [1]}', id="JSON without a status"),
        pytest.param("text", 200, b'"text"', id="a string"),
        pytest.param(None, 200, b"null", id="nothing"),
        pytest.param({"statusCode": 201, "body": "made"}, 201, b"made", id="status and body"),
        pytest.param({"statusCode": 204}, 204, b"", id="no body"),
        pytest.param({"statusCode": "202", "body": {"a": 1}}, 202, b'{"a": 1}', id="a body of JSON"),
        pytest.param({"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}, 200, b"\xff\x00", id="base64"),
        pytest.param({"statusCode": 200, "body": "?", "isBase64Encoded": True}, 502, FAILED, id="not"),
        pytest.param({"statusCode": 600}, 502, FAILED, id="no HTTP status"),
        pytest.param({"statusCode": "x"}, 502, FAILED, id="no number"),
        pytest.param({"statusCode": 200, "headers": ["a"]}, 502, FAILED, id="no headers"),
        pytest.param({"statusCode": 200, "cookies": "a=1"}, 502, FAILED, id="no cookies"),
    ],
)
def test_an_answer_becomes_a_response_by_the_documented_rules(
    url: str, approver: Session, answer: Any, status: int, body: bytes
) -> None:
    heard = asked(approver, url, {"answer": answer})
    assert (heard.status, heard.body) == (status, body)
    assert heard.headers["content-type"] == "application/json"


def test_headers_and_every_cookie_of_an_answer_are_set(url: str, approver: Session) -> None:
    answer = {"statusCode": 200, "headers": {"Content-Type": "text/html", "X-N": 1}, "cookies": ["a=1", "b=2; Secure"]}
    headers = asked(approver, url, {"answer": answer}).headers
    assert (headers["content-type"], headers["x-n"]) == ("text/html", "1")
    assert headers["set-cookie"] == "a=1, b=2; Secure"


def test_a_failing_function_is_a_bad_gateway(url: str, approver: Session) -> None:
    heard = asked(approver, url, {"fail": True})
    assert (heard.status, heard.body) == (502, FAILED)


def test_a_request_and_an_answer_have_six_megabytes_at_most(url: str, approver: Session) -> None:
    heard = asked(approver, url, {"long": "x" * 6_291_456})
    assert (heard.status, heard.headers["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException")
    assert asked(approver, url, {"letters": 6_291_454}).status == 200
    assert asked(approver, url, {"letters": 6_291_455}).status == 502


def test_throttles_are_told_by_429(opened: LocalOrganization, functions: Any, url: str, approver: Session) -> None:
    functions.put_function_concurrency(FunctionName="door", ReservedConcurrentExecutions=0)
    heard = asked(approver, url)
    functions.delete_function_concurrency(FunctionName="door")
    assert (heard.status, heard.headers["x-amzn-ErrorType"]) == (429, "TooManyRequestsException")
    opened.faults.add(Fault(Kind.THROTTLE, service="lambda", operation="InvokeFunctionUrl", nth=1))
    assert [asked(approver, url).status for _ in range(2)] == [429, 200]
    opened.faults.clear()


@pytest.mark.parametrize(
    ("forge", "code"),
    FORGERIES,
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_forged_request_does_not_reach_the_function(
    functions: Any, url: str, approver: Session, forge: Callable[[AWSPreparedRequest], None], code: str
) -> None:
    request = signed(approver, url, b"{}")
    forge(request)
    heard = sent(request)
    assert (heard.status, heard.headers["x-amzn-ErrorType"]) == (403, code)
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["x-amzn-RequestId"]
    message = heard.json.get("Message") or heard.json["message"]
    assert message.startswith("Forbidden" if code == "AccessDeniedException" else "The ")


@pytest.mark.parametrize("scope", [{"service": "execute-api"}, {"region": "eu-central-1"}])
def test_a_signature_for_another_service_or_region_is_refused(
    url: str, approver: Session, scope: dict[str, str]
) -> None:
    heard = asked(approver, url, **scope)
    assert (heard.status, heard.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")


def test_a_session_that_has_ended_is_refused(opened: LocalOrganization, url: str) -> None:
    session = entered(opened, MEMBER, "hasty", list(BOTH), minutes=15)
    assert asked(session, url).status == 200
    opened.advance(timedelta(minutes=15))
    heard = asked(session, url)
    assert (heard.status, heard.headers["x-amzn-ErrorType"]) == (403, "ExpiredTokenException")


def test_a_user_s_lasting_key_signs_too(opened: LocalOrganization, url: str) -> None:
    iam: Any = opened.session(MEMBER).client("iam")
    iam.create_user(UserName="ann")
    statement = {"Effect": "Allow", "Action": list(BOTH), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="ann", PolicyName="urls", PolicyDocument=policy)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    heard = asked(Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=HOME), url)
    assert heard.json["requestContext"]["authorizer"]["iam"]["userArn"] == f"arn:aws:iam::{MEMBER}:user/ann"
    assert asked(Session(key["AccessKeyId"], "guessed", region_name=HOME), url).status == 403


URL_ALONE, FUNCTION_ALONE = [BOTH[0]], [BOTH[1]]
BY_URL: dict[str, Any] = {"InvokedViaFunctionUrl": True}
IAM: dict[str, Any] = {"FunctionUrlAuthType": "AWS_IAM"}
OTHER = ((BOTH[0], {"FunctionUrlAuthType": "NONE"}), (BOTH[1], BY_URL))
OF_BOTH = ((BOTH[0], IAM), (BOTH[1], BY_URL))
CASES = [
    # account, what its role may, what the function's policy lets that role do, the status
    pytest.param(MEMBER, list(BOTH), (), 200, id="identity policy alone"),
    pytest.param(MEMBER, URL_ALONE, (), 403, id="identity without InvokeFunction"),
    pytest.param(MEMBER, FUNCTION_ALONE, (), 403, id="identity without InvokeFunctionUrl"),
    pytest.param(MEMBER, ["sts:*"], OF_BOTH, 200, id="resource policy alone"),
    pytest.param(MEMBER, ["sts:*"], OF_BOTH[:1], 403, id="resource policy without InvokeFunction"),
    pytest.param(MEMBER, ["sts:*"], OF_BOTH[1:], 403, id="resource policy without InvokeFunctionUrl"),
    pytest.param(MEMBER, URL_ALONE, OF_BOTH[1:], 200, id="one action of each"),
    pytest.param(MEMBER, ["sts:*"], OTHER, 403, id="other auth type"),
    pytest.param(HUB, list(BOTH), OF_BOTH, 200, id="other account, both sides"),
    pytest.param(HUB, list(BOTH), (), 403, id="other account, identity alone"),
    pytest.param(HUB, ["sts:*"], OF_BOTH, 403, id="other account, resource alone"),
    pytest.param(HUB, list(BOTH), OF_BOTH[:1], 403, id="other account, resource without InvokeFunction"),
    pytest.param(HUB, URL_ALONE, OF_BOTH, 403, id="other account, identity without InvokeFunction"),
]


@pytest.mark.parametrize(("account", "may", "lets", "status"), CASES)
def test_both_actions_are_needed_from_the_sides_that_iam_asks(
    opened: LocalOrganization, url: str, permit: Callable[..., None], request: pytest.FixtureRequest,
    account: str, may: list[str], lets: tuple[tuple[str, dict[str, Any]], ...], status: int,
) -> None:  # fmt: skip
    name = f"case{CASES_BY_ID[request.node.callspec.id]}"
    session = entered(opened, account, name, may)
    for action, condition in lets:
        permit(f"arn:aws:iam::{account}:role/{name}", action, **condition)
    heard = asked(session, url)
    assert heard.status == status
    if status == 403:
        assert heard.headers["x-amzn-ErrorType"] == "AccessDeniedException"
        assert heard.json["Message"].startswith("Forbidden")


CASES_BY_ID = {case.id: number for number, case in enumerate(CASES)}


def test_a_permission_by_url_alone_does_not_invoke_the_function_otherwise(
    opened: LocalOrganization, permit: Callable[..., None]
) -> None:
    permit(HUB, BOTH[1], **BY_URL)
    stranger: Any = opened.session(HUB).client("lambda")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        stranger.invoke(FunctionName=ARN)


@pytest.mark.parametrize(
    ("action", "condition"),
    [(BOTH[1], {"FunctionUrlAuthType": "AWS_IAM"}), (BOTH[0], {"InvokedViaFunctionUrl": True})],
)
def test_each_condition_of_a_permission_goes_with_its_own_action(
    functions: Any, action: str, condition: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="is only supported for"):
        functions.add_permission(FunctionName="door", StatementId="s", Principal=HUB, Action=action, **condition)


def test_without_authentication_the_function_s_policy_decides(functions: Any, permit: Callable[..., None]) -> None:
    url = address(functions, "NONE")
    request = AWSRequest(method="GET", url=url).prepare()
    assert sent(request).status == 403
    permit("*", BOTH[0], FunctionUrlAuthType="NONE")
    assert sent(request).status == 403
    permit("*", BOTH[1], InvokedViaFunctionUrl=True)
    heard = sent(request)
    functions.delete_function_url_config(FunctionName="door")
    assert heard.status == 200
    assert "authorizer" not in heard.json["requestContext"]


def test_who_makes_a_url_may_be_bound_to_an_auth_type(opened: LocalOrganization) -> None:
    session = entered(opened, MEMBER, "builder", "lambda:*")
    iam: Any = opened.session(MEMBER).client("iam")
    without = {"StringNotEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    deny = {"Effect": "Deny", "Action": "lambda:CreateFunctionUrlConfig", "Resource": "*", "Condition": without}
    policy = json.dumps({"Version": "2012-10-17", "Statement": deny})
    iam.put_role_policy(RoleName="builder", PolicyName="iam-alone", PolicyDocument=policy)
    theirs: Any = session.client("lambda")
    with pytest.raises(ClientError, match="explicit deny"):
        address(theirs, "NONE")
    address(theirs)
    theirs.delete_function_url_config(FunctionName="door")


def test_a_url_that_is_gone_or_never_was_is_forbidden(functions: Any, approver: Session) -> None:
    gone = address(functions)
    functions.delete_function_url_config(FunctionName="door")
    heard: list[Heard] = [asked(approver, gone), asked(approver, f"https://nobody.lambda-url.{HOME}.on.aws/")]
    assert [(one.status, one.json) for one in heard] == [(403, {"Message": None})] * 2


def test_the_log_of_the_front_door_names_who_called_by_url(
    opened: LocalOrganization, url: str, approver: Session
) -> None:
    asked(approver, url)
    entry = next(one for one in reversed(opened.door.log) if one.operation == "InvokeFunctionUrl")
    assert (entry.account, entry.principal) == (MEMBER, f"arn:aws:sts::{MEMBER}:assumed-role/approver/me")
