"""Files are written completely or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ndpbr_py.system.files import write_atomically


def test_file_is_written_with_its_directory(tmp_path: Path) -> None:
    """The directory is created, and holds the whole text and no other file."""
    path = tmp_path / "run" / "ndpbr" / "state"

    write_atomically(path, "one\n")
    write_atomically(path, "two\n")

    assert path.read_text() == "two\n"
    assert list(path.parent.iterdir()) == [path]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o644, 0o755)


def test_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A link in the place of the file is replaced; its target is not written."""
    victim, path = tmp_path / "victim", tmp_path / "state"
    victim.write_text("untouched")
    path.symlink_to(victim)

    write_atomically(path, "ours")

    assert (victim.read_text(), path.read_text(), path.is_symlink()) == ("untouched", "ours", False)


def test_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """A directory in the place of the file is an OSError, and no temporary file is left."""
    (tmp_path / "state").mkdir()

    with pytest.raises(OSError, match="state"):
        write_atomically(tmp_path / "state", "text")

    assert [path.name for path in tmp_path.iterdir()] == ["state"]
