//! Layers that nothing reads, and copies of others.

use super::Pass;
use super::rewrite::remap;
use crate::network::{FloatOp, FloatTerm, Layer, Network};

pub(super) const PASS: Pass = Pass {
    name: "drop_unread",
    about: "removes layers that nothing reads, and repeated ones",
    run: |network| {
        share_repeated(&mut network.layers);
        drop_unread(network);
        Ok(())
    },
};

/// Removes every layer that the logits do not depend on; the image stays.
pub(super) fn drop_unread(network: &mut Network) {
    let mut needed = vec![false; network.layers.len()];
    if let (Some(first), true) = (needed.first_mut(), !network.layers.is_empty()) {
        *first = true;
    }
    if let Some(last) = needed.last_mut() {
        *last = true;
    }
    for (j, layer) in network.layers.iter().enumerate().rev() {
        if needed.get(j) == Some(&true) {
            for term in &layer.terms {
                if let Some(n) = needed.get_mut(term.input) {
                    *n = true;
                }
            }
        }
    }
    let mut home = Vec::new();
    let mut kept = Vec::new();
    for (mut layer, needed) in std::mem::take(&mut network.layers).into_iter().zip(needed) {
        home.push(kept.len());
        if needed {
            remap(&mut layer, &home);
            kept.push(layer);
        }
    }
    network.layers = kept;
}

/// Lets the readers of a layer without ReLUs read an earlier one that holds the same.
fn share_repeated(layers: &mut [Layer]) {
    let mut home: Vec<usize> = Vec::new();
    for j in 0..layers.len() {
        let (earlier, rest) = layers.split_at_mut(j);
        let Some(layer) = rest.first_mut() else { return };
        remap(layer, &home);
        let same = earlier.iter().position(|other| j > 0 && repeats(layer, other));
        home.push(same.unwrap_or(j));
    }
}

fn repeats(a: &Layer, b: &Layer) -> bool {
    let pairs = || a.terms.iter().zip(&b.terms);
    a.shape == b.shape
        && a.is_linear()
        && b.is_linear()
        && a.bias == b.bias
        && !a.terms.is_empty()
        && a.terms.len() == b.terms.len()
        && pairs().all(|(a, b)| same_term(a, b))
}

fn same_term(a: &FloatTerm, b: &FloatTerm) -> bool {
    let same = match (&a.op, &b.op) {
        (FloatOp::Copy(a), FloatOp::Copy(b)) => a == b,
        (FloatOp::AvgPool(a), FloatOp::AvgPool(b)) => a == b,
        (FloatOp::MaxPool(a), FloatOp::MaxPool(b)) => a == b,
        // Equal weights are unlikely, and comparing them all is not free.
        _ => false,
    };
    same && a.input == b.input
}
