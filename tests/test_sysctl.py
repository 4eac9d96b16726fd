"""Kernel settings are changed, and the original values are restored."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.config import is_interface_name
from ndpbr_py.errors import NdpbrError
from ndpbr_py.system.lock import SETTINGS
from ndpbr_py.system.sysctl import SettingChange, SysctlOverrides, required

FOUND = {
    "conf/all/proxy_ndp": "0",
    "conf/lan0/proxy_ndp": "0",
    "conf/wan0/proxy_ndp": "1",
    "neigh/lan0/proxy_delay": "80",
    "neigh/wan0/proxy_delay": "80",
    "conf/lan0/accept_untracked_na": "0",
    "conf/wan0/accept_untracked_na": "2",
}
DEVS = ("wan0", "lan0")
REQUIRED = required(DEVS)
ALL = "conf/all/proxy_ndp"


class Kernel:
    """Interfaces with their settings, in files like those below /proc/sys/net/ipv6."""

    def __init__(self, folder: Path, found: dict[str, str]) -> None:
        self.proc_sys = folder / "proc"
        self.state = folder / "state"
        self.names = {1: "lo", 2: "wan0", 3: "lan0"}
        for path, value in found.items():
            self.set(path, value)
        lock = self.proc_sys / SETTINGS
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()

    def overrides(self, protocol: int = 135) -> SysctlOverrides:
        """Return the overrides of an instance that starts now."""
        return SysctlOverrides(self.state, protocol, self.proc_sys, lambda: list(self.names.items()))

    def killed_run(self, devs: Iterable[str], protocol: int = 135) -> None:
        """Run an instance that changes the settings and is killed."""
        if (pid := os.fork()) == 0:
            try:
                self.overrides(protocol).apply(devs)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)

    def set(self, path: str, value: str) -> None:
        """Set a setting."""
        (self.proc_sys / path).parent.mkdir(parents=True, exist_ok=True)
        (self.proc_sys / path).write_text(f"{value}\n")

    def settings(self) -> dict[str, str]:
        """Return every setting."""
        files = [path for path in self.proc_sys.glob("*/*/*") if path.is_file() and path != self.proc_sys / SETTINGS]
        return {str(path.relative_to(self.proc_sys)): path.read_text().strip() for path in files}

    def rename(self, old: str, new: str) -> None:
        """Rename an interface: its settings get another path, and keep their values."""
        self.names = {index: new if name == old else name for index, name in self.names.items()}
        for table in ("conf", "neigh"):
            (self.proc_sys / table / old).rename(self.proc_sys / table / new)

    def files(self) -> list[str]:
        """Return the names of the files in the state directory."""
        return sorted(path.name for path in self.state.iterdir())


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """Return a kernel with the values of FOUND."""
    return Kernel(tmp_path, FOUND)


def test_required_settings() -> None:
    """The kernel answers for `all` and each interface, without a delay, and accepts unsolicited advertisements."""
    assert {path: "0" if path.endswith("proxy_delay") else "1" for path in FOUND} == REQUIRED


def test_settings_are_applied_and_restored(kernel: Kernel) -> None:
    """At the end every setting has its original value, and no file is left."""
    overrides = kernel.overrides()

    changes = overrides.apply(DEVS)
    assert kernel.settings() == REQUIRED
    assert sorted((c.path, c.old_value, c.value) for c in changes) == sorted(
        (path, value, REQUIRED[path]) for path, value in FOUND.items() if value != REQUIRED[path]
    )

    restored = overrides.restore()
    assert sorted((c.path, c.old_value, c.value) for c in restored) == sorted(
        (c.path, c.value, c.old_value) for c in changes
    )
    assert kernel.settings() == FOUND
    assert kernel.files() == []


@pytest.mark.parametrize("starts", [True, False], ids=["the next run", "flush"])
def test_settings_of_a_killed_run_are_restored(kernel: Kernel, starts: bool) -> None:
    """After a crash the user's values are those from before the first run."""
    kernel.killed_run(DEVS)
    assert kernel.overrides().pending()

    later = kernel.overrides()
    if starts:
        assert later.apply(DEVS) == []
    later.restore()

    assert kernel.settings() == FOUND
    assert not kernel.overrides().pending()


