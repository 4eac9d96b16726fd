"""Decisions and daemon events -> records, one line each, that no text from outside can forge."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.config import LogConfig
from ndpbr_py.core.actions import AddProxy, AddRoute
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import NudState
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.logs.logger import Log
from ndpbr_py.logs.rendering import KEY_ORDER
from tests.builders import LLADDR, OTHER_LLADDR, Records, addr, route
from tests.program import ROOT

A = addr()
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
FIELD = re.compile(r'(?:^| )(\w+)=("(?:[^"\\]|\\.)*"|[^ "=]+)')
LEARNED = Decision(
    DecisionKind.LEARNED,
    Reason.FIRST_SIGHT,
    A,
    "lan0",
    LLADDR,
    NudState.STALE,
    [AddRoute(A, "lan0"), AddProxy(A, "wan0")],
)
ABOUT = {"address": "2001:db8::33", "dev": "lan0", "lladdr": LLADDR, "state": "STALE"}

HEADER_BYTES = len("<30>Nov 23 13:00:00 ndpbr[4194304]: ")
FILL = """
import sys
from ndpbr_py.config import LogConfig
from ndpbr_py.logs.logger import Log
log = Log(LogConfig(sys.argv[1]))
log.record("info", "last")
log.sink._unwritten = lambda lines: lines
log.record("info", "dropped")
del log.sink._unwritten
print(flush=True)
sys.stdin.readline()
log.flush()
"""


def decision(what: DecisionKind, reason: Reason, detail: Detail | None = None) -> Decision:
    return Decision(what, reason, A, "lan0", LLADDR, NudState.STALE, detail=detail)


RECORDS: dict[DecisionKind, tuple[Decision, str, dict[str, object]]] = {
    LEARNED.kind: (LEARNED, "info", {"reason": "first-sight", "proxied_on": ["wan0"]}),
    DecisionKind.MOVED: (
        decision(DecisionKind.MOVED, Reason.SAME_LLADDR, Detail(from_dev="wan0")),
        "info",
        {"reason": "same-lladdr-elsewhere", "from_dev": "wan0"},
    ),
    DecisionKind.FORGOTTEN: (decision(DecisionKind.FORGOTTEN, Reason.NO_ANSWER), "info", {"reason": "no-answer"}),
    DecisionKind.ADVERTISED: (
        decision(DecisionKind.ADVERTISED, Reason.SOLICITED, Detail(seen_on="wan0")),
        "debug",
        {"reason": "solicited", "seen_on": "wan0"},
    ),
    DecisionKind.PROXIED_ON_DEMAND: (
        decision(DecisionKind.PROXIED_ON_DEMAND, Reason.SOLICITED),
        "debug",
        {"reason": "solicited"},
    ),
    DecisionKind.UNPROXIED: (decision(DecisionKind.UNPROXIED, Reason.EXPIRED), "debug", {"reason": "not-confirmed"}),
    DecisionKind.VERIFIED: (decision(DecisionKind.VERIFIED, Reason.REACHABLE), "debug", {"reason": "reachable"}),
    DecisionKind.PROBED: (
        decision(DecisionKind.PROBED, Reason.CLAIMED_ELSEWHERE, Detail(seen_on="lan1")),
        "debug",
        {"reason": "claimed-elsewhere", "seen_on": "lan1"},
    ),
    DecisionKind.ADVERTISED: (
        decision(DecisionKind.ADVERTISED, Reason.SOLICITED, Detail(seen_on="lan1")),
        "debug",
        {"reason": "solicited", "seen_on": "lan1"},
    ),
    DecisionKind.RETAINED: (
        decision(DecisionKind.RETAINED, Reason.REFUSED, Detail(error="File exists")),
        "debug",
        {"reason": "refused", "error": "File exists"},
    ),
    DecisionKind.SUSPENDED: (
        decision(DecisionKind.SUSPENDED, Reason.LINK_DOWN),
        "debug",
        {"reason": "link-down"},
    ),
    DecisionKind.LINK_DOWN: (
        decision(DecisionKind.LINK_DOWN, Reason.NO_CARRIER, Detail(hosts=2, entries=0)),
        "info",
        {"reason": "no-carrier", "hosts": 2, "entries": 0},
    ),
    DecisionKind.LINK_UP_AGAIN: (decision(DecisionKind.LINK_UP_AGAIN, Reason.LINK_UP), "info", {"reason": "link-up"}),
    DecisionKind.REPAIRED: (decision(DecisionKind.REPAIRED, Reason.DRIFTED), "warning", {"reason": "kernel-differs"}),
    DecisionKind.REFUSED: (
        decision(DecisionKind.REFUSED, Reason.REFUSED, Detail(error="why")),
        "warning",
        {"reason": "refused", "error": "why"},
    ),
    DecisionKind.ND_PROXY: (
        decision(DecisionKind.ND_PROXY, Reason.ANSWERS_FOR_OTHERS),
        "warning",
        {"reason": "answers-for-others"},
    ),
    DecisionKind.CONFLICT_ENDED: (
        decision(DecisionKind.CONFLICT_ENDED, Reason.NO_CLAIM, Detail(claimed_on="lan1", duration_s=0, claims=1)),
        "info",
        {"reason": "no-claim", "claimed_on": "lan1", "duration_s": 0, "claims": 1},
    ),
    DecisionKind.CONFLICT: (
        decision(DecisionKind.CONFLICT, Reason.OWNER_ANSWERS, Detail(claimed_by=OTHER_LLADDR)),
        "warning",
        {"reason": "owner-answers", "claimed_by": OTHER_LLADDR},
    ),
    DecisionKind.FOREIGN_ENTRY: (
        decision(DecisionKind.FOREIGN_ENTRY, Reason.FOREIGN_ROUTE, Detail(foreign=route(dev="tun0", ours=False))),
        "warning",
        {"reason": "foreign-route", "foreign": "route dev tun0"},
    ),
    DecisionKind.IGNORED: (
        decision(DecisionKind.IGNORED, Reason.OFF_LINK),
        "warning",
        {"reason": "not-on-link"},
    ),
    DecisionKind.GROUP_REJOINED: (
        decision(DecisionKind.GROUP_REJOINED, Reason.REFRESH_INTERVAL),
        "debug",
        {"reason": "refresh-interval"},
    ),
    DecisionKind.ADDRESS_PROXIED: (
        decision(DecisionKind.ADDRESS_PROXIED, Reason.ROUTER_ADDRESS),
        "debug",
        {"reason": "router-address"},
    ),
    DecisionKind.REMOVED: (decision(DecisionKind.REMOVED, Reason.NOT_OURS), "info", {"reason": "leftover"}),
    DecisionKind.LOOKUP_STARTED: (
        decision(DecisionKind.LOOKUP_STARTED, Reason.SOLICITED, Detail(lookup_on=("wan0", "lan1"))),
        "debug",
        {"reason": "solicited", "lookup_on": ["wan0", "lan1"]},
    ),
    DecisionKind.LOOKUP_FAILED: (
        decision(DecisionKind.LOOKUP_FAILED, Reason.UNRESOLVED),
        "debug",
        {"reason": "unresolved"},
    ),
    DecisionKind.PROXY_WITHHELD: (
        decision(DecisionKind.PROXY_WITHHELD, Reason.OWNER_SILENT, Detail(withheld_on="lan1")),
        "info",
        {"reason": "owner-silent", "withheld_on": "lan1"},
    ),
    DecisionKind.LOOKUPS_RATE_LIMITED: (
        decision(DecisionKind.LOOKUPS_RATE_LIMITED, Reason.FLOOD, Detail(suppressed=17)),
        "warning",
        {"reason": "too-many-solicitations", "suppressed": 17},
    ),
}


def logged(config: LogConfig, *decisions: Decision) -> list[dict[str, object]]:
    """Return the records of *decisions* as JSON has them, each without its time."""
    sink = Records()
    log = Log(config, sink)
    log.decided(decisions)
    log.flush()
    records = [json.loads(text) for _, text in sink.written]
    assert all(STAMP.fullmatch(str(record.pop("ts"))) for record in records)
    assert [level for level, _ in sink.written] == [record["level"] for record in records]
    return records


@pytest.mark.parametrize("what", DecisionKind)
def test_decision_is_one_record(what: DecisionKind) -> None:
    """Each kind of decision has its level, its event, the fields of the host, and the reason."""
    decided, level, fields = RECORDS[what]

    assert logged(LogConfig("json", "debug"), decided) == [{"level": level, "event": what.value, **ABOUT, **fields}]


def test_record_about_a_host_has_its_name() -> None:
    """A name of its address or lladdr follows the address; the last warning is kept for `show --watch`."""
    sink = Records()
    log = Log(LogConfig("logfmt"), sink, name_of=lambda address, lladdr: "phone" if lladdr == LLADDR else None)
    log.decided([LEARNED, Decision(DecisionKind.CONFLICT, Reason.OWNER_ANSWERS, A, "lan0")])
    log.flush()
    first, second = (text for _, text in sink.written)

    assert " event=host-learned address=2001:db8::33 name=phone dev=lan0 lladdr=" in first
    assert "name=" not in second
    assert log.problem is not None
    assert (log.problem.event, log.problem.fields["dev"]) == ("address-conflict", "lan0")


def test_moves_are_rate_limited() -> None:
    """A machine on two links that flips hundreds of addresses between them does not fill a router's log."""
    moved = decision(DecisionKind.MOVED, Reason.SAME_LLADDR, Detail(from_dev="wan0"))

    events = [record["event"] for record in logged(LogConfig("json", "info"), *[moved] * 1000)]

    assert (len(events) <= 60, events[-1]) == (True, "log-rate-limited")


