"""Decisions and whatever else happens -> whole records, one line each, that nothing from outside can forge."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.config import LogConfig
from ndpbr_py.core.actions import AddProxy, AddRoute
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.events import NudState
from ndpbr_py.core.policy import Reason
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.log import Log
from tests.builders import LLADDR, OTHER_LLADDR, Records, addr

A = addr()
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
FIELD = re.compile(r'(?:^| )(\w+)=("(?:[^"\\]|\\.)*"|[^\s"\\=]+)')
LEARNED = Decision(
    What.LEARNED, Reason.FIRST_SIGHT, A, "lan0", LLADDR, NudState.STALE, [AddRoute(A, "lan0"), AddProxy(A, "wan0")]
)
ABOUT = {"address": "2001:db8::33", "dev": "lan0", "lladdr": LLADDR, "state": "STALE"}

FILL = """
import sys
from ndpbr_py.config import LogConfig
from ndpbr_py.log import Log
log = Log(LogConfig(sys.argv[1]))
log.record("info", "last")
log.sink._put = lambda text: False
log.record("info", "lost")
del log.sink._put
print(flush=True)
sys.stdin.readline()
log.flush()
"""


def decision(what: What, reason: Reason, note: str | None = None) -> Decision:
    return Decision(what, reason, A, "lan0", LLADDR, NudState.STALE, note=note)


RECORDS: dict[What, tuple[Decision, str, dict[str, object]]] = {
    LEARNED.what: (LEARNED, "info", {"reason": "first-sight", "proxied_on": "wan0"}),
    What.MOVED: (
        decision(What.MOVED, Reason.SAME_LLADDR, "wan0"),
        "info",
        {"reason": "same-lladdr-elsewhere", "from_dev": "wan0"},
    ),
    What.FORGOTTEN: (decision(What.FORGOTTEN, Reason.FAILED), "info", {"reason": "failed"}),
    What.VERIFIED: (decision(What.VERIFIED, Reason.REACHABLE), "debug", {"reason": "reachable"}),
    What.DOUBTED: (
        decision(What.DOUBTED, Reason.CLAIMED_ELSEWHERE, "lan1"),
        "debug",
        {"reason": "claimed-elsewhere", "heard_on": "lan1"},
    ),
    What.KEPT: (
        decision(What.KEPT, Reason.REFUSED, "File exists"),
        "debug",
        {"reason": "refused", "error": "File exists"},
    ),
    What.SUSPENDED: (
        decision(What.SUSPENDED, Reason.LINK_DOWN, "lan0"),
        "info",
        {"reason": "link-down", "down": "lan0"},
    ),
    What.RESUMED: (decision(What.RESUMED, Reason.LINK_UP), "info", {"reason": "link-up"}),
    What.REPAIRED: (decision(What.REPAIRED, Reason.DRIFTED), "warning", {"reason": "kernel-differs"}),
    What.REFUSED: (decision(What.REFUSED, Reason.REFUSED, "why"), "warning", {"reason": "refused", "error": "why"}),
    What.CONFLICT: (
        decision(What.CONFLICT, Reason.OWNER_ANSWERS, OTHER_LLADDR),
        "warning",
        {"reason": "owner-answers", "claimed_by": OTHER_LLADDR, "more": 0},
    ),
    What.SHADOWED: (
        decision(What.SHADOWED, Reason.FOREIGN_ROUTE, "route dev tun0"),
        "warning",
        {"reason": "foreign-route", "theirs": "route dev tun0"},
    ),
    What.IGNORED: (decision(What.IGNORED, Reason.OFF_LINK), "warning", {"reason": "not-on-link", "more": 0}),
    What.REJOINED: (decision(What.REJOINED, Reason.FORGETFUL), "debug", {"reason": "refresh-interval"}),
    What.REMOVED: (decision(What.REMOVED, Reason.NOT_OURS), "info", {"reason": "leftover"}),
    What.SOUGHT: (
        decision(What.SOUGHT, Reason.SOLICITED, "wan0,lan1"),
        "debug",
        {"reason": "solicited", "sought_on": "wan0,lan1"},
    ),
    What.OPENED: (
        decision(What.OPENED, Reason.OWNER_SILENT, "lan1"),
        "info",
        {"reason": "owner-silent", "open_on": "lan1"},
    ),
    What.LEFT_OUT: (
        decision(What.LEFT_OUT, Reason.FLOOD, "17"),
        "warning",
        {"reason": "too-many-solicitations", "more": "17"},
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


@pytest.mark.parametrize("what", What)
def test_decision_is_one_record(what: What) -> None:
    """Each kind of decision has its level, its name, who it is about, and why."""
    decided, level, fields = RECORDS[what]

    assert logged(LogConfig("json", "debug"), decided) == [{"level": level, "event": what.value, **ABOUT, **fields}]


def test_single_commands_and_doubts_are_for_debugging() -> None:
    """At level info a host's life is what is logged."""
    decisions = [decided for decided, _, _ in RECORDS.values()]

    events = {record["event"] for record in logged(LogConfig("json", "info"), *decisions)}

    assert {"host-learned", "host-moved", "host-forgotten", "action-refused"} < events
    assert events & {"host-verified", "host-doubted", "host-kept"} == set()


