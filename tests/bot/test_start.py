"""What keeps the assistant from starting is told in one sentence, and commands do what they say."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot.demo import needs_demo
from bot.outbox import OutboxMessage
from bot.settings import Settings
from bot.start import note_guessing
from knowledge.database import transaction
from knowledge.dossiers import Refusal
from tests.conftest import free_port

ROOT = Path(__file__).parents[2]


def _run(*arguments: str, cwd: Path = ROOT, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **settings}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert "Traceback" not in sentence
    return sentence


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'test.db'}"


def test_a_port_in_use_is_named(database: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = _refused(_run("bot", "serve", PORT=str(port), DATABASE_URL=database))
    assert f"port {port} on 127.0.0.1 cannot be used" in sentence and "set PORT" in sentence


def test_a_missing_token_is_named(database: str) -> None:
    sentence = _refused(_run("bot", "serve", "--telegram", DATABASE_URL=database))
    assert "TELEGRAM_TOKEN is not set" in sentence


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    sentence = _refused(_run("bot", "ask", "chào", DATABASE_URL=f"sqlite:///{tmp_path}/file/test.db"))
    assert f"{tmp_path}/file cannot be written" in sentence


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"PORT": "eighty"}, "setting PORT"),
        ({"ASSISTANT_TODAY": "hôm nay"}, "setting ASSISTANT_TODAY"),
        ({"PROVINCE": "atlantis"}, "PROVINCE='atlantis' has no pack"),
        ({"DATABASE_URL": "somewhere"}, "DATABASE_URL is not an address"),
        ({"DATABASE_URL": "mysql://root@127.0.0.1/x"}, "only sqlite and postgresql"),
        ({"RATE_LIMIT": "many"}, "RATE_LIMIT"),
        ({"OIDC_ISSUER": "http://dang-nhap.example"}, "setting OIDC_ISSUER"),
        ({"OIDC_CLIENT_SECRET": "x"}, "OIDC_ISSUER and OIDC_CLIENT_ID not set"),
    ],
)
def test_a_bad_setting_is_named(settings: dict[str, str], words: str, database: str) -> None:
    assert words in _refused(
        _run("bot", "serve", **{"PORT": str(free_port()), "DATABASE_URL": database, **settings})
    )


def test_a_question_is_answered_as_json_on_the_replayed_day(nlu_url: str, database: str) -> None:
    done = _run(
        "bot", "ask", "ra đường có phải đeo khẩu trang không", "--json",
        NLU_URL=nlu_url, DATABASE_URL=database, ASSISTANT_TODAY="2020-04-01",
    )  # fmt: skip
    body = json.loads(done.stdout)
    assert body["understanding"]["topic"] == "covid-khau-trang"
    assert body["status"] == "answered"


def test_a_file_of_questions_gives_one_answer_a_line(nlu_url: str, database: str, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(
        '{"text": "làm hộ chiếu bao nhiêu tiền"}\n\n{"text": ""}\n{"text": "chào em"}\n', encoding="utf-8"
    )
    done = _run("bot", "ask", "--file", str(questions), "--json", NLU_URL=nlu_url, DATABASE_URL=database)
    statuses = [json.loads(line)["status"] for line in done.stdout.splitlines()]
    assert statuses == ["answered", "bad_input", "answered"]


def test_a_broken_line_of_questions_is_named_and_the_rest_is_answered(
    nlu_url: str, database: str, tmp_path: Path
) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "làm hộ chiếu"}\nnot json\n{"text": "chào em"}\n', encoding="utf-8")
    done = _run("bot", "ask", "--file", str(questions), NLU_URL=nlu_url, DATABASE_URL=database)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["status"] for answer in answers] == ["bad_input", "bad_input", "answered"]
    assert f"{questions}:2: is not an object" in answers[1]["detail"]


@pytest.mark.parametrize("command", [["ask", "--file", "nowhere.jsonl"], ["import-dossiers", "nowhere.csv"]])
def test_a_missing_file_is_named(command: list[str], database: str) -> None:
    assert "nowhere" in _refused(_run("bot", *command, DATABASE_URL=database))


def test_dossiers_are_imported_with_a_report(database: str, tmp_path: Path) -> None:
    path = tmp_path / "dossiers.csv"
    row = "H62.12-261001-0001,Đăng ký kết hôn,4,2026-12-01"
    path.write_text(f"code,procedure,status,appointed\n{row}\n", encoding="utf-8")
    assert "1 new, 0 changed" in _run("bot", "import-dossiers", str(path), DATABASE_URL=database).stdout
    assert "1 unchanged" in _run("bot", "import-dossiers", str(path), DATABASE_URL=database).stdout


def test_the_terminal_chat_numbers_its_choices(nlu_url: str, database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "chat"],
        input="đăng ký kết hôn cần giấy tờ gì\n1\n\n", cwd=ROOT, text=True,
        env={"PATH": os.environ["PATH"], "HOME": "/", "NLU_URL": nlu_url, "DATABASE_URL": database},
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert "Tờ khai" in done.stdout and "Cách làm" in done.stdout
    assert "Nguồn" in done.stdout


def test_a_faulty_content_folder_stops_the_start_unless_lenient(
    nlu_url: str, database: str, tmp_path: Path
) -> None:

    content = Path(shutil.copytree(ROOT / "knowledge/content", tmp_path / "content"))
    path = content / "procedures/1.000894.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("\nsummary:", "\nsummery:"), encoding="utf-8")
    settings = {"CONTENT": str(content), "NLU_URL": nlu_url, "DATABASE_URL": database}
    strict = _run("bot", "ask", "chào em", **settings)
    assert strict.returncode == 2 and "1.000894.yml" in strict.stderr and "summery" in strict.stderr
    assert _run("bot", "ask", "chào em", "--lenient", **settings).returncode == 0
    assert _run("knowledge", "check", "--content", str(content)).returncode == 1


def test_staff_are_told_of_guessing_without_a_person_or_a_code(engine: Engine) -> None:
    minute = timedelta(minutes=1)
    for refusal in (
        Refusal(minute, "person:0123abcd", 1, is_new=True),  # an honest mistake
        Refusal(minute, "person:0123abcd", 3, is_new=True),
        Refusal(minute, "all", 1, is_new=True),
    ):
        note_guessing(engine, 42, refusal)
    note_guessing(engine, None, Refusal(minute, "all", 2, is_new=True))
    with transaction(engine) as session:
        notes = list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))
    assert [(note.channel, note.address) for note in notes] == [("telegram", "42")] * 2
    assert "3 lần" in notes[0].message["text"] and "mọi kênh" in notes[1].message["text"]
    assert "0123abcd" not in str([note.message for note in notes])


def test_made_up_dossiers_are_shown_only_where_nothing_real_is_set(database: str) -> None:
    settings = Settings(_env_file=None, database_url=database)
    assert needs_demo(settings)
    assert not needs_demo(settings.model_copy(update={"dossier_demo": False}))
    assert not needs_demo(settings.model_copy(update={"national_api_url": "http://127.0.0.1:9"}))


def test_a_source_without_its_user_is_named(database: str) -> None:
    done = _run("bot", "ask", "chào", DATABASE_URL=database, NATIONAL_API_URL="http://127.0.0.1:9")
    assert "NATIONAL_API_USERNAME" in _refused(done)
