"""Text of an option -> its value, or a sentence with the option, what was expected and what was received."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from ndpbr_py import config
from ndpbr_py.config import LogConfig, RunConfig
from ndpbr_py.errors import ConfigError
from ndpbr_py.options import parser

NAME = (
    "IFACE: expected an interface name of 1 to 15 letters, digits, `_`, `.` and `-` "
    "(not `.`, `..`, `all`, `default`, `lo` or `ifN`), got "
)
BAD_NAMES = (
    "",
    ".",
    "..",
    "all",
    "default",
    "if7",
    "-lan0",
    "lan 0",
    "lan0\n",
    "lan/0",
    "lan#0",
    "lan:0",
    "x" * 16,
    "länä",
)
PROTOCOL = "--protocol: expected a number from 5 to 255 that no other program uses, got "


@pytest.mark.parametrize("name", ["eth0", "br-lan", "wan0.7", "_", "if", "ifx", "all0", "x" * 15, "0", "..."])
def test_name_that_an_interface_can_have(name: str) -> None:
    """At most 15 letters, digits and three other characters."""
    assert config.interface(name) == name


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_could_be_taken_for_something_else(name: str) -> None:
    """A name that ip(8), /proc/sys or the kernel would read as something else is refused."""
    with pytest.raises(ConfigError) as error:
        config.interface(name)

    assert str(error.value) == f"{NAME}{name!r}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lan0", "--interfaces needs at least two interfaces, for example: --interfaces wan0,lan0"),
        ("lan0,wan0,lan0", "IFACE: expected each interface once, got 'lan0' more than once"),
        ("lan0,lan0", "IFACE: expected each interface once, got 'lan0' more than once"),
        ("", f"{NAME}''"),
    ],
)
def test_two_interfaces_at_least_and_each_once(text: str, sentence: str) -> None:
    """There is nothing to bridge with one interface."""
    with pytest.raises(ConfigError) as error:
        config.interface_list(text)

    assert str(error.value) == sentence


def test_every_option_of_run_reaches_the_configuration() -> None:
    """Each field of RunConfig is the option of the same name, and its default is the option's."""
    words = "--pidfile /p run lan0 wan0 --check --dry-run --prefix fd00::/64 --static fd00::1%lan0 --protocol 77"
    words += " --expire-interval 5 --resync-interval 6 --refresh 7 --max-hosts 8 --max-hosts-per-lladdr 9"
    words += " --state-dir /s --metrics-file /m --no-discover --hosts-file /h --no-listen --keep"

    second = ["run", "lan0", "wan0", "--answer-as-target", "wan0", "--answer-as-target", "lan0"]

    assert config.run_config(parser().parse_args(second)).answer_as_target == {"wan0", "lan0"}
    assert config.run_config(parser().parse_args(["run", "lan0", "wan0"])) == RunConfig(("lan0", "wan0"))
    assert config.run_config(parser().parse_args(words.split())) == RunConfig(
        interfaces=("lan0", "wan0"),
        prefixes=frozenset({IPv6Network("fd00::/64")}),
        protocol=77,
        expire_interval_s=5.0,
        resync_interval_s=6.0,
        refresh_s=7.0,
        max_hosts=8,
        max_hosts_per_lladdr=9,
        state_dir=Path("/s"),
        pidfile=Path("/p"),
        dry_run=True,
        keep=True,
        metrics_file=Path("/m"),
        statics={IPv6Address("fd00::1"): "lan0"},
        discover=False,
        hosts_file=Path("/h"),
        listen=False,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--answer-as-target eth9", "--answer-as-target: expected a listed interface (lan0, wan0), got 'eth9'"),
        ("--answer-as-target wan0 --no-listen", "--answer-as-target requires that solicitations are received: "),
    ],
)
def test_answer_as_target_that_makes_no_sense(words: str, sentence: str) -> None:
    """The option applies only to solicitations that are received on a listed interface."""
    with pytest.raises(ConfigError) as error:
        config.run_config(parser().parse_args(["run", "lan0", "wan0", *words.split()]))

    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize("number", ["127", "65536", "-1", "many"])
def test_syslog_line_has_room_for_an_event(number: str) -> None:
    """A shorter line would lose the event's name."""
    with pytest.raises(ConfigError, match=r"^--syslog-bytes: expected a number of bytes from 128 to 65535, got "):
        config.line_bytes("--syslog-bytes", number)


def test_verbose_is_the_lowest_level() -> None:
    """`-v` logs every command, whatever --log-level says."""
    assert config.log_config(parser().parse_args(["kill"])) == LogConfig("auto", "info", syslog=False)
    assert config.log_config(parser().parse_args(["--syslog-bytes", "200", "kill"])).syslog_bytes == 200
    words = ["-v", "--log-level", "error", "-l", "--log-format", "JSON", "--color", "never", "kill"]
    assert config.log_config(parser().parse_args(words)) == LogConfig("json", "debug", syslog=True, color="never")


def test_prefix_is_an_ipv6_network() -> None:
    """A prefix is written as ip(8) does."""
    assert config.prefix("2001:db8:1::/64") == IPv6Network("2001:db8:1::/64")


@pytest.mark.parametrize(
    "text", ["", "192.0.2.0/24", "2001:db8::1/64", "2001:db8::/129", "2001:db8::/64/64", "lan0", "2001:db8:1::"]
)
def test_what_is_no_prefix(text: str) -> None:
    """Anything else is refused, with an example."""
    with pytest.raises(ConfigError, match=r"^--prefix: expected an IPv6 prefix such as 2001:db8:1::/64, got "):
        config.prefix(text)


