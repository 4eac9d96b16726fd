"""An attacker on another link, whatever it sends and in whatever order: an owner that answers keeps its address."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from tests.attack_model import ACTIONS, World

MAX_LOST_S = 0.05  # a claim with the owner's lladdr moves the address until the owner answers on its link
DEPTH = 3  # of all sequences
SEQUENCES, LENGTH = 120, 25  # of the random ones, for each attacker
SETTLED_S = 20.0  # all probes and steps that are pending end within that time
ATTACKERS = [(away, answers) for away in ("lan1", "wan0") for answers in (True, False)]


def lost_s(away: str, sequence: tuple[str, ...], *, answers: bool) -> float:
    """Return for how long at most the owner was without its route or a proxy entry."""
    world = World("lan0", away, answers=answers)
    for name in sequence:
        ACTIONS[name](world)
    world.wait(SETTLED_S)
    return world.lost_s


@pytest.mark.parametrize(("away", "answers"), ATTACKERS)
def test_owner_keeps_its_address_in_every_short_sequence(away: str, *, answers: bool) -> None:
    """In all sequences of three actions the owner keeps its entries, or has them back after one round trip."""
    for sequence in product(ACTIONS, repeat=DEPTH):
        assert lost_s(away, sequence, answers=answers) < MAX_LOST_S, (away, answers, sequence)


@pytest.mark.parametrize(("away", "answers"), ATTACKERS)
def test_owner_keeps_its_address_in_long_random_sequences(away: str, *, answers: bool) -> None:
    """The same holds for random sequences of 25 actions; the seed is fixed."""
    random = Random(15)
    for _ in range(SEQUENCES):
        sequence = tuple(random.choices(list(ACTIONS), k=LENGTH))
        assert lost_s(away, sequence, answers=answers) < MAX_LOST_S, (away, answers, sequence)
