"""What in-process clients share of botocore's work says the same as botocore does."""

from __future__ import annotations

from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from botocore.hooks import EventAliaser, HierarchicalEmitter

from simulator import hook

Aliaser: Any = EventAliaser


def test_handlers_take_keywords_exactly_where_botocore_finds_that_they_do() -> None:
    def takes_one(event: str) -> None: ...

    handlers = [handler for _, handler, *_ in BUILTIN_HANDLERS if callable(handler)]
    assert len(handlers) > 100
    for handler in (*handlers, takes_one, HierarchicalEmitter().emit):
        assert hook._accepts_keywords(handler) is bool(hook._inspected(handler)), handler


def test_events_have_the_names_that_botocore_gives_them() -> None:
    for name in ("before-parameter-build.s3.ListObjects", "creating-client-class.iot-data", "needs-retry.elb.Anything"):
        assert Aliaser(HierarchicalEmitter())._alias_event_name(name) == hook._found_alias(
            Aliaser(HierarchicalEmitter()), name
        )


def test_an_aliaser_with_names_of_its_own_keeps_them() -> None:
    own = Aliaser(HierarchicalEmitter(), {"old": "new"})
    assert own._alias_event_name("before-call.old.Op") == "before-call.new.Op"
    assert Aliaser(HierarchicalEmitter())._alias_event_name("before-call.old.Op") == "before-call.old.Op"
