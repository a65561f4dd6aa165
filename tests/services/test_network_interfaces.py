"""Whose a network interface is, and how many of them are told."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.services.network_interfaces import described, told


@pytest.mark.parametrize(
    ("more", "owner"),
    [
        pytest.param(
            {"Attachment": {"InstanceId": "i-1"}, "Description": "ELB app/x/1"}, "instance i-1", id="instance"
        ),
        pytest.param(
            {"Attachment": {"InstanceOwnerId": "amazon-elb"}, "Description": "ELB app/web/50dc6c495c0c9188"},
            "application load balancer web",
            id="application load balancer",
        ),
        pytest.param({"Description": "ELB net/tcp/50dc6c49"}, "network load balancer tcp", id="network load balancer"),
        pytest.param({"Description": "ELB gwy/fw/50dc6c49"}, "gateway load balancer fw", id="gateway load balancer"),
        pytest.param({"Description": "ELB old-web"}, "classic load balancer old-web", id="classic load balancer"),
        pytest.param({"Description": "RDSNetworkInterface"}, "RDSNetworkInterface", id="a service, in its words"),
        pytest.param({"Description": "x" * 200}, "x" * 80, id="no more words than people read"),
        pytest.param({"Description": "", "InterfaceType": "lambda"}, "lambda", id="without words, its type"),
        pytest.param({"Description": "spare", "Status": "available"}, "attached to nothing", id="attached to nothing"),
    ],
)
def test_an_interface_is_told_with_whom_it_belongs_to(more: dict[str, Any], owner: str) -> None:
    interface = {"NetworkInterfaceId": "eni-1", "InterfaceType": "interface", "Status": "in-use", **more}
    assert described(interface) == f"eni-1 ({owner})"


@pytest.mark.parametrize(
    ("number", "more", "text"),
    [
        pytest.param(1, False, "e0", id="one"),
        pytest.param(5, False, "e0, e1, e2, e3, e4", id="a handful"),
        pytest.param(7, False, "e0, e1, e2, e3, e4 and 2 more", id="many"),
        pytest.param(50, True, "e0, e1, e2, e3, e4 and at least 46 more", id="more than were asked for"),
        pytest.param(2, True, "e0, e1 and at least 1 more", id="a short page"),
    ],
)
def test_a_handful_is_named_and_the_others_are_counted(number: int, more: bool, text: str) -> None:
    assert told([f"e{one}" for one in range(number)], more=more) == text
