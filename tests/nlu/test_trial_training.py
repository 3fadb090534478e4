"""A model is trained from a content folder in the background; killing it harms nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unicodedata import normalize

import pytest

from nlu import training
from nlu.contract import ROOT, find_added_faults, find_faults
from nlu.data_files import DataFileError, read_folder
from nlu.examples import as_rasa_data, read_added
from nlu.workplace import workplace
from tests.conftest import wait_until
from tests.nlu.conftest import (
    ADDED,
    ADDED_TEXT,
    Small,
    make_content,
    rasa,
    train_command,
)

READ = """
import sys
from pathlib import Path
from nlu.components.loading import load_parser
for model in sys.argv[2:]:
    parse = load_parser(Path(model))(sys.argv[1])
    marked = [sys.argv[1][item["start"]:item["end"]] for item in parse["entities"]]
    print(parse["intent"]["name"], marked)
"""


def test_a_sentence_that_the_content_adds_is_understood(small: Small) -> None:
    done = rasa(READ, ADDED_TEXT, str(small.plain.model), str(small.added.model))
    before, after = done.stdout.decode().splitlines()
    assert not before.startswith("ask_where")
    assert after == "ask_where ['khai sinh']"


def test_a_training_tells_how_far_it_is(small: Small) -> None:
    for trained in (small.plain, small.added, small.poor):
        shares = [line["progress"] for line in trained.printed]
        assert shares == sorted(set(shares))
        assert (shares[0], shares[-1]) == (0, 1)
        assert len(shares) == 6
        assert all(line["doing"] for line in trained.printed)


def test_trainings_at_once_give_the_models_of_their_own_data_and_leave_nothing_else(small: Small) -> None:
    models = {trained.model.name for trained in (small.plain, small.added, small.poor)}
    assert len(models) == 3
    assert models <= {path.name for path in small.models.iterdir()}
    assert not list(small.models.glob(".training-*"))


def test_a_killed_training_harms_nothing_and_is_tidied_up_by_the_next(small: Small, tmp_path: Path) -> None:
    content = make_content(tmp_path / "content", greet="- ới làng nước ơi có ai ở nhà\n")
    before = _models(small.models)
    command = train_command(small.root, small.models, content)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("học" in line for line in process.stdout)  # Rasa is at work
        (left,) = small.models.glob(".training-*")
        with workplace(small.models):
            assert left.exists()  # it is not taken for abandoned while it goes on
        process.kill()
    assert _models(small.models) == before
    wait_until(lambda: _gone_with_the_next(small.models, left), "the end of what the training had started")
    assert _models(small.models) == before


def _models(models: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in models.glob("nlu-*")}


def _gone_with_the_next(models: Path, left: Path) -> bool:
    with workplace(models):
        return not left.exists()


def test_what_fails_leaves_its_log_until_the_next_training(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), workplace(tmp_path) as place:
        (place.folder / "train.log").write_text("why", encoding="utf-8")
        raise RuntimeError
    assert (place.folder / "train.log").exists()
    with workplace(tmp_path) as another:
        assert not place.folder.exists()
    assert not another.folder.exists()


@pytest.mark.parametrize("module", ["this", "antigravity_is_missing"])
def test_a_program_that_ends_by_itself_ends_as_always(module: str) -> None:
    with _attended(module) as process:
        out = process.stdout.read() if process.stdout else b""
        assert process.wait(20) == (0 if module == "this" else 1)
    assert (b"Zen" in out) == (module == "this")


def test_a_program_ends_with_whoever_started_it() -> None:
    with _attended("http.server", "--bind", "127.0.0.1", "0") as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline().startswith(b"Serving")
        process.stdin.close()
        assert process.wait(20) == 1


def _attended(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "nlu.attended", *words], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _faults(folder: Path, **examples: str) -> list[str]:
    return find_added_faults(ROOT, make_content(folder / "content", **examples))


def test_added_sentences_without_a_fault_are_taken(tmp_path: Path) -> None:
    text = f'- "{ADDED}"\n- mang theo gì cho [kết hôn](procedure) thế bà con ơi là bà con\n'
    assert _faults(tmp_path, ask_documents=text) == []


@pytest.mark.parametrize(
    ("intent", "text", "fault"),
    [
        (
            "ask_moon",
            "- đường lên cung trăng đi lối mô bà con",
            "1: intent ask_moon is not in nlu/intents.yml",
        ),
        ("greet", '- chào\n- "[sao hoả](planet) kính chào bà con"', "2: entity planet is not in"),
        ("greet", '\n- "[bồ câu](channel) kính chào bà con"', "2: channel «bồ câu» has no value of"),
        ("greet", '- "[bay vũ trụ](procedure) chào bà con"', "1: procedure «bay vũ trụ» is no name"),
        ("greet", normalize("NFD", "- kính chào bà con lối xóm gần xa"), "1: is not Unicode NFC"),
        ("greet", "- chào bà con ta\n- Chao ba con ta!", "2: «Chao ba con ta!» stands already at"),
        ("greet", "- kính chào bà con\n- [khai sinh](procedure) ơi", "2:14: is not valid YAML"),
        ("greet", '- "làm [hộ chiếu(procedure) nhé"', "1:5: a broken entity mark"),
        ("greet", "- hỏi: kính chào bà con", "1: is no sentence; one that begins with a mark or has ': '"),
        ("greet", '- "kính chào\\nbà con"', "1: is to be one line of text"),
        ("greet", "-\n- ''", "1: is to be one line of text"),
        ("greet", "kính chào bà con", "1: is to be a list of sentences"),
    ],
)
def test_a_fault_of_an_added_sentence_is_told_with_its_line(
    tmp_path: Path, intent: str, text: str, fault: str
) -> None:
    path = tmp_path / f"content/examples/{intent}.yml"
    found = _faults(tmp_path, **{intent: text})
    assert any(line.startswith(f"{path}:{fault}") for line in found), found


@pytest.mark.parametrize("folder", ["nlu/data", "tests/development", "tests/held_out"])
def test_a_sentence_that_stands_elsewhere_is_told_and_where(tmp_path: Path, folder: str) -> None:
    there = next(example for example in read_folder(ROOT / folder) if example.intent == "greet")
    (fault,) = _faults(tmp_path, greet=f'- "{there.text.upper()}!"\n')
    assert fault.startswith(
        f"{tmp_path / 'content/examples/greet.yml'}:1: «{there.text.upper()}!» is also in"
    )
    assert fault.endswith(there.where)


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    found = _faults(tmp_path, greet="- a: b\n- '[x](planet) chào bà con ta'\n- ' '\n", thank="- [oops\n")
    assert len(found) == 4


def test_the_check_of_the_project_includes_its_content(tmp_path: Path) -> None:
    content = make_content(tmp_path / "content", ask_moon="- đường lên cung trăng đi lối mô\n")
    (fault,) = [fault for fault in find_faults(ROOT, content) if "examples" in fault]
    assert "ask_moon" in fault


def test_nothing_is_trained_from_faulty_content(tmp_path: Path) -> None:
    held_out = next(example for example in read_folder(ROOT / "tests/held_out") if example.intent == "greet")
    content = make_content(tmp_path / "content", greet=f'- "{held_out.text}"\n')
    with pytest.raises(DataFileError, match="is also in the held-out data"):
        training.train(content, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_model_is_named_after_the_content_it_is_made_from(tmp_path: Path) -> None:
    plain = make_content(tmp_path / "plain")
    one = make_content(tmp_path / "one", greet="- kính chào bà con lối xóm\n")
    same = make_content(tmp_path / "same", greet="- kính chào bà con lối xóm\n")
    other = make_content(tmp_path / "other", thank="- kính chào bà con lối xóm\n")
    names = [training.model_path(ROOT, content).name for content in (plain, one, same, other)]
    assert names[1] == names[2]
    assert len(set(names)) == 3
    assert training.model_path(ROOT, ROOT / "knowledge/content") == training.model_path()


def test_added_sentences_are_written_for_rasa_as_they_are_read(tmp_path: Path) -> None:
    added = read_added(make_content(tmp_path / "content", ask_where=f'- "{ADDED}"\n- "# ra xã: \'nhé\'"\n'))
    (tmp_path / "rasa").mkdir()
    (tmp_path / "rasa/added.yml").write_text(as_rasa_data(added), encoding="utf-8")
    read = read_folder(tmp_path / "rasa")
    assert [(e.intent, e.text, e.spans) for e in read] == [(e.intent, e.text, e.spans) for e in added]
    assert [e.text for e in added] == [ADDED_TEXT, "# ra xã: 'nhé'"]
