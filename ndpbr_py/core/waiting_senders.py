"""A solicitation that the kernel could not answer yet -> an advertisement once it has the entries.

Pure. A host that solicits an address before the kernel has its proxy entry solicits it again only a second later. So
its sender is remembered, and the actions that add the entry are followed by `Advertise`, which waits for them. The
kernel answers all other solicitations; on a link of --answer-as-target each gets a second answer, from the target
itself. Source: RFC 4861, 7.2.4.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action, AddProxy, Advertise
from ndpbr_py.core.bounded import remember
from ndpbr_py.core.ratelimit import TokenBucket

_MAX_WAIT_S = 3.0  # a host solicits three times, RetransTimer (1 s) apart, then gives up
_MAX_SENDERS = 1000  # of all links; each link has its share
_MAX_SENDERS_PER_TARGET = 16
_IN_PROGRESS_S = 1.0  # until the kernel has acknowledged new entries; an advertisement too many does no harm
_RATE, _BURST = 100.0, 200.0  # advertisements per second on one link, and in one burst

_Senders = dict[IPv6Address, float]


class WaitingSenders:
    """The senders of solicitations that the kernel has not answered, by link and target, with their times."""

    def __init__(self, interfaces: Collection[str], as_target: frozenset[str]) -> None:
        self._as_target = as_target
        self._interfaces = interfaces
        self._links: dict[str, dict[IPv6Address, _Senders]] = defaultdict(dict)
        self._numbers: Counter[str] = Counter()
        self._limits: dict[str, TokenBucket] = defaultdict(lambda: TokenBucket(_RATE, _BURST))
        self._added_at: dict[IPv6Address, float] = {}

    def add(self, target: IPv6Address, dev: str, sender: IPv6Address, now: float) -> None:
        """Remember that *sender* solicited *target* on *dev*; the oldest targets of a flood are dropped."""
        link = self._links[dev]
        senders = link.pop(target, {})
        self._numbers[dev] -= len(senders)
        senders[sender] = now
        if len(senders) > _MAX_SENDERS_PER_TARGET:
            del senders[next(iter(senders))]
        link[target] = senders
        self._numbers[dev] += len(senders)
        share = max(1, _MAX_SENDERS // max(1, len(self._interfaces)))
        while self._numbers[dev] > share and len(link) > 1:
            self._numbers[dev] -= len(link.pop(next(iter(link))))

    def in_progress(self, target: IPv6Address, now: float) -> bool:
        """Whether a proxy entry of *target* is so new that the kernel may not have it yet."""
        return now - self._added_at.get(target, float("-inf")) < _IN_PROGRESS_S

    def allows(self, dev: str, now: float) -> bool:
        """Return whether another advertisement may be sent on *dev* now."""
        return self._limits[dev].allows(now)

    def answers(self, target: IPv6Address, dev: str, sender: IPv6Address, now: float, *, late: bool) -> list[Action]:
        """Return our answers to a solicitation; *late*: the entry is new, and the kernel's answer comes too late."""
        answers: list[Action] = [Advertise(target, dev, sender)] if late else []
        if dev in self._as_target:
            answers.append(Advertise(target, dev, sender, as_target=True))
        return answers if answers and self.allows(dev, now) else []

    def answers_after(self, action: AddProxy, now: float) -> list[Action]:
        """Return an advertisement for every sender that waits for the entry that *action* adds."""
        address, dev = action.address, action.dev
        remember(self._added_at, address, now, _MAX_SENDERS)
        if not (link := self._links[dev]) or (senders := link.pop(address, None)) is None:
            return []
        self._numbers[dev] -= len(senders)
        waiting = [sender for sender, at in senders.items() if now - at < _MAX_WAIT_S]
        return [action for sender in waiting for action in self.answers(address, dev, sender, now, late=True)]