def test_records_about_prefixes_are_rate_limited() -> None:
    """Thousands of advertised prefixes fill no log: most of their records are at level debug."""
    records = Records()
    log = Log(LogConfig("logfmt"), records)
    for number in range(4000):
        log.limited("info", "prefix-added", prefix=f"2001:db8:{number:x}::/64", dev="wan0")

    events = [dict(FIELD.findall(text))["event"] for _, text in records.written]
    assert 50 <= events.count("prefix-added") < 100
    assert "log-rate-limited" in events


def test_probes_are_logged_at_level_debug() -> None:
    """At level info a host is logged when it is learned, moves or is forgotten, but not when it is probed."""
    decisions = [decided for decided, _, _ in RECORDS.values()]

    events = {record["event"] for record in logged(LogConfig("json", "info"), *decisions)}

    assert {"host-learned", "host-moved", "host-forgotten", "action-refused"} < events
    assert events & {"host-verified", "host-probed", "host-retained"} == set()


@pytest.mark.parametrize(("dry_run", "record"), [(False, ("debug", "command")), (True, ("info", "would-run"))])
def test_commands_are_logged_with_their_decision(dry_run: bool, record: tuple[str, str]) -> None:
    """Each command is a record after its decision's; in a dry run commands are logged at level info."""
    sink = Records()
    log = Log(LogConfig("json", "info" if dry_run else "debug"), sink, Commands(135).shown, dry_run=dry_run)

    log.decided([LEARNED])
    log.flush()

    records = [json.loads(text) for _, text in sink.written]
    assert [(it["level"], it["event"], it.get("command")) for it in records] == [
        ("info", "host-learned", None),
        (*record, "ip -6 route add 2001:db8::33/128 dev lan0 proto 135 metric 4096"),
        (*record, "ip -6 neigh add proxy 2001:db8::33 dev wan0 proto 135"),
    ]


