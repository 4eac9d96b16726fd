"""README's picture: a screen with escape sequences -> SVG; and the whole script, in a real terminal."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import picture
from tests.home import LAN, LAN2
from tests.lab import can_lay

TEXT = "{http://www.w3.org/2000/svg}text"


def texts(svg: str) -> list[ET.Element]:
    """Return the texts of a picture."""
    return list(ET.fromstring(svg).iter(TEXT))


def test_colors_and_columns_are_kept() -> None:
    """A color ends where the terminal ends it, and each text is at its column."""
    plain, red, rest = texts(picture.svg(["a <b>  \x1b[1;31mred\x1b[0m end", ""]))

    assert (plain.text, red.text, rest.text) == ("a <b>", "red", "end")
    assert (red.get("fill"), red.get("font-weight")) == ("#ff7b72", "bold")
    assert (rest.get("fill"), rest.get("font-weight")) == (None, None)
    assert [float(it.attrib["x"]) for it in (plain, red, rest)] == pytest.approx(
        [14, 14 + 7 * 8.4, 14 + 11 * 8.4], 0.01
    )


@pytest.mark.namespaces
def test_picture_shows_the_hosts(tmp_path: Path) -> None:
    """The script writes a picture of the running program, with every host."""
    if reason := can_lay() or (None if shutil.which("tmux") else "tmux is not installed"):
        pytest.skip(reason)
    output = tmp_path / "watch.svg"

    assert picture.main(str(output)) == 0
    shown = " ".join(str(it.text) for it in texts(output.read_text()))
    addresses = [LAN, LAN2, *(address for group in picture.ADDRESSES.values() for address in group)]
    assert [it for it in addresses if not re.search(rf"(^| ){it}( |$)", shown)] == []
