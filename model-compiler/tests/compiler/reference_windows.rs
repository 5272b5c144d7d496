//! Convolution, pooling and padding of the reference interpreter.

use tacita_onnx::NodeProto;

use crate::reference::{Tensor, indices, int, ints};

/// A tensor with `value` around it (or parts cut off, where a pad is negative).
pub fn extend(x: &Tensor, pads: &[i64], value: f64) -> Tensor {
    let rank = x.dims.len();
    let size = |k: usize| (x.dims[k] as i64 + pads[k] + pads[rank + k]) as usize;
    let dims: Vec<usize> = (0..rank).map(size).collect();
    Tensor::from_fn(&dims, |i| {
        let at = i.iter().zip(pads).map(|(&i, p)| usize::try_from(i as i64 - p));
        match at.collect::<Result<Vec<_>, _>>() {
            Ok(at) if at.iter().zip(&x.dims).all(|(i, d)| i < d) => x.at(&at),
            _ => value,
        }
    })
}

/// Strides, padding (top, left, bottom, right) and output size of a window of `size`.
fn geometry(
    node: &NodeProto,
    a: &Tensor,
    size: [usize; 2],
) -> ([usize; 2], Vec<usize>, [usize; 2]) {
    let s = ints(node, "strides", &[1, 1]);
    let pads = padding(node, a, size, &s);
    let ceil = int(node, "ceil_mode", 0) == 1;
    let out = [0, 1].map(|k| {
        let n = a.dims[2 + k] + pads[k] + pads[2 + k] - size[k];
        let windows = if ceil { n.div_ceil(s[k]) } else { n / s[k] };
        // A window that starts beyond the image is none.
        if ceil && windows * s[k] >= a.dims[2 + k] + pads[k] { windows } else { windows + 1 }
    });
    ([s[0], s[1]], pads, out)
}

/// Padding as given, or what keeps the size, the odd row and column below and to the right.
fn padding(node: &NodeProto, a: &Tensor, size: [usize; 2], s: &[usize]) -> Vec<usize> {
    let auto = node.attribute.iter().find(|a| a.name == "auto_pad");
    if auto.is_none_or(|a| a.s != b"SAME_UPPER") {
        return ints(node, "pads", &[0; 4]);
    }
    let total = [0, 1].map(|k| {
        let n = a.dims[2 + k];
        ((n.div_ceil(s[k]) - 1) * s[k] + size[k]).saturating_sub(n)
    });
    let [h, w] = total;
    vec![h / 2, w / 2, h - h / 2, w - w / 2]
}

/// The elements of the window of output (y, x) that lie in the image: tap and place.
fn window(
    a: &Tensor,
    [y, x]: [usize; 2],
    size: [usize; 2],
    (strides, pads): ([usize; 2], &[usize]),
) -> Vec<([usize; 2], [usize; 2])> {
    let place = |k: [usize; 2]| {
        let row = (y * strides[0] + k[0]).checked_sub(pads[0])?;
        let column = (x * strides[1] + k[1]).checked_sub(pads[1])?;
        (row < a.dims[2] && column < a.dims[3]).then_some((k, [row, column]))
    };
    indices(&size).filter_map(|k| place([k[0], k[1]])).collect()
}

pub fn conv(node: &NodeProto, x: &[&Tensor]) -> Tensor {
    let (a, w) = (x[0], x[1]);
    let d = ints(node, "dilations", &[1, 1]);
    let [o, per_group, kh, kw] = w.dims[..] else { panic!() };
    let groups = int(node, "group", 1) as usize;
    let size = [(kh - 1) * d[0] + 1, (kw - 1) * d[1] + 1];
    let (strides, pads, [oh, ow]) = geometry(node, a, size);
    Tensor::from_fn(&[1, o, oh, ow], |i| {
        let first = i[1] / (o / groups) * per_group;
        let mut sum = x.get(2).map_or(0.0, |b| b.data[i[1]]);
        for ([ky, kx], [y, z]) in window(a, [i[2], i[3]], size, (strides, &pads)) {
            if ky % d[0] == 0 && kx % d[1] == 0 {
                let tap = |c| w.at(&[i[1], c, ky / d[0], kx / d[1]]);
                sum += (0..per_group).map(|c| tap(c) * a.at(&[0, first + c, y, z])).sum::<f64>();
            }
        }
        sum
    })
}

/// The values of each window that lie in the image, put together by `f`, which also gets how many
/// elements it has with the padding, but without what `ceil_mode` adds behind that.
fn pool(node: &NodeProto, a: &Tensor, f: impl Fn(&[f64], usize) -> f64) -> Tensor {
    let k = ints(node, "kernel_shape", &[]);
    let size = [k[0], k[1]];
    let (strides, pads, [oh, ow]) = geometry(node, a, size);
    Tensor::from_fn(&[1, a.dims[1], oh, ow], |i| {
        let inside = window(a, [i[2], i[3]], size, (strides, &pads));
        let values: Vec<f64> = inside.iter().map(|(_, [y, x])| a.at(&[0, i[1], *y, *x])).collect();
        let reach = |way: usize, k: usize| {
            let end = a.dims[2 + way] + pads[way] + pads[2 + way];
            k.min(end - i[2 + way] * strides[way])
        };
        f(&values, reach(0, size[0]) * reach(1, size[1]))
    })
}

pub fn average(node: &NodeProto, a: &Tensor) -> Tensor {
    let padded = int(node, "count_include_pad", 0) == 1;
    pool(node, a, |v, area| v.iter().sum::<f64>() / if padded { area } else { v.len() } as f64)
}

pub fn maximum(node: &NodeProto, a: &Tensor) -> Tensor {
    pool(node, a, |v, _| v.iter().copied().fold(f64::MIN, f64::max))
}
