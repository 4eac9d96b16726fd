"""Small files of state, written so that nobody reads half of one, and no link is followed."""

from __future__ import annotations

import os
from pathlib import Path


def read(path: Path, most: int = 1 << 20) -> str:
    """Return the text of *path*, cut to *most* characters; a byte that is no text is U+FFFD.

    Raises:
        OSError: It could not be read, or is a link.
    """
    # A pipe in the place of the file must not keep us waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        return file.read(most)


def write_atomically(path: Path, text: str) -> None:
    """Write *text* to *path*, whole or not at all; its directory is made (0755) if it is not there.

    Raises:
        OSError: It could not be written.
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
