"""The lab's own ways, where they are not plain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import Host, LabError
from tests.scripts import script


def test_flush_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that goes between the dump and the delete ends `ip neigh flush` with 255, before the others are gone."""
    script(tmp_path, f"cd {tmp_path}", "[ -e once ] && exec touch twice", "touch once", "exit 255")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    Host("router").ip("-6 neigh flush dev lan0")
    assert (tmp_path / "twice").exists()


@pytest.mark.parametrize("words", ["-6 neigh flush dev lan0", "-6 route show"])
def test_command_that_fails_for_good_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """A flush that fails again and again, too."""
    script(tmp_path, "echo no such thing >&2", "exit 255")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(LabError, match="no such thing"):
        Host("router").ip(words)
