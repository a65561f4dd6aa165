"""Topics: what Publish takes, who gets it, and what becomes of what nobody took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import ServiceError
from tests.simulator.event_world import HUB, MEMBER, REGION, Place, small_world

TOPIC = f"arn:aws:sns:{REGION}:{MEMBER}:t"
FUNCTION = f"arn:aws:lambda:{REGION}:{MEMBER}:function:tell"
ADDRESS = "operations@example.com"


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        made.call("sns", "CreateTopic", {"Name": "t"})
        yield made


def subscribe(place: Place, protocol: str, endpoint: str, account: str = MEMBER, **attributes: str) -> str:
    asked = {
        "TopicArn": TOPIC,
        "Protocol": protocol,
        "Endpoint": endpoint,
        "Attributes": attributes,
        "ReturnSubscriptionArn": True,
    }
    return str(place.call("sns", "Subscribe", asked, account=account)["SubscriptionArn"])


def publish(place: Place, message: str = "hello", **given: Any) -> str:
    identifier = place.call("sns", "Publish", {"TopicArn": TOPIC, "Message": message, **given})["MessageId"]
    place.world.agenda.rest()
    return str(identifier)


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def number(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


def test_a_queue_gets_the_notification(place: Place) -> None:
    queue = place.queue("q")
    subscribe(place, "sqs", queue)

    identifier = publish(place, Subject="Done", MessageAttributes={"outcome": text("failed")})

    (body,) = place.bodies(queue)
    assert (body["Type"], body["MessageId"], body["TopicArn"]) == ("Notification", identifier, TOPIC)
    assert (body["Subject"], body["Message"], body["Timestamp"]) == ("Done", "hello", "2026-03-02T12:00:00.000Z")
    assert body["MessageAttributes"] == {"outcome": {"Type": "String", "Value": "failed"}}


def test_a_queue_of_another_account_is_reached_on_behalf_of_the_topic(place: Place) -> None:
    queue = place.queue("q", account=HUB)
    subscribe(place, "sqs", queue, account=HUB)
    place.ward.asked.clear()

    publish(place)

    (sent,) = [call for call in place.ward.asked if call.operation == "SendMessage"]
    assert (sent.account, sent.caller.service) == (HUB, "sns.amazonaws.com")
    assert (sent.caller.source_account, sent.caller.source_arn) == (MEMBER, TOPIC)
    assert [body["Message"] for body in place.bodies(queue)] == ["hello"]


def test_raw_delivery_hands_over_message_and_attributes_alone(place: Place) -> None:
    queue = place.queue("q")
    subscribe(place, "sqs", queue, RawMessageDelivery="true")

    publish(place, MessageAttributes={"outcome": text("failed")})

    (message,) = place.messages(queue)
    assert message["Body"] == "hello"
    assert message["MessageAttributes"]["outcome"]["StringValue"] == "failed"


def test_a_function_gets_a_record(place: Place) -> None:
    arn = subscribe(place, "lambda", FUNCTION)

    identifier = publish(place, Subject="Done")

    ((endpoint, event, caller),) = place.functions.invoked
    (record,) = event["Records"]
    assert endpoint == FUNCTION
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
    assert (record["Sns"]["MessageId"], record["Sns"]["Message"], record["Sns"]["Subject"]) == (
        identifier,
        "hello",
        "Done",
    )
    assert (caller.service, caller.source_arn) == ("sns.amazonaws.com", TOPIC)


def test_mail_goes_to_confirmed_addresses_only(place: Place) -> None:
    asked = {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": ADDRESS}
    assert place.call("sns", "Subscribe", asked)["SubscriptionArn"] == "pending confirmation"
    publish(place, "unseen")
    assert place.topics.mailbox == []

    place.topics.confirm(TOPIC, ADDRESS)
    publish(place, "seen", Subject="Bucket b", MessageAttributes={"outcome": text("failed")})

    (mail,) = place.topics.mailbox
    assert (mail.address, mail.topic_arn, mail.subject, mail.message) == (ADDRESS, TOPIC, "Bucket b", "seen")
    assert mail.attributes == {"outcome": "failed"}


def test_a_subscriber_confirms_with_the_token_it_got(place: Place) -> None:
    arn = subscribe(place, "email", ADDRESS)
    (request,) = place.topics.confirmations
    listed = place.call("sns", "ListSubscriptionsByTopic", {"TopicArn": TOPIC})["Subscriptions"]
    assert [found["SubscriptionArn"] for found in listed] == ["PendingConfirmation"]

    with pytest.raises(ServiceError, match="Token"):
        place.call("sns", "ConfirmSubscription", {"TopicArn": TOPIC, "Token": "wrong"})
    confirmed = place.call("sns", "ConfirmSubscription", {"TopicArn": TOPIC, "Token": request.token})

    assert confirmed == {"SubscriptionArn": arn}
    attributes = place.call("sns", "GetTopicAttributes", {"TopicArn": TOPIC})["Attributes"]
    assert (attributes["SubscriptionsConfirmed"], attributes["SubscriptionsPending"]) == ("1", "0")


def test_a_foreign_queue_that_the_topics_owner_subscribes_waits_for_its_owner(place: Place) -> None:
    queue = place.queue("q", account=HUB)
    subscribe(place, "sqs", queue)

    publish(place)

    assert place.bodies(queue) == []
    assert [request.endpoint for request in place.topics.confirmations] == [queue]


def test_text_messages_and_web_requests_are_kept(place: Place) -> None:
    subscribe(place, "sms", "+15550100")
    subscribe(place, "https", "https://example.com/hook")
    place.topics.confirm(TOPIC, "https://example.com/hook")

    publish(place)
    place.call("sns", "Publish", {"PhoneNumber": "+15550199", "Message": "direct"})

    kept = sorted((sent.protocol, sent.endpoint) for sent in place.topics.sent)
    assert kept == [("https", "https://example.com/hook"), ("sms", "+15550100"), ("sms", "+15550199")]


def test_a_structured_message_has_a_text_for_each_protocol(place: Place) -> None:
    queue = place.queue("q")
    subscribe(place, "sqs", queue)
    subscribe(place, "email", ADDRESS)
    place.topics.confirm(TOPIC, ADDRESS)

    publish(place, json.dumps({"default": "for all", "email": "for people"}), MessageStructure="json")

    assert [body["Message"] for body in place.bodies(queue)] == ["for all"]
    assert [mail.message for mail in place.topics.mailbox] == ["for people"]


@pytest.mark.parametrize(
    ("policy", "attributes", "delivered"),
    [
        pytest.param({"outcome": ["failed"]}, {"outcome": text("failed")}, True, id="a text equals"),
        pytest.param({"outcome": ["failed"]}, {"outcome": text("done")}, False, id="another text"),
        pytest.param({"outcome": ["failed"]}, {}, False, id="no attribute"),
        pytest.param({"outcome": [{"exists": False}]}, {}, True, id="an attribute that must be absent"),
        pytest.param({"outcome": [{"anything-but": ["done"]}]}, {"outcome": text("failed")}, True, id="anything but"),
        pytest.param({"outcome": [{"prefix": "fail"}]}, {"outcome": text("failed")}, True, id="prefix"),
        pytest.param({"outcome": [{"suffix": "ed"}]}, {"outcome": text("failed")}, True, id="suffix"),
        pytest.param({"outcome": [{"wildcard": "f*d"}]}, {"outcome": text("failed")}, True, id="wildcard"),
        pytest.param({"outcome": [{"equals-ignore-case": "FAILED"}]}, {"outcome": text("failed")}, True, id="any case"),
        pytest.param({"ip": [{"cidr": "10.0.0.0/8"}]}, {"ip": text("10.1.2.3")}, True, id="cidr"),
        pytest.param({"count": [3]}, {"count": number("3")}, True, id="a number equals"),
        pytest.param({"count": [3]}, {"count": text("3")}, False, id="a text is no number"),
        pytest.param({"count": [{"numeric": [">", 2]}]}, {"count": number("2.5")}, True, id="numeric"),
        pytest.param(
            {"teams": ["b"]},
            {"teams": {"DataType": "String.Array", "StringValue": '["a", "b"]'}},
            True,
            id="an element of an array",
        ),
        pytest.param({"a": ["1"], "b": ["2"]}, {"a": text("1"), "b": text("3")}, False, id="all names must match"),
        pytest.param({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, {"b": text("2")}, True, id="either name"),
        pytest.param(
            {"raw": ["x"]}, {"raw": {"DataType": "Binary", "BinaryValue": b"x"}}, False, id="binary is unseen"
        ),
    ],
)
def test_a_filter_on_attributes_decides(
    place: Place, policy: dict[str, Any], attributes: dict[str, Any], delivered: bool
) -> None:
    queue = place.queue("q")
    subscribe(place, "sqs", queue, FilterPolicy=json.dumps(policy))

    publish(place, MessageAttributes=attributes)

    assert len(place.bodies(queue)) == delivered


@pytest.mark.parametrize(
    ("message", "delivered"),
    [
        pytest.param('{"finding": {"severity": "HIGH"}}', True, id="a nested field"),
        pytest.param('{"finding": {"severity": "LOW"}}', False, id="another value"),
        pytest.param('{"finding": [{"severity": "LOW"}, {"severity": "HIGH"}]}', True, id="an array of objects"),
        pytest.param("severity HIGH", False, id="no JSON"),
        pytest.param('["HIGH"]', False, id="no object"),
    ],
)
def test_a_filter_on_the_body_decides(place: Place, message: str, delivered: bool) -> None:
    queue = place.queue("q")
    policy = json.dumps({"finding": {"severity": ["HIGH"]}})
    subscribe(place, "sqs", queue, FilterPolicyScope="MessageBody", FilterPolicy=policy)

    publish(place, message)

    assert len(place.bodies(queue)) == delivered


def test_a_filter_can_be_set_and_removed_later(place: Place) -> None:
    queue = place.queue("q")
    where = {"SubscriptionArn": subscribe(place, "sqs", queue), "AttributeName": "FilterPolicy"}

    place.call("sns", "SetSubscriptionAttributes", {**where, "AttributeValue": '{"a": ["1"]}'})
    publish(place, "filtered")
    place.call("sns", "SetSubscriptionAttributes", {**where, "AttributeValue": ""})
    publish(place, "delivered")

    assert [body["Message"] for body in place.bodies(queue)] == ["delivered"]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param({"FilterPolicy": "{"}, "failed to parse JSON", id="no JSON"),
        pytest.param({"FilterPolicy": '{"a": "b"}'}, "must be an object or an array", id="a bare value"),
        pytest.param({"FilterPolicy": '{"a": {"b": ["c"]}}'}, "does not support nested", id="nested on attributes"),
        pytest.param({"FilterPolicy": json.dumps({key: ["x"] for key in "abcdef"})}, "more than 5 keys", id="six keys"),
        pytest.param({"FilterPolicy": json.dumps({"a": list(range(151))})}, "too complex", id="151 values"),
        pytest.param({"FilterPolicyScope": "Body"}, "FilterPolicyScope", id="unknown scope"),
        pytest.param({"RawMessageDelivery": "yes"}, "RawMessageDelivery", id="raw yes"),
        pytest.param({"RedrivePolicy": "{}"}, "deadLetterTargetArn", id="redrive to nothing"),
        pytest.param({"Colour": "red"}, "AttributeName", id="unknown attribute"),
    ],
)
def test_a_wrong_subscription_is_refused(place: Place, attributes: dict[str, str], reason: str) -> None:
    with pytest.raises(ServiceError, match=reason) as caught:
        subscribe(place, "sqs", f"arn:aws:sqs:{REGION}:{MEMBER}:q", **attributes)

    assert caught.value.code == "InvalidParameter"
    assert place.call("sns", "ListSubscriptions", {})["Subscriptions"] == []


def test_an_endpoint_subscribes_once(place: Place) -> None:
    queue = place.queue("q")

    first = subscribe(place, "sqs", queue, RawMessageDelivery="true")
    assert subscribe(place, "sqs", queue) == first
    with pytest.raises(ServiceError, match="already exists with different attributes"):
        subscribe(place, "sqs", queue, RawMessageDelivery="false")
    place.call("sns", "Unsubscribe", {"SubscriptionArn": first})

    publish(place)
    assert place.bodies(queue) == []


def test_subscriptions_are_listed_for_their_owner(place: Place) -> None:
    arn = subscribe(place, "sqs", place.queue("q", account=HUB), account=HUB)

    assert place.call("sns", "ListSubscriptions", {})["Subscriptions"] == []
    (found,) = place.call("sns", "ListSubscriptions", {}, account=HUB)["Subscriptions"]
    assert (found["SubscriptionArn"], found["Owner"], found["TopicArn"]) == (arn, HUB, TOPIC)
    with pytest.raises(ServiceError, match="InvalidParameter"):
        place.call("sns", "ListSubscriptions", {"NextToken": "wrong"})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param({"Message": ""}, "Empty message", id="empty"),
        pytest.param({"Message": "x" * 262_145}, "Message too long", id="more than 256 KiB"),
        pytest.param({"Message": "é" * 131_073}, "Message too long", id="bytes count, not characters"),
        pytest.param({"Subject": "x" * 101}, "Subject", id="subject of 101 characters"),
        pytest.param({"Subject": "line\nbreak"}, "Subject", id="subject with a line break"),
        pytest.param({"Subject": " space first"}, "Subject", id="subject that begins with a space"),
        pytest.param({"Subject": "grün"}, "Subject", id="subject beyond ASCII"),
        pytest.param({"Subject": "bell\a"}, "Subject", id="subject with a control character"),
        pytest.param({"MessageStructure": "xml"}, "MessageStructure", id="unknown structure"),
        pytest.param({"MessageStructure": "json"}, "failed to parse", id="structure without JSON"),
        pytest.param({"MessageStructure": "json", "Message": '{"sqs": "x"}'}, "No default entry", id="no default"),
        pytest.param({"MessageAttributes": {"a": number("three")}}, "Could not cast", id="a number that is none"),
        pytest.param({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}, "invalid", id="a type"),
        pytest.param({"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}}, "non-empty", id="a void"),
        pytest.param({"MessageAttributes": {"a b": text("x")}}, "invalid name", id="a name with a space"),
        pytest.param({"MessageDeduplicationId": "x"}, "not valid for this topic type", id="deduplication"),
    ],
)
def test_a_wrong_message_is_refused(place: Place, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ServiceError, match=reason) as caught:
        publish(place, **given)

    assert caught.value.code in ("InvalidParameter", "ParameterValueInvalid")


def test_a_subject_may_have_100_characters(place: Place) -> None:
    subscribe(place, "email", ADDRESS)
    place.topics.confirm(TOPIC, ADDRESS)

    publish(place, Subject="[" + "x" * 99)

    assert len(place.topics.mailbox[0].subject) == 100


def test_a_topic_that_is_not_there_is_an_error(place: Place) -> None:
    with pytest.raises(ServiceError) as caught:
        place.call("sns", "Publish", {"TopicArn": f"{TOPIC}x", "Message": "m"})

    assert (caught.value.code, caught.value.status) == ("NotFound", 404)


def test_a_batch_reports_each_message(place: Place) -> None:
    queue = place.queue("q")
    subscribe(place, "sqs", queue, RawMessageDelivery="true")
    entries = [{"Id": "1", "Message": "one"}, {"Id": "2", "Message": "two", "Subject": "\n"}]

    answer = place.call("sns", "PublishBatch", {"TopicArn": TOPIC, "PublishBatchRequestEntries": entries})
    place.world.agenda.rest()

    assert [entry["Id"] for entry in answer["Successful"]] == ["1"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("2", "InvalidParameter")]
    assert [message["Body"] for message in place.messages(queue)] == ["one"]


def test_a_refused_delivery_goes_to_the_dead_letter_queue_at_once(place: Place) -> None:
    dead = place.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead})
    subscribe(place, "lambda", FUNCTION, RedrivePolicy=redrive)
    place.functions.failures = [ServiceError("AccessDeniedException", "no", 403)]
    began = place.world.agenda.now()

    identifier = publish(place)

    assert [body["MessageId"] for body in place.bodies(dead)] == [identifier]
    assert place.world.agenda.now() - began < timedelta(seconds=1)


def test_without_dead_letter_queue_a_refused_delivery_is_counted(place: Place) -> None:
    arn = subscribe(place, "sqs", f"arn:aws:sqs:{REGION}:{MEMBER}:gone")

    publish(place)

    assert [(lost.subscription_arn, lost.code) for lost in place.topics.undelivered] == [(arn, "NO_RESOURCE")]


def test_throttled_deliveries_are_tried_again(place: Place) -> None:
    subscribe(place, "lambda", FUNCTION)
    place.functions.failures = [ServiceError("TooManyRequestsException", "slow", 429)] * 6
    began = place.world.agenda.now()

    publish(place)

    assert len(place.functions.invoked) == 1
    # three attempts at once, two a second apart, then the backoff begins with a second
    assert place.world.agenda.now() - began == timedelta(seconds=0.1 + 1 + 1 + 1)


def test_an_encrypted_topic_needs_its_key(place: Place) -> None:
    key = get_backend("kms")[MEMBER][REGION].create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
    wanted = {"TopicArn": TOPIC, "AttributeName": "KmsMasterKeyId", "AttributeValue": key.id}
    place.call("sns", "SetTopicAttributes", wanted)
    publish(place)

    key.key_state = "Disabled"
    with pytest.raises(ServiceError) as caught:
        publish(place)

    assert caught.value.code == "KMSDisabled"


def test_the_policy_of_a_topic_is_known_to_the_front_door(place: Place) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "s", "Effect": "Deny", "Principal": "*", "Action": "sns:*"}],
    }
    wanted = {"TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": json.dumps(policy)}
    place.call("sns", "SetTopicAttributes", wanted)

    assert place.topics.resource_policy(TOPIC) == policy
    assert place.topics.resource_policy(f"{TOPIC}x") is None
    assert place.topics.resource_policy("*") is None


def test_messages_and_subscriptions_have_the_same_ids_in_every_run() -> None:
    def run() -> tuple[str, str, str]:
        with small_world() as place:
            place.call("sns", "CreateTopic", {"Name": "t"})
            return subscribe(place, "email", ADDRESS), publish(place), publish(place)

    first = run()

    assert len(set(first)) == 3
    assert run() == first
