"""An attacker on another link, whatever it sends and in whatever order: an owner that answers keeps its address."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from tests.attack_model import (
    ACTIONS,
    FORGERIES,
    PROBES_S,
    RESTARTS,
    ROUND_TRIP_S,
    SECOND_ACTIONS,
    SLOW_ROUND_TRIP_S,
    World,
)
from tests.effort import QUICK, examples

MAX_LOST_S = 0.05  # a claim with the owner's lladdr moves the address until the owner answers on its link
MAX_STOLEN_S = 10.0  # of an address that ndpbr has never seen: a decoy takes 3 s, and a restart begins anew
DEPTH = 2 if QUICK else 3  # of all sequences
SEQUENCES, LENGTH = examples(120), 25  # of the random ones, for each attacker
SETTLED_S = 20.0  # all probes and steps that are pending end within that time
ATTACKERS = [
    pytest.param("lan1", True, False, id="lan1-answers"),
    pytest.param("lan1", False, False, id="lan1-silent"),
    pytest.param("wan0", True, False, id="wan0-answers"),
    pytest.param("wan0", False, False, id="wan0-silent"),
    pytest.param("wan0", True, True, id="wan0-answers-everything"),
]


def lost_s(away: str, sequence: tuple[str, ...], *, answers: bool, everything: bool) -> float:
    """Return for how long at most the owner was without its route or a proxy entry."""
    world = World("lan0", away, answers=answers, everything=everything)
    run(world, sequence)
    return world.lost_s


def run(world: World, sequence: tuple[str, ...]) -> None:
    """Do what the sequence says, and wait until nothing more happens."""
    for name in sequence:
        (ACTIONS | FORGERIES | SECOND_ACTIONS | RESTARTS)[name](world)
    world.start()
    world.wait(SETTLED_S)


@pytest.mark.parametrize(("away", "answers", "everything"), ATTACKERS)
def test_owner_keeps_its_address_in_every_short_sequence(away: str, *, answers: bool, everything: bool) -> None:
    """In all sequences of DEPTH actions the owner keeps its entries, or has them back after one round trip."""
    for sequence in product(ACTIONS, repeat=DEPTH):
        assert lost_s(away, sequence, answers=answers, everything=everything) < MAX_LOST_S, sequence


@pytest.mark.parametrize(("away", "answers", "everything"), ATTACKERS)
def test_owner_keeps_its_address_in_long_random_sequences(away: str, *, answers: bool, everything: bool) -> None:
    """The same holds for random sequences of 25 actions; the seed is fixed."""
    random = Random(15)
    for _ in range(SEQUENCES):
        sequence = tuple(random.choices(list(ACTIONS), k=LENGTH))
        assert lost_s(away, sequence, answers=answers, everything=everything) < MAX_LOST_S, sequence


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_forgery_on_the_owner_s_link_gives_no_other_link_its_address(away: str) -> None:
    """Neither a forged lladdr nor deletions of its entry are taken for the owner's silence."""
    for sequence in product([*ACTIONS, *FORGERIES], repeat=DEPTH):
        world = World("lan0", away, answers=True)
        run(world, sequence)
        assert world.lost_s < MAX_LOST_S, sequence


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "silent"])
def test_silent_owner_on_the_link_of_the_default_route_keeps_its_address(*, answers: bool) -> None:
    """ndpbr has never seen its address, and a LAN host claims it: the LAN host has it for a few seconds at most."""
    for sequence in product(ACTIONS, repeat=DEPTH):
        world = World("wan0", "lan1", answers=answers, known=False)
        run(world, sequence)
        assert world.stolen_s < MAX_STOLEN_S, sequence


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_restart_before_the_owner_has_answered_takes_no_address(away: str) -> None:
    """The attacker's answer verifies a forged move; the hosts file has the link before the move nevertheless."""
    world = World("lan0", away, answers=True)
    ACTIONS["claim with the owner's lladdr"](world)
    world.wait((ROUND_TRIP_S + SLOW_ROUND_TRIP_S) / 2)
    run(world, ("restart",))

    assert world.lost_s < MAX_LOST_S


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_link_of_the_last_run_is_no_claim_once_no_host_has_answered_there(away: str) -> None:
    """The owner has changed the link while ndpbr did not run; an attacker on the old link answers when it is late."""
    for sequence in product(ACTIONS, repeat=2):
        world = World("lan0", away, answers=False, last_run=away)
        world.wait(PROBES_S)
        world.attacker.answers = True
        run(world, sequence)
        assert world.lost_s < MAX_LOST_S, sequence


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_owner_keeps_its_address_among_two_attackers(away: str) -> None:
    """Attackers on both other links claim and answer, in random sequences; the seed is fixed."""
    random = Random(15)
    for _ in range(SEQUENCES):
        world = World("lan0", away, answers=True, second=True)
        sequence = tuple(random.choices([*ACTIONS, *SECOND_ACTIONS], k=LENGTH))
        run(world, sequence)
        assert world.lost_s < MAX_LOST_S, sequence


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_owner_keeps_its_address_among_forgeries_and_deletions(away: str) -> None:
    """The same, while an accomplice on the owner's link forges its lladdr, and other programs delete its entry."""
    random = Random(15)
    for _ in range(SEQUENCES):
        world = World("lan0", away, answers=True, second=True)
        sequence = tuple(random.choices([*ACTIONS, *SECOND_ACTIONS, *4 * [*FORGERIES]], k=LENGTH))
        run(world, sequence)
        assert world.lost_s < MAX_LOST_S, sequence


@pytest.mark.parametrize(("home", "away"), [("lan0", "lan1"), ("lan0", "wan0"), ("wan0", "lan1")])
def test_owner_keeps_its_address_while_the_daemon_is_restarted(home: str, away: str) -> None:
    """The same, while the daemon is stopped, killed and started, and the power fails; the hosts file has the owner."""
    random = Random(15)
    for _ in range(SEQUENCES):
        world = World(home, away, answers=True, second=True)
        sequence = tuple(random.choices([*ACTIONS, *SECOND_ACTIONS, *FORGERIES, *2 * [*RESTARTS]], k=LENGTH))
        run(world, sequence)
        assert world.lost_s < MAX_LOST_S, sequence


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_owner_keeps_its_address_in_every_short_sequence_with_a_restart(away: str) -> None:
    """In all sequences of DEPTH actions before, during or after each kind of restart."""
    names = [*FORGERIES, *SECOND_ACTIONS, "claim with the owner's lladdr", "wait 0.6 s", "start"]
    for sequence in product(RESTARTS, product(names, repeat=DEPTH - 1), range(DEPTH)):
        how, others, place = sequence
        world = World("lan0", away, answers=True, second=True)
        run(world, (*others[:place], how, *others[place:]))
        assert world.lost_s < MAX_LOST_S, sequence


@pytest.mark.parametrize("sequence", [("claim with the owner's lladdr", "kill -9 and start"), ("power cut", "claim")])
def test_only_the_hosts_file_tells_the_owner_after_a_crash(sequence: tuple[str, ...]) -> None:
    """Without it the attacker has the address: to ndpbr, it is a host that was there before the owner. A known gap."""
    world = World("lan0", "lan1", answers=True)
    world.remembered.clear()
    run(world, sequence)

    assert world.stolen_s > SETTLED_S / 2
