"""Queues under simulated time: visibility, redrive, wake-ups, owners, keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import ServiceError
from tests.simulator.event_world import HUB, MEMBER, REGION, Place, small_world

HOST = f"https://sqs.{REGION}.amazonaws.com"
URL = f"{HOST}/{MEMBER}/q"


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        yield made


def send(place: Place, body: str = "hello", **given: Any) -> str:
    return str(place.call("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": body, **given})["MessageId"])


def receive(place: Place, name: str = "q", **given: Any) -> list[dict[str, Any]]:
    asked = {"QueueUrl": f"{HOST}/{MEMBER}/{name}", "MaxNumberOfMessages": 10, **given}
    return list(place.call("sqs", "ReceiveMessage", asked).get("Messages", []))


class Poller:
    """Receives what is there whenever it is woken, and keeps when that was."""

    def __init__(self, place: Place, name: str = "q", *, delete: bool = False) -> None:
        self.place, self.name, self.delete = place, name, delete
        self.seen: list[tuple[float, str]] = []
        self.start = place.world.agenda.now()
        self.stop = place.queues.on_message(MEMBER, REGION, name, self.poll)

    def poll(self) -> None:
        elapsed = (self.place.world.agenda.now() - self.start).total_seconds()
        for message in receive(self.place, self.name):
            self.seen.append((elapsed, message["Body"]))
            if self.delete:
                where = {"QueueUrl": f"{HOST}/{MEMBER}/{self.name}", "ReceiptHandle": message["ReceiptHandle"]}
                self.place.call("sqs", "DeleteMessage", where)


def test_a_received_message_is_hidden_exactly_for_its_visibility_timeout(place: Place) -> None:
    place.queue("q", VisibilityTimeout="30")
    send(place)

    assert [message["Body"] for message in receive(place)] == ["hello"]
    assert receive(place) == []
    place.world.agenda.advance(timedelta(seconds=29, milliseconds=999))
    assert receive(place) == []
    place.world.agenda.advance(timedelta(milliseconds=1))
    assert [message["Body"] for message in receive(place)] == ["hello"]


def test_a_message_that_is_given_back_is_visible_at_once(place: Place) -> None:
    place.queue("q")
    send(place)
    (message,) = receive(place)
    back = {"QueueUrl": URL, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}

    place.call("sqs", "ChangeMessageVisibility", back)

    assert len(receive(place)) == 1


def test_a_delayed_message_arrives_when_its_delay_is_over(place: Place) -> None:
    place.queue("q")
    send(place, DelaySeconds=10)

    assert receive(place) == []
    place.world.agenda.advance(timedelta(seconds=10))
    assert len(receive(place)) == 1


def test_a_long_poll_of_an_empty_queue_answers_at_once(place: Place) -> None:
    place.queue("q", ReceiveMessageWaitTimeSeconds="20")
    before = place.world.agenda.now()

    assert receive(place, WaitTimeSeconds=20) == []
    assert place.world.agenda.now() == before


def test_messages_past_their_retention_are_gone_and_hide_no_others(place: Place) -> None:
    place.queue("q", MessageRetentionPeriod="60")
    send(place, "old")
    place.world.agenda.advance(timedelta(seconds=61))
    send(place, "new")

    counted = place.call(
        "sqs", "GetQueueAttributes", {"QueueUrl": URL, "AttributeNames": ["ApproximateNumberOfMessages"]}
    )

    assert counted["Attributes"] == {"ApproximateNumberOfMessages": "1"}
    assert [message["Body"] for message in receive(place)] == ["new"]


def test_a_message_shows_its_attributes_and_who_sent_it(place: Place) -> None:
    place.queue("q")
    send(place, MessageAttributes={"outcome": {"DataType": "String", "StringValue": "failed"}})

    (message,) = receive(place, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])

    assert message["MessageAttributes"]["outcome"]["StringValue"] == "failed"
    assert message["MD5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert message["Attributes"]["SenderId"] == MEMBER
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["SentTimestamp"] == str(int(place.world.agenda.now().timestamp() * 1000))


def test_only_asked_attributes_are_returned(place: Place) -> None:
    place.queue("q")
    send(place, MessageAttributes={"outcome": {"DataType": "String", "StringValue": "failed"}})

    (message,) = receive(place, AttributeNames=["ApproximateReceiveCount"])

    assert message["Attributes"] == {"ApproximateReceiveCount": "1"}
    assert "MessageAttributes" not in message


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"MaxNumberOfMessages": 11}, id="eleven messages"),
        pytest.param({"VisibilityTimeout": 43_201}, id="more than twelve hours"),
        pytest.param({"WaitTimeSeconds": 21}, id="a wait of 21 seconds"),
    ],
)
def test_parameters_out_of_bounds_are_refused(place: Place, given: dict[str, Any]) -> None:
    place.queue("q")

    with pytest.raises(ServiceError) as caught:
        receive(place, **given)

    assert caught.value.code == "InvalidParameterValue"


def test_ids_and_receipt_handles_are_the_same_in_every_run() -> None:
    def run() -> list[tuple[str, str]]:
        with small_world() as place:
            place.queue("q")
            send(place)
            send(place)
            return [(message["MessageId"], message["ReceiptHandle"]) for message in receive(place)]

    first = run()

    assert len({part for pair in first for part in pair}) == 4
    assert run() == first


def test_a_poller_is_woken_by_a_message(place: Place) -> None:
    place.queue("q")
    poller = Poller(place, delete=True)

    send(place, "one")
    place.call("sqs", "SendMessageBatch", {"QueueUrl": URL, "Entries": [{"Id": "1", "MessageBody": "two"}]})
    assert poller.seen == []
    place.world.agenda.rest()

    assert sorted(body for _, body in poller.seen) == ["one", "two"]
    assert place.world.agenda.now() == poller.start


def test_a_poller_finds_what_was_there_before_it(place: Place) -> None:
    place.queue("q")
    send(place)

    poller = Poller(place, delete=True)
    place.world.agenda.rest()

    assert [body for _, body in poller.seen] == ["hello"]


def test_a_poller_is_woken_when_a_delay_or_a_visibility_timeout_ends(place: Place) -> None:
    place.queue("q", VisibilityTimeout="30")
    poller = Poller(place)

    send(place, DelaySeconds=5)
    place.world.agenda.advance(timedelta(seconds=70))

    assert [moment for moment, _ in poller.seen] == [5, 35, 65]


def test_a_poller_is_woken_by_a_message_that_is_given_back(place: Place) -> None:
    place.queue("q", VisibilityTimeout="600")
    poller = Poller(place)
    send(place)
    place.world.agenda.advance(timedelta(seconds=1))
    handle = get_backend("sqs")[MEMBER][REGION].queues["q"]._messages[0].receipt_handle

    back = {"QueueUrl": URL, "ReceiptHandle": handle, "VisibilityTimeout": 2}
    place.call("sqs", "ChangeMessageVisibility", back)
    place.world.agenda.advance(timedelta(seconds=60))

    assert [moment for moment, _ in poller.seen] == [0, 3]


def test_a_deleted_message_leaves_nothing_to_wait_for(place: Place) -> None:
    place.queue("q", VisibilityTimeout="360")
    Poller(place, delete=True)

    send(place)
    place.world.agenda.rest(timedelta(seconds=1))

    assert not place.world.agenda.busy()


def test_a_poller_that_stopped_is_not_woken(place: Place) -> None:
    place.queue("q")
    poller = Poller(place)
    poller.stop()

    send(place)
    place.world.agenda.rest()

    assert poller.seen == []


def test_a_message_that_is_never_deleted_ends_in_the_dead_letter_queue(place: Place) -> None:
    dead = place.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    place.queue("q", VisibilityTimeout="60", RedrivePolicy=redrive)
    poller, undertaker = Poller(place), Poller(place, "dead", delete=True)

    send(place)
    place.world.agenda.rest()

    assert [moment for moment, _ in poller.seen] == [0, 60, 120]
    assert undertaker.seen == [(180, "hello")]


def test_a_dead_letter_names_the_queue_it_came_from(place: Place) -> None:
    dead = place.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})
    source = place.queue("q", VisibilityTimeout="1", RedrivePolicy=redrive)
    Poller(place)

    identifier = send(place)
    place.world.agenda.rest()

    (message,) = place.messages(dead)
    assert message["MessageId"] == identifier
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == source


def test_the_account_in_the_url_owns_the_call(place: Place) -> None:
    arn = place.queue("q", account=HUB)

    place.call("sqs", "SendMessage", {"QueueUrl": f"{HOST}/{HUB}/q", "MessageBody": "from a member"})

    assert [message["Body"] for message in place.messages(arn)] == ["from a member"]
    assert place.ward.asked[1].account == HUB
    found = place.call("sqs", "GetQueueUrl", {"QueueName": "q", "QueueOwnerAWSAccountId": HUB})
    assert found["QueueUrl"].endswith(f"/{HUB}/q")


def test_a_queue_that_is_not_there_is_an_error(place: Place) -> None:
    with pytest.raises(ServiceError) as caught:
        receive(place)

    assert caught.value.code == "AWS.SimpleQueueService.NonExistentQueue"


def test_the_policy_of_a_queue_is_known_to_the_front_door(place: Place) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]}
    arn = place.queue("q", Policy=json.dumps(policy))

    assert place.queues.resource_policy(arn) == policy
    assert place.queues.resource_policy(place.queue("plain")) is None
    assert place.queues.resource_policy(f"{arn}x") is None
    assert place.queues.resource_policy("*") is None


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param("Disabled", "KMS.DisabledException", id="disabled"),
        pytest.param("PendingDeletion", "KMS.InvalidStateException", id="to be deleted"),
    ],
)
def test_an_encrypted_queue_needs_its_key(place: Place, state: str, code: str) -> None:
    key = get_backend("kms")[MEMBER][REGION].create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
    place.queue("q", KmsMasterKeyId=key.id)
    send(place)
    assert len(receive(place)) == 1

    key.key_state = state
    for attempt in (send, receive):
        with pytest.raises(ServiceError) as caught:
            attempt(place)
        assert caught.value.code == code


def test_a_key_that_is_not_there_stops_the_queue(place: Place) -> None:
    place.queue("q", KmsMasterKeyId=f"arn:aws:kms:{REGION}:{HUB}:alias/gone")

    with pytest.raises(ServiceError) as caught:
        send(place)

    assert caught.value.code == "KMS.NotFoundException"


def test_the_managed_key_is_always_there(place: Place) -> None:
    place.queue("q", KmsMasterKeyId="alias/aws/sqs")

    send(place)

    assert len(receive(place)) == 1


def test_setting_another_attribute_keeps_the_queue_s_policy(place: Place) -> None:
    place.queue("q")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:{REGION}:{MEMBER}:q",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for given in ({"Policy": policy}, {"VisibilityTimeout": "60"}):
        place.call("sqs", "SetQueueAttributes", {"QueueUrl": URL, "Attributes": given})
    asked = {"QueueUrl": URL, "AttributeNames": ["Policy", "VisibilityTimeout"]}
    read = place.call("sqs", "GetQueueAttributes", asked)["Attributes"]
    assert (json.loads(read["Policy"])["Statement"], read["VisibilityTimeout"]) == ([statement], "60")
    place.call("sqs", "SetQueueAttributes", {"QueueUrl": URL, "Attributes": {"Policy": ""}})
    assert "Policy" not in place.call("sqs", "GetQueueAttributes", asked)["Attributes"]
