"""Questions are grouped by what they mean, however they are typed and in whatever order they come."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.average_linkage import join
from knowledge.grouping import Group, group_questions
from knowledge.library import Library
from knowledge.search import SearchWords
from nlu.bench.noise import with_a_typo

NO_WORDS = SearchWords({}, frozenset())
BIRTHS = [
    "làm khai sinh cho con ở đâu",
    "làm khai sinh cho con thì ra đâu ạ",
    "cho em hỏi làm khai sinh cho con ở đâu vậy",
]
DEATHS = [
    "khai tử cho ông nội cần giấy tờ gì",
    "làm khai tử cho ông nội cần giấy tờ gì ạ",
]
FIREWORKS = ["xin giấy phép bắn pháo hoa ở sân vận động", "giấy phép bắn pháo hoa xin ở đâu"]


def grouped(texts: Sequence[str], library: Library) -> list[set[str]]:
    return [
        {texts[place] for place in group.members} for group in group_questions(texts, library.search_words)
    ]


def together(groups: Sequence[set[str]], *texts: str) -> bool:
    return any(set(texts) <= group for group in groups)


def test_nothing_is_no_group_and_one_text_a_group_of_its_own(library: Library) -> None:
    assert group_questions([], library.search_words) == []
    assert group_questions(["khai sinh cho con"], library.search_words) == [Group("khai sinh cho con", (0,))]


def test_every_text_is_in_one_group_and_the_largest_group_is_first(library: Library) -> None:
    texts = [*FIREWORKS, *DEATHS, *BIRTHS, *BIRTHS, "🙏"]
    groups = group_questions(texts, library.search_words)
    assert sorted(place for group in groups for place in group.members) == list(range(len(texts)))
    sizes = [len(group.members) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] >= 6


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(max_size=40), max_size=12), chance=st.randoms(use_true_random=False))
def test_any_texts_are_grouped_the_same_in_any_order(texts: list[str], chance: random.Random) -> None:
    mixed = list(texts)
    chance.shuffle(mixed)
    groups, again = (group_questions(each, NO_WORDS, most_read=4) for each in (texts, mixed))
    assert sorted(place for group in groups for place in group.members) == list(range(len(texts)))
    assert [(group.label, [texts[place] for place in group.members]) for group in groups] == [
        (group.label, [mixed[place] for place in group.members]) for group in again
    ]


def test_duplicates_and_other_ways_of_typing_fall_together(library: Library) -> None:
    asked = "làm khai sinh cho con hết bao nhiêu tiền"
    typed = [asked, asked.upper() + "???", "lam khai sinh cho con het bao nhieu tien", with_a_typo(asked),
             "lm khai sinh cho con het bn tien"]  # fmt: skip
    assert together(grouped([*typed, *DEATHS, *FIREWORKS], library), *typed)


def test_the_label_is_written_with_accents(library: Library) -> None:
    texts = ["lam khai sinh cho con o dau", "lam khai sinh cho con o dau", "làm khai sinh cho con ở đâu"]
    (group,) = group_questions(texts, library.search_words)
    assert group == Group("làm khai sinh cho con ở đâu", (2, 0, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("làm giấy khai sinh cho con", "làm giấy khai tử cho ông nội"),
        ("làm căn cước lần đầu cho con 14 tuổi", "mất căn cước xin cấp lại"),
        ("đăng ký kết hôn lệ phí bao nhiêu tiền", "đăng ký kết hôn cần mang theo giấy tờ gì"),
    ],
)
def test_what_an_editor_handles_apart_stays_apart(one: str, other: str, library: Library) -> None:
    assert not together(grouped([one, other, *FIREWORKS], library), one, other)


def test_other_words_for_the_same_matter_are_one_group(library: Library) -> None:
    assert together(grouped([*DEATHS, *BIRTHS, *FIREWORKS], library), *BIRTHS)


def test_texts_without_words_are_one_group_and_touch_no_other(library: Library) -> None:
    texts = ["???", "🙏🙏", "!", *BIRTHS[:1]]
    assert together(grouped(texts, library), "???", "🙏🙏", "!")
    assert {BIRTHS[0]} in grouped(texts, library)


def test_a_long_text_is_grouped_and_its_label_short(library: Library) -> None:
    long = "Gia đình tôi ở xã miền núi, bị sạt lở mất nhà. " * 43
    assert len(long) > 2000
    groups = group_questions([long, *BIRTHS], library.search_words)
    (alone,) = [group for group in groups if group.members == (0,)]
    assert alone.label.startswith("Gia đình tôi ở xã miền núi")
    assert len(alone.label) <= 120


def test_more_questions_than_are_read_are_all_grouped(library: Library) -> None:
    texts = [f"{asked} {word}" for word in ("ạ", "vậy ad", "nhé") for asked in (*BIRTHS, *DEATHS, *FIREWORKS)]
    groups = group_questions(texts, library.search_words, most_read=2)
    assert sum(len(group.members) for group in groups) == len(texts)
    assert together([{texts[place] for place in group.members} for group in groups], *texts[::7])


def test_many_texts_that_share_nothing_stay_alone() -> None:
    texts = [chr(0x4E00 + number) for number in range(250)]
    assert len(group_questions(texts, NO_WORDS, most_read=2)) == 250


def test_joining_is_average_linkage() -> None:
    from scipy.cluster.hierarchy import fcluster, linkage
    from sklearn.metrics import adjusted_rand_score

    points = np.random.default_rng(7).normal(size=(120, 6))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    expected = fcluster(linkage(points, "average", metric="cosine"), 0.5, "distance")
    found = join(points.astype(np.float32), np.ones(120, np.float32), 0.5)
    assert 1 < found.max() < 119
    assert adjusted_rand_score(expected, found) == pytest.approx(1)
