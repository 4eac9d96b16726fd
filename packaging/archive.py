"""Names and contents -> an archive that is the same, byte for byte, whoever makes it, where and when.

usage: python3 packaging/archive.py FILE...    rewrites wheels and source distributions so
"""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

EPOCH = 315532800  # 1980-01-01: a zip file knows no earlier time


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip file of *files*, in their order; nothing is compressed, since zlib's versions differ in how."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3  # Unix: permissions follow
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return whole.getvalue()


def rezipped(wheel: bytes) -> bytes:
    """Return a wheel with all files' time and permissions set."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()})


def retarred(tarball: bytes) -> bytes:
    """Return a source distribution in order, with all files' time, owner and permissions set."""
    whole = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tarball)) as old,
        gzip.GzipFile(filename="", mode="wb", fileobj=whole, mtime=EPOCH) as packed,
        tarfile.open(fileobj=packed, mode="w") as new,
    ):
        for entry in sorted(old, key=lambda it: it.name):
            entry.mtime = EPOCH
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            entry.pax_headers = {}
            new.addfile(entry, old.extractfile(entry) if entry.isfile() else None)
    return whole.getvalue()


def main(paths: list[str]) -> None:
    """Rewrite the files at *paths*."""
    for path in map(Path, paths):
        again = retarred if path.suffix == ".gz" else rezipped
        path.write_bytes(again(path.read_bytes()))


if __name__ == "__main__":
    main(sys.argv[1:])
