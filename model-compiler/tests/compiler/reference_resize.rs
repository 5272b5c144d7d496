//! What makes images larger, in the reference interpreter: every input scattered to its outputs.

use tacita_onnx::NodeProto;

use crate::reference::{Tensor, indices, int, ints, text};

pub fn conv_transpose(node: &NodeProto, x: &[&Tensor]) -> Tensor {
    let (a, w) = (x[0], x[1]);
    let [inputs, per_group, kh, kw] = w.dims[..] else { panic!() };
    let groups = int(node, "group", 1) as usize;
    let (s, d) = (ints(node, "strides", &[1, 1]), ints(node, "dilations", &[1, 1]));
    let extra = ints(node, "output_padding", &[0, 0]);
    let kernel = [(kh - 1) * d[0] + 1, (kw - 1) * d[1] + 1];
    let full = [0, 1].map(|k| (a.dims[2 + k] - 1) * s[k] + kernel[k] + extra[k]);
    let (pads, out) = pads(node, a, full, &s);
    let channels = per_group * groups;
    let mut y =
        Tensor::from_fn(&[1, channels, out[0], out[1]], |i| x.get(2).map_or(0.0, |b| b.data[i[1]]));
    for i in indices(&[inputs, a.dims[2], a.dims[3], per_group, kh, kw]) {
        let at = [i[1] * s[0] + i[4] * d[0], i[2] * s[1] + i[5] * d[1]];
        let (Some(row), Some(column)) = (at[0].checked_sub(pads[0]), at[1].checked_sub(pads[1]))
        else {
            continue;
        };
        if row < out[0] && column < out[1] {
            let channel = i[0] / (inputs / groups) * per_group + i[3];
            y.data[(channel * out[0] + row) * out[1] + column] +=
                a.at(&[0, i[0], i[1], i[2]]) * w.at(&[i[0], i[3], i[4], i[5]]);
        }
    }
    y
}

/// Rows and columns cut off in front, and what is left.
fn pads(node: &NodeProto, a: &Tensor, full: [usize; 2], s: &[usize]) -> ([usize; 2], [usize; 2]) {
    let mode = text(node, "auto_pad");
    let mut out = ints(node, "output_shape", &[]);
    if mode.starts_with("SAME") {
        out = vec![a.dims[2] * s[0], a.dims[3] * s[1]];
    }
    if let [h, w] = out[..] {
        let total = [full[0] - h, full[1] - w];
        let lower = |t: usize| if mode == "SAME_UPPER" { t / 2 } else { t.div_ceil(2) };
        return (total.map(lower), [h, w]);
    }
    let p = ints(node, "pads", &[0; 4]);
    ([p[0], p[1]], [full[0] - p[0] - p[2], full[1] - p[1] - p[3]])
}

pub fn depth_to_space(node: &NodeProto, a: &Tensor) -> Tensor {
    let b = int(node, "blocksize", 1) as usize;
    let [_, c, h, w] = a.dims[..] else { panic!() };
    let own = c / (b * b);
    Tensor::from_fn(&[1, own, h * b, w * b], |i| {
        let part = i[2] % b * b + i[3] % b;
        let from =
            if text(node, "mode") == "CRD" { i[1] * b * b + part } else { part * own + i[1] };
        a.at(&[0, from, i[2] / b, i[3] / b])
    })
}
