"""The flow goes one way: each folder imports only what the design allows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"bot", "actions", "nlu", "knowledge"}
MAY_IMPORT = {
    "bot": {"bot", "actions", "nlu", "knowledge"},
    "actions": {"actions", "nlu.reading", "knowledge"},
    "nlu": {"nlu"},
    "knowledge": {"knowledge"},
}


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_a_folder_imports_only_what_the_design_allows(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    for path in paths:
        for module in _imported(path):
            if module.split(".")[0] in OURS:
                allowed = MAY_IMPORT[folder]
                assert module in allowed or module.split(".")[0] in allowed, f"{path} imports {module}"


def test_only_the_components_and_the_bench_import_rasa() -> None:
    users = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in OURS
        for path in (ROOT / folder).rglob("*.py")
        if any(module.split(".")[0] == "rasa" for module in _imported(path))
    }
    assert users == {"nlu/components", "nlu/bench"}
