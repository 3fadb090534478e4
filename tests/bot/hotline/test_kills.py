"""The program is killed while people answer: nothing is lost or doubled. The bench kills it more often."""

from __future__ import annotations

from pathlib import Path

from tests.bot.hotline.kill_run import kills


def test_a_kill_at_any_moment_loses_and_doubles_nothing(nlu_url: str, tmp_path: Path) -> None:
    outcome = kills(tmp_path, nlu_url, f"sqlite:///{tmp_path / 'kills.db'}", rounds=3)
    assert outcome.rounds == 3
    assert (outcome.lost, outcome.doubled) == ([], [])
