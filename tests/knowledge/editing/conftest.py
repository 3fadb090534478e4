"""A database that holds a small content: three procedures with what they refer to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from knowledge.content_files import CONTENT
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published

TODAY = date(2026, 11, 29)
KEPT = ("1.001193", "1.000894", "1.001022")
ChangeFile = Callable[[str, Callable[[str], str]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A content folder with three procedures and everything else."""
    folder = Path(shutil.copytree(CONTENT, tmp_path / "content"))
    for path in [*(folder / "procedures").glob("*.yml"), *(folder / "questions").glob("*.yml")]:
        if path.stem not in (*KEPT, "others"):
            path.unlink()
    for code in KEPT:
        path = folder / f"procedures/{code}.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        data["near"] = [near for near in data.get("near", ()) if near in KEPT]
        path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (folder / "life_events.yml").unlink()
    return folder


@pytest.fixture
def published(any_engine: Engine, folder: Path) -> Published:
    """What is published once the folder is loaded."""
    published = Published(any_engine)
    load_folder(any_engine, published, folder, TODAY)
    return published
