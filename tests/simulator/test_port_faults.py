"""Faults as clients of a port meet them."""

from __future__ import annotations

import http.client

import pytest

from simulator.faults import Fault, Kind
from tests.simulator.port_world import endpoint

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHO = "Action=GetCallerIdentity&Version=2011-06-15"


def test_a_client_without_an_answer_waits_until_it_gives_up_and_others_are_served() -> None:
    with endpoint() as one:
        one.behind.opened.faults.add(Fault(Kind.TIMEOUT, operation="GetCallerIdentity", nth=1))
        waiting = http.client.HTTPConnection("127.0.0.1", one.port.number, timeout=0.5)
        waiting.request("POST", "/", WHO, {**one.signed("sts"), **FORM})
        with pytest.raises(TimeoutError):
            waiting.getresponse()
        waiting.close()
        assert one.ask("POST", "/", {**one.signed("sts"), **FORM}, WHO).status == 200


def test_a_throttle_reaches_a_client_of_the_port_in_the_services_words() -> None:
    with endpoint() as one:
        one.behind.opened.faults.add(Fault(Kind.THROTTLE, service="sts"))
        heard = one.ask("POST", "/", {**one.signed("sts"), **FORM}, WHO)
        assert heard.status == 400
        assert b"<Code>Throttling</Code>" in heard.body
