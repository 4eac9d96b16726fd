"""ndpbr report: what an issue needs -> a recording whose header has the output of doctor and show, and the log.

`ndpbr replay` reads it. With --anonymize no address, lladdr or host name of the network is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from ndpbr_py import config
from ndpbr_py.commands import doctor, show
from ndpbr_py.commands.record import record
from ndpbr_py.control.client import ask
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.collect import collect, ruleset
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.machine_checks import daemon
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import program
from ndpbr_py.names import Names
from ndpbr_py.recording.anonymize import Anonymizer
from ndpbr_py.recording.format import comment
from ndpbr_py.system.interfaces import interface_names

_SECTION_KEY = re.compile(r"# ([a-z]+): ")
# Lines in which host names are replaced. In the others, a host that is called `route` would make them unreadable.
_TEXT_SECTIONS = ("doctor", "log", "nft", "options")
_JSON_SECTIONS = ("daemon", "show")
_LINK_ALIAS = re.compile(r"\\?\s+alias .*")  # of a link


def main(arguments: argparse.Namespace) -> int:
    """Write the file."""
    names = Names(arguments.names)
    facts = collect(config.interfaces(arguments.interfaces), None, arguments.state_dir)
    if len(facts.interfaces) < 2:
        raise NdpbrError("report needs two interfaces, for example: ndpbr report FILE wan0 lan0")
    ip = program.find()
    answer = ask(arguments.state_dir, request="log")
    more = list(_lines(facts, answer, ip, arguments.state_dir, names))
    hidden = {*names.all(), platform.node()} - set(interface_names())
    edit = partial(edited, anonymizer=Anonymizer(hidden)) if arguments.anonymize else str
    asyncio.run(record(arguments.file, facts.interfaces, ip, arguments.state_dir, arguments.seconds, more, edit))
    return 0


def _lines(
    facts: Facts, answer: dict[str, Any] | None, ip: program.Program, state_dir: Path, names: Names
) -> Iterator[str]:
    """Yield the lines of the header that a recording does not have."""
    yield comment("python", platform.python_version())
    yield from (comment(name, _version(name)) for name in ("sh", "structlog"))
    with suppress(OSError):
        yield comment("distribution", platform.freedesktop_os_release()["PRETTY_NAME"])
    yield comment("options", _options(answer))
    yield from (comment("doctor", line) for line in doctor.lines([daemon(facts), *findings(facts)]))
    protocol = config.PROTOCOL if answer is None else answer["rules"]["protocol"]
    hosts, _, state = show.read(ip, protocol, state_dir, names)
    yield comment("show", json.dumps(json.loads(show.as_json(hosts, state, pinged=False))))
    yield from (comment("log", record) for record in (answer or {}).get("records", ()))
    text, problem = ruleset()
    yield from (comment("nft", line) for line in (text or f"unknown: {problem}").splitlines())


def _options(answer: dict[str, Any] | None) -> str:
    """Return the command line of the daemon, and the words that it has read from files."""
    if answer is None:
        return "no daemon answers"
    try:
        line = Path(f"/proc/{answer['pid']}/cmdline").read_text().strip("\0").replace("\0", " ")
    except OSError as error:
        line = str(error.strerror)
    read = answer.get("file_options")  # not in the answer of an older version
    return f"{line}; from @FILE: {shlex.join(read)}" if read else line


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "packed with ndpbr"


def edited(line: str, anonymizer: Anonymizer) -> str:
    """Return a line of a report without secrets."""
    key = _SECTION_KEY.match(line)
    if key is not None and key[1] in _JSON_SECTIONS:
        return key[0] + json.dumps(_values(json.loads(line[key.end() :]), anonymizer))
    if key is not None and key[1] in _TEXT_SECTIONS:
        return key[0] + anonymizer.all(line[key.end() :])
    return anonymizer.addresses(_LINK_ALIAS.sub("", line))


def _values(value: Any, anonymizer: Anonymizer) -> Any:
    """Return a JSON value without secrets; its keys are those of ndpbr, or names of interfaces and checks."""
    if isinstance(value, dict):
        return {anonymizer.addresses(key): _values(it, anonymizer) for key, it in value.items()}
    if isinstance(value, list):
        return [_values(it, anonymizer) for it in value]
    return anonymizer.all(value) if isinstance(value, str) else value
