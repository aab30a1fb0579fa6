"""A builder of small ONNX graphs: operators of the standard set (opset 20) over rows (B, width), and matrix products.

In "int8" a product is one of integers: weights have a scale for each output, activations a scale that is either fixed
(what lies in [-1, 1]) or the row's own maximum. Integer sums are exact; "fp32", in which the heads are computed and
which int8 is measured against, relies on ONNX Runtime: it packs constant weights, and then adds up each number in one
order for any B. All else is done element by element or row by row: no row's numbers depend on the rows beside it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Precision = Literal["int8", "fp32"]
Array = NDArray[Any]
Weights = NDArray[np.float32]

OPSET, IR_VERSION = 20, 10
LARGEST = 127
"""The largest integer of a weight and of an activation: both are symmetric about 0, which activations store as 128."""

_ROWS = "rows"  # the free dimension of every input and output
_TINY = np.float32(1e-30)  # the scale of a row that is all zeros


@dataclass(frozen=True)
class Factor:
    """The left side of matrix products, made ready once: fp32, or integers that are to be multiplied by two scales."""

    name: str
    fixed: float | None = None  # None where it is fp32
    by_row: str | None = None  # a value (B, 1)


@dataclass
class GraphBuilder:
    """An ONNX graph that grows operator by operator; values are known by their names."""

    precision: Precision = "fp32"
    _nodes: list[onnx.NodeProto] = field(default_factory=list)
    _constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    _inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    _outputs: dict[str, onnx.ValueInfoProto] = field(default_factory=dict)  # by the value's inner name

    def input(self, name: str, width: int, *, integers: bool = False) -> str:
        """Declare an input (B, width) of fp32 or of int64."""
        kind = TensorProto.INT64 if integers else TensorProto.FLOAT
        self._inputs.append(helper.make_tensor_value_info(name, kind, [_ROWS, width]))
        return name

    def output(self, name: str, value: str, width: int) -> None:
        """Hand out a value (B, width) under a name; outputs keep the order in which they are declared."""
        assert value not in self._outputs, "a value is handed out once"
        self._outputs[value] = helper.make_tensor_value_info(name, TensorProto.FLOAT, [_ROWS, width])

    def constant(self, array: Array | np.generic) -> str:
        """Store an array. Raises ValueError if it holds what is no number: integers would hide it."""
        check_numbers(array)
        name = f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def op(self, kind: str, *inputs: str, **attributes: float) -> str:
        """Apply an operator with one output."""
        name = f"value_{len(self._nodes)}"
        node = helper.make_node(kind, inputs, [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return name

    def split(self, value: str, widths: list[int]) -> list[str]:
        """Cut a value (B, sum of widths) into parts."""
        if len(widths) == 1:
            return [value]
        names = [f"value_{len(self._nodes)}_{part}" for part in range(len(widths))]
        sizes = self.constant(np.array(widths, dtype=np.int64))
        self._nodes.append(helper.make_node("Split", [value, sizes], names, axis=1))
        return names

    def lookup(self, values: str, table: Weights, offsets: NDArray[np.int64]) -> str:
        """Sum a row of the table (sum of sizes, N) for each column of the values (B, C), which begin at offsets (C,).

        The sum is a product with ones for each row of the batch: ReduceSum adds in an order that depends on B.
        """
        rows = self.op("Gather", self.constant(table), self.op("Add", values, self.constant(offsets)))  # (B, C, N)
        ones = self.constant(np.ones((1, len(offsets)), dtype=np.float32))
        return self.op("Squeeze", self.op("MatMul", ones, rows), self.constant(np.array([1])))

    def bounded(self, value: str) -> Factor:
        """Make a value (B, N) in [-1, 1] ready for products: its scale is fixed."""
        if self.precision == "fp32":
            return Factor(value)
        scale = self.constant(np.float32(1 / LARGEST))
        return Factor(self.op("QuantizeLinear", value, scale, self._zero_point()), fixed=1 / LARGEST)

    def unbounded(self, value: str) -> Factor:
        """Make any value (B, N) ready for products: each row is scaled by its own largest absolute value."""
        if self.precision == "fp32":
            return Factor(value)
        largest = self.op("ReduceMax", self.op("Abs", value), self.constant(np.array([1])))  # (B, 1)
        largest = self.op("Max", largest, self.constant(_TINY))
        steps = self.op("Mul", self.op("Div", value, largest), self.constant(np.float32(LARGEST)))
        shifted = self.op("Add", self.op("Round", steps), self.constant(np.float32(LARGEST + 1)))
        return Factor(self.op("Cast", shifted, to=TensorProto.UINT8), fixed=1 / LARGEST, by_row=largest)

    def linear(self, factor: Factor, weight: Weights, bias: Weights) -> str:
        """Return W x + b (B, O) for W (O, I) and b (O,)."""
        if factor.fixed is None:
            product = self.op("MatMul", factor.name, self.constant(weight.T))
        else:
            integers, scales = quantised(weight)
            sums = self.op("MatMulInteger", factor.name, self.constant(integers.T), self._zero_point())
            product = self.op("Cast", sums, to=TensorProto.FLOAT)
            product = self.op("Mul", product, self.constant(scales * np.float32(factor.fixed)))
            if factor.by_row:  # not both scales first: ONNX Runtime 1.32 fuses that and adds a wrong bias
                product = self.op("Mul", product, factor.by_row)
        return self.op("Add", product, self.constant(bias))

    def build(self, name: str) -> bytes:
        """Return the checked graph, serialised."""
        public = {value: info.name for value, info in self._outputs.items()}
        for node in self._nodes:
            for ends in (node.input, node.output):
                ends[:] = [public.get(end, end) for end in ends]
        graph = helper.make_graph(
            self._nodes, name, self._inputs, list(self._outputs.values()), list(self._constants.values())
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        serialised: bytes = model.SerializeToString()
        onnx.checker.check_model(serialised)
        return serialised

    def _zero_point(self) -> str:
        return self.constant(np.uint8(LARGEST + 1))


def check_numbers(array: Array | np.generic) -> None:
    """Raise ValueError if weights hold what is no finite number."""
    if not np.isfinite(array).all():
        raise ValueError("the network's weights hold what is no number, so nothing can be decoded with it")


def quantised(weight: Weights) -> tuple[NDArray[np.int8], Weights]:
    """Return W (O, I) as integers up to LARGEST, and the scale (O,) of each output: W is about scale times them."""
    scales = np.maximum(np.abs(weight).max(axis=1), _TINY) / np.float32(LARGEST)
    return np.rint(weight / scales[:, None]).astype(np.int8), scales
