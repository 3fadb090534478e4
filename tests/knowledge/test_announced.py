"""What is wrong with an announcement is told where it is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, Folder
from tests.conftest import ROOT

NOTICE = {"id": "bao", "text": "Nghỉ vì bão.", "starts": "2026-12-01T07:00", "ends": "2026-12-01T17:00"}


def test_its_audience_has_to_be_there_its_id_new_and_its_sms_short(tmp_path: Path) -> None:
    assert ROOT in CONTENT.parents
    content = shutil.copytree(CONTENT, tmp_path / "content")

    def faults(*notices: dict[str, str]) -> list[tuple[str, str]]:
        (content / "notices.yml").write_text(json.dumps([NOTICE | each for each in notices]), "utf-8")
        return [
            (fault.field, fault.message) for fault in load_catalogue(Folder(content), lenient=True).faults
        ]

    assert (
        faults({"audience": "vneid"}, {"id": "hai", "audience": "1.000894"}, {"id": "ba", "audience": "all"})
        == []
    )
    assert faults({"audience": "khong-co"}) == [
        ("[0].audience", "names topics/khong-co.yml, which is not there")
    ]
    assert faults({}, {}) == [("[1].id", "bao stands there twice")]
    ((field, message),) = faults({"audience": "all", "text": "x" * 161})
    assert field.startswith("[0]") and "an SMS of 161 characters, 160 fit" in message
