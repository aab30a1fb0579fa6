"""From the figures that were written to the tables that are read; no figure of ours is typed by hand."""

import json
from pathlib import Path
from typing import Any

from training.benchmarks.tasks import BENCHMARKS, Benchmark

_HEADER = """# Public benchmarks

Made by `python -m training.benchmarks NAME --data FOLDER --train`; protocols, data and what to read into the figures:
`training/benchmarks/README.md`. Lower is better.
"""


def write_tables(folder: Path) -> None:
    """Write README.md beside the figures NAME.json of the benchmarks that have been scored."""
    parts = [_HEADER]
    for name, benchmark in BENCHMARKS.items():
        path = folder / f"{name}.json"
        if path.exists():
            parts.append(_table(name, benchmark, json.loads(path.read_text())))
    (folder / "README.md").write_text("\n".join(parts))


def _table(name: str, benchmark: Benchmark, document: dict[str, Any]) -> str:
    rows = [f"| {line['line']} | {_number(line['valid'])} | {_number(line['test'])} |" for line in document["lines"]]
    anchors = [
        f"| *{system}* | {_number(valid)} | {_number(test)} |" for system, (valid, test) in benchmark.anchors.items()
    ]
    pieces = "/".join(str(document["pieces"][split]) for split in ("train", "valid", "test"))
    return "\n".join(
        [
            f"## {name}: {document['unit']}, {pieces} pieces\n",
            "| system | valid | test |",
            "|---|---:|---:|",
            *rows,
            *anchors,
            "",
            *_remarks(document),
            "",
        ]
    )


def _remarks(document: dict[str, Any]) -> list[str]:
    """Say what was trained, and how far apart single networks are."""
    runs = document["runs"]
    trained = ", ".join(f"{run['steps']:,} steps in {run['minutes']:.0f} minutes (seed {run['seed']})" for run in runs)
    remarks = [f"Networks of {document['parameters']:,} parameters; {trained}."]
    for line in document["lines"]:
        if "each" in line:
            each = "; ".join(f"{one['valid']:.4f} / {one['test']:.4f}" for one in line["each"])
            remarks.append(f"Each for itself ({line['line']}): {each}.")
    return remarks


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