def test_path_has_a_name() -> None:
    """An empty path, as from an empty variable of a script, is refused."""
    assert config.path("--metrics-file", "/run/ndpbr.prom") == Path("/run/ndpbr.prom")
    for text in ("", ".", "/"):
        with pytest.raises(ConfigError, match=r"^--metrics-file: expected a path, got "):
            config.path("--metrics-file", text)


@pytest.mark.parametrize("number", [5, 135, 185, 255])
def test_protocol_number_that_is_free(number: int) -> None:
    """Any number that no program is known to use tags our entries."""
    assert config.protocol(str(number)) == number


@pytest.mark.parametrize(
    "text", ["0", "2", "3", "4", "11", "16", "42", "186", "189", "192", "256", "-5", "kernel", "", "١٣٥"]
)
def test_protocol_number_of_another_program(text: str) -> None:
    """The kernel's, bird's or zebra's number would have us remove their entries."""
    with pytest.raises(ConfigError) as error:
        config.protocol(text)

    assert str(error.value) == f"{PROTOCOL}{text!r}"


@pytest.mark.parametrize(("text", "value"), [("3600", 3600.0), ("1", 1.0), ("0.5e1", 5.0), ("31536000", 31_536_000.0)])
def test_time_in_seconds(text: str, value: float) -> None:
    """A time is a number of seconds, at most a year."""
    assert config.seconds("--time", text) == value


@pytest.mark.parametrize("text", ["0", "0.99", "-1", "nan", "inf", "31536001", "1h", ""])
def test_what_is_no_time(text: str) -> None:
    """No time, less than a second, or more than a year is refused."""
    with pytest.raises(ConfigError) as error:
        config.seconds("--time", text)

    assert str(error.value) == f"--time: expected 1 to 31536000 seconds, got {text!r}"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "1000001", "9" * 5000, "٣"])
def test_what_is_no_count(text: str) -> None:
    """A number of things is at least one, in plain digits."""
    with pytest.raises(ConfigError, match=r"^--hosts: expected a number from 1 to 1000000, got "):
        config.count("--hosts", text)


def test_count_and_choice() -> None:
    """A number of things, and a word of a list in upper or lower case."""
    assert config.count("--hosts", "4096") == 4096
    assert config.choice("--log-level", "INFO", config.LOG_LEVELS) == "info"


def test_word_that_is_no_choice() -> None:
    """The accepted words are named."""
    with pytest.raises(ConfigError) as error:
        config.choice("--log-format", "xml", config.LOG_FORMATS)

    assert str(error.value) == "--log-format: expected one of auto, console, logfmt, json, got 'xml'"


@pytest.mark.parametrize("function", [config.prefix, config.protocol])
def test_complaint_is_one_line(function: Callable[[str], object]) -> None:
    """The argument is quoted in the error, so it cannot start a second line."""
    with pytest.raises(ConfigError) as error:
        function("x\ny\x1b[2J")

    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["2001:db8::11"], "--static: expected a listed interface (wan0, lan0) for 2001:db8::11, got ''"),
        (["2001:db8::11%lan1"], "--static: expected a listed interface (wan0, lan0) for 2001:db8::11, got "),
        (["2001:db8::11%lan0%lan0"], "--static: expected a listed interface (wan0, lan0) for 2001:db8::11, got "),
        (
            ["192.0.2.1%lan0"],
            "--static: expected a global address or prefix and its interface, ",
        ),
        (["fe80::11%lan0"], "--static: expected a global address or prefix and its interface, "),
        (["ff02::1%lan0"], "--static: expected a global address or prefix and its interface, "),
        (["2001:db8::/64"], "--static: expected a listed interface (wan0, lan0) for 2001:db8::/64, got ''"),
        (["2001:db8::1/64%lan0"], "--static: expected a global address or prefix and its interface, "),
        (["fe80::/64%lan0"], "--static: expected a global address or prefix and its interface, "),
        (["2001:db8::11\n%lan0"], "--static: expected a global address or prefix and its interface, "),
        (["%lan0"], "--static: expected a global address or prefix and its interface, "),
        (["2001:db8::11%lan0", "2001:DB8:0::11%wan0"], "--static: expected one interface for 2001:db8::11, got "),
    ],
)
def test_static_that_makes_no_sense(words: list[str], sentence: str) -> None:
    """Only a host's address on one listed interface is accepted."""
    with pytest.raises(ConfigError) as error:
        config.static_hosts(map(config.static_host, words), ("wan0", "lan0"))

    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["lan1"], "--upstream: expected a listed interface (wan0, lan0), got 'lan1'"),
        (["wan0", "lan0"], "--upstream: expected at least one listed interface on which hosts are learned, got all"),
    ],
)
def test_upstream_that_makes_no_sense(names: list[str], sentence: str) -> None:
    """An interface that is not listed, or a daemon that could learn no host at all, is a mistake."""
    with pytest.raises(ConfigError) as error:
        config.upstreams(names, ("wan0", "lan0"))

    assert str(error.value) == sentence


def test_static_hosts() -> None:
    """An address, however it is written, is one host on one interface; it may be repeated."""
    words = ["2001:db8::11%lan0", "2001:DB8:0::11%lan0", "fd00::1%wan0"]

    assert config.static_hosts(map(config.static_host, words), ("wan0", "lan0")) == {
        IPv6Address("2001:db8::11"): "lan0",
        IPv6Address("fd00::1"): "wan0",
    }
