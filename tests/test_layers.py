"""Imports point down: which room may know which, read from the source by its syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    {"errors"},
    {"music", "models", "decoding", "hub"},
    {"checkpoint", "seeds", "database"},
    {"likelihood"},
    {"generation", "insight", "jobs", "store", "votes", "render"},
    {"ui", "cli"},
    {"app", "__main__"},
)
"""Rooms of musicdemo, lowest layer first. Rooms of one layer do not know each other."""

RANKS = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
TORCH_ROOMS = {"models", "checkpoint", "likelihood", "insight"}
TORCH_STEPPER = "musicdemo.decoding.torch_stepper"


def imported_names(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Every dotted name that `source` imports, wherever in the file; relative names are resolved from `module`."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join(above + ([node.module] if node.module else []))
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def module_imports() -> dict[str, set[str]]:
    """The imports of every module of the product and of training."""
    files = [*ROOT.glob("musicdemo/**/*.py"), *ROOT.glob("training/**/*.py"), *ROOT.glob("app.py")]
    imports = {}
    for file in files:
        parts = file.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        imports[module] = imported_names(file.read_text(encoding="utf-8"), module, is_package=is_package)
    return imports


IMPORTS = module_imports()


def room(module: str) -> str:
    """The room of musicdemo that a dotted name lies in; empty outside musicdemo and for musicdemo itself."""
    parts = module.split(".")
    if parts[0] == "app":
        return "app"
    return parts[1] if parts[0] == "musicdemo" and len(parts) > 1 else ""


def rooms(names: set[str]) -> set[str]:
    """The rooms of musicdemo among `names`."""
    return {found for found in map(room, names) if found in RANKS}


def packages(names: set[str]) -> set[str]:
    """The top-level packages among `names`."""
    return {name.split(".")[0] for name in names}


def modules_of(*wanted: str) -> dict[str, set[str]]:
    """The imports of the modules that lie in the given rooms."""
    return {module: names for module, names in IMPORTS.items() if room(module) in wanted}


def test_an_import_is_seen_in_every_form_and_place() -> None:
    source = """
import torch.nn
from torch import optim
def late():
    from ..music import score
    from . import stepper
"""
    names = imported_names(source, "musicdemo.decoding.sampling")
    assert names == {"torch.nn", "musicdemo.music.score", "musicdemo.decoding.stepper", "torch.optim"}


def test_a_relative_import_in_a_package_starts_at_the_package() -> None:
    names = imported_names("from .score import Note", "musicdemo.music", is_package=True)
    assert names == {"musicdemo.music.score.Note"}


def test_every_room_stands_in_a_layer() -> None:
    named = {room(module) for module in IMPORTS} - {""}
    assert named <= set(RANKS), f"give these rooms a layer in LAYERS: {sorted(named - set(RANKS))}"


@pytest.mark.parametrize("module", sorted(module for module in IMPORTS if room(module)))
def test_imports_point_down(module: str) -> None:
    own = room(module)
    wrong = {other for other in rooms(IMPORTS[module]) if other != own and RANKS[other] >= RANKS[own]}
    assert not wrong, f"{module} imports {sorted(wrong)}, which do not lie below it"


def test_streamlit_lives_in_the_page_only() -> None:
    users = {module for module, names in IMPORTS.items() if "streamlit" in packages(names)}
    assert {room(module) for module in users} <= {"ui", "app"}


def test_torch_lives_where_tensors_do() -> None:
    users = {module for module in IMPORTS if "torch" in packages(IMPORTS[module]) and room(module)}
    assert users - set(modules_of(*TORCH_ROOMS)) <= {TORCH_STEPPER}


def test_graphs_are_made_where_networks_are_and_run_where_decoding_is() -> None:
    makers = {module for module in IMPORTS if "onnx" in packages(IMPORTS[module])}
    runners = {module for module in IMPORTS if "onnxruntime" in packages(IMPORTS[module])}
    assert {room(module) for module in makers} == {"models"}
    assert {room(module) for module in runners} == {"decoding"}


def test_decoding_knows_neither_notes_nor_networks() -> None:
    for module, names in modules_of("decoding").items():
        assert not rooms(names) & {"music", "models"}, module


def test_the_web_is_reached_from_one_room_and_from_publishing() -> None:
    clients = {"huggingface_hub", "httpx2", "requests", "urllib3", "http", "socket", "aiohttp"}
    users = {module for module, names in IMPORTS.items() if packages(names) & clients}
    assert users <= set(modules_of("hub")) | {"training.card", "training.publish"}


def test_music_and_models_do_not_know_each_other() -> None:
    assert not any("models" in rooms(names) for names in modules_of("music").values())
    assert not any("music" in rooms(names) for names in modules_of("models").values())


def test_only_generation_brings_music_networks_and_decoding_together() -> None:
    knows_all = {
        module
        for module, names in IMPORTS.items()
        if room(module) and {"music", "decoding"} <= rooms(names) and (rooms(names) & {"models", "checkpoint"})
    }
    assert {room(module) for module in knows_all} <= {"generation"}


def test_the_product_never_imports_training() -> None:
    users = {module for module, names in IMPORTS.items() if room(module) and "training" in packages(names)}
    assert not users


def test_training_knows_only_checkpoints_and_what_is_made_with_them() -> None:
    # Besides, a trained network is judged by what generation writes with it, on the road that a user takes, and heard.
    allowed = {name for name, rank in RANKS.items() if rank <= RANKS["checkpoint"]} | {"generation", "render"}
    for module, names in IMPORTS.items():
        if module.split(".")[0] == "training":
            assert rooms(names) <= allowed, module


def test_music_loads_without_torch_and_the_package_without_streamlit() -> None:
    light = sorted(modules_of("errors", "music")) or ["musicdemo"]
    lines = [
        *(f"import {module}" for module in light),
        "import sys",
        "print({'torch', 'streamlit'} & set(sys.modules))",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