@pytest.mark.parametrize("first", [135, 136])
def test_last_instance_restores_what_all_need(kernel: Kernel, first: int) -> None:
    """Of two instances, whichever stops first leaves conf/all to the other, which restores the original value."""
    kernel.names[4] = "lan1"
    kernel.set("conf/lan1/proxy_ndp", "0")
    kernel.set("conf/wan1/proxy_ndp", "0")
    before = kernel.settings()
    instances = {135: kernel.overrides(135), 136: kernel.overrides(136)}
    instances[135].apply(DEVS)
    instances[136].apply(["lan1"])
    assert kernel.files() == ["settings-135.json", "settings-136.json"]
    instances.pop(first).restore()
    between = kernel.settings()
    (last,) = instances.values()
    last.apply(())
    last.restore()

    assert {path for path, value in between.items() if value != before[path]} >= {ALL}
    assert between[ALL] == "1"
    assert kernel.settings() == before
    assert kernel.files() == []


def test_value_that_the_other_instance_does_not_know_stays_in_the_file(kernel: Kernel) -> None:
    """An instance whose first run crashed before the other started is the only one that knows the original value."""
    kernel.killed_run(DEVS)
    other = kernel.overrides(136)
    other.apply(())
    again = kernel.overrides(135)
    again.apply(DEVS)
    again.restore()
    other.restore()
    between = kernel.settings()
    kernel.overrides(135).restore()

    assert between == {**FOUND, ALL: "1"}
    assert kernel.settings() == FOUND


def test_other_instance_learns_the_original_value_from_a_restarted_one(kernel: Kernel) -> None:
    """An instance that started after the other had crashed takes over the original value that the other knows."""
    kernel.killed_run(DEVS)
    other = kernel.overrides(136)
    other.apply(())
    again = kernel.overrides(135)
    again.apply(DEVS)
    other.apply(())
    again.restore()
    between = kernel.settings()
    other.restore()

    assert between == {**FOUND, ALL: "1"}
    assert kernel.settings() == FOUND
    assert kernel.files() == []


def test_file_is_written_as_soon_as_possible(kernel: Kernel) -> None:
    """If the state directory was full at the start, the file is written when the settings are applied again."""
    kernel.state.write_text("in the way")
    overrides = kernel.overrides()
    overrides.apply(DEVS)
    save_error = overrides.save_error
    kernel.state.unlink()
    overrides.apply(DEVS)

    assert save_error == f"{kernel.state}/settings-135.json: {os.strerror(errno.EEXIST)}"
    assert overrides.save_error is None
    assert kernel.files() == ["settings-135.json"]


def test_settings_are_restored_without_a_file(kernel: Kernel) -> None:
    """Where the file cannot be written, the run itself still restores the settings."""
    kernel.state.write_text("in the way")
    overrides = kernel.overrides()
    overrides.apply(DEVS)
    overrides.restore()

    assert kernel.settings() == FOUND


def test_file_is_written_before_the_first_change(kernel: Kernel) -> None:
    """When one setting cannot be changed, the original values are in the file already, and the rest can be restored."""
    read_only = kernel.proc_sys / "conf/lan0/proxy_ndp"
    read_only.unlink()
    read_only.symlink_to("/proc/sys/net/ipv6/../../kernel/random/entropy_avail")
    overrides = kernel.overrides()

    with pytest.raises(NdpbrError) as error:
        overrides.apply(DEVS)

    assert str(error.value) == f"cannot set net/ipv6/conf/lan0/proxy_ndp to 1: {os.strerror(errno.EACCES)}"
    original = json.loads((kernel.state / "settings-135.json").read_text())["original"]
    assert original["0"] == {"conf/{}/proxy_ndp": "0"}
    assert original["3"]["neigh/{}/proxy_delay"] == "80"
    overrides.restore()
    read_only.unlink()
    assert kernel.settings() == {path: value for path, value in FOUND.items() if path != "conf/lan0/proxy_ndp"}


def _no_change(content: dict[str, object]) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "believed"),
    [
        (_no_change, True),
        (lambda content: content.update(version=2), False),
        (lambda content: content.update(kernel="another boot"), False),
        (lambda content: content.update(original=["0"]), False),
        (lambda content: content.update(original={"0": "0"}), False),
        (lambda content: content.update(original={"0": {"conf/{}/proxy_ndp": "0\n1"}}), False),
        (lambda content: content.update(original={"-1": {"conf/{}/proxy_ndp": "0"}}), False),
        (lambda content: content.update(original={"0": {"conf/{}/forwarding": "0"}}), False),
    ],
)
def test_only_a_valid_file_is_used(kernel: Kernel, change: Callable[[dict[str, object]], None], believed: bool) -> None:
    """A file of another boot, namespace or version is ignored, and whatever is not one of ndpbr's settings."""
    kernel.killed_run(DEVS)
    file = kernel.state / "settings-135.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))

    assert kernel.overrides().pending() is believed
    kernel.overrides().restore()
    assert kernel.settings() == (FOUND if believed else REQUIRED)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_damaged_file_is_ignored(kernel: Kernel, text: str) -> None:
    """A file that holds no JSON object of ndpbr's is replaced."""
    kernel.state.mkdir()
    (kernel.state / "settings-135.json").write_text(text)
    overrides = kernel.overrides()
    overrides.apply(DEVS)
    overrides.restore()

    assert kernel.settings() == FOUND