@pytest.mark.parametrize(
    ("what", "reason"), [(DecisionKind.IGNORED, Reason.OFF_LINK), (DecisionKind.CONFLICT, Reason.OWNER_ANSWERS)]
)
def test_repeated_false_claims_are_one_warning_per_hour(what: DecisionKind, reason: Reason) -> None:
    """False claims of an address are a warning once an hour; the others are logged at level debug."""
    ignored = decision(what, reason)

    assert [record["level"] for record in logged(LogConfig("json", "debug"), ignored, ignored, ignored)] == [
        "warning",
        "debug",
        "debug",
    ]
    assert len(logged(LogConfig("json", "info"), ignored, ignored, ignored)) == 1


def test_each_ignored_address_is_logged() -> None:
    """`grep ADDR` finds each of them; in a flood of addresses most are left out, and counted."""
    ignored = [
        Decision(DecisionKind.IGNORED, Reason.LLADDR_FULL, addr(f"2001:db8::{number:x}"), "lan0", LLADDR)
        for number in range(1, 201)
    ]
    few = logged(LogConfig("json"), *ignored[:16], *ignored[:16])
    flood = logged(LogConfig("json"), *ignored)

    assert [record["address"] for record in few] == [f"2001:db8::{number:x}" for number in range(1, 17)]
    assert {record["level"] for record in few} == {"warning"}
    assert len(flood) == 100


