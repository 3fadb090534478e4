"""The report of a run: ratios, a readable table, and one JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.quality import OUTCOMES

WIDTH = 120
SERVERS = {
    "assistant, SQLite": ("assistant", "sqlite"),
    "assistant, PostgreSQL": ("assistant", "postgresql"),
    "our NLU": ("nlu", "ours"),
    "stock rasa": ("nlu", "stock"),
}
COMPARED = {"ready_seconds": "start-up", "memory_mb": "memory", "training_seconds": "training"}
COMPARED_LOAD = {"turns_per_second": "per second", "p50_ms": "p50", "p99_ms": "p99"}


def ratios(ours: dict[str, Any], stock: dict[str, Any]) -> dict[str, float]:
    """Divide each figure of ours by stock rasa's."""
    found = {label: ours[name] / stock[name] for name, label in COMPARED.items()}
    for of_ours, of_stock in zip(ours["loads"], stock["loads"], strict=True):
        for name, label in COMPARED_LOAD.items():
            found[f"{label}, {_clients(of_ours)}"] = of_ours[name] / of_stock[name]
    return {label: round(ratio, 3) for label, ratio in found.items()}


def store(results: dict[str, Any], path: Path) -> None:
    """Write everything as JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def show(results: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=WIDTH, highlight=False)
    for table in (_loads(results), _processes(results), _ratios(results["ratios"])):
        console.print(table)
    console.print(_quality_lines(results["quality"]))
    show_finding(console, results["finding"])


def _loads(results: dict[str, Any]) -> Table:
    table = _table("Loads: whole turns (POST /api/v1/messages) and parses (POST /model/parse)", "",
                   "clients", "turns", "per second", "p50 ms", "p99 ms", "failed", "client CPU ms",
                   "others' cores")  # fmt: skip
    for label, server in _servers(results):
        for load in server["loads"]:
            table.add_row(
                label, str(load["clients"]), str(load["turns"]), f"{load['turns_per_second']:.1f}",
                f"{load['p50_ms']:.1f}", f"{load['p99_ms']:.1f}", str(load["failed"]),
                f"{load['client_cpu_ms']:.2f}", f"{load['cores_of_others']:.2f}",
            )  # fmt: skip
    return table


def _processes(results: dict[str, Any]) -> Table:
    table = _table("Processes", "", "ready after s", "memory MB", "training s")
    for label, server in _servers(results):
        training = server.get("training_seconds")
        table.add_row(
            label, f"{server['ready_seconds']:.1f}", f"{server['memory_mb']:.0f}",
            "" if training is None else f"{training:.0f}",
        )  # fmt: skip
    stock = results["nlu"]["stock"]
    if whole := stock["training_seconds_at_default_epochs"]:
        table.caption = (
            f"stock rasa was trained for {stock['epochs']} epochs; "
            f"its default of {stock['default_epochs']} would take about {whole / 60:.0f} minutes"
        )
    return table


def _ratios(found: dict[str, float]) -> Table:
    table = _table("Our NLU / stock rasa", "", "ratio")
    for label, ratio in found.items():
        table.add_row(label, f"{ratio:.2f}")
    return table


def _quality_lines(quality: dict[str, Any]) -> str:
    path = quality["whole_path"]
    outcomes = ", ".join(f"{name.replace('_', ' ')} {path[name]}" for name in OUTCOMES)
    return (
        f"Whole path, {path['questions']} cold questions: {outcomes};\n"
        f"intent right {path['intent_accuracy']:.1%}"
    )


def show_finding(console: Console, finding: dict[str, Any] | str) -> None:
    """Print how often the procedure meant is found among all, ours beside the plain ways."""
    if isinstance(finding, str):
        console.print(f"Finding: {finding}")
        return
    table = _table(f"Finding one of {finding['procedures']} procedures by questions that name what they mean",
                   "", "questions", "hit@1", "hit@3", "hit@1, no accents", "hit@3, no accents")  # fmt: skip
    for way, parts in finding["named"].items():
        for part, found in parts.items():
            hits = [found[f"hit@{n}{typed}"] for typed in ("", " without accents") for n in (1, 3)]
            table.add_row(f"{way}, {part}", str(found["questions"]), *(f"{hit:.3f}" for hit in hits))
    console.print(table)
    unnamed, times = finding["unnamed"], finding["ms"]
    own = ", ".join(
        f"{among} {found['hit@1']:.4f} / {found['hit@3']:.4f} ({found['hit@1 without accents']:.4f} / "
        f"{found['hit@3 without accents']:.4f} without accents)"
        for among, found in (("all", finding["own"]), ("the written ones alone", finding["own_alone"]))
    )
    console.print(
        f"Titles quoted: {finding['titles_quoted']:.3f}\n"
        f"Our own {finding['own']['questions']} held-out questions, hit@1 / hit@3 among {own}\n"
        f"{unnamed['questions']} questions that name nothing: not asserted cold "
        f"{unnamed['not_asserted_cold']:.3f}, kept after a turn that named it {unnamed['kept']:.3f}\n"
        f"A search: p50 {times['p50']:.1f} ms, p99 {times['p99']:.1f} ms; with ten times as many procedures "
        f"{finding['ratio_p50']:.1f} times as long"
    )


def _servers(results: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(label, results[kind][name]) for label, (kind, name) in SERVERS.items() if name in results[kind]]


def _clients(load: dict[str, Any]) -> str:
    return f"{load['clients']} client{'s' if load['clients'] > 1 else ''}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    return table
