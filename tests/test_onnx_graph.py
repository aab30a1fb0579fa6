"""Laws of the ONNX graphs: exact integers, small errors, and nothing that is no number."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.models.base import ModelConfig
from musicdemo.models.build import build_model
from musicdemo.models.onnx_graph import export_onnx, step_graphs
from musicdemo.models.onnx_ops import LARGEST, GraphBuilder, Weights, quantised
from tests.tiny import NETWORKS, PREDICTED, random_events, tiny_config, tiny_model

quick = settings(max_examples=40, deadline=None, derandomize=True)
each_architecture = pytest.mark.parametrize("architecture", NETWORKS)


def numbers(*shape: int, seed: int) -> Weights:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def product(x: Weights, weight: Weights, *, bounded: bool, bias: Weights | None = None) -> Weights:
    """What ONNX Runtime makes of W x + b, all optimisations on."""
    graph = GraphBuilder("int8")
    value = graph.input("x", x.shape[1])
    factor = graph.bounded(value) if bounded else graph.unbounded(value)
    graph.output(
        "y", graph.linear(factor, weight, np.zeros(len(weight), np.float32) if bias is None else bias), len(weight)
    )
    session = onnxruntime.InferenceSession(graph.build("product"), providers=["CPUExecutionProvider"])
    result: Weights = session.run(None, {"x": x})[0]
    return result


@quick
@given(st.integers(1, 40), st.integers(1, 300), st.integers(1, 70), st.booleans(), st.integers(0, 99))
def test_a_product_is_that_of_the_rounded_numbers_whatever_the_processor_and_the_optimiser_do(
    rows: int, width: int, outputs: int, bounded: bool, seed: int
) -> None:
    x, weight = numbers(rows, width, seed=seed), numbers(outputs, width, seed=seed + 1)
    x *= np.exp(numbers(rows, 1, seed=seed + 2) * 3)  # rows of very different size
    if bounded:
        x = np.tanh(x)
    scale = np.full((rows, 1), 1 / LARGEST) if bounded else np.abs(x).max(axis=1, keepdims=True) / LARGEST
    rounded = scale * np.rint(x / scale)
    integers, scales = quantised(weight)
    bias = numbers(outputs, seed=seed + 3)
    expected = rounded @ (scales[:, None] * integers).T + bias
    step = scale * scales * LARGEST  # a number that lies half-way may be rounded to either side
    found = product(x, weight, bounded=bounded, bias=bias)
    assert (np.abs(found - expected) <= 1e-5 * (1 + np.abs(expected)) + 1.01 * step).all()


def test_the_largest_numbers_of_all_do_not_overflow() -> None:
    ones = np.ones((3, 512), dtype=np.float32)
    for x in (ones, -ones):
        for bounded in (True, False):
            np.testing.assert_allclose(product(x, ones, bounded=bounded), x @ ones.T, rtol=1e-6)


@quick
@given(st.integers(1, 20), st.integers(1, 20), st.floats(1e-20, 1e20), st.integers(0, 99))
def test_a_weight_is_rounded_by_at_most_half_a_step_of_its_row(rows: int, width: int, size: float, seed: int) -> None:
    weight = (numbers(rows, width, seed=seed) * size).astype(np.float32)
    integers, scales = quantised(weight)
    assert np.abs(integers).max(initial=0) <= LARGEST
    assert (np.abs(weight - scales[:, None] * integers) <= 0.501 * scales[:, None]).all()


def test_a_row_of_zeros_stays_zero() -> None:
    zeros, weight = np.zeros((2, 8), dtype=np.float32), numbers(4, 8, seed=1)
    assert not product(zeros, weight, bounded=False).any()
    assert not product(numbers(2, 8, seed=2), np.zeros_like(weight), bounded=False).any()


@each_architecture
def test_integers_change_the_scores_little(architecture: str) -> None:
    network = tiny_model(tiny_config(architecture, hidden=64, embedding=64, head=64))
    exact, fast = (OnnxStepper(step_graphs(network, precision=precision)) for precision in ("fp32", "int8"))
    events, following = random_events((16, 30)), random_events((16,), random_seed=1)
    (true_hidden, _), (hidden, _) = (stepper.step(events, stepper.start(16)) for stepper in (exact, fast))
    for column in (column for column, predicted in enumerate(PREDICTED) if predicted):
        true, scored = exact.logits(true_hidden, following[:, :column]), fast.logits(hidden, following[:, :column])
        assert 0 < np.abs(scored - true).mean() < 0.05 * true.std()


def test_a_relative_head_reaches_as_far_as_the_networks_and_is_silent_without_a_reference() -> None:
    sizes = (100, 90, 100)  # farther apart than the scores reach, and the references of two sizes
    config = tiny_config(sizes=sizes, predicted=(False, False, True), relative=((2, 0), (2, 1)))
    network = tiny_model(config, spread=2.0)
    stepper = OnnxStepper(step_graphs(network, precision="fp32"))
    hidden, _ = stepper.step(random_events((1, 2), sizes=sizes), stepper.start(1))
    with torch.inference_mode():
        read, _ = network.read(torch.from_numpy(random_events((1, 2), sizes=sizes)), network.start(1))
    references = np.array([(value, 89 * value // 99, 0) for value in range(100)])
    found = stepper.logits(np.repeat(hidden, 100, axis=0), references[:, :2])
    with torch.inference_mode():
        expected = network.logits(read[0, -1:].expand(100, -1), torch.from_numpy(references), 2).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("number", [np.nan, np.inf])
@each_architecture
def test_weights_that_are_no_numbers_are_refused(architecture: str, number: float) -> None:
    network = tiny_model(tiny_config(architecture))
    for weight in network.parameters():
        before = weight.detach().clone()
        with torch.no_grad():
            weight.view(-1)[-1] = number
        with pytest.raises(ValueError, match="no number"):
            step_graphs(network)
        with torch.no_grad():
            weight.copy_(before)


def test_a_table_that_would_fill_the_memory_is_refused() -> None:
    columns = 64
    predicted = (False,) * (columns - 1) + (True,)
    config = ModelConfig("lstm", (4096,) * columns, predicted, embedding=1, hidden=256, layers=1, head=1)
    with pytest.raises(ValueError, match="262144 x 1024 numbers is too large"):
        step_graphs(build_model(config))


@pytest.mark.parametrize("architecture", ["gru", "attention"])
def test_exported_files_are_the_graphs_and_the_state_to_begin_with(architecture: str, tmp_path: Path) -> None:
    network = tiny_model(tiny_config(architecture))
    graphs = step_graphs(network)
    export_onnx(network, tmp_path / "out")
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.onnx")}
    columns = [column for column, predicted in enumerate(PREDICTED) if predicted]
    expected = {"step.onnx": graphs.step} | {
        f"head-{column}.onnx": head for column, head in zip(columns, graphs.heads, strict=True)
    }
    assert files == expected | ({"past.onnx": graphs.past.step} if graphs.past else {})
    for content in files.values():
        onnx.checker.check_model(content, full_check=True)
    with np.load(tmp_path / "out" / "start.npz") as start:
        assert all(np.array_equal(start[f"arr_{part}"], value) for part, value in enumerate(graphs.start))
