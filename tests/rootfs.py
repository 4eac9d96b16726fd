"""A directory -> a root file system like a small router's: busybox, iproute2's ip, Python; and commands in it.

It has no bash, coreutils or iputils, and its Python has no packages.  All files are copied from this machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN = "/usr/bin/python3"
# Applets that a router with iproute2 and OpenRC does not use.
_NOT_BUSYBOX = {"busybox", "ip", "init", "start-stop-daemon", "halt", "poweroff", "reboot"}
_NOT_PYTHON = shutil.ignore_patterns(
    "test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip", "config-*", "site-packages"
)
_FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin", "etc", "proc", "dev", "run", "root", "var/log", "var/lib")
# $1 is the root.  The mounts end with the mount namespace of `ip netns exec`.  Do not use busybox's env or shell:
# Debian's run an applet for any command they know, such as ip.
_ENTER = f"""for it in proc dev; do mount --rbind "/$it" "$1/$it" || exit 125; done
exec env -i PATH={PATH} HOME=/root TERM=dumb chroot "$@\""""


def cannot_build() -> str | None:
    """Return which tool is missing here to build it, or None."""
    for tool in ("busybox", "ip", "chroot"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    return None


def build(root: Path, python: str | None = None) -> None:
    """Create *root*, with *python* (default: Debian's, if installed) as its python3."""
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True)
    (root / "tmp").mkdir(mode=0o1777)
    (root / "var/run").symlink_to("../run")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    _busybox(root)
    copy(root, _found("ip"), as_path="/sbin/ip")
    _python(root, python or (DEBIAN if _is_new_enough(DEBIAN) else sys.executable))


def enter(root: Path) -> tuple[str, ...]:
    """Return the words that a host's run() and spawn() need before a command to run it in *root*."""
    return ("/bin/sh", "-c", _ENTER, "sh", str(root))


def copy(root: Path, *programs: str, as_path: str | None = None) -> None:
    """Copy programs with their libraries to the same paths in *root*, or a single one to *as_path*.

    The first program may be followed by libraries that it loads itself.
    """
    loader = _loader(programs[0])
    for program in programs:
        _file(program, root, as_path)
        # Not ldd: Debian's knows no program that was built for musl.
        words = ["true"] if loader is None else [loader, "--list", program]
        # musl's lists all and fails, if it misses what the Python program itself has for its extensions.
        listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            _file(library, root)


def _loader(program: str) -> str | None:
    """Return the dynamic loader that *program* names at its beginning, glibc's or musl's; None for a static program."""
    found = re.search(rb"\0(/lib[^\0]*/ld[^\0]*)\0", Path(program).read_bytes()[:4096])
    return found and found[1].decode()


def _busybox(root: Path) -> None:
    copy(root, _found("busybox"), as_path="/bin/busybox")
    applets = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in set(applets) - _NOT_BUSYBOX:
        (root / "bin" / applet).symlink_to("/bin/busybox")
    (root / "usr/bin/env").symlink_to("/bin/busybox")  # where scripts expect it


def _python(root: Path, python: str) -> None:
    say = "import sys, sysconfig as s; print(getattr(sys, '_base_executable', sys.executable), s.get_path('stdlib'))"
    output = subprocess.run([python, "-I", "-c", say], capture_output=True, text=True, check=True).stdout
    program, library = output.split()
    program = str(Path(program).resolve())
    shutil.copytree(library, f"{root}{library}", ignore=_NOT_PYTHON, ignore_dangling_symlinks=True)
    extensions = map(str, Path(library).glob("lib-dynload/*.so"))
    copy(root, program, *extensions)
    (root / "usr/bin/python3").symlink_to(program)


def _file(path: str, root: Path, as_path: str | None = None) -> None:
    target = Path(f"{root}{as_path or path}")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _found(tool: str) -> str:
    path = shutil.which(tool)
    assert path is not None, tool
    return path


def _is_new_enough(python: str) -> bool:
    words = (python, "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))")
    return shutil.which(python) is not None and subprocess.run(words, check=False).returncode == 0
