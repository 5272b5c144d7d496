//! Names of variables in checkpoints of others, and what our networks call them.
//!
//! Ours follow SNL's:
//! * `ResNet`: `conv1.weight`, `bn1.*`, `layer{s}.{i}.{conv1.weight, bn1.*, conv2.weight,
//!   bn2.*}`, `layer{s}.{i}.shortcut.0.weight`, `layer{s}.{i}.shortcut.1.*`, `linear.*`;
//!   masks `alpha1.alphas` (stem), `layer{s}.{i}.alpha{1,2}.alphas`.
//! * Wide `ResNet`: `conv1.weight`, `block{b}.layer.{i}.{bn1.*, conv1.weight, bn2.*,
//!   conv2.weight, convShortcut.weight}`, `bn1.*`, `fc.*`; masks
//!   `block{b}.layer.{i}.alpha{1,2}.alphas`, `alpha.alphas` (final).
//! * VGG: `block{b}.{k}.*`, `classifier.*`.

/// Kind of network, as its names show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Stages `layer1` and on.
    Resnet,
    /// Stages `block1.layer` and on.
    WideResnet,
    /// Stages `block0` and on, without `layer`.
    Vgg,
    /// Anything else; its names stay as they are.
    Other,
}

impl Family {
    /// The kind of network that has variables of these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let kind = |name: &str| {
            let mut parts = name.split('.');
            let (stage, second) = (parts.next()?, parts.next()?);
            if numbered(stage, "layer").is_some() && is_number(second) {
                return Some(Self::Resnet);
            }
            numbered(stage, "block")?;
            match second {
                "layer" => Some(Self::WideResnet),
                second if is_number(second) => Some(Self::Vgg),
                _ => None,
            }
        };
        names.into_iter().find_map(kind).unwrap_or(Self::Other)
    }
}

/// Prefixes that wrappers of a whole network put before every name.
const WRAPPERS: [&str; 3] = ["module.", "model.", "_orig_mod."];

/// The prefix that all names share and that only wrappers put there.
pub fn wrapper_prefix(names: &[&str]) -> String {
    let mut prefix = String::new();
    while !names.is_empty() && prefix.len() < 64 {
        let all = |w: &&str| names.iter().all(|n| n[prefix.len()..].starts_with(*w));
        match WRAPPERS.iter().find(|wrapper| all(wrapper)) {
            Some(wrapper) => prefix.push_str(wrapper),
            None => break,
        }
    }
    prefix
}

/// The largest width index of an ordered network, whose batch normalisations are
/// `<name>.bn.<index>.*`; nothing if the network is not ordered.
pub fn last_width<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<usize> {
    let index = |name: &str| {
        let parts: Vec<&str> = name.split('.').collect();
        parts.windows(3).filter(|w| w[0] == "bn").find_map(|w| w[1].parse::<usize>().ok())
    };
    names.into_iter().filter_map(index).max()
}

/// Our name of the variable that a checkpoint calls `raw` (wrappers taken off); nothing for
/// variables that we have no use for: the statistics of adversarial images, other widths
/// than `width`, and counts of batches.
pub fn canonical(raw: &str, family: Family, width: Option<usize>) -> Option<String> {
    let parts: Vec<&str> = raw.split('.').collect();
    let mut out: Vec<&str> = Vec::with_capacity(parts.len() + 1);
    let mut at = 0;
    while at < parts.len() {
        let next = parts.get(at + 1).copied().unwrap_or_default();
        match (parts[at], family) {
            ("num_batches_tracked", _) => return None,
            ("bn", _) if width.is_some() && is_number(next) => {
                if next.parse().ok() != width {
                    return None;
                }
                at += 1;
            }
            ("BN_c", _) => {}
            (part, _) if part.starts_with("BN_") => return None,
            ("conv_sc", Family::WideResnet) => out.push("convShortcut"),
            ("conv_sc", _) => out.extend(["shortcut", "0"]),
            ("bn_sc", _) => out.extend(["shortcut", "1"]),
            ("downsample", Family::Resnet) => out.push("shortcut"),
            ("fc", Family::Resnet) if at == 0 => out.push("linear"),
            ("linear", Family::WideResnet) if at == 0 => out.push("fc"),
            (part, _) => out.push(part),
        }
        at += 1;
    }
    Some(out.join("."))
}

/// Where a mask of ours of this name comes in the forward order; nothing for other names.
pub fn mask_position(name: &str) -> Option<[u64; 4]> {
    let parts: Vec<&str> = name.strip_suffix(".alphas")?.split('.').collect();
    let place = |stage: Option<u64>, block: &str, alpha: &str| {
        Some([1, stage?, block.parse().ok()?, numbered(alpha, "alpha")?])
    };
    match parts[..] {
        ["alpha1"] => Some([0; 4]),
        ["alpha"] => Some([2, 0, 0, 0]),
        [stage, block, alpha] => place(numbered(stage, "layer"), block, alpha),
        [stage, "layer", block, alpha] => place(numbered(stage, "block"), block, alpha),
        _ => None,
    }
}

