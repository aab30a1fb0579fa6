"""What beams cost: an event of search, rules and bookkeeping and all, and the floor that this processor's products set.

The prompt is read beforehand, and what was found is not made into pieces: an event is what is measured, not a request.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from musicdemo.decoding.beam_groups import Diverse
from musicdemo.decoding.beam_search import BeamConfig, search
from musicdemo.decoding.stepper import Primed, Stepper
from musicdemo.models.base import ModelConfig
from musicdemo.music.cursor import BarPlan
from musicdemo.music.grammar import Grammar
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.wishes import Wishes
from scripts.bench.timing import least_of_each

EVENTS = 48
KINDS: dict[str, Callable[[int], Diverse]] = {
    "plain": lambda _: Diverse(1),
    "diverse": lambda width: Diverse(groups=width),  # each beam a group of its own, as in the page
}


def searches(
    stepper: Stepper, tokenizer: Tokenizer, seed: Score, *, style: str, widths: Sequence[int], times: int
) -> dict[tuple[str, int], float]:
    """Seconds of an event of beam search behind a seed, by kind and width."""
    prompt = tokenizer.encode(seed, style=style)[:-1]
    primed = Primed(*stepper.step(prompt[None], stepper.start(1)))
    plan = tokenizer.bar_plan(tokenizer.snapped(seed)).values
    tracks = frozenset(track.key for track in seed.tracks)
    rules = Grammar(
        BarPlan((*plan, plan[-1])),
        prompt.tolist(),
        style=tokenizer.style_value(style),
        wishes=Wishes(bars=EVENTS, tracks=tracks),  # more than can be written: none ends
    )
    actions: dict[tuple[str, int], Callable[[], object]] = {}
    for kind, variety in KINDS.items():
        for width in widths:
            config = BeamConfig(width, max_events=EVENTS, variety=variety(width))
            actions[kind, width] = partial(search, stepper, primed, rules, config)
    return {each: seconds / EVENTS for each, seconds in least_of_each(actions, times=times).items()}


def products(config: ModelConfig, rows: int) -> Callable[[], object]:
    """Return the integer products of an LSTM's step, 8 bits by 8 bits, and nothing besides, as an action.

    The first layer's input is no product: events are looked up in a table that was multiplied beforehand.
    """
    hidden, heads = config.hidden, sum(config.predicted)
    widths = [4 * hidden] * (2 * config.layers - 1) + [heads * config.head]
    random = np.random.default_rng(0)
    weights = [random.integers(-127, 128, size=(hidden, width)).astype(np.int8) for width in widths]
    constants = [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(weights)]
    constants.append(numpy_helper.from_array(np.array(128, dtype=np.uint8), "zero"))
    nodes = [helper.make_node("MatMulInteger", ["x", f"w{i}", "zero"], [f"y{i}"]) for i in range(len(widths))]
    read = [helper.make_tensor_value_info("x", TensorProto.UINT8, ["rows", hidden])]
    made = [helper.make_tensor_value_info(f"y{i}", TensorProto.INT32, ["rows", w]) for i, w in enumerate(widths)]
    model = helper.make_model(
        helper.make_graph(nodes, "products", read, made, constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = random.integers(0, 256, size=(rows, hidden)).astype(np.uint8)
    return lambda: session.run(None, {"x": x})
