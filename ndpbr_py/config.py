"""Text of an option -> its value; all options -> RunConfig or LogConfig.

argparse calls the functions that read one option.  They raise ConfigError, which must be neither a ValueError nor a
TypeError: argparse would replace their message with its own.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

from ndpbr_py.core.listed import matches
from ndpbr_py.core.protocols import can_tag
from ndpbr_py.errors import ConfigError

PIDFILE = Path("/run/ndpbr.pid")
STATE_DIR = Path("/run/ndpbr")
HOSTS_FILE = Path("/var/lib/ndpbr/hosts")
PROTOCOL = 135
EXPIRE_INTERVAL_S = 3600.0
RESYNC_INTERVAL_S = 60.0
MAX_HOSTS = 4096
MAX_HOSTS_PER_LLADDR = 64
SYSLOG_BYTES = 1000  # Debian's busybox syslogd reads 1,024, Alpine's 2,048 since 3.15
LOG_FORMATS = ("auto", "console", "logfmt", "json")
COLORS = ("auto", "always", "never")
LOG_LEVELS = ("debug", "info", "warning", "error")

# Excludes every word that ip's batch language reads as something else, an altname and an interface index.
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}")
_RESERVED = re.compile(r"\.|\.\.|all|default|lo|if\d+")


def tag(protocol: int) -> str:
    """Return the option that names *protocol*, with a space before it; "" for the default."""
    return "" if protocol == PROTOCOL else f" --protocol {protocol}"


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Format, lowest level, destination and color of the log; ``syslog_bytes`` is the longest line for syslogd."""

    format: str = "auto"
    level: str = "info"
    syslog: bool = False
    color: str = "auto"
    syslog_bytes: int = SYSLOG_BYTES


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The options of `ndpbr run`, each under the `dest` that its add_argument() has; times in seconds."""

    interfaces: tuple[str, ...]
    prefixes: frozenset[IPv6Network] = frozenset()
    protocol: int = PROTOCOL
    expire_interval_s: float = EXPIRE_INTERVAL_S
    resync_interval_s: float = RESYNC_INTERVAL_S
    refresh_s: float | None = None
    max_hosts: int = MAX_HOSTS
    max_hosts_per_lladdr: int = MAX_HOSTS_PER_LLADDR
    state_dir: Path = STATE_DIR
    pidfile: Path = PIDFILE
    dry_run: bool = False
    keep: bool = False
    metrics_file: Path | None = None
    statics: Mapping[IPv6Address | IPv6Network, str] = field(default_factory=dict)
    upstreams: frozenset[str] = frozenset()
    discover: bool = True
    hosts_file: Path = HOSTS_FILE
    names: Path | None = None
    listen: bool = True
    answer_as_target: frozenset[str] = frozenset()
    file_options: list[str] = field(default_factory=list)  # the words of `@FILE`


def run_config(arguments: Namespace) -> RunConfig:
    """Return the configuration of `ndpbr run`.

    Raises:
        ConfigError: The options contradict each other.
    """
    listed = two_interfaces(arguments.interfaces, "run", "ndpbr run wan0 lan0")
    values = {option.name: getattr(arguments, option.name) for option in fields(RunConfig)}
    values["interfaces"] = listed
    values["prefixes"] = frozenset(arguments.prefixes)
    values["statics"] = static_hosts(arguments.statics, listed)
    values["upstreams"] = upstreams(arguments.upstreams, listed)
    values["answer_as_target"] = _answer_as_target(arguments.answer_as_target, listed, listens=arguments.listen)
    return RunConfig(**values)


def log_config(arguments: Namespace) -> LogConfig:
    """Return the configuration of the log: the options before the command."""
    level = "debug" if arguments.verbose else arguments.log_level
    return LogConfig(arguments.log_format, level, arguments.syslog, arguments.color, arguments.syslog_bytes)


def is_interface_name(name: str) -> bool:
    """Whether an interface with that name may be listed."""
    return _NAME.fullmatch(name) is not None and _RESERVED.fullmatch(name) is None


def interface(name: str) -> str:
    """Return the name of an interface that may be listed."""
    if not is_interface_name(name):
        raise ConfigError(
            "IFACE: expected an interface name of 1 to 15 letters, digits, `_`, `.` and `-` "
            f"(not `.`, `..`, `all`, `default`, `lo` or `ifN`), got {name!r}"
        )
    return name


def interface_or_pattern(word: str) -> str:
    """Return the name of an interface that may be listed, or a pattern for such names, e.g. ``"br-*"``."""
    if "*" not in word:
        return interface(word)
    if word.strip("*") == "" or not is_interface_name(word.replace("*", "")):
        raise ConfigError(f"IFACE: expected a pattern with a part of a name, such as 'br-*', got {word!r}")
    return word


def interfaces(names: Sequence[str]) -> tuple[str, ...]:
    """Return the listed interfaces; each may be named only once."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"IFACE: expected each interface once, got {name!r} more than once")
    return tuple(names)


def two_interfaces(names: Sequence[str], user: str, example: str) -> tuple[str, ...]:
    """Return two or more interfaces; *user* is the command or option that needs them, *example* its correct use."""
    if len(names) < 2:
        raise ConfigError(f"{user} needs at least two interfaces, for example: {example}")
    return interfaces(names)


