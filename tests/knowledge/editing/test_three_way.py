"""Merging two people's changes: what only one changed is taken, what both changed otherwise is told."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from knowledge.editing.three_way import MISSING, Change, Conflict, Merged, changes, merge

leaves = st.one_of(st.none(), st.integers(2, 5), st.text("ab", max_size=2))
records = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["id", "name", "x", "y"]), inner)
    ),
    max_leaves=12,
)


@given(records, records)
def test_one_side_alone_is_taken_as_it_is(base: Any, other: Any) -> None:
    assert merge(base, base, other) == Merged(other, ())
    assert merge(base, other, base) == Merged(other, ())
    assert merge(base, other, other) == Merged(other, ())


@given(records, records, records)
def test_who_comes_first_changes_nothing_but_the_order(base: Any, one: Any, two: Any) -> None:
    forth, back = merge(base, one, two), merge(base, two, one)
    assert {each.place for each in forth.conflicts} == {each.place for each in back.conflicts}
    swapped = [Conflict(each.place, each.base, each.mine, each.theirs) for each in back.conflicts]
    assert all(each in swapped for each in forth.conflicts)


@given(records, records)
def test_equal_records_have_no_changes_and_others_have(before: Any, after: Any) -> None:
    assert (list(changes(before, after)) == []) == (before == after)


def test_different_fields_go_together() -> None:
    base = {
        "name": "Khai sinh",
        "channels": [{"channel": "direct", "fee": 0}, {"channel": "postal", "fee": 0}],
    }
    theirs = {**base, "name": "Đăng ký khai sinh"}
    mine = {**base, "channels": [{"channel": "direct", "fee": 8000}, {"channel": "postal", "fee": 0}]}
    assert merge(base, theirs, mine) == Merged({**theirs, "channels": mine["channels"]}, ())


def test_entries_added_by_both_are_all_there_in_their_places() -> None:
    base = [{"id": "a"}, {"id": "b"}]
    both = merge(base, [{"id": "a"}, {"id": "x"}, {"id": "b"}], [{"id": "y"}, {"id": "a"}, {"id": "b"}])
    assert both == Merged([{"id": "y"}, {"id": "a"}, {"id": "x"}, {"id": "b"}], ())


def test_the_same_field_changed_twice_is_a_conflict_of_that_field_alone() -> None:
    base = {"fee": 0, "what": "bản"}
    both = merge(base, {"fee": 8000, "what": "bản"}, {"fee": 5000, "what": "tờ"})
    assert both == Merged({"fee": 8000, "what": "tờ"}, (Conflict(("fee",), 0, 8000, 5000),))


def test_a_step_rewritten_by_both_does_not_stand_there_twice() -> None:
    both = merge(["nộp", "nhận"], ["nộp ở xã", "nhận"], ["nộp ở tỉnh", "nhận"])
    assert both.data == ["nộp ở xã", "nhận"] and len(both.conflicts) == 1


def test_names_added_by_both_are_both_there() -> None:
    assert merge(["a", "b"], ["a", "b", "c"], ["d", "a", "b"]) == Merged(["d", "a", "b", "c"], ())


def test_what_one_takes_away_and_the_other_changes_is_a_conflict() -> None:
    both = merge([{"id": "a", "v": 1}, {"id": "b"}], [{"id": "b"}], [{"id": "a", "v": 2}, {"id": "b"}])
    assert both.conflicts == (Conflict(("a",), {"id": "a", "v": 1}, MISSING, {"id": "a", "v": 2}),)


def test_changes_tell_the_innermost_field() -> None:
    before = {"channels": [{"channel": "direct", "fee": 0}], "name": "x"}
    after = {"channels": [{"channel": "direct", "fee": 5}], "note": "y"}
    assert list(changes(before, after)) == [
        Change(("channels", "direct", "fee"), 0, 5),
        Change(("name",), "x", MISSING),
        Change(("note",), MISSING, "y"),
    ]
