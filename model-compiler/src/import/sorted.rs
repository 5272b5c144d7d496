//! Nodes in an order in which each reads what earlier ones made.
//!
//! ONNX asks for that order; some tools that edit graphs leave another.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tacita_onnx::NodeProto;

use super::locate::locate;
use crate::error::{Error, Result};

/// The nodes, each as early as what it reads allows and otherwise in the file's order.
pub(super) fn sorted(nodes: &[NodeProto]) -> Result<Vec<&NodeProto>> {
    let mut maker = HashMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|n| !n.is_empty()) {
            // Of two makers the first counts; the second is refused later.
            maker.entry(name.as_str()).or_insert(i);
        }
    }
    let mut readers = vec![Vec::new(); nodes.len()];
    let mut missing = vec![0usize; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        for from in node.input.iter().filter_map(|name| maker.get(name.as_str())) {
            if let (Some(list), Some(count)) = (readers.get_mut(*from), missing.get_mut(i)) {
                list.push(i);
                *count += 1;
            }
        }
    }
    let free = missing.iter().enumerate().filter(|(_, n)| **n == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(i, _)| Reverse(i)).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.extend(nodes.get(i));
        for reader in readers.get(i).into_iter().flatten() {
            let Some(count) = missing.get_mut(*reader) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    match nodes.iter().zip(&missing).find(|(_, n)| **n > 0) {
        None => Ok(order),
        Some((node, _)) => Err(Error::Node {
            at: locate(node, |_| false),
            what: "it reads what is computed from its own output: a damaged model".into(),
        }),
    }
}
