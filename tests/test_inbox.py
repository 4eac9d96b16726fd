"""The inbox: every event in its order, one at a time."""

from __future__ import annotations

from ndpbr_py.core.events import Tick
from ndpbr_py.daemon.inbox import Event, Inbox, MarkerSeen, ResyncRequested


def test_event_put_while_another_is_handled_waits_for_its_turn() -> None:
    """No handler is entered twice, however the events come; settle() is called when none is left."""
    story: list[str] = []
    errors: list[Exception] = []

    def handle(event: Event) -> None:
        story.append(f"begin {type(event).__name__}")
        if isinstance(event, Tick):
            inbox.put(ResyncRequested())
        story.append(f"end {type(event).__name__}")

    def settle() -> None:
        story.append("settle")
        if story.count("settle") == 1:
            inbox.put(MarkerSeen(None))

    inbox = Inbox(handle, settle, errors.append)
    inbox.put(Tick(), Tick())

    tick, resync, marker = ([f"begin {it}", f"end {it}"] for it in ("Tick", "ResyncRequested", "MarkerSeen"))
    assert story == [*tick, *tick, *resync, *resync, "settle", *marker, "settle"]


def test_error_in_a_handler_loses_no_other_event() -> None:
    """A bug in one handler reaches neither the source nor the events behind it."""
    handled: list[Event] = []
    errors: list[Exception] = []

    def handle(event: Event) -> None:
        if isinstance(event, Tick):
            raise ValueError
        handled.append(event)

    Inbox(handle, lambda: None, errors.append).put(Tick(), ResyncRequested(), Tick(), MarkerSeen(None))

    assert handled == [ResyncRequested(), MarkerSeen(None)]
    assert [type(error) for error in errors] == [ValueError, ValueError]
