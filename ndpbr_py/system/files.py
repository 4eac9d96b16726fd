"""Small state files: never half written, and never read or written through a symbolic link."""

from __future__ import annotations

import os
from pathlib import Path


def read(path: Path, max_chars: int = 1 << 20) -> str:
    """Return the first *max_chars* characters of *path*; a byte that is not UTF-8 is read as U+FFFD.

    Raises:
        OSError: The file cannot be read, or is a symbolic link.
    """
    # O_NONBLOCK: opening a pipe in the place of the file must not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        return file.read(max_chars)


def write_atomically(path: Path, text: str) -> None:
    """Write *text* to *path*, completely or not at all; create its directory (0755) if it does not exist.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.replace(new, path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