@pytest.mark.parametrize(("dry_run", "record"), [(False, ("debug", "command")), (True, ("info", "would-run"))])
def test_commands_are_logged_with_their_decision(dry_run: bool, record: tuple[str, str]) -> None:
    """Each command is a record after its decision's; in a dry run they are what matters."""
    sink = Records()
    log = Log(LogConfig("json", "info" if dry_run else "debug"), sink, Commands(135).lines, dry_run=dry_run)

    log.decided([LEARNED])
    log.flush()

    records = [json.loads(text) for _, text in sink.written]
    assert [(it["level"], it["event"], it.get("command")) for it in records] == [
        ("info", "host-learned", None),
        (*record, "ip -6 route add 2001:db8::33/128 dev lan0 proto 135"),
        (*record, "ip -6 neigh add proxy 2001:db8::33 dev wan0 proto 135"),
    ]


@pytest.mark.parametrize(("what", "reason"), [(What.IGNORED, Reason.OFF_LINK), (What.CONFLICT, Reason.OWNER_ANSWERS)])
def test_false_claims_again_and_again_are_one_warning(what: What, reason: Reason) -> None:
    """Who claims what is not his is seen once a minute for each reason; the rest is for debugging."""
    ignored = decision(what, reason)

    assert [record["level"] for record in logged(LogConfig("json", "debug"), ignored, ignored, ignored)] == [
        "warning",
        "debug",
        "debug",
    ]
    assert len(logged(LogConfig("json", "info"), ignored, ignored, ignored)) == 1


def test_flood_of_claims_fills_no_log() -> None:
    """Of ten thousand hosts learned at once some are logged, and how many are not."""
    records = logged(LogConfig("json"), *[LEARNED] * 10_000)

    learned = [record for record in records if record["event"] == "host-learned"]
    assert 500 <= len(learned) < 10_000
    assert records[-1]["event"] == "records-left-out"


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_dropped_records_are_told_in_the_format_of_the_others(form: str) -> None:
    """How many records found no place to be written is a record like any other."""
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
        _, said = child.communicate("go on\n")

    last = json.loads(said) if form == "json" else {it.group(1): it.group(2) for it in FIELD.finditer(said.strip())}
    assert STAMP.fullmatch(last.pop("ts"))
    assert {**last, "count": int(last["count"])} == {"level": "warning", "event": "records-dropped", "count": 1}


def test_once_is_once() -> None:
    """What would be said over and over is said once."""
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True), sink)

    for word in ("shiny", "shiny", "new"):
        log.once("info", "word-unknown", word=word)

    assert [text for _, text in sink.written] == [
        "event=word-unknown word=shiny",
        "event=word-unknown word=new",
    ]


def test_record_waits_for_what_was_decided_before_it() -> None:
    """Records are in the order of what happened."""
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True), sink)

    log.decided([LEARNED])
    log.record("info", "stopping", signal="SIGTERM")

    assert [text.split()[0] for _, text in sink.written] == ["event=host-learned", "event=stopping"]


def test_logfmt_quotes_what_must_be() -> None:
    """A value with a blank, a quote, `=` or nothing at all is quoted, so that fields stay fields."""
    sink = Records()

    Log(LogConfig("logfmt", syslog=True), sink).record("info", "it", a='x" b=1', b="", c="a\\ b", d=None, e=True, f=1.5)

    assert sink.written == [("info", r'event=it a="x\" b=1" b="" c="a\\ b" d=none e=true f=1.5')]


@pytest.mark.parametrize("form", ["console", "logfmt", "json"])
@pytest.mark.parametrize("syslog", [False, True])
@given(text=st.text() | st.binary().map(lambda octets: octets.decode(errors="surrogateescape")))
def test_text_from_outside_forges_no_record(form: str, syslog: bool, text: str) -> None:
    """Whatever a line holds, its record is one line without control characters."""
    sink = Records()

    Log(LogConfig(form, syslog=syslog), sink).record("warning", "line-rejected", line=text, wanted="an address")

    [(_, record)] = sink.written
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", record)
    record.encode(errors="backslashreplace")


@given(text=st.text())
def test_text_from_outside_forges_no_field(text: str) -> None:
    """Read as logfmt is, a record has the fields that were logged, and no others."""
    sink = Records()

    Log(LogConfig("logfmt", syslog=True), sink).record("warning", "line-rejected", line=text, number=1)

    record = sink.written[0][1]
    fields = list(FIELD.finditer(record))
    assert "".join(field.group() for field in fields) == record
    assert [field.group(1) for field in fields] == ["event", "line", "number"]


def test_host_record_fits_into_a_syslog_line() -> None:
    """The longest record of a host's life, on interfaces with usual names, is not cut by the smallest syslogd."""
    long = addr("2001:db8:1111:2222:3333:4444:5555:6666")
    devs = ["br-lan0", "br-lan1"]
    sink = Records()
    log = Log(LogConfig("logfmt", syslog=True), sink)

    log.decided(
        [
            Decision(
                What.MOVED,
                Reason.SAME_LLADDR,
                long,
                devs[0],
                LLADDR,
                NudState.REACHABLE,
                [AddProxy(long, devs[1])],
                devs[1],
            )
        ]
    )
    log.flush()

    head = len("<30>Nov 23 13:00:00 ndpbr[4194304]: ")
    assert head + len(sink.written[0][1]) <= 230
