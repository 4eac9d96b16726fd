"""Lookups (address resolution, RFC 4861 7.2): may one start now, and which later steps are due.

Pure. A lookup leaves an entry in the kernel's neighbor table, which holds some 500 before it drops hosts. An entry of
a lookup without an answer stays for 15 s. So a scan of the whole prefix causes only a few lookups per second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action, Probe
from ndpbr_py.core.bounded import remember
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.ratelimit import TokenBucket
from ndpbr_py.core.schedule import Deadlines

_LINK_RATE, _LINK_BURST = (
    10.0,
    50.0,
)  # lookups per second, and in one burst, for solicitations received on one interface
_LLADDR_RATE, _LLADDR_BURST = 5.0, 25.0  # the same, for solicitations from one link-layer address there
LOOKUP_S = 3.0  # the kernel solicits three times, RetransTimer (1 s) apart
_MAX_WAIT_S = 1.0  # of a lookup that can wait
_MAX_REMEMBERED = 1000  # senders, targets and planned steps
_REPORT_INTERVAL_S = 60.0


class Step(Enum):
    """A step that follows a solicitation later."""

    LOOK_UP = "look-up"  # the target, which the sender may use by now
    CHECK_OWNER = "check-owner"  # has the owner answered, whose address is about to be used on another link?
    RESTORE_PROXY = "restore-proxy"  # a withheld proxy entry


@dataclass(frozen=True, slots=True)
class Due:
    """A step that is due for an address on an interface; a lookup counts against the limit of *lladdr* there."""

    step: Step
    address: IPv6Address
    dev: str
    lladdr: str | None = field(default=None, compare=False)


class Lookups:
    """The rate limits of lookups, and the steps that are due later.

    Attributes:
        received: Solicitations received.
        sent: Lookups that the kernel was asked for, one per interface.
        rate_limited: Solicitations that led to no lookup because of the limits.
    """

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.rate_limited = 0
        self._reported = 0
        self._links: dict[str, TokenBucket] = defaultdict(lambda: TokenBucket(_LINK_RATE, _LINK_BURST))
        self._senders: dict[tuple[str, str | None], TokenBucket] = {}
        self._last_waiting: dict[str, float] = {}
        self._probed_at: dict[IPv6Address, float] = {}
        self._steps: Deadlines[Due] = Deadlines()
        self._reports = TokenBucket(1 / _REPORT_INTERVAL_S, 1)

    def recently_probed(self, target: IPv6Address, now: float) -> bool:
        """Whether the kernel is still looking *target* up."""
        return now - self._probed_at.get(target, float("-inf")) < LOOKUP_S

    def allows(self, dev: str, lladdr: str | None, target: IPv6Address, number: int, now: float) -> bool:
        """Return whether a solicitation from *lladdr* on *dev* may cause *number* lookups of *target*; count them."""
        if not self.within_limits(dev, lladdr, number, now):
            return False
        self.sent += number
        remember(self._probed_at, target, now, _MAX_REMEMBERED)
        return True

    def within_limits(self, dev: str, lladdr: str | None, number: int, now: float) -> bool:
        """Return whether a solicitation from *lladdr* on *dev* may cause *number* new entries in a table."""
        sender = self._sender(dev, lladdr)
        cost = min(number, _LLADDR_BURST)  # otherwise a lookup on more interfaces would never be allowed
        if not sender.take(cost, now) or not self._links[dev].take(cost, now):
            self.rate_limited += 1
            return False
        return True

    def allows_waiting(self, dev: str, lladdr: str | None, number: int, now: float) -> bool:
        """Return whether *number* lookups that can wait may start now; count them.

        Half of each burst is kept for solicitations. But a flood of these cannot stop lookups that wait: one second
        after the last ones on *dev*, the next ones start on credit.
        """
        sender, link = self._sender(dev, lladdr), self._links[dev]
        if now - self._last_waiting.get(dev, float("-inf")) < _MAX_WAIT_S:
            cost = min(number, _LLADDR_BURST / 2)
            if sender.available(now) < cost + _LLADDR_BURST / 2 or link.available(now) < cost + _LINK_BURST / 2:
                return False
        self._last_waiting[dev] = now
        self.charge(dev, lladdr, number)
        return True

    def charge(self, dev: str, lladdr: str | None, number: int) -> None:
        """Count *number* lookups that start whatever the limits."""
        for bucket in (self._sender(dev, lladdr), self._links[dev]):
            bucket.owe(min(number, _LLADDR_BURST))
        self.sent += number

    def report(self, dev: str, lladdr: str | None, now: float) -> list[Decision]:
        """Return the report that lookups were rate-limited, the last one because of *lladdr* on *dev*.

        Within a minute of the last report there is none.
        """
        if not self._reports.allows(now):
            return []
        count, self._reported = self.rate_limited - self._reported, self.rate_limited
        return [
            Decision(
                DecisionKind.LOOKUPS_RATE_LIMITED, Reason.FLOOD, dev=dev, lladdr=lladdr, detail=Detail(suppressed=count)
            )
        ]

    def plan(self, step: Step, address: IPv6Address, dev: str, at: float, lladdr: str | None = None) -> None:
        """Make *step* due at *at*, instead of at its earlier deadline."""
        due = Due(step, address, dev, lladdr)
        if step is not Step.LOOK_UP or due in self._steps or len(self._steps) < _MAX_REMEMBERED:
            self._steps.set(due, at)

    def next_deadline(self) -> float | None:
        """Return when the next step is due."""
        return self._steps.next()

    def due(self, now: float) -> Iterator[Due]:
        """Yield the steps that are due; they are no longer planned."""
        due = []
        while (step := self._steps.pop(now)) is not None:
            due.append(step)  # all of them first: a step may be planned again for now
        return iter(due)

    def _sender(self, dev: str, lladdr: str | None) -> TokenBucket:
        if (sender := self._senders.get((dev, lladdr))) is None:
            sender = TokenBucket(_LLADDR_RATE, _LLADDR_BURST)
            remember(self._senders, (dev, lladdr), sender, _MAX_REMEMBERED)
        return sender


def started(
    reason: Reason, address: IPv6Address, dev: str, lladdr: str | None, actions: Sequence[Action]
) -> list[Decision]:
    """Return the decision that *address* is looked up by *actions*; *dev* and *lladdr* are what caused it."""
    devs = tuple(action.dev for action in actions if isinstance(action, Probe))
    return [
        Decision(
            DecisionKind.LOOKUP_STARTED, reason, address, dev, lladdr, actions=actions, detail=Detail(lookup_on=devs)
        )
    ]
