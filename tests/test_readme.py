"""README.md and docs/ are true as far as a test can see: links, files, commands, options, the install path."""

from __future__ import annotations

import argparse
import pathlib
import re
import shlex

import pytest

from ndpbr_py import ISSUES, __version__, config
from ndpbr_py.options import COMMANDS, parser
from tests.program import ROOT

README = ROOT / "README.md"
PAGES = [README, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "bench/README.md"))]
PAGES += sorted((ROOT / "docs").glob("*.md"))
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
FOLDERS = ("ndpbr_py", "tests", "fixtures", "bench", "openrc", "packaging", "docs", ".ci")


def anchors(text: str) -> set[str]:
    """Return what a link to each heading of a page has after its ``#``."""
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def options(name: str) -> set[str]:
    """Return the options of a command, and those before it."""
    command = argparse.ArgumentParser()
    COMMANDS[name].add_options(command)
    return {word for it in (command, parser()) for action in it._actions for word in action.option_strings}


@pytest.mark.parametrize("name", TEXTS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    """The file of a link exists, and has the heading after ``#``."""
    dead = []
    for link in re.findall(r"\]\((?!https?://)([^)\s]*)\)", TEXTS[name]):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            dead.append(link)

    assert dead == []


@pytest.mark.parametrize("name", TEXTS)
def test_files_that_are_named_exist(name: str) -> None:
    """Every file of the project that a page names exists."""
    named = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]*)", TEXTS[name]))

    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


def test_readme_is_short_and_leads_to_every_page() -> None:
    """README has about 150 lines, and a link to each page of docs/."""
    links = set(re.findall(r"\]\((docs/\w+\.md)", TEXTS["README.md"]))

    assert len(TEXTS["README.md"].splitlines()) <= 165
    assert links == {name for name in TEXTS if name.startswith("docs/")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described(name: str) -> None:
    """Each command has its row in README; the manual page has its options (tests/test_manpage.py)."""
    assert re.search(rf"(?m)^\| `{name}\b", TEXTS["README.md"])


@pytest.mark.parametrize("name", TEXTS)
def test_commands_are_written_as_they_are_called(name: str) -> None:
    """A command line that a page prints has a command and options that exist."""
    written = re.findall(r"`ndpbr ([^`]+)`|(?m:^ndpbr (.*?)(?: +#.*)?$)", TEXTS[name])
    for line in (span or block for span, block in written):
        words = shlex.split(line, comments=True)
        command = next((word for word in words if word in COMMANDS), None)
        given = {word for word in words if word.startswith("-") and word != "-"}
        known = options(command) if command else {"-v", "-l", "--help", "--version"}

        assert given <= known, f"{name}: ndpbr {line}"


def _is_source(path: pathlib.Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


def test_there_is_one_install_path() -> None:
    """The program is /usr/bin/ndpbr in README, docs, the init script, the unit, and the package."""
    files = [*PAGES, *(path for it in ("openrc", "packaging") for path in (ROOT / it).rglob("*") if _is_source(path))]
    paths = {path for file in files for path in re.findall(r"(/[\w./-]*bin/ndpbr\b[\w.]*)", file.read_text())}

    assert paths == {"/usr/bin/ndpbr"}


def test_files_that_a_diskless_router_must_keep() -> None:
    """`lbu include` in docs/alpine.md names the program and the hosts file."""
    kept = re.search(r"`lbu include ([^`]*)`", TEXTS["docs/alpine.md"])

    assert kept is not None
    assert kept[1].split() == ["/usr/bin/ndpbr", str(config.HOSTS_FILE)]


def test_changelog_begins_with_this_version() -> None:
    """Its first section is that of the program's version."""
    first = re.search(r"(?m)^## \[(.*)\] - \d{4}-\d\d-\d\d$", TEXTS["CHANGELOG.md"])

    assert first is not None
    assert first[1] == __version__


def test_issues_are_at_the_projects_url() -> None:
    """`record` and `report` name the page for issues below the URL of setup.cfg."""
    assert re.search(rf"(?m)^url = {re.escape(ISSUES.removesuffix('/issues'))}$", (ROOT / "setup.cfg").read_text())
