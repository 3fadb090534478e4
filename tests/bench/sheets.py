"""``python -m tests.bench.sheets``: seconds to write 5,000 rows as xlsx and to read them as a dry run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import openpyxl

from knowledge.sheets import Content, read_sheet, write_sheet

ROWS = 5_000
CHANGED = 10  # every tenth row has another amount


def made_up_content(rows: int = ROWS) -> Content:
    """Make procedures with three channels of one fee or two each; ``rows`` fees in all."""
    content: dict[tuple[str, str], Any] = {}
    left = rows
    while left > 0:
        code = f"9.{len(content):06}"
        channels = []
        for way, fees in (("direct", 2), ("online", 1), ("postal", 1)):
            channels.append({"channel": way, "time_limit": "3 ngày", "fees": list(_fees(min(fees, left)))})
            left -= min(fees, left)
        content["procedure", code] = {"code": code, "name": f"Thủ tục bịa {code}", "channels": channels}
    return content


def _fees(many: int) -> Iterator[dict[str, Any]]:
    for number in range(many):
        yield {"amount": 8_000 + number, "what": f"Bản sao thứ {number}", "basis": "281/2016/TT-BTC"}


def changed_sheet(file: bytes) -> bytes:
    """Give every tenth row another amount, typed as officials do."""
    book = openpyxl.load_workbook(BytesIO(file))
    sheet: Any = book.worksheets[0]
    for row in range(2, sheet.max_row + 1, CHANGED):
        sheet.cell(row, 4).value = "mười lăm nghìn đồng"
    saved = BytesIO()
    book.save(saved)
    return saved.getvalue()


@contextmanager
def _timed(told: dict[str, Any], name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    told[name] = round(time.perf_counter() - begun, 2)


def measure(rows: int = ROWS) -> None:
    """Measure once, and print one JSON line."""
    content = made_up_content(rows)
    told: dict[str, Any] = {"rows": rows}
    with _timed(told, "write_seconds"):
        file = write_sheet("fees", content)
    with _timed(told, "read_unchanged_seconds"):
        unchanged = read_sheet("fees", file, content)
    changed = changed_sheet(file)
    with _timed(told, "read_changed_seconds"):
        plan = read_sheet("fees", changed, content)
    told |= {
        "bytes": len(file),
        "changes_of_the_unchanged": len(unchanged.changes),
        "changes": len(plan.changes),
        "records": len(plan.records),
        "faults": len(unchanged.faults) + len(plan.faults),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    measure()
