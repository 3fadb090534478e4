"""Storing what comes in: once for its key, many in one transaction, also when others store the same."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, func, select

from bot.inbox import Message, receive, receive_all
from bot.intake import BadInput
from bot.store import Conversation, Turn
from knowledge.database import reading


def _message(number: int, address: str = "1", text: str = "làm khai sinh") -> Message:
    return Message("zalo_oa", text, address=address, key=f"m{number}")


def _counted(engine: Engine) -> tuple[int, int]:
    """Give how many conversations and turns there are."""
    with reading(engine) as session:
        tables = (Conversation, Turn)
        there, turns = (session.scalar(select(func.count()).select_from(table)) for table in tables)
    return there or 0, turns or 0


def test_many_are_stored_together_as_each_alone(any_engine: Engine) -> None:
    messages = [_message(1, "9"), _message(2, "1"), _message(3, "9"), _message(1, "9")]
    turns = [each for each in receive_all(any_engine, messages) if isinstance(each, Turn)]
    assert _counted(any_engine) == (2, 3)
    assert [each.request_key for each in turns] == ["zalo_oa:m1", "zalo_oa:m2", "zalo_oa:m3", "zalo_oa:m1"]
    assert turns[0].conversation_id == turns[2].conversation_id != turns[1].conversation_id
    assert [receive(any_engine, each)[0].id for each in messages] == [each.id for each in turns]
    again = receive_all(any_engine, messages)
    assert [each.id for each in again if isinstance(each, Turn)] == [each.id for each in turns]


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored before", "in the same transaction"])
def test_other_words_under_a_known_key_are_refused_and_the_rest_is_stored(
    any_engine: Engine, is_stored: bool
) -> None:
    first, other, rest = _message(1), _message(1, text="làm kết hôn"), _message(2)
    if is_stored:
        receive(any_engine, first)
    kept, refused, stored = receive_all(any_engine, [first, other, rest])
    assert isinstance(kept, Turn) and kept.text == "làm khai sinh"
    assert isinstance(refused, BadInput) and refused.field == "Idempotency-Key"
    assert isinstance(stored, Turn) and _counted(any_engine) == (1, 2)


def test_personal_numbers_are_not_stored(any_engine: Engine) -> None:
    (turn,) = receive_all(any_engine, [_message(1, text="căn cước của em là 001099012345")])
    assert isinstance(turn, Turn) and "001099012345" not in (turn.text or "")


def test_the_same_messages_at_the_same_instant_are_stored_once(any_engine: Engine) -> None:
    messages = [_message(number, str(number % 3)) for number in range(9)]
    start, found = threading.Barrier(4), []

    def store(order: int) -> None:
        start.wait()
        found.append(receive_all(any_engine, messages[::order]))

    threads = [threading.Thread(target=store, args=(order,)) for order in (1, -1, 1, -1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert _counted(any_engine) == (3, 9)
    assert all(isinstance(each, Turn) for turns in found for each in turns)
    assert len(found) == 4
