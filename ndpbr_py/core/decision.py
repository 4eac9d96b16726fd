"""What the core decides: the kind of decision, its reason, the actions that follow, and what the log says."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action
from ndpbr_py.core.events import HostRoute, NudState, ProxyEntry
from ndpbr_py.core.value import value


class DecisionKind(Enum):
    """What was decided. The value is the name of the log event."""

    LEARNED = "host-learned"
    MOVED = "host-moved"
    FORGOTTEN = "host-forgotten"
    VERIFIED = "host-verified"
    PROBED = "host-probed"
    RETAINED = "host-retained"
    LOOKUP_STARTED = "lookup-started"
    LOOKUP_FAILED = "lookup-failed"
    SUSPENDED = "host-suspended"
    LINK_DOWN = "link-down"
    LINK_UP_AGAIN = "link-up"
    REPAIRED = "host-repaired"
    REFUSED = "action-refused"
    CONFLICT = "address-conflict"
    CONFLICT_ENDED = "conflict-ended"
    FOREIGN_ENTRY = "foreign-entry"
    IGNORED = "address-ignored"
    REMOVED = "leftover-removed"
    ADDRESS_PROXIED = "address-proxied"
    PROXIED_ON_DEMAND = "proxied-on-demand"
    UNPROXIED = "on-demand-ended"
    GROUP_REJOINED = "group-rejoined"
    PROXY_WITHHELD = "proxy-withheld"
    LOOKUPS_RATE_LIMITED = "lookups-rate-limited"
    ADVERTISED = "host-advertised"
    ND_PROXY = "nd-proxy-found"

    __hash__ = object.__hash__  # as NudState's


class Reason(Enum):
    """Why a decision was taken. The value is the field ``reason`` of the log record."""

    FIRST_SIGHT = "first-sight"
    REACHABLE = "reachable"
    PERMANENT = "permanent"
    ADOPTED = "adopted"
    STATIC = "static"
    ROUTED = "routed"
    REMEMBERED = "remembered"
    ECHO = "answered-echo"
    SAME_LLADDR = "same-lladdr-elsewhere"
    ROUTER = "router-of-another-link"
    OWNER_SILENT = "owner-silent"
    OWNER_UNREACHABLE = "owner-unreachable"
    OWNER_ANSWERS = "owner-answers"
    CLAIMED_ELSEWHERE = "claimed-elsewhere"
    NO_CLAIM = "no-claim"
    LLADDR_CHANGED = "lladdr-changed"
    LLADDR_ELSEWHERE = "lladdr-elsewhere"
    NO_ANSWER = "no-answer"
    ONE_MORE_TRY = "one-more-try"
    EXPIRED = "not-confirmed"
    UNVERIFIED = "still-unverified"
    EVICTED = "cache-entry-gone"
    ROUTE_GONE = "route-gone"
    NOT_LISTED = "interface-not-listed"
    REFUSED = "refused"
    DRIFTED = "kernel-differs"
    CHANGED_AGAIN = "changed-again"
    NOT_OURS = "leftover"
    LINK_DOWN = "link-down"
    LINK_UP = "link-up"
    NO_CARRIER = "no-carrier"
    FOREIGN_ROUTE = "foreign-route"
    FOREIGN_PROXY = "foreign-proxy"
    KIND = "not-global-unicast"
    ANYCAST = "subnet-router-anycast"
    RESERVED = "reserved-anycast"
    OFF_LINK = "not-on-link"
    OWN = "own-address"
    ROUTER_ADDRESS = "router-address"
    NOT_SOLICITED = "not-solicited"
    REPLACED = "max-on-demand"
    NEXT_HOP = "next-hop-of-default-route"
    ROUTED_ELSEWHERE = "routed-elsewhere"
    UPSTREAM_LINK = "upstream-link"
    FULL = "max-hosts"
    LLADDR_FULL = "max-hosts-per-lladdr"
    STOPPING = "stopping"
    REFRESH_INTERVAL = "refresh-interval"
    SOLICITED = "solicited"
    UNRESOLVED = "unresolved"
    REQUESTED = "requested"
    MOVED = "moved"
    NOTHING_ADOPTED = "nothing-adopted"
    DETECTION = "duplicate-address-detection"
    UNUSED = "not-used-elsewhere"
    FLOOD = "too-many-solicitations"
    WITHOUT_ND = "interface-without-nd"
    ANSWERS_FOR_OTHERS = "answers-for-others"

    __hash__ = object.__hash__  # as NudState's


# A route of another program, or all its proxy entries for one address.
ForeignEntry = HostRoute | tuple[ProxyEntry, ...]
# The reasons of the decisions that a flood of claimed addresses causes.
CLAIMS = frozenset((Reason.FIRST_SIGHT, Reason.NO_ANSWER, Reason.FULL))


@value
class Detail:
    """What a reader of the log needs to know besides the host and the reason.

    Attributes:
        from_dev: The interface on which the host was before.
        claimed_by: The lladdr of another host that uses the address.
        claimed_on: The interface on which that host uses it.
        old_lladdr: The lladdr that the host had before.
        seen_on: The interface on which the address or the lladdr was seen.
        lookup_on: The interfaces on which the kernel looks the address up.
        withheld_on: The interface that gets no proxy entry.
        foreign: The route, or else the proxy entries, of another program.
        error: The error message of ip(8).
        suppressed: How many lookups were refused since the last such record.
        last_seen_s: How long ago a forgotten host was last known to be present.
        known_for_s: How long a forgotten host was known.
        solicited: Whether the host was solicited since it was last known to be present.
        returned: True: the host is one that was forgotten within the last day.
        duration_s: The time between the first and the last claim.
        claims: How many claims there were.
        last_claim_s: How long ago the last claim was.
        hosts: How many hosts are on an interface that went down or up.
        entries: How many routes and proxy entries the kernel removed with that interface.
        down_for_s: How long the interface was down.
        away_s: How long ago a host that has returned was last known to be present.
    """

    from_dev: str | None = None
    claimed_by: str | None = None
    claimed_on: str | None = None
    old_lladdr: str | None = None
    seen_on: str | None = None
    lookup_on: tuple[str, ...] = ()
    withheld_on: str | None = None
    foreign: ForeignEntry | None = None
    error: str | None = None
    suppressed: int | None = None
    last_seen_s: int | None = None
    known_for_s: int | None = None
    solicited: bool | None = None
    returned: bool | None = None
    away_s: int | None = None
    duration_s: int | None = None
    claims: int | None = None
    last_claim_s: int | None = None
    hosts: int | None = None
    entries: int | None = None
    down_for_s: int | None = None


@value
class Decision:
    """One decision about one address, or about one interface.

    Attributes:
        kind: What was decided.
        reason: Why.
        address: The address.
        dev: The interface.
        lladdr: The link-layer address of the host.
        state: The state of the host's neighbor entry.
        actions: What has to be done, in this order.
        detail: What else the log says.
        resync: Whether a snapshot has to be taken: something may have been missed.
    """

    kind: DecisionKind
    reason: Reason
    address: IPv6Address | None = None
    dev: str | None = None
    lladdr: str | None = None
    state: NudState | None = None
    actions: Sequence[Action] = ()
    detail: Detail | None = None
    resync: bool = False
