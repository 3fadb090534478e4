"""Places that the reform of 1/7/2025 renamed: what a commune, district or province of before is today.

Read from underthesea's table of old and new communes; a commune that vietnam-provinces does not list as
one of today is not told.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import vietnam_provinces

from knowledge.search import fold, words

REFORM = date(2025, 7, 1)
Kind = Literal["commune", "district", "province"]
_SHORT = {"tp": "thanh pho", "tx": "thi xa", "tt": "thi tran", "p": "phuong", "q": "quan", "h": "huyen"}
_PREFIX = re.compile(r"^(?:xã|phường|thị trấn|huyện|quận|thị xã|thành phố|tỉnh) ", re.IGNORECASE)
_PREFIXES = ("xa", "phuong", "thi tran", "huyen", "quan", "thi xa", "thanh pho", "tinh")
_LONGEST_NAME = 6  # words
_SIZES: tuple[Kind, ...] = ("commune", "district", "province")


@dataclass(frozen=True)
class Place:
    """A unit as it was until 30/6/2025, and the communes and province of today where it lies."""

    kind: Kind
    name: str
    district: str  # empty for a district and a province
    old_province: str
    communes: tuple[str, ...]  # of today; empty for a province
    province: str  # of today

    @property
    def within(self) -> tuple[str, ...]:
        """The larger units it lay in, nearest first."""
        larger = (self.district, self.old_province if self.kind != "province" else "")
        return tuple(filter(None, larger))


def find_places(text: str, marked: Iterable[str], home: str) -> list[Place]:
    """Find the old units that a text names, the smallest of those that lie in each other.

    ``marked`` are stretches that are known to name places and so may lack their "xã" or "huyện"; ``home`` is
    the province to look in first. Several places of one name mean that the text does not tell which.
    """
    said = [_SHORT.get(fold(word), word) for word in words(text)]
    spoken = " ".join(said).split()
    named = [*_prefixed(spoken), *(tuple(words(mark)) for mark in marked)]
    found = [place for name in named for place in _nearest(_named(name), spoken, home)]
    provinces = {place.name for place in found if place.kind == "province"}
    fitting = [place for place in found if not provinces or place.old_province in provinces]
    outer = {unit for place in fitting for unit in place.within}
    return [place for place in dict.fromkeys(fitting) if place.name not in outer]


def bare_name(name: str) -> str:
    """Give a unit's name without "xã", "huyện" or "tỉnh"; one that is a number keeps it."""
    bare = _PREFIX.sub("", name)
    return name if bare.isdecimal() else bare


def _prefixed(spoken: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the longest known name that begins with each "xã", "huyện", … of the text."""
    folded = [fold(word) for word in spoken]
    for start in range(len(spoken)):
        if not any(f"{' '.join(folded[start : start + 2])} ".startswith(f"{one} ") for one in _PREFIXES):
            continue
        for end in range(min(len(spoken), start + _LONGEST_NAME), start + 1, -1):
            if " ".join(folded[start:end]) in _index():
                yield tuple(spoken[start:end])
                break


def _named(name: tuple[str, ...]) -> list[Place]:
    """Find the units of a name; where it is written with accents, they have to agree."""
    found = _index().get(" ".join(map(fold, name)), [])
    return [place for place in found if _agrees(name, place.name.split()[-len(name) :])]


def _agrees(said: Sequence[str], name: Sequence[str]) -> bool:
    """Tell whether words with accents are a name's; "hoà" and "hòa" agree."""
    pairs = zip(said, name, strict=True)
    return all(one.isascii() or _letters(one) == _letters(other) for one, other in pairs)


def _letters(word: str) -> list[str]:
    return sorted(normalize("NFD", word.casefold()))


def _nearest(places: list[Place], spoken: Sequence[str], home: str) -> list[Place]:
    """Keep the places whose larger units the text names too, else those of the home province."""
    text = f" {' '.join(map(fold, spoken))} "

    def fit(place: Place) -> tuple[int, bool, int]:
        own = bare_name(place.name)
        larger = [bare for unit in place.within if (bare := bare_name(unit)) != own]
        named = sum(f" {fold(bare)} " in text for bare in larger)
        is_home = fold(home) in (fold(bare_name(place.old_province)), fold(bare_name(place.province)))
        return named, is_home, _SIZES.index(place.kind)

    best = max(map(fit, places), default=None)
    return [place for place in places if fit(place) == best]


def load_places() -> None:
    """Read the units, which else holds up the first question that names one for half a second."""
    _index()


@cache
def _index() -> dict[str, list[Place]]:
    """Give the units by folded name, with and without their "xã" or "huyện"."""
    index: dict[str, list[Place]] = defaultdict(list)
    for place in _places():
        for name in dict.fromkeys((fold(place.name), fold(bare_name(place.name)))):
            index[name].append(place)
    return dict(index)


def _places() -> Iterator[Place]:
    today = _communes_of_today()
    communes: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    districts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    provinces: dict[str, str] = {}
    for row in _rows():
        old, new, district = row["old_province"], row["new_province"], row["old_district"]
        provinces[old] = new
        if _key(new, row["new_ward"]) not in today:
            continue
        communes[row["old_ward"], district, old, new].append(row["new_ward"])
        districts[district, old, new].append(row["new_ward"])
    for (name, district, old, new), there in communes.items():
        yield Place("commune", name, district, old, tuple(dict.fromkeys(there)), new)
    for (name, old, new), there in districts.items():
        yield Place("district", name, "", old, tuple(sorted(set(there), key=_key_of_name)), new)
    for old, new in provinces.items():
        yield Place("province", old, "", old, (), new)


def _rows() -> list[dict[str, str]]:
    found = find_spec("underthesea")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("underthesea is not installed; run deploy/setup.sh")
    table = Path(found.origin).parent / "address" / "data" / "mapping.json"
    rows: list[dict[str, str]] = json.loads(table.read_text(encoding="utf-8"))["ward_mapping"]
    return rows


def _communes_of_today() -> set[tuple[str, str]]:
    return {
        _key(vietnam_provinces.Province.from_code(ward.province_code).name, ward.name)
        for ward in vietnam_provinces.Ward.iter_all()
    }


def _key(province: str, commune: str) -> tuple[str, str]:
    return fold(bare_name(province)), fold(commune)


def _key_of_name(name: str) -> tuple[str, str]:
    kind, _, bare = fold(name).partition(" ")
    return kind, bare
