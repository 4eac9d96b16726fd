"""Words of the command line -> configuration, or one sentence that says what was wanted and what was got."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from ndpbr_py import config
from ndpbr_py.errors import ConfigError

NAME = (
    "an interface name of 1 to 15 letters, digits, `_`, `.` and `-` was wanted "
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
PROTOCOL = "a protocol number from 5 to 255 that no other program has was wanted, got "


@pytest.mark.parametrize("name", ["eth0", "br-lan", "wan0.7", "_", "if", "ifx", "all0", "x" * 15, "0", "..."])
def test_name_that_an_interface_can_have(name: str) -> None:
    """Letters, digits and three signs, 15 at the most."""
    assert config.interfaces([name, "wan0"]) == (name, "wan0")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_could_be_taken_for_something_else(name: str) -> None:
    """A name that ip(8), /proc/sys or the kernel would read as something else is refused."""
    with pytest.raises(ConfigError) as error:
        config.interfaces([name, "wan0"])

    assert str(error.value) == f"{NAME}{name!r}"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "two or more interfaces were wanted, got 0"),
        (["lan0"], "two or more interfaces were wanted, got 1"),
        (["lan0", "wan0", "lan0"], "each interface once was wanted, got 'lan0' more than once"),
        (["lan0", "lan0"], "each interface once was wanted, got 'lan0' more than once"),
    ],
)
def test_two_interfaces_at_least_and_each_once(names: list[str], sentence: str) -> None:
    """There is nothing to bridge between less than two."""
    with pytest.raises(ConfigError) as error:
        config.interfaces(names)

    assert str(error.value) == sentence


def test_prefix_is_an_ipv6_network() -> None:
    """A prefix is written as ip(8) does."""
    assert config.prefix("2001:db8:1::/64") == IPv6Network("2001:db8:1::/64")


@pytest.mark.parametrize("text", ["", "192.0.2.0/24", "2001:db8::1/64", "2001:db8::/129", "2001:db8::/64/64", "lan0"])
def test_what_is_no_prefix(text: str) -> None:
    """Everything else is refused, with an example."""
    with pytest.raises(ConfigError, match=r"^an IPv6 prefix such as 2001:db8:1::/64 was wanted, got "):
        config.prefix(text)


def test_prefix_without_its_length() -> None:
    """It would be one address, which nobody means."""
    with pytest.raises(ConfigError, match=r"^an IPv6 prefix with its length, .* was wanted, got '2001:db8:1::'$"):
        config.prefix("2001:db8:1::")


def test_path_has_a_name() -> None:
    """What an empty variable of a script leaves is refused before anything is written there."""
    assert config.path("--metrics-file", "/run/ndpbr.prom") == Path("/run/ndpbr.prom")
    for text in ("", ".", "/"):
        with pytest.raises(ConfigError, match=r"^a path for --metrics-file was wanted, got "):
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
    """A span of time is a number of seconds, a year at the most."""
    assert config.seconds("a time", text) == value


@pytest.mark.parametrize("text", ["0", "0.99", "-1", "nan", "inf", "31536001", "1h", ""])
def test_what_is_no_time(text: str) -> None:
    """No time, less than a second, or more than a year is refused."""
    with pytest.raises(ConfigError) as error:
        config.seconds("a time", text)

    assert str(error.value) == f"a time of 1 to 31536000 seconds was wanted, got {text!r}"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "1000001", "9" * 5000, "٣"])
def test_what_is_no_count(text: str) -> None:
    """A number of things is one at least, in plain digits."""
    with pytest.raises(ConfigError, match=r"^hosts of 1 to 1000000 was wanted, got "):
        config.count("hosts", text)


def test_count_and_choice() -> None:
    """A number of things, and a word of a list in whatever case."""
    assert config.count("hosts", "4096") == 4096
    assert config.choice("a log level", "INFO", config.LOG_LEVELS) == "info"


def test_word_that_is_no_choice() -> None:
    """The words that can be chosen are named."""
    with pytest.raises(ConfigError) as error:
        config.choice("a log format", "xml", config.LOG_FORMATS)

    assert str(error.value) == "a log format was wanted, one of auto, console, logfmt, json, got 'xml'"


@pytest.mark.parametrize("function", [config.prefix, config.protocol])
def test_complaint_is_one_line(function: Callable[[str], object]) -> None:
    """What was got is quoted: it cannot make a second line."""
    with pytest.raises(ConfigError) as error:
        function("x\ny\x1b[2J")

    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["2001:db8::11"], "a listed interface (wan0, lan0) was wanted after `%`, got --static '2001:db8::11'"),
        (["2001:db8::11%lan1"], "a listed interface (wan0, lan0) was wanted after `%`, got --static "),
        (["2001:db8::11%lan0%lan0"], "a listed interface (wan0, lan0) was wanted after `%`, got --static "),
        (["192.0.2.1%lan0"], "a global address with its interface, ADDR%IFACE, was wanted for --static, got "),
        (["fe80::11%lan0"], "a global address with its interface, "),
        (["ff02::1%lan0"], "a global address with its interface, "),
        (["2001:db8::/64%lan0"], "a global address with its interface, "),
        (["2001:db8::11\n%lan0"], "a global address with its interface, "),
        (["%lan0"], "a global address with its interface, "),
        (["2001:db8::11%lan0", "2001:DB8:0::11%wan0"], "one interface for --static 2001:db8::11 was wanted, got "),
    ],
)
def test_static_that_makes_no_sense(words: list[str], sentence: str) -> None:
    """What is no host's address on one listed interface is refused."""
    with pytest.raises(ConfigError) as error:
        config.statics(words, ("wan0", "lan0"))

    assert str(error.value).startswith(sentence)


def test_static_hosts() -> None:
    """An address, however it is written, is one host on one interface; saying so twice does no harm."""
    words = ["2001:db8::11%lan0", "2001:DB8:0::11%lan0", "fd00::1%wan0"]

    assert config.statics(words, ("wan0", "lan0")) == {
        IPv6Address("2001:db8::11"): "lan0",
        IPv6Address("fd00::1"): "wan0",
    }
