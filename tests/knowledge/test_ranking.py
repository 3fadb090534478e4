"""Ranking by names and texts: twins in order, variants together, the citizens' own phrases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.ranking import Named, Ranking
from knowledge.search import SearchWords, fold, is_clear

KITES = {
    "plain": Named("Thủ tục cấp phép thả diều", ("giấy thả diều",)),
    "again": Named("Cấp lại phép thả diều"),
    "abroad": Named("Cấp phép thả diều có yếu tố nước ngoài"),
    "commune": Named("Xác nhận sân chơi (thực hiện tại cấp xã)"),
    "province": Named("Xác nhận sân chơi (thực hiện tại cấp tỉnh)"),
    "boats": Named("Kiểm định thuyền giấy"),
}
TEXTS = {
    "plain": "Đơn thả diều, ảnh chân dung của người thả.",
    "again": "Đơn thả diều, ảnh chân dung, phép cũ bị rách.",
    "abroad": "Đơn thả diều, hộ chiếu của người thả.",
    "boats": "Đo mớn nước và thử chìm trong chậu.",
}
WORDS = SearchWords(
    {}, frozenset("ở đâu cần gì thì có không".split()), (), {"có yếu tố nước ngoài": ("người tây",)}
)


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return Ranking(KITES, TEXTS.items, "kites", WORDS)


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("thả diều cần gì", "plain"),
        ("thả diều thì có cần ảnh không", "plain"),
        ("cấp lại phép thả diều", "again"),
        ("người tây thả diều cần gì", "abroad"),
        ("mớn nước đo ở đâu", "boats"),
        ("giấy thả diều", "plain"),
    ],
)
def test_the_one_meant_comes_first_with_and_without_accents(
    ranking: Ranking, question: str, key: str
) -> None:
    assert ranking.rank(question)[0].key == key
    assert ranking.rank(fold(question))[0].key == key


def test_variants_by_level_are_one_hit_that_names_them(ranking: Ranking) -> None:
    hits = ranking.rank("xác nhận sân chơi")
    assert {hits[0].key, *hits[0].variants} == {"commune", "province"}
    assert ranking.rank("xác nhận sân chơi thực hiện tại cấp tỉnh")[0].key == "province"


def test_what_only_the_text_says_is_found_but_not_asserted(ranking: Ranking) -> None:
    hits = ranking.rank("thử chìm")
    assert hits[0].key == "boats"
    assert not is_clear(hits)


def test_nothing_is_found_for_words_that_nothing_has(ranking: Ranking) -> None:
    assert ranking.rank("xyz") == []
    assert ranking.rank("") == []


def test_the_index_of_texts_is_kept_until_the_content_changes(tmp_path: Path) -> None:
    asked = []

    def texts() -> Iterator[tuple[str, str]]:
        asked.append(1)
        return iter(TEXTS.items())

    first = Ranking(KITES, texts, "one", WORDS, tmp_path / "cache")
    second = Ranking(KITES, texts, "one", WORDS, tmp_path / "cache")
    assert len(asked) == 1
    assert first.rank("thử chìm") == second.rank("thử chìm")
    Ranking(KITES, texts, "two", WORDS, tmp_path / "cache")
    assert len(asked) == 2
    assert len([*(tmp_path / "cache").iterdir()]) == 1