/// Our names of `count` masks in forward order, for a network with these weights. Two masks
/// a block; one more is the stem's in a `ResNet` and the final one in a wide `ResNet`.
/// Nothing if the count or the kind of network is another.
pub fn mask_names<'a>(
    family: Family,
    weights: impl IntoIterator<Item = &'a str>,
    count: usize,
) -> Option<Vec<String>> {
    let blocks = weights.into_iter().filter_map(|name| name.strip_suffix(".conv1.weight"));
    let two = |block: &str| [1, 2].map(|i| format!("{block}.alpha{i}.alphas"));
    let mut names: Vec<String> = blocks.flat_map(two).collect();
    names.retain(|name| mask_position(name).is_some());
    names.sort_by_key(|name| mask_position(name));
    if count == names.len() + 1 {
        match family {
            Family::Resnet => names.insert(0, "alpha1.alphas".to_owned()),
            Family::WideResnet => names.push("alpha.alphas".to_owned()),
            Family::Vgg | Family::Other => return None,
        }
    }
    (count > 0 && count == names.len()).then_some(names)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The number after `stem` in `text`, where nothing else follows.
fn numbered(text: &str, stem: &str) -> Option<u64> {
    text.strip_prefix(stem).filter(|rest| is_number(rest))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_become_ours() {
        let resnet = |raw| canonical(raw, Family::Resnet, None);
        let ours = |name: &str| Some(name.to_owned());
        assert_eq!(resnet("layer2.0.conv_sc.weight"), ours("layer2.0.shortcut.0.weight"));
        assert_eq!(resnet("layer2.0.bn_sc.bias"), ours("layer2.0.shortcut.1.bias"));
        assert_eq!(resnet("layer2.0.downsample.1.bias"), ours("layer2.0.shortcut.1.bias"));
        assert_eq!(resnet("fc.weight"), ours("linear.weight"));
        assert_eq!(resnet("bn1.BN_c.running_mean"), ours("bn1.running_mean"));
        assert_eq!(resnet("bn1.BN_a.running_mean"), None);
        assert_eq!(resnet("bn1.num_batches_tracked"), None);
        let wide = |raw| canonical(raw, Family::WideResnet, None);
        assert_eq!(wide("fc.weight"), ours("fc.weight"));
        assert_eq!(
            wide("block2.layer.0.conv_sc.weight"),
            ours("block2.layer.0.convShortcut.weight")
        );
        assert_eq!(canonical("block0.3.bias", Family::Vgg, None), ours("block0.3.bias"));
    }

    #[test]
    fn one_width_of_an_ordered_network_is_taken() {
        let names = ["bn1.bn.0.weight", "bn1.bn.2.weight", "conv1.weight"];
        assert_eq!(last_width(names), Some(2));
        assert_eq!(last_width(["bn1.weight"]), None);
        let taken = |raw| canonical(raw, Family::Resnet, Some(2));
        assert_eq!(taken("bn1.bn.0.weight"), None);
        assert_eq!(
            taken("layer2.0.shortcut.1.bn.2.bias").as_deref(),
            Some("layer2.0.shortcut.1.bias")
        );
    }

    #[test]
    fn only_prefixes_of_wrappers_that_all_names_share_come_off() {
        assert_eq!(wrapper_prefix(&["module.model.a", "module.model.b"]), "module.model.");
        assert_eq!(wrapper_prefix(&["module.a", "b"]), "");
        assert_eq!(wrapper_prefix(&["layer.a", "layer.b"]), "");
        assert_eq!(wrapper_prefix(&[]), "");
    }

    #[test]
    fn families_show_in_the_names() {
        assert_eq!(Family::of(["conv1.weight", "layer1.0.conv1.weight"]), Family::Resnet);
        assert_eq!(Family::of(["conv1.weight", "block1.layer.0.bn1.bias"]), Family::WideResnet);
        assert_eq!(Family::of(["block0.0.weight"]), Family::Vgg);
        assert_eq!(Family::of(["features.0.weight"]), Family::Other);
    }

    #[test]
    fn masks_are_named_in_forward_order() {
        let weights = ["layer10.0.conv1.weight", "conv1.weight", "layer2.0.conv1.weight"];
        let names = mask_names(Family::Resnet, weights, 5).expect("named");
        let order = ["alpha1", "layer2.0.alpha1", "layer2.0.alpha2", "layer10.0.alpha1"];
        assert_eq!(names[..4], order.map(|name| format!("{name}.alphas")));
        assert_eq!(
            mask_names(Family::Resnet, weights, 4).expect("named")[0],
            "layer2.0.alpha1.alphas"
        );
        assert_eq!(mask_names(Family::Resnet, weights, 3), None);
        let wide = mask_names(Family::WideResnet, ["block1.layer.0.conv1.weight"], 3);
        assert_eq!(wide.expect("named")[2], "alpha.alphas");
    }
}
