"""Laws of the tables over the shipped models: they say what the models' own files say, and the pages hold them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from musicdemo.checkpoint import CheckpointInfo, read_info
from tests.tiny import tiny_checkpoint
from training.tables import ROOT, held_out_table, models_page, shipped_models, table, with_table


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> CheckpointInfo:
    folder = tmp_path_factory.mktemp("tables") / "tiny"
    tiny_checkpoint(folder)
    return read_info(folder)


def measured(info: CheckpointInfo, name: str, **figures: float) -> CheckpointInfo:
    held_out: dict[str, Any] = {
        corpus: {"nats_per_note": nats, "bigram": 9.0, "unigram": 10.0} for corpus, nats in figures.items()
    }
    return replace(info, name=name, metrics={"held_out": held_out})


def test_the_best_model_of_each_corpus_is_in_bold_and_the_mean_is_over_corpora(info: CheckpointInfo) -> None:
    models = [measured(info, "rnn", air=3.0, jig=2.0), measured(info, "lstm", air=2.5, jig=2.25)]
    assert held_out_table(models).splitlines() == [
        "| corpus | rnn | lstm | bigram |",
        "| --- | ---: | ---: | ---: |",
        "| air | 3.000 | **2.500** | 9.000 |",
        "| jig | **2.000** | 2.250 | 9.000 |",
        "| mean | 2.500 | **2.375** |  |",
    ]


def test_a_table_replaces_what_stood_between_the_marks_and_nothing_else() -> None:
    text = "before\n{}\nold\n{}\nafter".format(*marks())
    once = with_table(text, table(["a"], [["1"]]))
    assert once == "before\n{}\n| a |\n| --- |\n| 1 |\n{}\nafter".format(*marks())
    assert with_table(once, table(["a"], [["1"]])) == once
    with pytest.raises(ValueError, match="marks"):
        with_table("no marks", "")


def marks() -> tuple[str, str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin, end = (line for line in readme.splitlines() if line.startswith("<!-- models"))
    return begin, end


def test_what_is_printed_in_the_pages_comes_from_the_models_own_files() -> None:
    infos = shipped_models()
    assert (ROOT / "docs" / "models.md").read_text(encoding="utf-8") == models_page(infos)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, held_out_table(infos)) == readme


def test_the_plainest_network_comes_first_and_unmeasured_ones_are_left_out(tmp_path: Path) -> None:
    for name in ("zither", "lstm", "gru"):
        tiny_checkpoint(tmp_path / name)
    assert shipped_models(tmp_path) == []
