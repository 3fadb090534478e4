"""Files and database say the same: loading, exporting, and what happens when both were changed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from knowledge.__main__ import HERE
from knowledge.catalogue import Catalogue
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError, Fault, YamlFile, read_yaml
from knowledge.database import migrate, now, open_database, reading, transaction
from knowledge.editing.drafts import draft, give_back, save, submit
from knowledge.editing.exporting import as_yaml, export_folder
from knowledge.editing.loading import EXPORTING, Loaded, is_loaded, load_folder, open_content, read_folder
from knowledge.editing.published import Published
from knowledge.editing.records import Key, file_of, keys_of, read_data
from knowledge.editing.revisions import ContentRevision, holding_of, plain
from tests.conftest import wait_until

TODAY = date(2026, 11, 29)
NEW_YEAR = date(2027, 1, 1)
BIRTH: Key = ("procedure", "1.001193")
OTHER: Key = ("procedure", "1.001022")
FILES = sorted(path.relative_to(CONTENT).as_posix() for path in CONTENT.rglob("*.yml"))
NO_CHANGE = Loaded()


def _publish(engine: Engine, record: Key, data: Any, day: date = TODAY) -> None:
    """Publish a change as an approved draft does."""
    with transaction(engine) as session:
        held = holding_of(session, record, day)
        session.add(
            ContentRevision(
                kind=record[0], key=record[1], data=data, state="approved", publish_on=day,
                base_id=held.id if held else None, decided_at=now(), authors=[1], reviewer=2,
            )
        )  # fmt: skip


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def _facts(catalogue: Catalogue) -> dict[str, Any]:
    return {**vars(catalogue), "procedures": catalogue.procedures.written, "faults": ()}


def test_the_whole_content_goes_round_unchanged(any_engine: Engine, tmp_path: Path) -> None:
    published = Published(any_engine)
    load_folder(any_engine, published, CONTENT, TODAY)
    state = published.on(TODAY)
    whole = _facts(load_catalogue(CONTENT))
    assert _facts(load_catalogue(state)) == whole
    export_folder(state, tmp_path / "out")
    assert _facts(load_catalogue(tmp_path / "out")) == whole
    assert read_folder(tmp_path / "out") == read_folder(CONTENT)
    assert export_folder(state, tmp_path / "out") == []
    assert load_folder(any_engine, published, tmp_path / "out", TODAY) == NO_CHANGE
    assert published.on(TODAY).revisions == state.revisions


@pytest.mark.parametrize(
    "name", ["procedures/1.001193.yml", "procedures/1.004194.yml", "procedures/1.000894.yml"]
)
def test_a_new_name_adds_a_line_and_every_other_letter_stays(name: str) -> None:
    text = (CONTENT / name).read_text(encoding="utf-8")
    data = plain(read_yaml(CONTENT / name).data)
    data["aliases"].append("tên mới của thủ tục")
    lines = as_yaml(name, data, text).splitlines()
    lines.remove("  - tên mới của thủ tục")
    assert lines == text.splitlines()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_any_edit_of_any_file_is_read_back_as_it_was_written(
    tmp_path: Path, name: str, rng: random.Random
) -> None:
    old = (CONTENT / name).read_text(encoding="utf-8")
    data = plain(read_yaml(CONTENT / name).data)
    edited = _edited(data, rng)
    assume(_is_sound(name, edited))
    for before in (old, None):
        text = as_yaml(name, edited, before)
        path = tmp_path / "file.yml"
        path.write_text(text, encoding="utf-8")
        assert plain(read_yaml(path).data) == edited
    assert as_yaml(name, edited, text) == text


def _edited(data: Any, rng: random.Random) -> Any:
    """Change a text, or take away, double or move an entry of a list of texts, somewhere in a record."""
    data = deepcopy(data)
    places = list(_lists_of_texts(data))
    if not places:
        return data
    some = rng.choice(places)
    place = rng.randrange(len(some))
    match rng.randrange(4):
        case 0:
            some[place] = rng.choice(
                ["- gạch: đầu # dòng", "'nháy'", "2026-01-01 là ngày", ("đường dài " * 30).strip()]
            )
        case 1 if len(some) > 3:
            del some[place]
        case 2:
            some.append(f"câu thêm {rng.random()}: có dấu hai chấm")
        case _:
            some.reverse()
    return data


def _is_sound(name: str, data: Any) -> bool:
    try:
        return all(read_data(key, each, YamlFile(Path(name))) for key, each in keys_of(name, data).items())
    except ContentError:
        return False


def _lists_of_texts(data: Any) -> Any:
    if isinstance(data, list) and data and all(isinstance(each, str) for each in data):
        if not all(each[0].isdigit() for each in data):  # codes stay codes
            yield data
    elif isinstance(data, list | dict):
        for each in data.values() if isinstance(data, dict) else data:
            yield from _lists_of_texts(each)


def test_an_edited_fee_changes_its_own_lines_only(any_engine: Engine, folder: Path) -> None:
    published = Published(any_engine)
    load_folder(any_engine, published, folder, TODAY)
    tariffs = plain(read_yaml(folder / "tariffs.yml").data)
    tariffs[0] |= {"amount": 13000, "valid_to": "2020-06-29"}
    before = (folder / "tariffs.yml").read_text(encoding="utf-8").splitlines()
    _publish(any_engine, ("table", "tariffs"), tariffs)
    assert export_folder(published.on(TODAY), folder) == [folder / "tariffs.yml"]
    after = (folder / "tariffs.yml").read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.strip() for _, new in changed] == ["amount: 13000", "valid_to: 2020-06-29"]


def test_what_changed_in_the_files_is_taken_over_beside_the_editors_changes(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    held = deepcopy(published.on(TODAY).open("procedures/1.001193.yml").data)
    _publish(any_engine, BIRTH, {**held, "where": "Nơi mới"})
    _change(folder / "procedures/1.001193.yml", held["summary"][:20], "Ghi tên")
    report = load_folder(any_engine, published, folder, TODAY)
    assert report == Loaded(changed=[BIRTH])
    now_is = load_catalogue(published.on(TODAY)).procedures.written["1.001193"]
    assert now_is.where == "Nơi mới" and now_is.summary.startswith("Ghi tên")
    assert load_folder(any_engine, published, folder, TODAY) == NO_CHANGE


def _edit(folder: Path, record: Key, edit: Callable[[Any], None]) -> None:
    """Change a record in its file, as somebody does who has the folder."""
    path = folder / file_of(record)
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _written(published: Published, day: date = TODAY) -> Any:
    return load_catalogue(published.on(day)).procedures.written["1.001193"]


def _held(published: Published) -> Any:
    return deepcopy(published.on(TODAY).open("procedures/1.001193.yml").data)


def test_of_a_record_only_the_field_changed_in_both_stays_as_the_editor_has_it(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    _publish(any_engine, BIRTH, {**_held(published), "summary": "của biên tập viên"})
    _edit(folder, BIRTH, lambda data: data.update(summary="của tệp", where="Nơi mới"))
    for _ in range(2):  # told again until it is settled
        report = load_folder(any_engine, published, folder, TODAY)
        (conflict,) = report.conflicts[BIRTH]
        assert (conflict.place, conflict.theirs) == (("summary",), "của biên tập viên")
        assert (_written(published).summary, _written(published).where) == ("của biên tập viên", "Nơi mới")
    _publish(any_engine, BIRTH, {**_held(published), "where": "Nơi mới nhất"})
    assert load_folder(any_engine, published, folder, TODAY).changed == []
    assert _written(published).where == "Nơi mới nhất"
    _edit(folder, BIRTH, lambda data: data.update(summary="của biên tập viên"))
    assert load_folder(any_engine, published, folder, TODAY) == NO_CHANGE
    assert _written(published).where == "Nơi mới nhất"


FEE = {"what": "bản sao", "amount": 8000}


def test_half_of_a_change_that_is_faulty_alone_is_held_back_and_the_rest_is_taken_over(
    any_engine: Engine, folder: Path
) -> None:
    _edit(folder, BIRTH, lambda data: data["channels"][0].update(fees=[FEE]))
    published = Published(any_engine)
    load_folder(any_engine, published, folder, TODAY)
    edited = _held(published)
    edited["channels"][0]["fees"] = [{**FEE, "amount": 7000}]
    _publish(any_engine, BIRTH, edited)
    until, then = {**FEE, "valid_to": "2026-12-31"}, {**FEE, "amount": 9000, "valid_from": "2027-01-01"}
    _edit(folder, BIRTH, lambda data: data["channels"][0].update(fees=[until, then]))
    _edit(folder, OTHER, lambda data: data.update(summary="Câu mới"))
    report = load_folder(any_engine, published, folder, TODAY)
    assert report.changed == [OTHER]
    assert [each.place for each in report.conflicts[BIRTH]] == [("channels", "direct", "fees", "bản sao")]
    assert "holds without end" in report.held_back[BIRTH][0]
    assert _held(published) == edited
    edited["channels"][0]["fees"] = [{**FEE, "amount": 7000, "valid_to": "2026-12-31"}]
    _publish(any_engine, BIRTH, edited)
    assert not load_folder(any_engine, published, folder, TODAY).held_back
    assert [each["amount"] for each in _held(published)["channels"][0]["fees"]] == [7000, 9000]


def test_an_older_folder_does_not_bring_back_what_a_newer_one_replaced(
    any_engine: Engine, folder: Path, published: Published, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(folder, tmp_path / "older"))
    _edit(folder, BIRTH, lambda data: data.update(summary="Câu mới"))
    open_content(any_engine, folder, TODAY)
    open_content(any_engine, older, TODAY)  # a replica of the older release starts again
    assert _written(published).summary == "Câu mới"
    assert load_folder(any_engine, published, older, TODAY) == Loaded(older=[BIRTH])
    assert load_folder(any_engine, published, older, TODAY, back=True) == Loaded(changed=[BIRTH])
    assert _written(published).summary != "Câu mới"
    open_content(any_engine, folder, TODAY)  # now this one is
    assert _written(published).summary != "Câu mới"


def test_a_folder_that_is_newer_than_all_others_is_taken_over_also_after_an_older_one(
    any_engine: Engine, folder: Path, published: Published, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(folder, tmp_path / "older"))
    for summary in ("Câu mới", "Câu mới nhất"):
        _edit(folder, BIRTH, lambda data, text=summary: data.update(summary=text))
        load_folder(any_engine, published, folder, TODAY)
        load_folder(any_engine, published, older, TODAY)
        assert _written(published).summary == summary


def test_a_record_that_begins_on_a_later_day_is_not_overwritten(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    topic: Key = ("topic", "chu-de-moi")
    known = sorted(folder.glob("topics/*.yml"))[0]
    data = {**plain(read_yaml(known).data), "id": topic[1], "title": "Chủ đề mới"}
    _publish(any_engine, topic, data, NEW_YEAR)
    file = folder / file_of(topic)
    file.write_text(as_yaml(file_of(topic), data), encoding="utf-8")
    assert load_folder(any_engine, published, folder, TODAY) == NO_CHANGE
    assert topic not in published.on(TODAY).revisions
    _edit(folder, topic, lambda data: data.update(title="Chủ đề mới hơn"))
    assert load_folder(any_engine, published, folder, TODAY) == Loaded(changed=[topic])
    assert topic not in published.on(TODAY).revisions
    assert load_catalogue(published.on(NEW_YEAR)).topics[topic[1]].title == "Chủ đề mới hơn"


def test_another_record_under_a_key_that_begins_on_a_later_day_is_told(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    text: Key = ("official_text", "9/2026/NQ-HĐND")
    _publish(any_engine, text, {"title": "Nghị quyết 9"}, NEW_YEAR)
    _edit(folder, text, lambda data: data.update({text[1]: {"title": "Nghị quyết khác"}}))
    report = load_folder(any_engine, published, folder, TODAY)
    assert list(report.conflicts) == [text] and not report.new
    assert load_catalogue(published.on(NEW_YEAR)).official_texts[text[1]].title == "Nghị quyết 9"


def test_a_field_that_is_scheduled_to_change_otherwise_is_told_and_the_record_held_back(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    before = _written(published).summary
    _publish(any_engine, BIRTH, {**_held(published), "summary": "từ năm mới"}, NEW_YEAR)
    _edit(folder, BIRTH, lambda data: data.update(summary="của tệp"))
    _edit(folder, OTHER, lambda data: data.update(summary="Câu mới"))
    report = load_folder(any_engine, published, folder, TODAY)
    assert report.changed == [OTHER] and "2027-01-01" in report.held_back[BIRTH][0]
    assert [each.place for each in report.conflicts[BIRTH]] == [("summary",)]
    assert (_written(published).summary, _written(published, NEW_YEAR).summary) == (before, "từ năm mới")


def test_what_is_scheduled_takes_the_files_change_over(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    _publish(any_engine, BIRTH, {**_held(published), "summary": "từ năm mới"}, NEW_YEAR)
    _edit(folder, BIRTH, lambda data: data.update(where="Nơi mới"))
    assert load_folder(any_engine, published, folder, TODAY) == Loaded(changed=[BIRTH])
    later = _written(published, NEW_YEAR)
    assert (later.summary, later.where) == ("từ năm mới", "Nơi mới")


def test_faults_on_a_scheduled_day_are_told_with_the_day(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    text: Key = ("official_text", "9/2026/NQ-HĐND")
    _edit(folder, text, lambda data: data.update({text[1]: {"title": "Nghị quyết 9"}}))
    load_folder(any_engine, published, folder, TODAY)
    topic: Key = ("topic", sorted(key for kind, key in published.on(TODAY).revisions if kind == "topic")[0])
    data = deepcopy(published.on(TODAY).open(file_of(topic)).data)
    data["rules"][0]["sources"].append(text[1])
    _publish(any_engine, topic, data, NEW_YEAR)
    _edit(folder, text, lambda data: data.pop(text[1]))
    with pytest.raises(ContentError, match=r"9/2026.*2027-01-01"):
        load_folder(any_engine, published, folder, TODAY, retire=True)
    assert text in published.on(TODAY).revisions


def test_a_record_the_folder_lacks_is_kept_unless_it_is_to_go(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    (folder / "questions/1.001022.yml").unlink()
    gone: Key = ("questions", "1.001022")
    assert load_folder(any_engine, published, folder, TODAY) == Loaded(missing=[gone])
    assert "1.001022" in load_catalogue(published.on(TODAY)).questions
    assert load_folder(any_engine, published, folder, TODAY, retire=True) == Loaded(retired=[gone])
    assert "1.001022" not in load_catalogue(published.on(TODAY)).questions


def test_an_export_that_was_broken_off_is_not_loaded_and_is_mended_by_the_next(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    (folder / EXPORTING).touch()
    (folder / "procedures/1.000894.yml").unlink()
    with pytest.raises(ContentError, match="export"):
        load_folder(any_engine, published, folder, TODAY)
    assert export_folder(published.on(TODAY), folder) == [folder / "procedures/1.000894.yml"]
    assert load_folder(any_engine, published, folder, TODAY) == NO_CHANGE


@pytest.mark.parametrize(
    "broken", [b"code: [", b"", b"n\xe3o: latin", b"a: 1\na: 2\n", b"a: \x00", b"&a [*a]", b"- !!float x\n"]
)
def test_a_broken_file_is_written_anew_and_told(folder: Path, published: Published, broken: bytes) -> None:
    path = folder / "procedures/1.000894.yml"
    path.write_bytes(broken)
    unreadable: list[Fault] = []
    assert export_folder(published.on(TODAY), folder, unreadable) == [path]
    assert {fault.path for fault in unreadable} == {path}
    assert plain(read_yaml(path).data) == published.on(TODAY).open("procedures/1.000894.yml").data


@pytest.mark.parametrize("files", [1, 100])
def test_a_killed_export_leaves_each_file_whole_and_the_next_one_mends_it(
    any_engine: Engine, tmp_path: Path, files: int
) -> None:
    load_folder(any_engine, Published(any_engine), CONTENT, date(2026, 1, 1))
    out = Path(shutil.copytree(CONTENT, tmp_path / "out"))
    for path in out.rglob("*.yml"):
        path.write_text(f"# cũ\n{path.name}: cũ\n", encoding="utf-8")
    old = {path: path.read_bytes() for path in out.rglob("*.yml")}
    url = any_engine.url.render_as_string(hide_password=False)
    with (tmp_path / "log").open("wb") as log:
        exporting = subprocess.Popen(
            [sys.executable, "-m", "knowledge", "export", str(out), "--day", "2026-11-29"],
            env={**os.environ, "DATABASE_URL": url}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: _replaced(old) >= files or exporting.poll() is not None, "writing")
    finally:
        exporting.kill()
        exporting.wait(20)
    assert (out / EXPORTING).exists(), (tmp_path / "log").read_text(encoding="utf-8")
    with pytest.raises(ContentError, match="export"):
        read_folder(out)
    for path, before in old.items():
        name = path.relative_to(out).as_posix()
        assert path.read_bytes() == before or read_yaml(path).data == read_yaml(CONTENT / name).data
    export_folder(Published(any_engine).on(TODAY), out)
    assert read_folder(out) == read_folder(CONTENT)
    assert {path.suffix for path in out.rglob("*") if path.is_file()} == {".yml"}


def _replaced(old: dict[Path, bytes]) -> int:
    return sum(path.read_bytes() != before for path, before in old.items())


@pytest.mark.parametrize("text", ["no", "yes", "off", "12:30", "017", "2026-01-01", "a\u2028b", "a\x85b"])
def test_a_text_stays_a_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.yml"
    for old in (None, "- x\n- y\n"):
        path.write_text(as_yaml("questions/1.001193.yml", ["x", text], old), encoding="utf-8")
        assert read_yaml(path).data == ["x", text]


def test_load_and_export_say_what_became_of_each_record(any_engine: Engine, folder: Path) -> None:
    def run(command: str) -> tuple[int, str]:
        url = any_engine.url.render_as_string(hide_password=False)
        done = subprocess.run(
            [sys.executable, "-m", "knowledge", command, str(folder)],
            env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    today = datetime.now(HERE).date()
    load_folder(any_engine, Published(any_engine), folder, today)
    held = plain(read_yaml(folder / file_of(BIRTH)).data)
    _publish(any_engine, BIRTH, {**held, "summary": "của biên tập viên"}, today)
    _edit(folder, BIRTH, lambda data: data.update(summary="của tệp", where="Nơi mới"))
    code, told = run("load")
    assert code == 1
    assert "summary: was changed here and in the folder; left as here, the rest of the record is" in told
    _edit(folder, BIRTH, lambda data: data.update(held))
    code, told = run("load")
    assert code == 0 and "1 older" in told and "--back takes it over" in told
    (folder / file_of(BIRTH)).write_text("code: [", encoding="utf-8")
    (folder / "questions/9.999999.yml").write_text("- x\n", encoding="utf-8")
    code, told = run("export")
    assert code == 0
    assert "1.001193.yml:2: file: is not valid YAML" in told and "written anew" in told
    assert "9.999999.yml: is not published, and was removed" in told


def test_characters_that_no_database_holds_are_taken_away(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    _edit(folder, BIRTH, lambda data: data.update(where="Nơi\0 mới"))
    load_folder(any_engine, published, folder, TODAY)
    assert _written(published).where == "Nơi mới"
    with transaction(any_engine) as session:
        row = draft(session, BIRTH, 1, TODAY)
        began = deepcopy(row.data)
        typed = {**began, "summary": "Ghi\0 tên\ud83d", "aliases": [*began["aliases"], "tên\0 mới"]}
        save(session, row.id, row.version, began, typed, 1)
        submit(session, published, [row.id], 1, "theo văn bản\0 mới", None, TODAY)
        give_back(session, row.id, 2, "thiếu\0 căn cứ")
    with reading(any_engine) as session:
        kept = session.get_one(ContentRevision, row.id)
        assert (kept.data["summary"], kept.data["aliases"][-1]) == ("Ghi tên", "tên mới")
        assert (kept.why, kept.remark) == ("theo văn bản mới", "thiếu căn cứ")


def test_faulty_files_load_nothing_or_leave_themselves_out(any_engine: Engine, folder: Path) -> None:
    _change(folder / "procedures/1.001193.yml", "\nsummary:", "\nsummery:")
    published = Published(any_engine)
    with pytest.raises(ContentError, match="summery"):
        open_content(any_engine, folder, TODAY)
    assert published.on(TODAY).files == {}
    open_content(any_engine, folder, TODAY, lenient=True)
    found = load_catalogue(published.on(TODAY), lenient=True).procedures.written
    assert "1.000894" in found and "1.001193" not in found
    assert not is_loaded(any_engine, folder)


def test_an_unchanged_folder_is_not_read_again(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    assert is_loaded(any_engine, folder)
    _change(folder / "procedures/1.001193.yml", "\nsummary: ", "\nsummary: Mới. ")
    assert not is_loaded(any_engine, folder)


def test_an_exported_folder_is_what_another_province_starts_from(
    any_engine: Engine, folder: Path, published: Published, tmp_path: Path
) -> None:
    data = yaml.safe_load((folder / "procedures/1.001193.yml").read_text(encoding="utf-8"))
    _publish(any_engine, BIRTH, plain({**data, "summary": "Câu mới"}))
    export_folder(published.on(TODAY), tmp_path / "out")
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other)
    elsewhere = open_content(other, tmp_path / "out", TODAY)
    assert load_catalogue(elsewhere.on(TODAY)).procedures.written["1.001193"].summary == "Câu mới"
    other.dispose()
