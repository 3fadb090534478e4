"""The turn: stored before it is understood, answered once, never lost, and safe when parts fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain, repeat

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from actions.wording import say
from bot.inbox import Message, unanswered
from bot.intake import BadInput, UnknownConversation
from bot.outbox import OutboxMessage
from bot.store import Conversation, FollowedDossier, Turn, UnresolvedQuestion, erase_older_than
from bot.turn import Assistant, Reply
from bot.workbench.unanswered import unanswered as unanswered_questions
from knowledge.database import (
    MIGRATIONS,
    Base,
    DatabaseUnavailable,
    is_ready,
    migrate,
    now,
    open_database,
    transaction,
)
from knowledge.dossiers import HERE
from knowledge.dossiers.states import read_states
from knowledge.library import Library
from knowledge.records import Contact, Notice
from nlu.client import NluClient
from tests.conftest import TODAY, build, dossier_settings, free_port


@pytest.fixture
def on_any_database(library: Library, nlu_url: str, any_engine: Engine, made_up_url: str) -> Assistant:
    return build(library, nlu_url, any_engine, dossier_settings(made_up_url))


def _count(engine: Engine, table: type[Base]) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _ask(assistant: Assistant, text: str, conversation_id: str | None = None) -> dict[str, object]:
    return assistant.reply(Message("web", text, conversation_id=conversation_id)).body


def test_the_database_matches_the_tables_in_code(any_engine: Engine) -> None:
    found = inspect(any_engine)
    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        indexed = {tuple(index["column_names"]) for index in found.get_indexes(table.name)}
        assert {tuple(column.name for column in index.columns) for index in table.indexes} <= indexed
    migrate(any_engine)  # a second time changes nothing


def test_a_follow_up_keeps_the_procedure_after_a_restart(on_any_database: Assistant) -> None:
    first = _ask(on_any_database, "đi đăng ký kết hôn cần mang gì")
    restarted = replace(on_any_database, nlu=NluClient(on_any_database.nlu._url))
    second = _ask(restarted, "thế lệ phí bao nhiêu?", str(first["conversation_id"]))
    assert second["understanding"]["procedure"]["code"] == "1.000894"  # type: ignore[index]
    assert second["status"] == "answered"
    assert _count(on_any_database.engine, Turn) == 2


def test_a_message_sent_twice_is_answered_once(on_any_database: Assistant) -> None:
    message = Message("web", "làm hộ chiếu bao nhiêu tiền", key="2f9b1c1e-0000-4000-8000-000000000001")
    assert on_any_database.reply(message).body == on_any_database.reply(message).body
    assert _count(on_any_database.engine, Turn) == 1


def test_a_message_sent_many_times_at_once_is_stored_once(on_any_database: Assistant) -> None:
    message = Message("web", "hai cái này", address="someone", key="2f9b1c1e-0000-4000-8000-000000000002")
    start = threading.Barrier(8)

    def send() -> dict[str, object]:
        start.wait()
        return on_any_database.reply(message).body

    with ThreadPoolExecutor(8) as pool:
        replies = [future.result() for future in [pool.submit(send) for _ in range(8)]]
    assert all(reply == replies[0] for reply in replies)
    assert _count(on_any_database.engine, Turn) == 1
    assert _count(on_any_database.engine, Conversation) == 1


def test_erasing_leaves_nothing_of_the_person_and_says_so(on_any_database: Assistant) -> None:
    other = _ask(on_any_database, "cho tôi gặp nhân viên")
    mine = str(_ask(on_any_database, "cho tôi gặp nhân viên")["conversation_id"])
    _ask(on_any_database, "ghi nhớ hồ sơ H62.12-200317-0001 khi nào có kết quả báo em", mine)
    on_any_database.reply(Message("web", payload="delete_my_data", conversation_id=mine))
    done = on_any_database.reply(
        Message("web", payload="delete_my_data?confirmed=yes", conversation_id=mine)
    ).body
    assert done["status"] == "answered"
    assert "4" in done["messages"][0]["text"]
    assert done["conversation_id"] != mine
    with transaction(on_any_database.engine) as session:
        assert session.get(Conversation, mine) is None
        for table in (Turn, UnresolvedQuestion, FollowedDossier):
            kept = session.scalars(select(table.conversation_id)).all()
            assert mine not in kept
    with pytest.raises(UnknownConversation):
        _ask(on_any_database, "chào", mine)
    assert _ask(on_any_database, "chào", str(other["conversation_id"]))["status"] == "answered"


def test_after_erasing_the_address_starts_a_new_conversation(on_any_database: Assistant) -> None:
    def send(**what: str) -> dict[str, object]:
        return on_any_database.reply(Message("telegram", address="42", **what)).body  # type: ignore[arg-type]

    first = send(text="đăng ký kết hôn cần gì")
    send(payload="delete_my_data?confirmed=yes")
    after = send(text="thế lệ phí bao nhiêu?")
    assert after["conversation_id"] != first["conversation_id"]
    assert after["understanding"]["procedure"] is None  # type: ignore[index]


def test_where_a_channel_sends_nothing_itself_the_outbox_holds_every_answer_once(
    on_any_database: Assistant,
) -> None:
    def ask(text: str, key: str) -> Reply:
        return on_any_database.reply(Message("zalo_oa", text, address="11", key=key))

    first, again = ask("chào bạn", "a"), ask("chào bạn", "a")
    assert first.to_send == again.to_send == []
    gone = on_any_database.reply(
        Message("zalo_oa", payload="delete_my_data?confirmed=yes", address="11", key="b")
    )
    with transaction(on_any_database.engine) as session:
        told = [(each.address, each.message) for each in session.scalars(select(OutboxMessage))]
    assert told == [("11", message) for message in gone.messages]  # what was said before is erased


def test_personal_numbers_are_not_stored(on_any_database: Assistant) -> None:
    _ask(on_any_database, "cho tôi gặp nhân viên, số của tôi 0915163312")
    with transaction(on_any_database.engine) as session:
        stored = [*session.scalars(select(Turn.text)), *session.scalars(select(UnresolvedQuestion.text))]
        replies = str(session.scalars(select(Turn.reply)).all())
    assert stored and all("0915163312" not in str(text) for text in stored)
    assert "0915163312" not in replies


def test_with_the_nlu_server_down_the_turn_is_kept_and_the_hotline_given(on_any_database: Assistant) -> None:
    down = replace(on_any_database, nlu=NluClient(f"http://127.0.0.1:{free_port()}"))
    reply = _ask(down, "làm hộ chiếu bao nhiêu tiền")
    assert reply["status"] == "unavailable"
    assert "1800 1096" in reply["messages"][0]["text"]  # type: ignore[index]
    assert _count(down.engine, UnresolvedQuestion) == 1
    again = _ask(on_any_database, "làm hộ chiếu bao nhiêu tiền", str(reply["conversation_id"]))
    assert again["status"] == "answered"


def test_a_pressed_choice_is_answered_without_the_nlu_server(on_any_database: Assistant) -> None:
    down = replace(on_any_database, nlu=NluClient(f"http://127.0.0.1:{free_port()}"))
    reply = down.reply(Message("web", payload="ask_fee?procedure=1.001456")).body
    assert reply["status"] == "answered"


def test_a_failure_in_answering_becomes_a_safe_sentence(on_any_database: Assistant) -> None:
    def no_day() -> object:
        raise RuntimeError("the clock broke")

    first = on_any_database.today
    days = chain([no_day], repeat(first))
    broken = replace(on_any_database, today=lambda: next(days)())  # type: ignore[arg-type,return-value]
    reply = _ask(broken, "làm hộ chiếu bao nhiêu tiền")
    assert reply["status"] == "unavailable"
    assert _count(on_any_database.engine, Turn) == 1


def test_what_is_recorded_for_staff_is_the_question_and_not_the_press(on_any_database: Assistant) -> None:
    asked = str(_ask(on_any_database, "làm hộ chiếu bao nhiêu tiền")["conversation_id"])
    on_any_database.reply(Message("web", payload="ask_human", conversation_id=asked))
    with transaction(on_any_database.engine) as session:
        assert session.scalars(select(UnresolvedQuestion.text)).all() == ["làm hộ chiếu bao nhiêu tiền"]


def test_a_failing_statement_shows_no_words_of_citizens(any_engine: Engine) -> None:
    with pytest.raises(IntegrityError) as caught, transaction(any_engine) as session:
        session.add(Turn(conversation_id="nobody", text="bí mật của tôi"))
    assert "bí mật" not in str(caught.value)


def test_replicas_that_start_together_all_find_the_schema(any_engine: Engine) -> None:
    there = MetaData()
    there.reflect(any_engine)  # also tables that nothing here has loaded
    there.drop_all(any_engine)
    with ThreadPoolExecutor(4) as pool:
        assert [future.result() for future in [pool.submit(migrate, any_engine) for _ in range(4)]]
    assert inspect(any_engine).has_table("turns")


def test_turns_left_without_an_answer_are_found_again(on_any_database: Assistant) -> None:
    with transaction(on_any_database.engine) as session:
        session.add(Conversation(id="c" * 36, channel="telegram", address="7"))
        session.flush()
        session.add(Turn(conversation_id="c" * 36, request_key="telegram:1-5", text="chào em"))
    ((address, message),) = unanswered(on_any_database.engine, "telegram")
    assert (address, message.text) == ("7", "chào em")
    assert on_any_database.reply(message).body["status"] == "answered"
    assert unanswered(on_any_database.engine, "telegram") == []


def test_conversations_past_their_time_are_erased(on_any_database: Assistant) -> None:
    old = str(_ask(on_any_database, "xin chào")["conversation_id"])
    new = str(_ask(on_any_database, "xin chào")["conversation_id"])
    with transaction(on_any_database.engine) as session:
        session.get_one(Conversation, old).last_at = now() - timedelta(days=181)
    assert erase_older_than(on_any_database.engine, 180) == 1
    with transaction(on_any_database.engine) as session:
        assert list(session.scalars(select(Conversation.id))) == [new]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message("web", ""), "text"),
        (Message("web", "a" * 2001), "text"),
        (Message("web", payload="nonsense"), "payload"),
        (Message("web", "chào", conversation_id="nobody"), "conversation_id"),
    ],
)
def test_bad_input_is_named_and_not_stored(assistant: Assistant, message: Message, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        assistant.reply(message)
    assert caught.value.field == field
    assert _count(assistant.engine, Turn) == 0


def test_a_conversation_of_another_channel_is_unknown(assistant: Assistant) -> None:
    mine = assistant.reply(Message("telegram", "chào", address="1")).body["conversation_id"]
    with pytest.raises(UnknownConversation):
        assistant.reply(Message("web", "chào", conversation_id=mine))


@pytest.mark.parametrize("text", ["😀😀😀", "😀" * 2000, "...", "?"])
def test_a_message_without_words_gets_a_helpful_sentence(assistant: Assistant, text: str) -> None:
    reply = assistant.reply(Message("web", text)).body
    assert reply["status"] == "asked_back"
    assert reply["messages"][0]["choices"]


def test_an_answer_can_be_said_to_miss_the_point(on_any_database: Assistant) -> None:
    greeting = on_any_database.reply(Message("web", "xin chào"))
    whose = greeting.body["conversation_id"]
    told = on_any_database.reply(
        Message("web", "làm hộ chiếu bao nhiêu tiền, gọi 0912345678", conversation_id=whose)
    )
    *_, last = told.messages[-1]["choices"]
    assert last == {"title": "Chưa đúng ý?", "payload": "ask_human?rating=useless"}
    assert last not in greeting.messages[-1]["choices"]
    noted = on_any_database.reply(Message("web", payload=last["payload"], conversation_id=whose))
    assert noted.messages[-1]["text"] == say("people.useless_noted")
    assert [choice["payload"] for choice in noted.messages[-1]["choices"]] == ["ask_human"]
    with transaction(on_any_database.engine) as session:
        (kept,) = session.scalars(select(UnresolvedQuestion))
        assert kept.reason == "useless" and kept.text.startswith("làm hộ chiếu bao nhiêu tiền")
        (asked,) = [each for each in unanswered_questions(session) if each.useless]
        assert asked.useless == 1 and "0912345678" not in asked.text


@pytest.fixture
def unreachable() -> Iterator[Engine]:
    engine = open_database(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    yield engine
    engine.dispose()


def test_an_unreachable_database_is_told_as_such(assistant: Assistant, unreachable: Engine) -> None:
    assert not is_ready(unreachable)
    with pytest.raises(DatabaseUnavailable, match="database"):
        replace(assistant, engine=unreachable).reply(Message("web", "chào"))


def test_a_code_alone_is_looked_up_with_the_nlu_server_down(on_any_database: Assistant) -> None:
    down = replace(on_any_database, nlu=NluClient(f"http://127.0.0.1:{free_port()}"))
    reply = _ask(down, "hồ sơ 000.00.12.H62-261118-0012 sao rồi")
    assert reply["status"] == "answered"
    assert "Được tiếp nhận" in reply["messages"][0]["text"]  # type: ignore[index]


def test_what_proves_a_dossier_is_not_stored(on_any_database: Assistant) -> None:
    asked = on_any_database.reply(
        Message("web", payload="track_dossier?code=000.00.12.H62-261117-0005&details=yes")
    ).body["conversation_id"]
    for said in ("em nhớ ra rồi chị ơi, số của em là 1676 ạ", "hồ sơ 000.00.12.H62-261117-0005 số cuối 1676"):
        assert "chứng sinh" in str(_ask(on_any_database, said, asked)["messages"])
    with transaction(on_any_database.engine) as session:
        kept = str([(turn.text, turn.reply) for turn in session.scalars(select(Turn))])
    assert "1676" not in kept and "000.00.12.H62-261117-0005" in kept


def test_a_proof_that_a_stop_left_unanswered_is_asked_for_again(on_any_database: Assistant) -> None:
    asked = on_any_database.reply(
        Message("web", payload="track_dossier?code=000.00.12.H62-261117-0005&details=yes")
    ).body["conversation_id"]
    left = _ask(on_any_database, "[đã ẩn]", asked)  # as it was stored
    assert left["status"] == "asked_back" and "4 số cuối" in left["messages"][0]["text"]  # type: ignore[index]


def test_dossiers_imported_before_the_migration_are_taken_over(any_engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with any_engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        connection.execute(
            text("INSERT INTO dossiers VALUES ('H62.12-261001-0001', 'Khai sinh', 4, '2026-12-01', :at)"),
            {"at": now()},
        )
        command.upgrade(config, "head")
    with transaction(any_engine) as session:
        (state,) = read_states(session, "H62.12-261001-0001")
    assert (state.source, state.dossier.status, str(state.dossier.appointed)[:10]) == (
        "files",
        4,
        "2026-12-01",
    )


def test_writers_wait_for_each_other_in_a_queue(any_engine: Engine) -> None:
    """Forty threads that write at once all get their turn; SQLite by itself starves some."""
    start = threading.Barrier(40)

    def write(number: int) -> None:
        start.wait()
        for _ in range(10):
            with transaction(any_engine) as session:
                session.add(Conversation(channel="web", address=None))

    with ThreadPoolExecutor(40) as pool:
        for done in [pool.submit(write, number) for number in range(40)]:
            done.result()
    assert _count(any_engine, Conversation) == 400


STORM = Notice(
    id="bao", text="Bão số 9: bộ phận một cửa nghỉ sáng nay.", province="vinh-phuc",
    starts=datetime(2026, 11, 22), ends=datetime(2026, 11, 22, 12),
)  # fmt: skip
MIDNIGHT = datetime(2026, 11, 22, tzinfo=HERE)


class Clock:
    """A clock that goes on by a step with each look."""

    def __init__(self, at: datetime, step: timedelta = timedelta()) -> None:
        self.at, self.step = at, step

    def now(self) -> datetime:
        self.at += self.step
        return self.at

    def today(self) -> date:
        return self.now().astimezone(HERE).date()


def _told_at(assistant: Assistant, library: Library, clock: Clock) -> str:
    stormy = library.with_records(replace(library.catalogue, notices=(STORM,)))
    hotline = replace(assistant.hotline, clock=clock.now)
    of_day = replace(assistant, shelf=lambda: stormy, today=clock.today, hotline=hotline)
    return str(of_day.reply(Message("web", payload="ask_fee?procedure=1.001193")).messages[0]["text"])


@pytest.mark.parametrize(
    ("at", "is_told"),
    [
        (MIDNIGHT - timedelta(minutes=1), False),
        (MIDNIGHT, True),
        (MIDNIGHT + timedelta(hours=11, minutes=59), True),
        (MIDNIGHT + timedelta(hours=12), False),
    ],
)
def test_a_notice_is_told_in_a_turn_of_its_window_only(
    assistant: Assistant, library: Library, at: datetime, is_told: bool
) -> None:
    told = _told_at(assistant, library, Clock(at.astimezone(UTC)))
    assert ("Bão số 9" in told) is is_told and "phí" in told


def test_a_turn_at_midnight_has_the_notices_of_one_moment(assistant: Assistant, library: Library) -> None:
    before_the_end = MIDNIGHT + timedelta(days=1) - timedelta(milliseconds=15)  # its time is after midnight
    assert "Bão số 9" not in _told_at(assistant, library, Clock(before_the_end, timedelta(milliseconds=10)))
    before_it_begins = MIDNIGHT - timedelta(milliseconds=15)
    assert "Bão số 9" in _told_at(assistant, library, Clock(before_it_begins, timedelta(milliseconds=10)))


def test_a_province_pack_that_changes_while_serving_reaches_the_answers(
    assistant: Assistant, library: Library
) -> None:
    shelf = [library]
    serving = replace(assistant, shelf=lambda: shelf[0])
    pack = library.catalogue.province("vinh-phuc")
    assert "0999 888 777" not in str(serving.reply(Message("web", payload="ask_human")).body)
    phone = Contact(
        name="Số trực mới", phone="0999 888 777", about=pack.contacts[0].about, valid_from=TODAY,
        sources=pack.contacts[0].sources,
    )  # fmt: skip
    changed = pack.model_copy(update={"contacts": (phone,)})
    provinces = {**library.catalogue.provinces, "vinh-phuc": changed}
    shelf[0] = library.with_records(replace(library.catalogue, provinces=provinces))
    assert serving.pack == changed
    assert "0999 888 777" in str(serving.reply(Message("web", payload="ask_human")).body)
