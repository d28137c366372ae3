"""Small ONNX models made on the spot."""

import onnx
from onnx import TensorProto, helper


def save(path, nodes, inputs, outputs, constants=()):
    """`inputs` and `outputs`: (name, element type, shape), where None is a free axis."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(*entry) for entry in inputs],
        [helper.make_tensor_value_info(*entry) for entry in outputs],
        list(constants),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return str(path)


def lookup(path, size=10):
    """Looks a number up in a table of `size`: a larger number makes the model fail at run time."""
    table = helper.make_tensor("table", TensorProto.INT64, [size], list(range(size)))
    node = helper.make_node("Gather", ["table", "number"], ["label"], axis=0)
    shape = [None]
    return save(
        path,
        [node],
        [("number", TensorProto.INT64, shape)],
        [("label", TensorProto.INT64, shape)],
        [table],
    )


def total(path, batch=None, width=3):
    """Two inputs added and summed over the last axis: one float per sample."""
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [-1])
    nodes = [
        helper.make_node("Add", ["left", "right"], ["both"]),
        helper.make_node("ReduceSum", ["both", "axes"], ["sum"], keepdims=0),
    ]
    inputs = [(name, TensorProto.FLOAT, [batch, width]) for name in ("left", "right")]
    return save(path, nodes, inputs, [("sum", TensorProto.FLOAT, [batch])], [axes])


def double(path, shape):
    """Twice the input, of exactly this shape."""
    node = helper.make_node("Add", ["x", "x"], ["twice"])
    entry = (TensorProto.FLOAT, shape)
    return save(path, [node], [("x", *entry)], [("twice", *entry)])


def boxes(path):
    """Passes boxes, labels and scores through: a perfect detector, given perfect data."""
    names = {"boxes": [None, 2, 4], "labels": [None, 2], "scores": [None, 2]}
    nodes = [helper.make_node("Identity", [f"{name}_in"], [name]) for name in names]
    kind = TensorProto.FLOAT
    return save(
        path,
        nodes,
        [(f"{name}_in", kind, shape) for name, shape in names.items()],
        [(name, kind, shape) for name, shape in names.items()],
    )
