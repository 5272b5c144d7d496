//! The `pads` and `auto_pad` attributes of windows.

use tacita_protocol::plan::{Padding, Shape};

use super::attributes::Attributes;
use super::constant::Reason;

/// Padding of a window over `image`, `before` included, which a `Pad` before it added. On success
/// the window fits the padded image.
pub(super) fn padding(
    a: Attributes<'_>,
    image: Shape,
    kernel: [usize; 2],
    strides: [usize; 2],
    before: Padding,
) -> Reason<Padding> {
    let (height, width) = before.around(image);
    let size = [height, width];
    let [top, left, bottom, right] = match a.string("auto_pad").as_str() {
        "" | "NOTSET" => a.sizes("pads", [0; 4])?,
        "VALID" => [0; 4],
        mode @ ("SAME_UPPER" | "SAME_LOWER") => same(mode, size, kernel, strides),
        other => return Err(format!("auto_pad `{other}` is not supported")),
    };
    let pad = Padding {
        top: top + before.top,
        left: left + before.left,
        bottom: bottom + before.bottom,
        right: right + before.right,
    };
    let (height, width) = pad.around(image);
    for (k, n) in kernel.into_iter().zip([height, width]) {
        if k == 0 || n < k {
            return Err(format!("a window of {k} does not fit a padded size of {n}"));
        }
    }
    Ok(pad)
}

/// Padding that keeps `size / stride` outputs, the odd row or column at the named end.
fn same(mode: &str, size: [usize; 2], kernel: [usize; 2], strides: [usize; 2]) -> [usize; 4] {
    let split = |n: usize, k: usize, stride: usize| {
        let total = ((n.div_ceil(stride) - 1) * stride + k).saturating_sub(n);
        let (less, more) = (total / 2, total - total / 2);
        if mode == "SAME_UPPER" { (less, more) } else { (more, less) }
    };
    let [h, w] = size;
    let (top, bottom) = split(h, kernel[0], strides[0]);
    let (left, right) = split(w, kernel[1], strides[1]);
    [top, left, bottom, right]
}