@given(name=st.from_regex(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}", fullmatch=True).filter(is_interface_name))
def test_every_name_that_may_be_listed_is_restored(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever interface may be listed, a later run restores its settings from the file."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel"), {f"conf/{name}/proxy_ndp": "0", ALL: "0"})
    kernel.names = {1: "lo", 2: name}
    before = kernel.settings()
    kernel.killed_run([name])
    changed = kernel.settings()
    kernel.overrides().restore()

    assert set(changed.values()) == {"1"}
    assert kernel.settings() == before


def test_hidden_name_is_restored(kernel: Kernel) -> None:
    """An interface whose name begins with a dot is like any other."""
    kernel.rename("lan0", ".lan")
    before = kernel.settings()
    kernel.killed_run([".lan", "wan0"])
    kernel.overrides().restore()

    assert kernel.settings() == before


@pytest.mark.parametrize("alive", [True, False], ids=["the run itself", "a later run"])
def test_renamed_interface_is_restored_under_its_new_name(kernel: Kernel, alive: bool) -> None:
    """A rename changes the path of a setting, not which value is restored; another interface may have the old name."""
    overrides = kernel.overrides()
    if alive:
        overrides.apply(DEVS)
    else:
        kernel.killed_run(DEVS)
    kernel.rename("lan0", "old0")
    kernel.names[9] = "lan0"
    kernel.set("conf/lan0/proxy_ndp", "0")
    if alive:
        overrides.apply(DEVS)
    overrides.restore()

    renamed = {path.replace("/lan0/", "/old0/"): value for path, value in FOUND.items()}
    assert kernel.settings() == {**renamed, "conf/lan0/proxy_ndp": "0"}
    assert kernel.files() == []


def test_interface_that_was_removed_needs_nothing(kernel: Kernel) -> None:
    """Settings that went with their interface are not restored."""
    overrides = kernel.overrides()
    overrides.apply(DEVS)
    del kernel.names[3]
    for path in ("conf/lan0/proxy_ndp", "neigh/lan0/proxy_delay", "conf/lan0/accept_untracked_na"):
        (kernel.proc_sys / path).unlink()
    overrides.restore()

    assert kernel.settings() == {path: value for path, value in FOUND.items() if "lan0" not in path}
    assert kernel.files() == []


def test_interface_that_was_made_anew_has_values_of_its_own(kernel: Kernel) -> None:
    """An interface that was removed and created again is set again; the original values of the new one are restored."""
    overrides = kernel.overrides()
    overrides.apply(DEVS)
    del kernel.names[3]
    kernel.names[7] = "lan0"
    kernel.set("conf/lan0/proxy_ndp", "0")
    kernel.set("neigh/lan0/proxy_delay", "33")

    assert overrides.apply(["lan0"]) == [
        SettingChange("conf/lan0/proxy_ndp", "0", "1"),
        SettingChange("neigh/lan0/proxy_delay", "33", "0"),
    ]
    overrides.restore()
    assert kernel.settings()["neigh/lan0/proxy_delay"] == "33"


def test_interface_that_comes_later_is_set_and_restored(kernel: Kernel) -> None:
    """Settings that are applied again, for an interface that did not exist before, are restored with the others."""
    del kernel.names[3]
    overrides = kernel.overrides()
    overrides.apply(DEVS)
    kernel.names[3] = "lan0"

    assert overrides.apply(DEVS) == [
        SettingChange(path, FOUND[path], REQUIRED[path])
        for path in ("conf/lan0/proxy_ndp", "neigh/lan0/proxy_delay", "conf/lan0/accept_untracked_na")
    ]
    overrides.restore()
    assert kernel.settings() == FOUND


def test_old_kernel_lacks_a_setting(kernel: Kernel) -> None:
    """Before Linux 5.19 there is no accept_untracked_na: the other settings are changed nevertheless."""
    for dev in DEVS:
        (kernel.proc_sys / f"conf/{dev}/accept_untracked_na").unlink()
    kernel.overrides().apply(DEVS)

    assert kernel.settings() == {path: value for path, value in REQUIRED.items() if "untracked" not in path}