def test_hosts_that_are_summarized_are_logged_at_debug() -> None:
    """The start and the stop of a daemon are one record each at info, however many hosts there are."""
    for level, levels in (("info", []), ("debug", ["debug"] * 600)):
        sink = Records()
        log = Log(LogConfig("json", level), sink)
        log.summarized = True
        log.decided([LEARNED, decision(DecisionKind.FORGOTTEN, Reason.STOPPING)] * 300)
        log.flush()

        assert [json.loads(text)["level"] for _, text in sink.written] == levels


def test_flood_of_claims_is_rate_limited() -> None:
    """Of ten thousand hosts learned at the same time some are logged, and so is the number of the others."""
    records = logged(LogConfig("json"), *[LEARNED] * 10_000)

    learned = [record for record in records if record["event"] == "host-learned"]
    assert 500 <= len(learned) < 10_000
    assert records[-1]["event"] == "log-rate-limited"


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_dropped_records_are_reported_in_the_configured_format(form: str) -> None:
    """The record about dropped records has the format of all other records."""
    with subprocess.Popen(
        [sys.executable, "-c", FILL, form],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        while "last" not in child.stderr.readline():
            pass
        _, output = child.communicate("go on\n")

    last = json.loads(output) if form == "json" else {it.group(1): it.group(2) for it in FIELD.finditer(output.strip())}
    assert STAMP.fullmatch(last.pop("ts"))
    assert {**last, "count": int(last["count"])} == {"level": "warning", "event": "log-records-dropped", "count": 1}


def test_condition_is_logged_when_it_begins_changes_and_ends() -> None:
    """A condition that holds for a while is one record when it begins, and one when it ends; so is the next one."""
    sink, now = Records(), 0
    log = Log(LogConfig("logfmt", syslog=True), sink, date=lambda: float(now))

    for now, error in enumerate([None, "full", "full", "read-only", None, None, "full", None]):  # noqa: B007
        log.condition("warning", "file-unwritable", active=error is not None, error=error)

    assert sink.written == [
        ("warning", "event=file-unwritable error=full"),
        ("warning", "event=file-unwritable error=read-only"),
        ("info", "event=file-unwritable error=read-only ended=true lasted_s=3.0"),
        ("warning", "event=file-unwritable error=full"),
        ("info", "event=file-unwritable error=full ended=true lasted_s=1.0"),
    ]


def test_conditions_of_one_event_have_keys() -> None:
    """A condition of one interface is not that of another."""
    sink = Records()
    log = Log(LogConfig("logfmt", "debug", syslog=True), sink, date=lambda: 0.0)

    for dev in ("wan0", "lan0", "wan0"):
        log.condition("debug", "it", active=True, key=dev, dev=dev)
    log.condition("debug", "it", active=False, key="lan0")

    assert sink.written == [
        ("debug", "event=it dev=wan0"),
        ("debug", "event=it dev=lan0"),
        ("debug", "event=it dev=lan0 ended=true lasted_s=0.0"),
    ]


def test_number_of_conditions_is_limited() -> None:
    """Text from outside can begin a limited number of conditions; other events are not affected."""
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True), sink)

    for number in range(1000):
        log.condition("info", "unknown-keyword", active=True, key=str(number), word=str(number))
    log.condition("warning", "file-unwritable", active=True, error="full")

    assert len(sink.written) == 101
    assert sink.written[-1] == ("warning", "event=file-unwritable error=full")


