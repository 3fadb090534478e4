"""What two editors wrote in the same places: each keeps what was chosen, and nothing else changes."""

from __future__ import annotations

from typing import Any

from bot.workbench.merge_dialog import settled
from knowledge.editing.three_way import merge


def _channel(name: str, limit: str) -> dict[str, str]:
    return {"channel": name, "time_limit": limit}


def _keep(began: Any, theirs: Any, mine: Any, *chosen: int) -> Any:
    """Settle with some of the conflicts, by their numbers, as mine."""
    conflicts = merge(began, theirs, mine).conflicts
    return settled(began, theirs, mine, [conflicts[number] for number in chosen])


def test_of_an_entry_that_both_added_the_chosen_one_stays() -> None:
    began = {"channels": [_channel("direct", "1 ngày")]}
    theirs = {"channels": [*began["channels"], _channel("online", "2 ngày")]}
    mine = {"channels": [*began["channels"], _channel("online", "3 ngày")]}
    assert _keep(began, theirs, mine, 0) == mine
    assert _keep(began, theirs, mine) == theirs


def test_another_entry_that_says_the_same_word_is_left_alone() -> None:
    began = {"contacts": [{"name": "Tổng đài", "about": "Thuế"}, {"name": "Thuế", "about": "Tổng đài"}]}
    theirs = {"contacts": [began["contacts"][0], {"name": "Thuế", "about": "portal"}]}
    mine = {"contacts": [{"name": "Tổng đài", "about": "Đất"}, {"name": "Thuế", "about": "payment"}]}
    assert _keep(began, theirs, mine, 0) == mine


def test_each_place_keeps_the_side_that_was_chosen_for_it() -> None:
    began = {"agency": "a", "where": "b", "channels": [_channel("direct", "1 ngày")]}
    theirs = {"agency": "a1", "where": "b1", "channels": [_channel("direct", "2 ngày")]}
    mine = {"agency": "a2", "where": "b2", "channels": [_channel("direct", "3 ngày")]}
    both = _keep(began, theirs, mine, 1, 2)
    assert both == {"agency": "a1", "where": "b2", "channels": [_channel("direct", "3 ngày")]}


def test_an_entry_that_one_took_away_and_the_other_changed_can_be_kept_or_dropped() -> None:
    began = {"cases": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]}
    theirs = {"cases": [{"id": "b", "name": "B"}]}
    mine = {"cases": [{"id": "a", "name": "A mới"}, {"id": "b", "name": "B"}]}
    assert _keep(began, theirs, mine, 0) == mine
    assert _keep(began, theirs, mine) == theirs
    assert _keep(began, mine, theirs, 0) == theirs
