"""What takes long to build is built once, whatever state its folder is in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.kept import kept


def _kept(cache: Path | None, stamp: str, built: list[str], *, or_older: bool = False) -> str:
    def build() -> str:
        built.append(stamp)
        return stamp

    def save(text: str, folder: Path) -> None:
        folder.mkdir()
        (folder / "text").write_text(text, encoding="utf-8")

    def load(folder: Path) -> str:
        return (folder / "text").read_text(encoding="utf-8")

    return kept(cache, "word", stamp, build, save, load, or_older=or_older)


def test_it_is_built_once_for_a_stamp_and_takes_the_place_of_the_older(tmp_path: Path) -> None:
    cache, built = tmp_path / "cache", list[str]()
    assert [_kept(cache, stamp, built) for stamp in ("one", "one", "two", "two")] == [
        "one",
        "one",
        "two",
        "two",
    ]
    assert built == ["one", "two"]
    assert len([*cache.iterdir()]) == 1


def test_the_older_will_do_when_it_is_asked_for_and_there(tmp_path: Path) -> None:
    cache, built = tmp_path / "cache", list[str]()
    assert _kept(cache, "one", built, or_older=True) == "one"
    assert _kept(cache, "two", built, or_older=True) == "one"
    assert _kept(cache, "two", built) == "two"


def _empty(folder: Path) -> None:
    (folder / "text").unlink()


def _garble(folder: Path) -> None:
    (folder / "text").write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("spoil", [_empty, _garble])
def test_what_cannot_be_read_is_built_anew(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    cache, built = tmp_path / "cache", list[str]()
    _kept(cache, "one", built)
    spoil(next(cache.iterdir()))
    assert _kept(cache, "one", built) == _kept(cache, "one", built) == "one"
    assert built == ["one", "one"]


def test_where_nothing_can_be_written_it_is_built_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    built = list[str]()
    assert _kept(tmp_path / "file" / "cache", "one", built) == "one"
    assert _kept(None, "two", built) == "two"
    assert built == ["one", "two"]
