"""From the portal's columns of one procedure to the facts of a Procedure, with what is doubtful in them.

A field that could not be read stays "not stated", and the portal's own text is kept beside it: nothing is
guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from knowledge import portal_columns as columns
from knowledge.portal_files import CODE, NAME, PortalRecord
from knowledge.records import LONGEST_TITLE, NOT_STATED, Case, Procedure
from knowledge.search import fold, folded_words

_PREFIX = re.compile(r"^thủ tục(?: hành chính)?(?:\s*:)?\s+", re.IGNORECASE)
# A first heading that sorts papers ("Giấy tờ phải nộp") instead of telling a case ("Trường hợp cấp lại").
_SORTS = re.compile(r"(?:a |1 |i )?(?:cac )?(?:giay to|thanh phan|ho so$|bao gom|chung tu|luu y|xuat trinh)")
_OWN_CODE = re.compile(r"\s*\(\d\.\d{6}\)\s*$")
# Which column each field is read from, and how.
_READ: dict[str, tuple[str, Callable[[str], columns.Parsed[Any]]]] = {
    "conditions": ("yeu_cau_dieu_kien", columns.parse_lines),
    "cases": ("thanh_phan_ho_so", columns.parse_documents),
    "steps": ("trinh_tu_thuc_hien", columns.parse_lines),
    "channels": ("cach_thuc_thuc_hien", columns.parse_channels),
    "results": ("ket_qua_xu_ly", columns.parse_results),
    "legal_basis": ("can_cu_phap_ly", columns.parse_legal_basis),
}
COLUMNS = {field: column for field, (column, _) in _READ.items()}


@dataclass(frozen=True)
class Reading:
    """What was read in a record: field values, how each was read, and doubts."""

    columns: dict[str, str]
    values: dict[str, Any]
    how: dict[str, str]  # field: "parsed", "kept as text" or "empty"
    doubts: tuple[str, ...]

    def facts(self, seen_on: date) -> dict[str, Any]:
        """Give the Procedure as JSON, as the portal showed it on that day."""
        get = self.columns.get
        name = plain_name(self.columns[NAME])
        state = f"{seen_on:%Y-%m}"
        facts = {
            "code": self.columns[CODE].strip(),
            "name": name,
            "short_name": shortened(name),
            "aliases": [],
            "field": get("linh_vuc", "").strip() or "Chưa phân loại",
            "levels": columns.parse_levels(get("cap_thuc_hien", "")).value or ("other",),
            "applicants": columns.parse_applicants(get("doi_tuong_thuc_hien", "")).value
            or ("Chưa có thông tin",),
            "summary": f"{name}.",
            "agency": _said(get("co_quan_thuc_hien", ""), empty=None)
            or _said(get("co_quan_co_tham_quyen", "")),
            "where": _said(get("dia_chi_tiep_nhan", "")),
            **self.values,
            "valid_from": seen_on,
            "source": {
                "title": f"Cổng Dịch vụ công quốc gia: {name}",
                "number": _said(get("so_quyet_dinh", ""), empty=None),
                "url": get("detail_url", "https://dichvucong.gov.vn"),
                "state_of": state,
                "read_on": seen_on,
            },
        }
        if not facts["cases"]:
            facts["cases"] = [{"id": "ho-so", "name": "Hồ sơ", "documents": NOT_STATED}]
        return stated(Procedure.model_validate(facts))


def read_portal_record(record: PortalRecord) -> Reading:
    """Read every column of a record; never raises."""
    values: dict[str, Any] = {}
    how: dict[str, str] = {}
    doubts: list[str] = []
    for field, (column, parse) in _READ.items():
        text = record.columns.get(column, "")
        parsed = parse(text)
        values[field] = parsed.value or NOT_STATED
        how[field] = "parsed" if parsed.value else "kept as text" if _said(text, empty=None) else "empty"
        doubts += [f"{column}: {doubt}" for doubt in parsed.doubts]
    values["cases"] = [] if values["cases"] == NOT_STATED else _alternatives(values["cases"])
    return Reading(record.columns, values, how, tuple(doubts))


def _alternatives(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Put headings that only sort the papers of one dossier into one case; leave true cases."""
    if not any(_SORTS.match(folded_words(case.name)) for case in cases[:1] if len(cases) > 1):
        return cases
    papers = tuple(
        document.model_copy(
            update={"action": _action(case.name), "note": document.note or f"Mục: {case.name}"}
        )
        for case in cases
        for document in case.documents or ()
    )
    return (cases[0].model_copy(update={"name": "Hồ sơ", "documents": papers or None}),)


def _action(heading: str) -> str:
    folded = folded_words(heading)
    return "show" if "xuat trinh" in folded and not re.search(r"\b(?:nop|gui)\b", folded) else "submit"


def stated(procedure: Procedure) -> dict[str, Any]:
    """Give a Procedure as JSON that reads back: what is None is written as not stated where that is asked."""
    return dict(_stated(procedure.model_dump(mode="json")))


_ASKED = frozenset(
    {"agency", "where", "conditions", "steps", "channels", "results", "legal_basis",
     "documents", "time_limit", "fees", "amount"}
)  # fmt: skip


def _stated(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: NOT_STATED if v is None and k in _ASKED else _stated(v) for k, v in value.items()}
    return [_stated(item) for item in value] if isinstance(value, list) else value


def plain_name(name: str) -> str:
    """Give a procedure's name without the official prefix (``Thủ tục``), its first letter a capital."""
    bare = _OWN_CODE.sub("", _PREFIX.sub("", " ".join(name.split())))
    return bare[:1].upper() + bare[1:]


def shortened(name: str) -> str | None:
    """Cut a long name at a word so that it fits a button; None when it fits as it is."""
    if len(name) <= LONGEST_TITLE:
        return None
    cut = name[: LONGEST_TITLE - 1].rsplit(" ", 1)[0].rstrip(" ,;-(")
    return f"{cut}…"


def _said(text: str, empty: str | None = NOT_STATED) -> str | None:
    said = " ".join(text.split())
    return empty if fold(said).rstrip(".") in columns.NOTHING else said
