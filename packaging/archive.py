"""Names and contents -> a reproducible archive: the same bytes on every machine, at any time.

usage: python3 packaging/archive.py FILE...    rewrites wheels and source distributions
"""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

EPOCH = 315532800  # 1980-01-01, the earliest time in a zip file


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip file of *files*, in their order.

    The versions of zlib differ in their output: only what is stored is the same on every machine.
    """
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            entry.create_system = 3  # Unix, so that permissions apply
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return output.getvalue()


def rezipped(wheel: bytes) -> bytes:
    """Return a compressed wheel whose files have a fixed time and fixed permissions."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()}, zipfile.ZIP_DEFLATED)


def retarred(tarball: bytes) -> bytes:
    """Return a sorted source distribution whose files have a fixed time, owner and permissions."""
    output = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tarball)) as old,
        gzip.GzipFile(filename="", mode="wb", fileobj=output, mtime=EPOCH) as packed,
        tarfile.open(fileobj=packed, mode="w") as new,
    ):
        for entry in sorted(old, key=lambda it: it.name):
            entry.mtime = EPOCH
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            entry.pax_headers = {}
            new.addfile(entry, old.extractfile(entry) if entry.isfile() else None)
    return output.getvalue()


def main(paths: list[str]) -> None:
    """Rewrite the files at *paths*."""
    for path in map(Path, paths):
        rewritten = retarred if path.suffix == ".gz" else rezipped
        path.write_bytes(rewritten(path.read_bytes()))


if __name__ == "__main__":
    main(sys.argv[1:])
