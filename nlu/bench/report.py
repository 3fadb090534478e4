"""The report of a measurement: one table, a picture for each question, as Markdown beside the JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

PICTURES = {
    "robustness": "How much does hurried writing cost?",
    "few": "How many sentences does an intent need?",
    "calibration": "Does a confidence mean what it says?",
    "confusion": "What is taken for what?",
}
_COLOURS = {"ours": "#0b6e4f", "Bürokratt": "#c8553d", "Rasa's default": "#588b8b"}


def write_report(found: dict[str, Any], folder: Path) -> Path:
    """Draw the pictures and write ``report.md``; give its path."""
    plt.rcParams.update({"svg.hashsalt": "nlu", "font.family": "DejaVu Sans", "axes.spines.top": False,
                         "axes.spines.right": False, "figure.autolayout": True})  # fmt: skip
    drawn = [name for name in PICTURES if _draw(found, name, folder / f"{name}.svg")]
    data = found["data"]
    lines = [
        "# How well and how fast sentences are understood",
        "",
        f"Measured on {found['measured_on']} with `python -m nlu test` on {found['machine']['processor']}, "
        f"{found['machine']['cores']} cores. Data: {data['name']}, {data['training']:,} training sentences "
        f"of {data['intents']} intents, {data['held_out']:,} held-out sentences written apart. All figures: "
        "[report.json](report.json).",
        "",
        *_table(found),
        *(
            line
            for name in drawn
            for line in ("", f"## {PICTURES[name]}", "", f"![{PICTURES[name]}]({name}.svg)")
        ),
    ]
    path = folder / "report.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _table(found: dict[str, Any]) -> list[str]:
    pipelines = found["pipelines"]
    rows: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("intent accuracy", lambda p: _share(p["held_out"]["clean"]["accuracy"])),
        ("intent macro-F1", lambda p: _share(p["held_out"]["clean"]["macro_f1"])),
        ("accuracy without accents", lambda p: _share(p["held_out"]["noise"]["without accents"]["accuracy"])),
        ("accuracy, all noises mixed", lambda p: _share(p["held_out"]["noise"]["all mixed"]["accuracy"])),
        ("entity F1, exact spans", lambda p: _share(p["held_out"]["entities"]["f1"])),
        ("entity F1 without accents", lambda p: _share(p["held_out"]["entities_without_accents"]["f1"])),
        ("out-of-scope recall", lambda p: _share(p["held_out"]["out_of_scope"]["out_of_scope_recall"])),
        ("in-scope accuracy at it", lambda p: _share(p["held_out"]["out_of_scope"]["in_scope_accuracy"])),
        ("both of two questions found", lambda p: _share(p["held_out"]["questions"]["both_found"])),
        ("single questions left single", lambda p: _share(p["held_out"]["questions"]["left_single"])),
        ("expected calibration error", lambda p: _share(p["held_out"]["clean"]["calibration_error"])),
        ("accuracy at 5 sentences an intent", lambda p: _share(p["few"]["5"])),
        ("cross-validated accuracy", lambda p: _spread(p["cross_validation"]["accuracy"])),
        ("cross-validated entity F1", lambda p: _spread(p["cross_validation"]["entity_f1"])),
        ("training, s", lambda p: f"{p['held_out']['training_seconds']:.0f}"),
        ("one parse over HTTP, p50 ms", lambda p: f"{p['speed']['loads'][0]['p50_ms']:.1f}"),
        ("parses a second, 1 client", lambda p: f"{p['speed']['loads'][0]['turns_per_second']:.0f}"),
        ("parses a second, 8 clients", lambda p: f"{p['speed']['loads'][1]['turns_per_second']:.0f}"),
        ("memory, MB", lambda p: f"{p['speed']['memory_mb']:.0f}"),
        ("ready after, s", lambda p: f"{p['speed']['ready_seconds']:.1f}"),
    ]
    lines = [f"| | {' | '.join(pipelines)} |", f"|---|{'---|' * len(pipelines)}"]
    for title, cell in rows:
        cells = [_cell(cell, pipeline) for pipeline in pipelines.values()]
        if any(told != "–" for told in cells):
            lines.append(f"| {title} | {' | '.join(cells)} |")
    reasons = [
        f"{name}, {part}: {measured['not_measured']}"
        for name, parts in pipelines.items()
        for part, measured in parts.items()
        if isinstance(measured, dict) and "not_measured" in measured
    ]
    return [*lines, "", *(f"Not measured: {reason}." for reason in reasons)]


def _cell(cell: Callable[[dict[str, Any]], str], pipeline: dict[str, Any]) -> str:
    try:
        return cell(pipeline)
    except (KeyError, TypeError):
        return "–"


def _share(value: float) -> str:
    return f"{value:.3f}"


def _spread(values: dict[str, float]) -> str:
    return f"{values['mean']:.3f} ± {values['deviation']:.3f}"


def _draw(found: dict[str, Any], name: str, path: Path) -> bool:
    """Draw one picture; tell whether there was anything to draw."""
    figure, axes = plt.subplots(figsize=(8.5, 8) if name == "confusion" else (7, 3.6))
    drawn = _DRAW[name](found, axes)
    if drawn:
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return drawn


def _measured(found: dict[str, Any], part: str) -> dict[str, Any]:
    return {
        name: parts[part]
        for name, parts in found["pipelines"].items()
        if part in parts and "not_measured" not in parts[part]
    }


def _robustness(found: dict[str, Any], axes: Any) -> bool:
    measured = _measured(found, "held_out")
    for number, (name, part) in enumerate(measured.items()):
        kinds = {"as written": part["clean"], **part["noise"]}
        places = [place + (number - (len(measured) - 1) / 2) * 0.27 for place in range(len(kinds))]
        axes.barh(
            places, [one["accuracy"] for one in kinds.values()], height=0.25, label=name, color=_COLOURS[name]
        )
        axes.set_yticks(range(len(kinds)), list(kinds))
    axes.set_xlabel("intent accuracy")
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return bool(measured)


def _few(found: dict[str, Any], axes: Any) -> bool:
    measured = _measured(found, "few")
    for name, part in measured.items():
        axes.plot(list(part), list(part.values()), marker="o", label=name, color=_COLOURS[name])
    axes.set_xlabel("sentences an intent")
    axes.set_ylabel("intent accuracy")
    axes.set_ylim(0, 1)
    axes.legend(loc="lower right")
    return bool(measured)


def _calibration(found: dict[str, Any], axes: Any) -> bool:
    measured = _measured(found, "held_out")
    axes.plot([0, 1], [0, 1], color="#999999", linestyle=":")
    for name, part in measured.items():
        sure, share, _ = zip(*part["calibration"], strict=True)
        axes.plot(sure, share, marker="o", label=name, color=_COLOURS[name])
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right")
    axes.legend(loc="upper left")
    return bool(measured)


def _confusion(found: dict[str, Any], axes: Any) -> bool:
    """Draw the held-out sentences of our pipeline: intents meant by intents told."""
    part = _measured(found, "held_out").get("ours")
    if part is None:
        return False
    intents = sorted({name for meant, told, _ in part["confusions"] for name in (meant, told)})
    if len(intents) > 60:
        return False
    cells = [[0.0] * len(intents) for _ in intents]
    for meant, told, count in part["confusions"]:
        cells[intents.index(meant)][intents.index(told)] = count
    shares = [[cell / max(sum(row), 1) for cell in row] for row in cells]
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    axes.set_xticks(range(len(intents)), intents, rotation=90, fontsize=6)
    axes.set_yticks(range(len(intents)), intents, fontsize=6)
    axes.set_xlabel("told")
    axes.set_ylabel("meant")
    return True


_DRAW: dict[str, Callable[[dict[str, Any], Any], bool]] = {
    "robustness": _robustness,
    "few": _few,
    "calibration": _calibration,
    "confusion": _confusion,
}
