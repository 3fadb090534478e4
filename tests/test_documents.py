"""What the documents say stays true: settings, commands, files and numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer import Typer
from typer.main import get_command

from bot.__main__ import app as bot_app
from bot.settings import Settings
from knowledge.__main__ import app as knowledge_app
from knowledge.library import Library
from nlu.__main__ import app as nlu_app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _setting_rows() -> list[str]:
    return [
        f"| `{name.upper()}` | {_default(known.default)} | {known.description} |"
        for name, known in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    return "" if value is None else f"`{value}`"


def test_every_setting_is_told_with_its_default() -> None:
    table = [line for line in OPERATING.splitlines() if re.match(r"\| `[A-Z_]+` \|", line)]
    assert table == _setting_rows()


@pytest.mark.parametrize(("name", "app"), [("bot", bot_app), ("nlu", nlu_app), ("knowledge", knowledge_app)])
def test_every_command_is_told_in_the_readme(name: str, app: Typer) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `python -m {name} ")]
    told = re.findall(r"`([\w-]+)`", row.replace(f"python -m {name} ", ""))
    assert sorted(set(told)) == sorted(getattr(get_command(app), "commands"))  # noqa: B009


def test_every_make_target_is_told_in_the_readme_or_by_another() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
    assert all(f"make {target}" in README for target in targets if target != "setup")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", prose):
        assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_numbers_of_the_readme_are_those_of_the_content(library: Library) -> None:
    found = re.search(r"(\d+) procedures, (\d+) topics, (\d+) province packs", README)
    assert found
    catalogue = library.catalogue
    assert list(map(int, found.groups())) == [
        len(catalogue.procedures), len(catalogue.topics), len(catalogue.provinces)
    ]  # fmt: skip


def test_each_decision_has_its_three_parts() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert decisions
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert re.match(r"\d{3}-[a-z0-9-]+\.md", path.name)
        assert all(f"\n## {part}\n" in text for part in ("Context", "Decision", "Cost")), path.name
