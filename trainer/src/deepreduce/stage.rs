//! The stages of a network by name: `conv1` for the stem, then `s1`, `s2`, ...

use crate::masks::MaskSet;
use crate::{Error, Result};
use tacita_architectures::Layer;

/// Stands for no stage at all.
pub const NONE: &str = "none";
/// Stands for all stages together.
pub const ALL: &str = "all";

/// Name of stage `stage`.
pub fn name(stage: usize) -> String {
    if stage == 0 { "conv1".to_owned() } else { format!("s{stage}") }
}

/// Names of the stages that have ReLUs, in forward order.
pub fn names(layers: &[Layer]) -> Vec<String> {
    let mut stages: Vec<usize> = layers.iter().map(|l| l.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    stages.into_iter().map(name).collect()
}

/// Flags of the layers of the stages `culled`. The stem goes with `s1`, as in every network
/// that DeepReDuce publishes, unless `keep_conv1`.
///
/// # Errors
/// [`Error::UnknownStage`] for a name that is not a stage of the network.
pub fn cull_flags(layers: &[Layer], culled: &[String], keep_conv1: bool) -> Result<Vec<bool>> {
    let mut flags = vec![false; layers.len()];
    for wanted in culled {
        let mut found = false;
        for (flag, layer) in flags.iter_mut().zip(layers) {
            if name(layer.stage).eq_ignore_ascii_case(wanted) {
                (*flag, found) = (true, true);
            }
        }
        if !found {
            return Err(unknown(wanted, &names(layers)));
        }
    }
    let first = layers.iter().zip(&flags).any(|(l, &culled)| culled && l.stage == 1);
    if first && !keep_conv1 {
        layers.iter().zip(&mut flags).filter(|p| p.0.stage == 0).for_each(|p| *p.1 = true);
    }
    Ok(flags)
}

/// Masks that keep the ReLUs of stage `stage` alone; [`NONE`] keeps none and [`ALL`] all.
///
/// # Errors
/// [`Error::UnknownStage`] for another name.
pub fn only(layers: &[Layer], stage: &str) -> Result<MaskSet> {
    let keeps = |l: &Layer| match stage {
        NONE => false,
        ALL => true,
        _ => name(l.stage) == stage,
    };
    let dropped: Vec<bool> = layers.iter().map(|l| !keeps(l)).collect();
    if stage != NONE && dropped.iter().all(|&d| d) {
        let known = [vec![NONE.to_owned(), ALL.to_owned()], names(layers)].concat();
        return Err(unknown(stage, &known));
    }
    Ok(MaskSet::full(layers, &dropped))
}

/// Kept ReLUs of each stage, in forward order.
pub fn relus(layers: &[Layer], masks: &MaskSet) -> Vec<(String, usize)> {
    let counts = masks.counts();
    let of = |stage: &String| {
        let own = layers.iter().zip(&counts).filter(|p| name(p.0.stage) == *stage);
        own.map(|p| *p.1).sum()
    };
    names(layers).into_iter().map(|stage| (stage.clone(), of(&stage))).collect()
}

fn unknown(wanted: &str, known: &[String]) -> Error {
    Error::UnknownStage { name: wanted.to_owned(), known: known.join(", ") }
}
