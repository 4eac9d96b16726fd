"""A storm's hosts -> an attacker on each of the router's links, which stays while faults happen.

It claims the addresses of living hosts on the other links, with lladdrs of its own and with theirs, and answers for
them all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random

from tests.attacker import Attacker

_LLADDRS = 16  # of an attacker: an lladdr that answers for many addresses is soon known as an ND proxy's


class Siege:
    """The attackers, by the router's interface.

    Args:
        attacker: Interface, lladdr, and what to answer for -> an attacker.
        living: Address -> the router's interface to its host.
        lladdrs: Interface -> the lladdr of the hosts there.
    """

    def __init__(
        self,
        attacker: Callable[[str, str, Container[IPv6Address]], Attacker],
        living: Mapping[str, str],
        lladdrs: Mapping[str, str],
        random: Random,
    ) -> None:
        self._attacker = attacker
        self._living, self._lladdrs = living, lladdrs
        self._random = random
        self._attackers: dict[str, Attacker] = {}

    def __bool__(self) -> bool:
        return bool(self._attackers)

    def begin(self, *devs: str) -> None:
        """Put an attacker on each of *devs*."""
        self.end(*devs)
        for dev in devs:
            self._attackers[dev] = self._attacker(dev, self._lladdr(), _Others(self._living, dev)).__enter__()

    def end(self, *devs: str) -> None:
        """Take the attackers of *devs* away."""
        for dev in devs:
            if (attacker := self._attackers.pop(dev, None)) is not None:
                attacker.__exit__(None, None, None)

    def strike(self) -> None:
        """One attacker claims an address, or detects duplicates of it, as its host or with an lladdr of its own."""
        address, home = self._random.choice(list(self._living.items()))
        attackers = [attacker for dev, attacker in self._attackers.items() if dev != home]
        if not attackers:
            return
        attacker = self._random.choice(attackers)
        attacker.lladdr = self._random.choice((self._lladdrs[home], self._lladdr()))
        with suppress(OSError):  # the link is down
            for claimed in self._random.sample(("fe80::66", address), self._random.randint(1, 2)):
                self._random.choice((attacker.claim, attacker.detect))(claimed)

    def _lladdr(self) -> str:
        return f"02:00:00:00:66:{self._random.randrange(_LLADDRS):02x}"


@dataclass(frozen=True, slots=True)
class _Others(Container[IPv6Address]):
    """The addresses of the living hosts on other links than *dev*."""

    living: Mapping[str, str]
    dev: str

    def __contains__(self, address: object) -> bool:
        return self.living.get(str(address), self.dev) != self.dev