def test_record_follows_those_of_earlier_decisions() -> None:
    """Records are in the order of the events."""
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True), sink)

    log.decided([LEARNED])
    log.record("info", "stopping", signal="SIGTERM")

    assert [text.split()[0] for _, text in sink.written] == ["event=host-learned", "event=stopping"]


def test_logfmt_is_one_line_of_fields() -> None:
    """A value with a blank, a quote or `=` is quoted, lists are joined, and fields without a value are left out."""
    sink = Records()
    fields = {"a": 'x" b=1', "b": "", "c": "a\\ b", "d": None, "e": True, "f": 1.5, "g": ["wan0", "lan0"], "h": []}

    Log(LogConfig("logfmt", syslog=True), sink).record("info", "it", **fields, reason="first")

    assert sink.written == [("info", r'event=it reason=first a="x\" b=1" c="a\\ b" e=true f=1.5 g=wan0,lan0')]


def test_json_keeps_null_and_arrays() -> None:
    """JSON has a list as an array, and null for a field without a value; the time and the level come first."""
    sink = Records()

    Log(LogConfig("json"), sink, date=lambda: 1_000_000.5).record("info", "it", up=[], error=None, dev="lan\x1b0")

    start = '{"ts": "1970-01-12T13:46:40.500000Z", "level": "info", "event": "it", "dev": "lan\\\\x1b0"'
    assert sink.written == [("info", start + ', "up": [], "error": null}')]


@pytest.mark.parametrize(
    ("color", "terminal", "variables", "colored"),
    [
        ("auto", True, {}, True),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {}, False),
        ("never", True, {}, False),
        ("always", True, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("always", False, {}, True),
    ],
)
def test_color(color: str, terminal: bool, variables: dict[str, str], colored: bool) -> None:
    """The log has color on a terminal, unless NO_COLOR, TERM=dumb or --color says otherwise."""
    reader, writer = pty.openpty() if terminal else os.pipe()
    script = "import sys; from ndpbr_py.logs.logger import Log, LogConfig; Log(LogConfig(color=sys.argv[1])).record"
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    subprocess.run(
        [sys.executable, "-c", f"{script}('info', 'it', dev='lan0')", color],
        stderr=writer,
        check=True,
        cwd=ROOT,
        env={**environment, "TERM": "xterm", **variables},
    )
    written = os.read(reader, 4096)
    os.close(reader)
    os.close(writer)

    assert b"lan0" in written
    assert (b"\x1b[" in written) is colored


def test_record_of_a_replay_has_the_recorded_time() -> None:
    """A replay stamps its records with the time of the recording, in the format of all other records."""
    sink = Records()

    Log(LogConfig("logfmt"), sink, date=lambda: 1_000_000.5).record("info", "it")

    assert sink.written == [("info", "ts=1970-01-12T13:46:40.500000Z level=info event=it")]


@pytest.mark.parametrize("form", ["console", "logfmt", "json"])
@pytest.mark.parametrize("syslog", [False, True])
@given(text=st.text() | st.binary().map(lambda octets: octets.decode(errors="surrogateescape")))
def test_text_from_outside_forges_no_record(form: str, syslog: bool, text: str) -> None:
    """Whatever a line of the monitor contains, its record is one line without control characters."""
    sink = Records()

    Log(LogConfig(form, syslog=syslog), sink).record("warning", "line-rejected", line=text, error="an address")

    [(_, record)] = sink.written
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", record)
    record.encode(errors="backslashreplace")


