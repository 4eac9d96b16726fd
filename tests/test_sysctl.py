"""Settings are borrowed and given back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ndpbr_py.errors import NdpbrError
from ndpbr_py.system.sysctl import OriginalSettings, wanted

FOUND = {
    "conf/all/proxy_ndp": "0",
    "conf/lan0/proxy_ndp": "0",
    "conf/wan0/proxy_ndp": "1",
    "neigh/lan0/proxy_delay": "80",
    "neigh/wan0/proxy_delay": "80",
    "conf/lan0/accept_untracked_na": "0",
    "conf/wan0/accept_untracked_na": "2",
}
WANTED = wanted(["wan0", "lan0"])


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Return a directory like /proc/sys/net/ipv6."""
    for path, value in FOUND.items():
        (tmp_path / "proc" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "proc" / path).write_text(f"{value}\n")
    return tmp_path / "proc"


def now(proc: Path) -> dict[str, str]:
    """Return every setting as it is."""
    return {path: (proc / path).read_text().strip() for path in FOUND if (proc / path).exists()}


def test_wanted_settings() -> None:
    """Answers are given for all and each interface, at once, and unasked advertisements are heeded."""
    assert {path: "0" if path.endswith("proxy_delay") else "1" for path in FOUND} == WANTED


def test_settings_are_set_and_given_back(proc: Path, tmp_path: Path) -> None:
    """What was found is put back at the end, and no file stays."""
    settings = OriginalSettings(tmp_path / "state", proc)

    changed = settings.borrow(WANTED)
    assert now(proc) == WANTED
    assert sorted(changed) == sorted((p, v, WANTED[p]) for p, v in FOUND.items() if v != WANTED[p])

    assert sorted(settings.restore()) == sorted((p, v) for p, v in FOUND.items() if v != WANTED[p])
    assert now(proc) == FOUND
    assert list((tmp_path / "state").iterdir()) == []


def test_later_run_gives_back_what_a_killed_one_found(proc: Path, tmp_path: Path) -> None:
    """After a crash the values that belong to the user are those from before the first run."""
    OriginalSettings(tmp_path / "state", proc).borrow(WANTED)
    assert OriginalSettings(tmp_path / "state", proc).waiting()

    later = OriginalSettings(tmp_path / "state", proc)
    assert later.borrow(WANTED) == []
    later.restore()

    assert now(proc) == FOUND


def test_state_is_saved_as_soon_as_it_can_be(proc: Path, tmp_path: Path) -> None:
    """A state directory that was full at the start, say, gets its file when the settings are looked at again."""
    (tmp_path / "state").write_text("in the way")
    settings = OriginalSettings(tmp_path / "state", proc)
    settings.borrow(WANTED)
    (tmp_path / "state").unlink()

    settings.borrow(WANTED)

    assert settings.unsaved is None
    assert json.loads((tmp_path / "state/settings.json").read_text())["found"] == FOUND


def test_file_is_there_before_the_first_change(proc: Path, tmp_path: Path) -> None:
    """When a setting cannot be set, the values found are remembered already, and the rest can be given back."""
    read_only = proc / "conf/lan0/proxy_ndp"
    read_only.unlink()
    read_only.symlink_to("/proc/sys/kernel/ostype")
    settings = OriginalSettings(tmp_path / "state", proc)

    with pytest.raises(NdpbrError) as error:
        settings.borrow(WANTED)

    assert str(error.value) == "net/ipv6/conf/lan0/proxy_ndp could not be set to 1: Permission denied"
    found = json.loads((tmp_path / "state/settings.json").read_text())["found"]
    assert found == {**FOUND, "conf/lan0/proxy_ndp": "Linux"}
    settings.restore()
    assert now(proc) == {**FOUND, "conf/lan0/proxy_ndp": "Linux"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kernel": "another", "found": {"conf/all/proxy_ndp": "7"}}', "{}"])
def test_file_of_another_kernel_says_nothing(text: str, proc: Path, tmp_path: Path) -> None:
    """A file from before a reboot, from another namespace, or torn, is not believed."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state/settings.json").write_text(text)

    settings = OriginalSettings(tmp_path / "state", proc)
    settings.borrow(WANTED)
    settings.restore()

    assert now(proc) == FOUND


def test_interface_that_went_away_needs_nothing_back(proc: Path, tmp_path: Path) -> None:
    """Settings that are gone with their interface are passed over."""
    settings = OriginalSettings(tmp_path / "state", proc)
    settings.borrow(WANTED)
    (proc / "conf/lan0/proxy_ndp").unlink()

    settings.restore()

    assert now(proc) == {path: value for path, value in FOUND.items() if path != "conf/lan0/proxy_ndp"}


def test_interface_that_came_later_is_borrowed_from_too(proc: Path, tmp_path: Path) -> None:
    """Borrowing again, for an interface that was not there before, keeps what was found of the others."""
    gone = proc / "conf/lan0/proxy_ndp"
    gone.unlink()
    settings = OriginalSettings(tmp_path / "state", proc)
    settings.borrow(WANTED)
    gone.write_text("0\n")

    assert settings.borrow(WANTED) == [("conf/lan0/proxy_ndp", "0", "1")]
    settings.restore()
    assert now(proc) == FOUND


def test_old_kernel_lacks_a_setting(proc: Path, tmp_path: Path) -> None:
    """Before Linux 5.19 there is no accept_untracked_na: the rest is borrowed all the same."""
    for dev in ("lan0", "wan0"):
        (proc / f"conf/{dev}/accept_untracked_na").unlink()

    OriginalSettings(tmp_path / "state", proc).borrow(WANTED)

    assert now(proc) == {path: value for path, value in WANTED.items() if "untracked" not in path}


def test_state_that_cannot_be_saved_is_told_and_survived(proc: Path, tmp_path: Path) -> None:
    """Without a place for its file ndpbr still borrows and gives back; that it is unsaved can be logged."""
    (tmp_path / "state").write_text("a file, not a directory")
    settings = OriginalSettings(tmp_path / "state", proc)

    settings.borrow(WANTED)
    assert settings.unsaved is not None
    settings.restore()

    assert now(proc) == FOUND
