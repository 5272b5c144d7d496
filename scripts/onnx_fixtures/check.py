"""What every fixture must satisfy before it is written."""

import numpy as np
import onnx
import onnxruntime

# Nodes that may be without effect on the numbers.
NEUTRAL = {"Identity", "Dropout", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}
CLOSE, EFFECT, LIMIT = 2e-5, 1e-3, 10_000


class Unfit(Exception):
    """A fixture does not prove what it is meant to."""


def run(model, value):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {session.get_inputs()[0].name: value})[0].ravel()


def opset(model):
    return next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))


def check(model, value, output, want_opset, idle=False, limit=LIMIT):
    """Valid ONNX of this opset and small; ONNX Runtime agrees with `output`, the framework's
    own; and leaving out any one node that keeps the shape changes the result, unless `idle`."""
    onnx.checker.check_model(model, full_check=True)
    if opset(model) != want_opset:
        raise Unfit(f"opset {opset(model)}, not {want_opset}")
    if model.ByteSize() > limit:
        raise Unfit(f"{model.ByteSize()} bytes")
    if any(op.domain not in ("", "ai.onnx") for op in model.graph.node):
        raise Unfit("operators that are not ONNX's own")
    got = run(model, value)
    scale = max(1.0, float(np.abs(output).max()))
    if np.abs(got - np.asarray(output).ravel()).max() > CLOSE * scale:
        raise Unfit(f"ONNX Runtime: {got}, the framework: {output}")
    unused = [] if idle else list(idle_nodes(model, value, got))
    if unused:
        raise Unfit(f"without effect on the result: {', '.join(unused)}")


def idle_nodes(model, value, output):
    """Nodes of floats whose first data input could stand in for their output."""
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    integers = {v.name for v in inferred if v.type.tensor_type.elem_type != onnx.TensorProto.FLOAT}
    constants = {t.name for t in model.graph.initializer}
    constants |= {n.output[0] for n in model.graph.node if n.op_type == "Constant"}
    for i, node in enumerate(model.graph.node):
        if node.op_type in NEUTRAL or not node.input or node.output[0] in integers:
            continue
        data = [name for name in node.input if name and name not in constants]
        if data and same(bypass(model, i, data[0]), value, output):
            yield f"{node.op_type} {node.name}"


def bypass(model, index, stand_in):
    """The model with an Identity of `stand_in` in place of one node."""
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    node = changed.graph.node[index]
    if len(node.output) > 1:
        return None
    identity = onnx.helper.make_node("Identity", [stand_in], [node.output[0]])
    node.CopyFrom(identity)
    del changed.graph.value_info[:]
    return changed


def same(changed, value, output):
    if changed is None:
        return False
    try:
        got = run(changed, value)
    except Exception:  # other shapes or types: the node is needed
        return False
    return got.shape == output.shape and np.abs(got - output).max() < EFFECT
