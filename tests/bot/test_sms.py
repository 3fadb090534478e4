"""SMS: numbers of a file, each checked and kept once; a gateway whose refusals are told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select

from bot.outbox import NotEver, NotNow, Outbox, OutboxMessage, Recipient, queue
from bot.settings import Settings
from bot.sms_gateway import SmsGateway
from bot.sms_numbers import (
    SmsFileError,
    SmsNumber,
    add_numbers,
    normal_number,
    read_numbers,
    remove_numbers,
)
from knowledge.database import now, open_database, transaction
from tests.bot.test_start import _run
from tests.servers.sms_gateway import TOKEN, SmsGatewayServer

BODY = '{"to": "{phone}", "content": {"text": "{text}"}, "brand": "MOTCUA"}'


@pytest.fixture
def gateway() -> Iterator[SmsGatewayServer]:
    with SmsGatewayServer() as server:
        yield server


@pytest.mark.parametrize(
    "text", ["0912345678", "+84 912 345 678", "84912345678", "0912.345.678", "912345678", "(091) 234-5678"]
)
def test_a_number_is_kept_in_one_way(text: str) -> None:
    assert normal_number(text) == "+84912345678"


@pytest.mark.parametrize("text", ["", "091234567", "09123456789", "0212345678", "0951234567", "abc", "1022"])
def test_what_is_no_mobile_number_is_refused(text: str) -> None:
    assert normal_number(text) is None


def test_numbers_are_read_from_csv_and_xlsx(tmp_path: Path) -> None:
    csv = tmp_path / "so.csv"
    csv.write_text("Họ tên;Số điện thoại\nHoa;0912345678\nLan;+84 987 654 321\nHoa;0912.345.678\n", "utf-8")
    assert read_numbers(csv) == ["+84912345678", "+84987654321"]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (("Tên", "Liên hệ"), ("Hoa", 912345678), ("Lan", "0987654321")):
        sheet.append(row)
    book.save(tmp_path / "so.xlsx")
    assert read_numbers(tmp_path / "so.xlsx", "Liên hệ") == ["+84912345678", "+84987654321"]
    with pytest.raises(SmsFileError, match="--column"):
        read_numbers(tmp_path / "so.xlsx")


def test_a_faulty_row_is_named_and_nothing_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "so.csv"
    file.write_text("phone\n0912345678\n12345\n", "utf-8")
    with pytest.raises(SmsFileError, match=r"so\.csv:3: '12345'"):
        read_numbers(file)


def test_numbers_are_added_once_and_removed_with_what_waits_for_them(any_engine: Engine) -> None:
    numbers = ["+84912345678", "+84987654321"]
    with transaction(any_engine) as session:
        assert add_numbers(session, numbers).changed == 2
        assert add_numbers(session, numbers).unchanged == 2
        for each in numbers:
            queue(session, each, Recipient("sms", each), {"text": "x"})
        assert remove_numbers(session, numbers[:1]).changed == 1
    with transaction(any_engine) as session:
        assert list(session.scalars(select(SmsNumber.phone))) == numbers[1:]
        assert list(session.scalars(select(OutboxMessage.address))) == numbers[1:]


def test_the_command_keeps_and_forgets_numbers(tmp_path: Path) -> None:
    file, database = tmp_path / "so.csv", f"sqlite:///{tmp_path / 'a.db'}"
    file.write_text("0912345678\n0987654321\n", "utf-8")
    for arguments, said in (((), "2 new"), ((), "2 known"), (("--remove",), "2 removed")):
        done = _run("bot", "sms-numbers", str(file), *arguments, DATABASE_URL=database)
        assert said in done.stdout, done.stderr
    engine = open_database(database)
    with transaction(engine) as session:
        assert session.scalars(select(SmsNumber)).all() == []
    engine.dispose()


def _send(gateway: SmsGatewayServer, text: str, token: str = TOKEN) -> None:
    async def send() -> None:
        client = SmsGateway(gateway.url, token, BODY)
        try:
            await client.send("+84912345678", {"text": text})
        finally:
            await client.close()

    asyncio.run(send())


def test_a_text_goes_out_in_the_gateways_own_shape(gateway: SmsGatewayServer) -> None:
    _send(gateway, 'Nghi "bao" so 9')
    assert gateway.sent == [("+84912345678", 'Nghi "bao" so 9')]


@pytest.mark.parametrize(
    ("status", "error"), [(422, NotEver), (400, NotEver), (429, NotNow), (503, NotNow), (404, NotNow)]
)
def test_refusals_are_told_apart(gateway: SmsGatewayServer, status: int, error: type[Exception]) -> None:
    gateway.refuse_next(status)
    with pytest.raises(error):
        _send(gateway, "x")
    assert gateway.sent == []


def test_a_wrong_token_keeps_the_message_for_later_and_a_pause_is_kept(gateway: SmsGatewayServer) -> None:
    with pytest.raises(NotNow, match="SMS_GATEWAY_TOKEN"):
        _send(gateway, "x", "wrong")
    gateway.refuse_next(429, 60)
    with pytest.raises(NotNow) as refused:
        _send(gateway, "x")
    assert refused.value.not_before and refused.value.not_before > now() + timedelta(seconds=50)


def test_an_error_of_the_gateway_may_have_sent_it(gateway: SmsGatewayServer, any_engine: Engine) -> None:
    gateway.refuse_next(502)
    with transaction(any_engine) as session:
        queue(session, "a", Recipient("sms", "+84912345678"), {"text": "x"}, at_night=True)

    async def send() -> None:
        client = SmsGateway(gateway.url, TOKEN, BODY)
        outbox = Outbox(any_engine, {"sms": client.send})
        await outbox.send_due()
        await outbox.send_due()
        await client.close()

    asyncio.run(send())
    assert gateway.sent == []


@pytest.mark.parametrize("body", ["{", '{"to": "{phone}"}', '{"a": 1}'])
def test_a_body_without_number_and_text_is_refused_at_the_start(body: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, sms_gateway_body=body)
