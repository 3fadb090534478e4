"""``python -m nlu check|train|gate|serve|test``: the data, the model and its server."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nlu import gate as gates
from nlu import training
from nlu.bench.data import DataSet, read_data, read_questions
from nlu.bench.material import MaterialFault, read_material
from nlu.bench.processes import ProcessFailed
from nlu.contract import ROOT, find_faults
from nlu.data_files import DataFileError, read_folder
from nlu.progress import print_json, print_line, shown

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def nlu() -> None:
    """Understand citizens' Vietnamese."""


Root = Annotated[Path, typer.Option(help="the project's folder")]
Content = Annotated[Path | None, typer.Option(help="the content folder; the project's when not given")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines for a program: progress, then the result")]
_POLITE = 10  # what is trained or measured gives way to what answers citizens


@app.command()
def check(root: Root = ROOT, content: Content = None) -> None:
    """Hold data, held-out sentences, actions and wording against nlu/intents.yml (no Rasa needed)."""
    faults = find_faults(root, content)
    for fault in faults:
        typer.echo(fault, err=True)
    typer.echo(f"nlu: {len(faults)} faults")
    raise typer.Exit(1 if faults else 0)


@app.command()
def train(
    content: Content = None,
    models: Annotated[Path, typer.Option(help="where the model goes")] = training.MODELS,
    root: Root = ROOT,
    as_json: AsJson = False,
) -> None:
    """Train the model unless one for the present data is there; may be killed at any time."""
    os.nice(_POLITE)
    model = training.train(content, models, print_json if as_json else None, root)
    if as_json:
        print_line({"model": str(model)})
    else:
        typer.echo(model)


@app.command()
def gate(
    model: Annotated[Path, typer.Argument(help="the model to judge", exists=True, dir_okay=False)],
    against: Annotated[
        Path | None, typer.Option(help="the model that it is to replace", exists=True, dir_okay=False)
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="earlier corrected questions as JSON lines", exists=True)
    ] = None,
    held_out: Annotated[Path, typer.Option(help="a folder of held-out sentences")] = ROOT / "tests/held_out",
    as_json: AsJson = False,
) -> None:
    """Tell as JSON whether a model is worse than another, and why; exit code 1 says that it is."""
    os.nice(_POLITE)
    material = read_material(held_out, questions)
    with shown("Đo mô hình", print_json if as_json else None) as say:
        report = gates.compare(model, against, material, say)
    if as_json:
        print_line(report)
    else:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    raise typer.Exit(1 if report["is_worse"] else 0)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="the port on 127.0.0.1")] = training.PORT,
    model: Annotated[
        Path | None,
        typer.Option(help="the model; the present data's when not given", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Serve a model on loopback; the present data's is trained first when it is not there."""
    command = training.server_command(model.resolve() if model else training.train(), port)
    os.chdir(ROOT)
    os.execve(command[0], command, training.environment())  # noqa: S606  (our own command)


@app.command()
def test(
    data: Annotated[
        Path | None, typer.Option(help="any folder of Rasa YAML; this project's when not given")
    ] = None,
    results: Annotated[Path, typer.Option(help="where the report goes")] = ROOT / "results/understanding",
    only: Annotated[
        list[str] | None, typer.Option(help="ours, Bürokratt or Rasa's default; may be repeated")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="of the cross-validation")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="of the cross-validation, each with other folds")] = 1,
    samples: Annotated[int, typer.Option(min=1, help="of few sentences, of each size")] = 2,
    minutes: Annotated[float, typer.Option(help="the most that one part of one pipeline may take")] = 30.0,
    most: Annotated[int | None, typer.Option(min=2, help="sentences an intent to learn; else all")] = None,
) -> None:
    """Measure how well and how fast sentences are understood, beside Bürokratt's and Rasa's own pipelines."""
    from nlu.bench import report, run, trials  # draws pictures: matplotlib is there for developers only

    if unknown := set(only or ()) - set(trials.PIPELINES):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(trials.PIPELINES)}")
    plan = run.Plan(tuple(only or trials.PIPELINES), folds, repeats, samples, minutes, most)
    measured = run.run(
        read_data(data) if data else _own_data(), plan, results, lambda said: typer.echo(said, err=True)
    )
    typer.echo(report.write_report(measured, results))


def _own_data() -> DataSet:
    """Give the sentences that the model is trained on, and the project's held-out ones."""
    folder = training.CACHE / "data"
    training.write_data(folder)
    files = sorted(folder.glob("*.yml"))
    held_out = read_folder(ROOT / "tests/held_out")
    questions = read_questions(ROOT / "tests/two_questions.yml", "held_out")
    return DataSet("Hỏi Một Cửa", read_folder(folder), held_out, files, questions)


def main() -> None:
    """Run a command; what can be foreseen to go wrong is told in one sentence."""
    try:
        app()
    except (training.RasaError, DataFileError, MaterialFault, ProcessFailed, OSError) as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
