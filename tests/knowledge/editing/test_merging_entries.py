"""Merging lists whose entries have no name: no change of either side is lost or lands on another entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.editing.three_way import MISSING, Conflict, Merged, changes, merge

Entries = dict[int, Any]  # by a number that the lists do not tell, in their order
Fresh = Callable[[], int]  # gives another number each time


def _fee(draw: st.DrawFn, fresh: Fresh) -> dict[str, Any]:
    fee: dict[str, Any] = {"amount": fresh()}
    for name, values in (("what", "ab"), ("basis", "xy"), ("valid_from", ("2026-01-01", "2027-01-01"))):
        if draw(st.booleans()):
            fee[name] = draw(st.sampled_from(values))
    return fee


def _rule(draw: st.DrawFn, fresh: Fresh) -> dict[str, Any]:
    return {"text": f"quy định {fresh()}", "valid_from": f"20{draw(st.integers(20, 26))}-01-01"}


def _text(_draw: st.DrawFn, fresh: Fresh) -> str:
    return f"bước {fresh()}"


def _entry_of_no_shape(_draw: st.DrawFn, fresh: Fresh) -> dict[str, Any]:
    return {"x": fresh(), "y": 0}


def _changed(draw: st.DrawFn, fresh: Fresh, entry: Any) -> Any:
    if isinstance(entry, str):
        return f"{entry} sửa {fresh()}"
    name = draw(st.sampled_from([*entry, *(["basis", "valid_to"] if "amount" in entry else ["valid_to"])]))
    return {**entry, name: f"mới {fresh()}"}


def _edited(draw: st.DrawFn, fresh: Fresh, base: Entries, make: Callable[[st.DrawFn, Fresh], Any]) -> Entries:
    """Move, change, take away or add entries, up to three times."""
    entries = list(base.items())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(entries)))
        deed = draw(st.sampled_from(["move", "change", "remove", "add"]))
        if deed == "add" or place == len(entries):
            entries.insert(place, (fresh(), make(draw, fresh)))
            continue
        number, entry = entries.pop(place)
        if deed == "move":
            entries.insert(draw(st.integers(0, len(entries))), (number, entry))
        elif deed == "change":
            entries.insert(place, (number, _changed(draw, fresh, entry)))
    return dict(entries)


@dataclass(frozen=True)
class Sides:
    """One list and what two people made of it."""

    base: Entries
    theirs: Entries
    mine: Entries

    def merged(self, keep_mine: Any = ()) -> Merged:
        return merge(*([*each.values()] for each in (self.base, self.theirs, self.mine)), keep_mine)

    def versions(self, number: int) -> tuple[Any, Any, Any]:
        return tuple(each.get(number, MISSING) for each in (self.base, self.theirs, self.mine))  # type: ignore[return-value]

    def numbers(self) -> list[int]:
        return list(self.base | self.theirs | self.mine)


@st.composite
def sides(draw: st.DrawFn) -> Sides:
    fresh = count(1000).__next__
    make = draw(st.sampled_from([_fee, _rule, _text, _entry_of_no_shape]))
    base = {fresh(): make(draw, fresh) for _ in range(draw(st.integers(0, 4)))}
    return Sides(base, _edited(draw, fresh, base, make), _edited(draw, fresh, base, make))


def _is_told(versions: tuple[Any, Any, Any], conflicts: tuple[Conflict, ...]) -> bool:
    told = [value for each in conflicts for value in (each.base, each.theirs, each.mine)]
    return any(each.place == () for each in conflicts) or any(
        version in told for version in versions if version is not MISSING
    )


@settings(max_examples=200, deadline=None)
@given(sides())
def test_every_change_is_at_its_entry_or_told(sides: Sides) -> None:
    both = sides.merged()
    for number in sides.numbers():
        base, theirs, mine = sides.versions(number)
        if _is_told((base, theirs, mine), both.conflicts):
            continue
        assert theirs == base or mine in (base, theirs), "two changes of one entry and no conflict"
        expected = mine if theirs == base else theirs
        gone = [each for each in (base, theirs, mine) if each not in (expected, MISSING)]
        assert expected is MISSING or expected in both.data
        assert not any(each in both.data for each in gone)
    if not both.conflicts:
        assert len(both.data) == len([n for n in sides.numbers() if _stays(*sides.versions(n))])


def _stays(base: Any, theirs: Any, mine: Any) -> bool:
    return (mine if theirs == base else theirs) is not MISSING


@settings(max_examples=200, deadline=None)
@given(sides())
def test_entries_stand_as_whoever_moved_them_has_them(sides: Sides) -> None:
    """Whoever moves and rewrites one at once says nothing that tells it from a new one."""
    both = sides.merged()
    if both.conflicts:
        return
    kept = [number for number in sides.base if number in sides.theirs and number in sides.mine]
    result = {n: both.data.index(next(v for v in sides.versions(n) if v in both.data)) for n in kept}
    for one, two in combinations(kept, 2):
        base, theirs, mine = (
            [*each].index(one) < [*each].index(two) for each in (sides.base, sides.theirs, sides.mine)
        )
        mover = sides.theirs if theirs != base else sides.mine
        if all(mover[number] == sides.base[number] for number in (one, two)):
            assert (result[one] < result[two]) == (mine if theirs == base else theirs)


@settings(max_examples=200, deadline=None)
@given(sides())
def test_whoever_is_chosen_in_every_conflict_keeps_all_they_wrote(sides: Sides) -> None:
    told = sides.merged()
    kept = sides.merged([each.place for each in told.conflicts])
    for number in sides.numbers():
        base, theirs, mine = sides.versions(number)
        if theirs not in (base, MISSING):
            assert theirs in told.data
        if mine not in (base, MISSING):
            assert mine in kept.data


@settings(max_examples=200, deadline=None)
@given(sides())
def test_what_was_taken_of_mine_is_not_offered_again(sides: Sides) -> None:
    """Merged again from what was taken, the same is told and nothing else changes."""
    first = sides.merged()
    again = merge(first.taken, first.data, [*sides.mine.values()])
    assert again.data == first.data
    assert bool(again.conflicts) == bool(first.conflicts)


def _fees(*fees: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"what": what, "amount": amount} for what, amount in fees]


def test_a_fee_that_one_moved_keeps_the_amount_the_other_wrote() -> None:
    both = merge(_fees(("bản", 1), ("tờ", 2)), _fees(("tờ", 2), ("bản", 1)), _fees(("bản", 5), ("tờ", 2)))
    assert both == Merged(_fees(("tờ", 2), ("bản", 5)), ())


def test_one_says_what_a_fee_is_for_and_the_other_its_amount_is_told() -> None:
    both = merge(_fees(("bản", 1), ("tờ", 2)), _fees(("bản sao", 1), ("tờ", 2)), _fees(("bản", 5), ("tờ", 2)))
    assert both.conflicts == (Conflict(("bản",), _fees(("bản", 1))[0], MISSING, _fees(("bản", 5))[0]),)


def test_amount_and_legal_basis_of_one_fee_belong_together() -> None:
    base = [{"amount": 1, "what": "bản"}]
    both = merge(base, [{"amount": 1, "what": "bản", "basis": "NQ 1"}], [{"amount": 5, "what": "bản"}])
    assert [each.place for each in both.conflicts] == [("bản",)]


def test_two_moves_of_one_list_that_differ_are_told() -> None:
    both = merge(["a", "b", "c"], ["b", "a", "c"], ["a", "c", "b"])
    assert [each.place for each in both.conflicts] == [()]


def test_a_step_that_one_rewrote_and_the_other_took_away_is_told() -> None:
    assert merge(["nộp", "nhận"], ["nộp ở xã", "nhận"], ["nhận"]).conflicts


@pytest.mark.parametrize("is_first", [True, False])
def test_a_step_added_after_one_that_was_rewritten_stays_after_it(is_first: bool) -> None:
    rewrote, added = ["nộp", "trả tiền", "nhận"], ["nộp", "đóng phí", "chờ", "nhận"]
    one, two = (rewrote, added) if is_first else (added, rewrote)
    both = merge(["nộp", "đóng phí", "nhận"], one, two)
    assert both == Merged(["nộp", "trả tiền", "chờ", "nhận"], ())


def test_a_rewritten_step_keeps_its_place_while_others_move() -> None:
    both = merge(["a", "b", "c"], ["a", "b", "c mới"], ["b", "a", "c"])
    assert both == Merged(["b", "a", "c mới"], ())


def test_a_moved_entry_is_a_change() -> None:
    assert [each.place for each in changes({"steps": ["a", "b"]}, {"steps": ["b", "a"]})] == [("steps",)]
    moved = list(changes(_fees(("bản", 1), ("tờ", 2)), _fees(("tờ", 2), ("bản", 5))))
    assert [each.place for each in moved] == [(), ("bản", "amount")]
