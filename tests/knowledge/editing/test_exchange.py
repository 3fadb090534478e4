"""Files and database say the same: loading, exporting, and what happens when both were changed."""

from __future__ import annotations

import random
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from knowledge.catalogue import Catalogue
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError, YamlFile, read_yaml
from knowledge.database import migrate, now, open_database, transaction
from knowledge.editing.exporting import as_yaml, export_folder
from knowledge.editing.loading import EXPORTING, Loaded, is_loaded, load_folder, open_content, read_folder
from knowledge.editing.published import Published
from knowledge.editing.records import Key, keys_of, read_data
from knowledge.editing.revisions import ContentRevision, holding_of, plain

TODAY = date(2026, 11, 29)
BIRTH: Key = ("procedure", "1.001193")
FILES = sorted(path.relative_to(CONTENT).as_posix() for path in CONTENT.rglob("*.yml"))
NO_CHANGE = Loaded()


def _publish(engine: Engine, record: Key, data: Any) -> None:
    """Publish a change as an approved draft does."""
    with transaction(engine) as session:
        held = holding_of(session, record, TODAY)
        session.add(
            ContentRevision(
                kind=record[0], key=record[1], data=data, state="approved", publish_on=TODAY,
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


def test_a_field_changed_in_both_is_told_and_stays_as_the_editor_has_it(
    any_engine: Engine, folder: Path, published: Published
) -> None:
    held = deepcopy(published.on(TODAY).open("procedures/1.001193.yml").data)
    _publish(any_engine, BIRTH, {**held, "summary": "của biên tập viên"})
    _change(folder / "procedures/1.001193.yml", held["summary"][:20], "Ghi tên")
    report = load_folder(any_engine, published, folder, TODAY)
    (conflict,) = report.conflicts[BIRTH]
    assert (conflict.place, conflict.theirs) == (("summary",), "của biên tập viên")
    assert load_catalogue(published.on(TODAY)).procedures.written["1.001193"].summary == "của biên tập viên"
    assert load_folder(any_engine, published, folder, TODAY).conflicts  # told again until it is settled


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