def interface_list(text: str) -> tuple[str, ...]:
    """Return the listed interfaces, e.g. of ``"wan0,lan0"``."""
    return two_interfaces(list(map(interface, text.split(","))), "--interfaces", "--interfaces wan0,lan0")


def address(text: str) -> IPv6Address:
    """Return an IPv6 address, without the interface that may follow it."""
    try:
        return IPv6Address(text.partition("%")[0])
    except ValueError:
        raise ConfigError(f"ADDR: expected an IPv6 address such as 2001:db8:1::11, got {text!r}") from None


def prefix(text: str) -> IPv6Network:
    """Return an IPv6 prefix, e.g. ``"2001:db8:1::/64"``."""
    try:
        if "/" not in text:  # would be a prefix of one address
            raise ValueError("the prefix length is missing")
        if "%" in text:
            raise ValueError("a prefix has no interface")
        return IPv6Network(text)
    except ValueError as error:
        raise ConfigError(f"--prefix: expected an IPv6 prefix such as 2001:db8:1::/64, got {text!r}: {error}") from None


def static_host(text: str) -> tuple[IPv6Address | IPv6Network, str]:
    """Return an address or a prefix and its interface, e.g. of ``"2001:db8:1::11%lan0"``."""
    from ndpbr_py.core.eligibility import Scope  # here only: --help need not wait for it

    word, _, dev = text.partition("%")
    try:
        address: IPv6Address | IPv6Network = IPv6Network(word) if "/" in word else IPv6Address(word)
    except ValueError:
        address = IPv6Address("::")
    first = address if isinstance(address, IPv6Address) else address.network_address
    if Scope(None).objection(first, dev) is not None:
        raise ConfigError(
            f"--static: expected a global address or prefix and its interface, ADDR%IFACE or PREFIX%IFACE, got {text!r}"
        )
    return address, dev


def static_hosts(
    hosts: Iterable[tuple[IPv6Address | IPv6Network, str]], listed: Sequence[str]
) -> dict[IPv6Address | IPv6Network, str]:
    """Return the interface of each static host or prefix: exactly one, which must be listed."""
    result: dict[IPv6Address | IPv6Network, str] = {}
    for address, dev in hosts:
        if not matches(dev, listed):
            raise ConfigError(f"--static: expected a listed interface ({', '.join(listed)}) for {address}, got {dev!r}")
        if result.setdefault(address, dev) != dev:
            raise ConfigError(f"--static: expected one interface for {address}, got {result[address]!r} and {dev!r}")
    return result


def upstreams(names: Iterable[str], listed: Sequence[str]) -> frozenset[str]:
    """Return the interfaces of --upstream: listed ones, but not all of them."""
    result = _listed("--upstream", names, listed)
    if result == frozenset(listed):
        raise ConfigError("--upstream: expected at least one listed interface on which hosts are learned, got all")
    return result


def _answer_as_target(devs: Iterable[str], listed: Sequence[str], *, listens: bool) -> frozenset[str]:
    result = _listed("--answer-as-target", devs, listed)
    if result and not listens:
        raise ConfigError("--answer-as-target requires that solicitations are received: remove --no-listen")
    return result


def _listed(option: str, devs: Iterable[str], listed: Sequence[str]) -> frozenset[str]:
    """Return the interfaces of *option*, which must be listed, or match a listed pattern."""
    result = tuple(devs)
    for dev in result:
        if not matches(dev, listed):
            raise ConfigError(f"{option}: expected a listed interface ({', '.join(listed)}), got {dev!r}")
    return frozenset(result)


def protocol(text: str) -> int:
    """Return the number that tags our routes and proxy entries."""
    number = _natural(text)
    if not can_tag(number):
        raise ConfigError(f"--protocol: expected a number from 5 to 255 that no other program uses, got {text!r}")
    return number


def line_bytes(option: str, text: str) -> int:
    """Return the longest line that syslogd reads."""
    number = _natural(text)
    if not 128 <= number <= 65_535:  # the header and the longest event fit
        raise ConfigError(f"{option}: expected a number of bytes from 128 to 65535, got {text!r}")
    return number


def seconds(option: str, text: str, minimum: float = 1.0, maximum: float = 31_536_000.0) -> float:
    """Return a number of seconds, e.g. ``"3600"``."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not minimum <= number <= maximum:
        raise ConfigError(f"{option}: expected {minimum:g} to {maximum:.9g} seconds, got {text!r}")
    return number


def count(option: str, text: str) -> int:
    """Return a number from 1 to 1,000,000."""
    number = _natural(text)
    if not 1 <= number <= 1_000_000:
        raise ConfigError(f"{option}: expected a number from 1 to 1000000, got {text!r}")
    return number


def path(option: str, text: str) -> Path:
    """Return the path of a file or directory."""
    if not Path(text).name:  # an empty variable of a script, for example
        raise ConfigError(f"{option}: expected a path, got {text!r}")
    return Path(text)


def file(option: str, text: str) -> Path:
    """Return the path of a file that exists."""
    if not Path(text).is_file():
        raise ConfigError(f"{option}: expected a file that exists, got {text!r}")
    return Path(text)


def choice(option: str, text: str, choices: Sequence[str]) -> str:
    """Return *text* in lower case, which is one of *choices*."""
    if text.lower() not in choices:
        raise ConfigError(f"{option}: expected one of {', '.join(choices)}, got {text!r}")
    return text.lower()


def _natural(text: str) -> int:
    """Return a number of at most seven plain digits; -1 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 7 else -1
