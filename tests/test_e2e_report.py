"""`ndpbr report`: one file for an issue, which replay reads, and which has no secret if that is wanted."""

from __future__ import annotations

import json
import re
import shutil
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, Home

DEVS = ("wan0", "lan0", "lan1")
KEYS = ("iproute2", "kernel", "python", "sh", "structlog", "distribution", "options", "doctor", "show", "log", "nft")
RULES = 'add table ip6 t; add chain ip6 t c; add rule ip6 t c ip6 saddr 2001:db8:64::11 accept comment "Anna\'s phone"'


@pytest.mark.parametrize("anonymize", [True, False])
def test_report(home: Home, daemon: Start, ndpbr: Run, tmp_path: Path, *, anonymize: bool) -> None:
    """The report has all parts, and its replay learns the host. --anonymize leaves no secret in any notation."""
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    home.router.run("nft", RULES)
    mac = home.lan.mac("eth0")
    (tmp_path / "names").write_text(f"{mac} annas-phone\n")
    named = ("--names", str(tmp_path / "names"))
    home.router.ip("link set lan1 alias Annas-cable")
    (tmp_path / "options").write_text("--static 2001:db8:64::53%lan0  # the printer\n")
    running = daemon(home.router, *named, f"@{tmp_path / 'options'}", *DEVS)
    home.lan.ip(f"address add {eui64(mac)}/64 dev eth0 nodad")
    for address in (LAN, eui64(mac)):
        claim(home.lan, address)
        running.wait_for("host-verified", address=address)
    file = tmp_path / "report"
    words = ("report", str(file), "--seconds", "1", "--state-dir", str(running.state), *named)
    ended = ndpbr(home.router, *words, *(["--anonymize"] if anonymize else []))
    text = file.read_text()
    replayed = ndpbr(home.router, "--log-format", "json", "replay", str(file))

    assert (ended.returncode, ended.stderr) == (
        0,
        f"recording for 1 s, or until Ctrl-C\n{file} is written; attach it to an issue at https://example.org/ndpbr/issues\n",
    )
    found = dict(re.findall(r"(?m)^# (\w+): (.*)$", text))
    assert [key for key in KEYS if key not in found] == []
    assert "host-learned" in text
    static = re.search(r"; from @FILE: --static (\S+)%lan0$", found["options"])
    assert static is not None
    assert (static[1] == "2001:db8:64::53") is not anonymize
    assert json.loads(found["show"])["hosts"][0]["dev"] == "lan0"
    assert "summary" not in found
    learned = [it for it in map(json.loads, replayed.stderr.splitlines()) if it["event"] == "host-learned"]
    assert sorted(it["reason"] for it in learned) == ["adopted"] * 3
    secrets = [*notations("2001:db8:64::11"), "2001:db8:64", *notations(eui64(mac)), *lladdrs(mac), "anna"]
    found_secrets = [it for it in secrets if it in text.lower()]
    assert found_secrets == [] if anonymize else found_secrets != []


def eui64(mac: str) -> str:
    """Return the address in the home's prefix that is made of a link-layer address."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(IPv6Address(IPv6Address("2001:db8:64::").packed[:8] + identifier))


def notations(address: str) -> list[str]:
    """Return the notations of an address, its solicited-node group among them."""
    it = IPv6Address(address)
    return [str(it), it.exploded, it.packed.hex(), f":1:ff{it.packed[-3]:02x}:{it.packed[-2:].hex().lstrip('0')}"]


def lladdrs(mac: str) -> list[str]:
    """Return the notations of a link-layer address, and its end."""
    return [mac, mac.replace(":", "-"), mac.replace(":", ""), mac.removeprefix("02:00:")]
