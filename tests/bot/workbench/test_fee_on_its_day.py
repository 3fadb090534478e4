"""A fee that a decision changes from a day on: drafted, approved, and told with its basis and source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import deepcopy
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from knowledge.content_files import CONTENT
from knowledge.database import transaction
from knowledge.dossiers import HERE
from knowledge.editing.drafts import approve, draft, save, submit
from knowledge.editing.loading import open_content
from knowledge.editing.records import Key
from tests.conftest import ROOT

CODE = "2.000815"  # certified copies
NUMBER = "12/2026/NQ-HĐND"
NOW = datetime.now(HERE).date()
COMING = NOW + timedelta(days=40)
URL = "https://congbao.example/nghi-quyet-12"
TEXT = {"title": "Nghị quyết của HĐND tỉnh về lệ phí chứng thực", "url": URL}
BIEN, LUAT = 1, 2


def _ask(engine: Engine, nlu_url: str, day: date) -> dict[str, Any]:
    """Ask what certified copies cost, as on a day."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "ask", "phí chứng thực bản sao từ bản chính bao nhiêu", "--json"],
        cwd=ROOT, text=True, capture_output=True, timeout=300, check=True,
        env={
            "PATH": os.environ["PATH"], "HOME": "/", "NLU_URL": nlu_url, "ASSISTANT_TODAY": day.isoformat(),
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        },
    )  # fmt: skip
    message: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["messages"][0]
    return message


def _changed(data: Any) -> Any:
    """Let the first fee of each way of filing end, and the decision's begin the day after."""
    data = deepcopy(data)
    for channel in data["channels"]:
        old = channel["fees"][0]
        new = {"amount": 15_000, "what": old["what"], "basis": NUMBER, "valid_from": COMING.isoformat()}
        channel["fees"][:1] = [{**old, "valid_to": (COMING - timedelta(days=1)).isoformat()}, new]
    return data


@pytest.fixture
def published(any_engine: Engine) -> Engine:
    """A database in which the change was drafted by one and approved by another."""
    content = open_content(any_engine, CONTENT, NOW)
    fee: Key = ("procedure", CODE)
    with transaction(any_engine) as session:
        text = draft(session, ("official_text", NUMBER), BIEN, NOW, TEXT)
        row = draft(session, fee, BIEN, NOW)
        save(session, row.id, row.version, row.data, _changed(row.data), BIEN)
        both = [text.id, row.id]
        rows = submit(session, content, both, BIEN, f"Phí chứng thực theo {NUMBER}", None, NOW)
        seen = {each.id: each.version for each in rows}
    with transaction(any_engine) as session:
        approve(session, content, seen, LUAT, NOW)
    return any_engine


def test_a_fee_is_told_with_its_decision_on_its_day_and_as_the_portal_said_before(
    published: Engine, nlu_url: str
) -> None:
    before = _ask(published, nlu_url, COMING - timedelta(days=1))
    assert "2.000 đ" in before["text"] and "tháng 7/2026" in before["text"]
    assert "15.000" not in before["text"] and NUMBER not in json.dumps(before, ensure_ascii=False)
    told = _ask(published, nlu_url, COMING)
    since = f"{COMING.day}/{COMING.month}/{COMING.year}"
    assert f"15.000 đ (theo Nghị quyết {NUMBER}, từ {since})" in told["text"]
    assert "mức 2.000 đ chỉ áp dụng đến hết ngày" in told["text"]
    assert "Phần còn lại theo Cổng Dịch vụ công quốc gia, tháng 7/2026." in told["text"]
    assert told["sources"][0]["url"] == URL and len(told["sources"]) == 2