@given(text=st.text())
def test_text_from_outside_forges_no_field(text: str) -> None:
    """Parsed as logfmt, a record has the fields that were logged, and no others."""
    sink = Records()

    Log(LogConfig("logfmt", syslog=True), sink).record("warning", "line-rejected", line=text, number=1)

    record = sink.written[0][1]
    fields = list(FIELD.finditer(record))
    assert "".join(field.group() for field in fields) == record
    assert [field.group(1) for field in fields] == ["event", *["line"] * bool(text), "number"]


@pytest.mark.parametrize("form", ["logfmt", "json"])
@given(st.integers(128, 300), st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), st.text(max_size=40)))
def test_long_record_loses_whole_fields(form: str, limit: int, given: dict[str, str]) -> None:
    """A syslog line has at most the bytes that syslogd reads: it has the first fields whole, and says what it lost."""
    sink, whole = Records(), Records()
    given = {key: value for key, value in given.items() if key not in KEY_ORDER and key != "fix"}

    Log(LogConfig(form, syslog=True, syslog_bytes=limit), sink).record("warning", "it", **given)
    Log(LogConfig(form, syslog=True, syslog_bytes=9999), whole).record("warning", "it", **given)

    (short, full), room = (parse(it.written[0][1], form) for it in (sink, whole)), limit - HEADER_BYTES
    if len(whole.written[0][1].encode()) <= room:
        assert short == full
    else:
        assert len(sink.written[0][1].encode()) <= room
        assert short.popitem() == ("truncated", True if form == "json" else "true")
        assert list(short.items()) == list(full.items())[: len(short)]


def test_fix_that_does_not_fit_is_a_record_of_its_own() -> None:
    """Advice is not lost, and not cut in the middle of an address; a fix that fits stays where it is."""
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True, syslog_bytes=150), sink)

    log.record("warning", "check-failed", check="prefix", detail="x" * 100, fix="ip -6 route del 2001:db8::/64 dev b")
    log.record("warning", "check-failed", check="prefix", detail="x" * 10, fix="ip -6 route del 2001:db8::/64 dev b")
    log.record("warning", "check-failed", check="prefix", detail="x" * 100, fix=None)
    log.record("warning", "check-failed", check="prefix", detail="x", fix="y" * 100)

    fix = 'fix="ip -6 route del 2001:db8::/64 dev b"'
    assert [text for _, text in sink.written] == [
        "event=check-failed check=prefix truncated=true",
        f"event=fix check=prefix {fix}",
        f"event=check-failed check=prefix detail={'x' * 10} {fix}",
        "event=check-failed check=prefix truncated=true",
        "event=check-failed check=prefix detail=x truncated=true",
        "event=fix check=prefix truncated=true",
    ]


def test_record_on_standard_error_is_written_in_one_piece() -> None:
    """A pipe takes 4,096 bytes as a whole."""
    sink = Records()

    Log(LogConfig("json"), sink).record("warning", "line-rejected", line="x" * 3900, error="y" * 3900)
    Log(LogConfig("json"), sink).record("warning", "line-rejected", line="x", error="y" * 3900)

    short, full = (json.loads(text) for _, text in sink.written)
    assert list(short) == ["ts", "level", "event", "line", "truncated"]
    assert list(full) == ["ts", "level", "event", "line", "error"]


def parse(record: str, form: str) -> dict[str, object]:
    return json.loads(record) if form == "json" else {it.group(1): it.group(2) for it in FIELD.finditer(record)}


def test_host_record_fits_into_a_syslog_line() -> None:
    """The longest record about a host, on interfaces with usual names, is not cut by the smallest syslogd."""
    long = addr("2001:db8:1111:2222:3333:4444:5555:6666")
    devs = ["br-lan0", "br-lan1"]
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True), sink)

    log.decided(
        [
            Decision(
                DecisionKind.MOVED,
                Reason.SAME_LLADDR,
                long,
                devs[0],
                LLADDR,
                NudState.REACHABLE,
                [AddProxy(long, devs[1])],
                Detail(from_dev=devs[1]),
            )
        ]
    )
    log.flush()

    assert HEADER_BYTES + len(sink.written[0][1]) <= 230
