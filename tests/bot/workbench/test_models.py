"""Models: trained from what is published, measured, refused when worse, changed over and rolled back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select

from actions.request import Known
from actions.wording import say
from bot.hotline.accounts import add_staff
from bot.workbench.corrections import Differences
from bot.workbench.models import (
    DEAD_AFTER,
    Follower,
    ModelTraining,
    NluModel,
    _write,
    activate,
    active,
    keep_model,
    running,
)
from bot.workbench.training import Trainer, with_answers
from knowledge.content_files import CONTENT
from knowledge.database import migrate, now, open_database, reading, transaction
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published
from knowledge.editing.revisions import ContentRevision, EditRefused
from knowledge.library import Library
from knowledge.records import Correction
from nlu.bench.processes import Server
from nlu.client import NluClient
from tests.bench import servers
from tests.bot.hotline.test_desk import enter
from tests.bot.hotline.test_single_sign_on import factor
from tests.conftest import ROOT, wait_until
from tests.nlu.conftest import ADDED, ADDED_TEXT, Trained, make_root, serving, train_command
from tests.nlu.conftest import _finish as finish

TODAY = date(2026, 11, 29)
LOST: Differences = {"procedure": ("1.001193", None)}
MEASURED = "cái giấy tờ lạ hoắc ấy mang đi đâu nộp"
BIRTH = Correction(question="làm giấy khai sinh cho con", procedure="1.001193")
WORSE = {
    "is_worse": True, "model": {"file": "b", "figures": {"understood": 0.5}}, "reasons": [],
    "against": {"file": "a", "figures": {"understood": 0.9}}, "newly_right": [],
    "newly_wrong": [{"text": "đổi bằng lái", "before": "ask_procedure", "after": "greet"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with few intents, in which one sentence is for measuring."""
    root = make_root(tmp_path_factory.mktemp("small") / "root", 60)
    (root / "tests/held_out").mkdir(parents=True)
    measured = f'version: "3.1"\nnlu:\n  - intent: ask_where\n    examples: |\n      - {MEASURED}\n'
    (root / "tests/held_out/where.yml").write_text(measured, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def known(library: Library) -> Known:
    return Known(library, library.catalogue.province("vinh-phuc"), TODAY)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the models are."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def plain(root: Path, models: Path) -> Trained:
    """The model that serves at first."""
    with subprocess.Popen(train_command(root, models), stdout=subprocess.PIPE, text=True) as training:
        return finish(training)


@pytest.fixture(scope="module")
def poor(
    database_of_models: Engine,
    server: Server,
    known: Known,
    models: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> NluModel:
    """A model that learnt two sentences an intent, measured against the one that serves."""
    root = make_root(tmp_path_factory.mktemp("poor") / "root", 2)
    training, model = _trained(database_of_models, NluClient(server.url), known, models, root)
    assert model and model.report and model.report["is_worse"], training.trouble
    return model


@pytest.fixture(scope="module")
def server(plain: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(plain.model, 1, tmp_path_factory.mktemp("log") / "nlu.log") as server:
        yield server


@pytest.fixture(scope="module")
def database_of_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with the content, in which a sentence was added to one intent and corrected."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('models-database') / 'models.db'}")
    migrate(engine)
    load_folder(engine, Published(engine), CONTENT, TODAY)
    with transaction(engine) as session:
        for login, role in (("bien", "content"), ("sep", "lead")):
            add_staff(session, login, login, role, "mot hai ba bon nam")
        for kind, key, data in (
            ("examples", "ask_where", [ADDED, MEASURED]),
            ("correction", "0123456789ab", {"question": ADDED_TEXT, "intent": "ask_where"}),
            ("correction", "0123456789ac", BIRTH.model_dump(exclude_none=True)),
        ):
            session.add(
                ContentRevision(
                    kind=kind, key=key, data=data, state="approved", publish_on=TODAY, decided_at=now(),
                    authors=[1], reviewer=2,
                )
            )  # fmt: skip
    yield engine
    engine.dispose()


def _trained(
    engine: Engine, nlu: NluClient, known: Known, models: Path, root: Path
) -> tuple[ModelTraining, NluModel | None]:
    """Run a training to its end."""
    trainer = Trainer(Published(engine), nlu, known, models, root)
    with transaction(engine) as session:
        number = trainer.begin(session, 1)
    trainer.run(number, 1)
    with reading(engine) as session:
        training = session.get_one(ModelTraining, number)
        model = session.get(NluModel, training.model_id) if training.model_id else None
        session.expunge_all()
    return training, model


def test_a_better_model_is_trained_changed_over_and_rolled_back(
    database_of_models: Engine, server: Server, known: Known, plain: Trained, models: Path, root: Path
) -> None:
    engine, nlu = database_of_models, NluClient(server.url)
    assert nlu.understand(ADDED_TEXT).intent != "ask_where"
    training, model = _trained(engine, nlu, known, models, root)
    assert (training.state, training.progress) == ("done", 1.0), training.trouble
    assert model and model.report and model.is_good
    assert [each["text"] for each in model.report["newly_right"] if each["from"] == "corrected"] == [
        ADDED_TEXT
    ]
    assert model.report["model"]["figures"]["corrected answers"] == 1.0
    assert training.trouble and f"«{MEASURED}» nằm trong bộ câu dùng để đo" in training.trouble
    follower = Follower(engine, nlu, models)
    follower.round()
    assert nlu.model() == plain.model.name  # nothing was activated yet
    (models / model.name).unlink()  # as on another machine, which has to fetch it
    with transaction(engine) as session:
        activate(session, model.id, 1, "content", "")
    follower.round()
    assert nlu.model() == model.name and nlu.understand(ADDED_TEXT).intent == "ask_where"
    with transaction(engine) as session:
        before = session.scalar(select(NluModel).where(NluModel.name == plain.model.name))
        assert before
        activate(session, before.id, 2, "lead", "quay lại bản cũ")
    follower.round()
    assert nlu.model() == plain.model.name
    with reading(engine) as session:
        newest = active(session)
        assert newest and newest.name == plain.model.name


def test_a_worse_model_needs_a_leads_reason(database_of_models: Engine, poor: NluModel) -> None:
    engine, model = database_of_models, poor
    for role, why, reason in (("content", "vì tôi muốn vậy", "worse"), ("lead", "", "worse_why")):
        with pytest.raises(EditRefused) as refused, transaction(engine) as session:
            activate(session, model.id, 1, role, why)
        assert refused.value.reason == reason
    with transaction(engine) as session:
        assert activate(session, model.id, 2, "lead", "bản cũ bị lỗi nặng").why == "bản cũ bị lỗi nặng"


def test_the_model_of_the_release_may_come_back_without_a_reason(engine: Engine, tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_bytes(b"never served")
    with transaction(engine) as session:
        add_staff(session, "bien", "Biên tập", "content", "mot hai ba bon nam")
        first, second = keep_model(session, files[0], None, None), keep_model(session, files[1], 1, WORSE)
        activate(session, second.id, 1, "lead", "thử xem sao nhé")
        assert activate(session, first.id, 1, "content", "").model_id == first.id
        with pytest.raises(EditRefused):  # it served before, and is worse all the same
            activate(session, second.id, 1, "content", "")


def test_a_lead_takes_a_worse_model_with_a_reason_and_goes_back(
    database_of_models: Engine,
    server: Server,
    plain: Trained,
    poor: NluModel,
    models: Path,
    browser: Browser,
    tmp_path: Path,
) -> None:
    engine, nlu = database_of_models, NluClient(server.url)
    with transaction(engine) as session:
        before = session.scalars(select(NluModel).where(NluModel.name == plain.model.name)).one()
        for _ in range(2):  # so that no worse one is what served before it, and may come back
            activate(session, before.id, 2, "lead", "bản có sẵn lúc đầu")
        first = f"Mô hình {before.id}"
    code = factor(engine, 2)
    url = engine.url.render_as_string()
    with servers.assistant(tmp_path, server.url, url, NLU_MODELS=str(models)) as program:
        page = browser.new_page(base_url=program.url)
        page.goto("/content")
        enter(page, "sep", code=code.now())
        expect(page.get_by_role("button", name="Thoát")).to_be_visible()  # a lead comes to the desk
        page.goto("/desk/content/models")
        card = page.get_by_role("group", name=f"Mô hình {poor.id}", exact=True)
        expect(card.get_by_text(f"Kém hơn {first}")).to_be_visible()
        card.get_by_role("button", name=re.compile("mô hình này")).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Dùng mô hình này").click()
        expect(dialog.get_by_role("alert")).to_have_text(say("content.refused_worse_why"))
        assert nlu.model() == plain.model.name
        dialog.get_by_label("Lý do").fill("bản cũ bị lỗi nặng")
        dialog.get_by_role("button", name="Dùng mô hình này").click()
        expect(card.get_by_role("status")).to_have_text("Đang dùng")
        wait_until(lambda: nlu.model() == poor.name, "the change to the worse model", 60)
        back = page.get_by_role("group", name=first, exact=True)
        back.get_by_role("button", name="Quay lại mô hình này").click()
        dialog.get_by_role("button", name="Dùng mô hình này").click()
        expect(back.get_by_role("status")).to_have_text("Đang dùng")
        wait_until(lambda: nlu.model() == plain.model.name, "the way back", 60)
        page.close()


def test_a_killed_training_is_told_and_changes_nothing(
    database_of_models: Engine, server: Server, known: Known, models: Path, tmp_path: Path
) -> None:
    engine, nlu = database_of_models, NluClient(server.url)
    serves, there = nlu.model(), sorted(path.name for path in models.glob("*.tar.gz"))
    trainer = Trainer(Published(engine), nlu, known, models, make_root(tmp_path / "other", 30))
    with transaction(engine) as session:
        number = trainer.begin(session, 1)
        with pytest.raises(EditRefused) as refused:
            trainer.begin(session, 2)
    assert refused.value.reason == "training"
    thread = trainer.start(number, 1)
    wait_until(lambda: bool(_children_training(models)), "the training's start")
    for child in _children_training(models):
        os.kill(child, signal.SIGKILL)
    thread.join(60)
    with reading(engine) as session:
        training = session.get_one(ModelTraining, number)
        assert training.state == "failed" and training.trouble
        assert running(session) is None
    assert nlu.model() == serves
    assert sorted(path.name for path in models.glob("*.tar.gz")) == there


ALONE = """
import sys
from datetime import date
from pathlib import Path
from actions.request import Known
from actions.wording import say
from bot.workbench.training import Trainer
from knowledge.database import open_database, transaction
from knowledge.editing.published import Published
from knowledge.library import open_library
from nlu.client import NluClient
engine, library = open_database(sys.argv[1]), open_library(at_once=True)
known = Known(library, library.catalogue.province("vinh-phuc"), date(2026, 11, 29))
trainer = Trainer(Published(engine), NluClient(sys.argv[2]), known, *map(Path, sys.argv[3:]))
with transaction(engine) as session:
    number = trainer.begin(session, 1)
trainer.run(number, 1)
"""


def test_a_training_ends_with_its_program_and_is_told_as_failed(
    database_of_models: Engine, server: Server, models: Path, tmp_path: Path
) -> None:
    engine, nlu = database_of_models, NluClient(server.url)
    serves, url = nlu.model(), engine.url.render_as_string()
    root = make_root(tmp_path / "other", 40)
    command = [sys.executable, "-c", ALONE, url, server.url, str(models), str(root)]
    with subprocess.Popen(command, cwd=ROOT) as program:
        wait_until(lambda: len(_children_training(models)) > 1, "the training's start")
        program.kill()
    wait_until(lambda: not _children_training(models), "the end of what it had started", 20)
    with transaction(engine) as session:
        training = session.scalars(select(ModelTraining).where(ModelTraining.state == "running")).one()
        training.seen_at = now() - DEAD_AFTER
    Follower(engine, nlu, models).round()
    with reading(engine) as session:
        ended = session.get_one(ModelTraining, training.id)
        assert ended.state == "failed" and "ngắt giữa chừng" in (ended.trouble or "")
    assert nlu.model() == serves


@pytest.mark.parametrize(
    ("before", "after", "is_worse"), [({}, LOST, True), (LOST, {}, False), ({}, {}, False)]
)
def test_a_corrected_answer_that_is_lost_makes_a_model_worse(
    before: Differences, after: Differences, is_worse: bool
) -> None:
    gate = {**WORSE, "is_worse": False, "newly_wrong": []}
    report = with_answers(gate, [BIRTH], [before], [after])
    assert report["is_worse"] is is_worse and bool(report["reasons"]) is is_worse
    changed = [*report["newly_wrong"], *report["newly_right"]]
    assert [(each["before"], each["after"]) for each in changed] == (
        [] if before == after else [("1.001193", "") if is_worse else ("", "1.001193")]
    )
    assert report["model"]["figures"]["corrected answers"] == float(not after)


def _children_training(models: Path) -> list[int]:
    """Find the processes that train into a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if b"\0train\0" in command and str(models).encode() in command:
                found.append(int(entry.name))
    return found


def test_a_training_without_a_sign_of_life_is_over(engine: Engine) -> None:
    with transaction(engine) as session:
        add_staff(session, "bien", "Biên tập", "content", "mot hai ba bon nam")
        session.add(ModelTraining(staff_id=1, seen_at=now() - DEAD_AFTER))
        session.flush()
        assert running(session) is None


def test_a_model_that_the_server_refuses_leaves_the_other_in_place(
    engine: Engine, server: Server, models: Path, tmp_path: Path
) -> None:
    nlu, broken = NluClient(server.url), tmp_path / "nlu-broken.tar.gz"
    serves = nlu.model()
    broken.write_bytes(b"this is no model")
    with transaction(engine) as session:
        add_staff(session, "sep", "Trưởng nhóm", "lead", "mot hai ba bon nam")
        model = keep_model(session, broken, 1, None)
        activate(session, model.id, 1, "lead", "thử xem sao nhé")
    Follower(engine, nlu, models).round()
    assert nlu.model() == serves


def test_who_may_not_decide_is_told_so_on_the_page(lawyer: Page, database: Engine, tmp_path: Path) -> None:
    path = tmp_path / "nlu-worse.tar.gz"
    path.write_bytes(b"never activated")
    with transaction(database) as session:
        number = keep_model(session, path, 1, WORSE).id
    lawyer.goto("/desk/content/models")
    card = lawyer.get_by_role("group", name=f"Mô hình {number}", exact=True)
    expect(card.get_by_text("Kém hơn a")).to_be_visible()
    card.get_by_role("button", name="Kết quả đo").press("Enter")
    expect(card.get_by_text("«đổi bằng lái»")).to_be_visible()
    card.get_by_role("button", name="Dùng mô hình này").click()
    dialog = lawyer.get_by_role("dialog")
    dialog.get_by_role("button", name="Dùng mô hình này").click()
    expect(dialog.get_by_role("alert")).to_have_text(
        "Mô hình này kém hơn hoặc chưa đo được. Anh/chị nhờ trưởng nhóm quyết định."
    )


def test_replicas_that_share_a_folder_write_a_model_at_the_same_time(tmp_path: Path) -> None:
    path, file = tmp_path / "models/new.tar.gz", os.urandom(1 << 20)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(_write, path, file) for _ in range(40)]:
            done.result()
    assert path.read_bytes() == file and list(path.parent.iterdir()) == [path]
