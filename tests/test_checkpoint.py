"""Laws of checkpoints: what is saved comes back bit for bit, and what is torn, foreign or damaged is refused."""

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from musicdemo.checkpoint import (
    CONFIG,
    METRICS,
    OPENINGS,
    TOKENIZER,
    WEIGHTS,
    Checkpoint,
    find_checkpoint,
    list_checkpoints,
    load_checkpoint,
    read_info,
    save_checkpoint,
    write_metrics,
)
from musicdemo.errors import CheckpointError
from musicdemo.models.base import parameter_count
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from tests import tiny
from tests.tiny import NETWORKS, music_config, random_events, tiny_checkpoint, tiny_model

PROTECTED, FIGURES = (CONFIG, TOKENIZER, WEIGHTS), (OPENINGS, METRICS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    tiny_checkpoint(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved checkpoint, to be damaged."""
    return Path(shutil.copytree(saved, tmp_path / "tiny"))


@pytest.mark.parametrize("architecture", NETWORKS)
def test_a_reloaded_checkpoint_gives_bit_equal_logits(architecture: str, tmp_path: Path) -> None:
    model = tiny_model(music_config(architecture), random_seed=3)
    save_checkpoint(tmp_path / "one", model, tiny.TOKENIZER, openings=tiny.OPENINGS, metrics={"nats": 1.25})
    again = load_checkpoint(tmp_path / "one")
    events = torch.from_numpy(random_events((2, 6), sizes=tiny.TOKENIZER.sizes))
    with torch.inference_mode():
        hidden, _ = model.read(events, model.start(2))
        hidden_again, _ = again.model.read(events, again.model.start(2))
        assert torch.equal(hidden, hidden_again)
        for column in (c for c, predicted in enumerate(again.config.predicted) if predicted):
            assert torch.equal(model.logits(hidden, events, column), again.model.logits(hidden, events, column))
    assert (again.config, again.openings, again.metrics) == (model.config, tiny.OPENINGS, {"nats": 1.25})
    assert (again.name, again.styles, again.tokenizer.digest) == ("one", ("air", "band"), tiny.TOKENIZER.digest)
    assert not again.model.training


def test_weights_that_half_precision_holds_take_half_the_space_and_come_back_the_same(tmp_path: Path) -> None:
    model = tiny_model(music_config())
    save_checkpoint(tmp_path / "whole", model, tiny.TOKENIZER)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    save_checkpoint(tmp_path / "half", model, tiny.TOKENIZER)
    sizes = [(tmp_path / name / WEIGHTS).stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    again = load_checkpoint(tmp_path / "half").model.state_dict()
    assert all(torch.equal(again[name], value) for name, value in model.state_dict().items())
    assert {value.dtype for value in again.values()} == {torch.float32}


def test_saving_again_writes_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = load_checkpoint(saved)
    save_checkpoint(
        tmp_path / "again", again.model, again.tokenizer, openings=again.openings, metrics=dict(again.metrics)
    )
    assert contents(tmp_path / "again") == contents(saved)
    assert load_checkpoint(tmp_path / "again").digest == again.digest


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damages(size: int, count: int, seed: str) -> Iterator[tuple[str, int]]:
    """Single flipped bits, and cuts that take more than a last line break."""
    chooser = random.Random(seed)
    yield from (("bit", chooser.randrange(8 * size)) for _ in range(count))
    yield from (("cut", chooser.randrange(size - 1)) for _ in range(count // 8))
    yield from (("cut", place) for place in (0, 1, size - 2))


def damaged(data: bytes, damage: tuple[str, int]) -> bytes:
    kind, place = damage
    if kind == "cut":
        return data[:place]
    return data[: place // 8] + bytes([data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :]


@pytest.mark.parametrize("name", PROTECTED)
def test_a_flipped_bit_or_a_cut_in_what_makes_the_music_is_noticed(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for damage in damages(len(whole), 120, name):
        (folder / name).write_bytes(damaged(whole, damage))
        with pytest.raises(CheckpointError, match="checkpoint tiny"):
            load_checkpoint(folder)


@pytest.mark.parametrize("name", FIGURES)
def test_damaged_figures_are_refused_or_harmless(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for damage in damages(len(whole), 120, name):
        (folder / name).write_bytes(damaged(whole, damage))
        with suppress(CheckpointError):
            assert load_checkpoint(folder).name == "tiny"


def rewrite(folder: Path, **changes: object) -> None:
    """Change the configuration, and leave out the seal that would give it away."""
    document = json.loads((folder / CONFIG).read_text())
    model = changes.pop("model", {})
    document = document | changes | {"model": document["model"] | model}
    del document["seal"]
    (folder / CONFIG).write_text(json.dumps(document))


@pytest.mark.parametrize(
    "changes",
    [
        *({"model": {"architecture": "gsu"}}, {"model": {"architecture": "gru"}}, {"model": {"layers": 1}}),
        *({"model": {"relative": [[10]]}}, {"model": {"relative": 5}}, {"model": {"hidden": 10.5}}),
        *({"model": {"hidden": "12"}}, {"model": {"sizes": 5}}, {"model": {"colour": "blue"}}),
        *({"parameters": 1}, {"parameters": [1]}, {"parameters": "many"}, {"weights": None}, {"tokenizer": "0" * 64}),
        *({"model": {"embedding": 3000}}, {"model": {"dropout": 2}}, {"swing": True}),
    ],
    ids=str,
)
def test_a_configuration_that_fits_nothing_is_refused(folder: Path, changes: dict[str, object]) -> None:
    rewrite(folder, **changes)
    with pytest.raises(CheckpointError, match="checkpoint tiny"):
        load_checkpoint(folder)


@pytest.mark.parametrize(("key", "value"), [("relative", [[10, 8]]), ("dropout", 0.2), ("format_version", True)])
def test_a_change_that_would_fit_breaks_the_seal(folder: Path, key: str, value: object) -> None:
    document = json.loads((folder / CONFIG).read_text())
    document["model"][key] = value
    (folder / CONFIG).write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=r"config\.json is damaged"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", PROTECTED)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match="no model" if name == CONFIG else name):
        load_checkpoint(folder)


def test_figures_may_be_missing(folder: Path) -> None:
    (folder / METRICS).unlink()
    (folder / OPENINGS).unlink()
    checkpoint = load_checkpoint(folder)
    assert (checkpoint.metrics, checkpoint.openings) == ({}, {})


def test_a_foreign_tokenizer_is_refused(folder: Path) -> None:
    foreign = Tokenizer(TokenizerConfig(("band", "air")))  # the same sizes, another meaning
    (folder / TOKENIZER).write_text(foreign.to_json())
    with pytest.raises(CheckpointError, match="another tokenizer"):
        load_checkpoint(folder)


def test_a_network_for_other_columns_is_refused(tmp_path: Path) -> None:
    wider = Tokenizer(TokenizerConfig(("a", "b", "c")))
    save_checkpoint(tmp_path / "odd", tiny_model(music_config()), wider)
    with pytest.raises(CheckpointError, match="do not fit together"):
        load_checkpoint(tmp_path / "odd")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    known = ", ".join(info.name for info in list_checkpoints()) or "none"
    with pytest.raises(CheckpointError, match=f"^there is no model 'lute'; there are: {known}$"):
        load_checkpoint("lute")


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b", "x" * 5000, "./tiny/config.json", "no/such/place"])
def test_a_name_that_is_no_checkpoint_is_refused_whatever_it_is(name: str) -> None:
    with pytest.raises(CheckpointError, match="there is no model"):
        find_checkpoint(name)


def test_checkpoints_are_listed_by_name_without_the_torn_ones(saved: Path, tmp_path: Path) -> None:
    for name in ("b", "a", "torn", "foreign", "c"):
        shutil.copytree(saved, tmp_path / name)
    (tmp_path / "torn" / CONFIG).write_text('{"model"')
    (tmp_path / "foreign" / TOKENIZER).write_text(Tokenizer().to_json())
    (tmp_path / "empty").mkdir()
    infos = list_checkpoints(tmp_path)
    assert [info.name for info in infos] == ["a", "b", "c"]
    whole = load_checkpoint(saved)
    assert infos[0].parameters == parameter_count(whole.model)
    assert (infos[0].config, infos[0].styles, infos[0].metrics) == (whole.config, whole.styles, whole.metrics)
    assert list_checkpoints(tmp_path / "nowhere") == ()


def test_listing_reads_no_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    assert read_info(folder).name == "tiny"


def test_new_figures_replace_the_old_and_nothing_else(folder: Path) -> None:
    before = contents(folder)
    write_metrics(folder, {"air": 2.5})
    after: Checkpoint = load_checkpoint(folder)
    assert after.metrics == {"air": 2.5}
    assert {**contents(folder), METRICS: b""} == {**before, METRICS: b""}
