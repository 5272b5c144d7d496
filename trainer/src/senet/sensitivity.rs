//! How much each activation layer suffers when it loses ReLUs.
//!
//! SENet takes `1 - density` of the convolution before the layer, after a sparse proxy of the
//! network was trained (section 3.1): what can be pruned away most is most sensitive. The
//! tables here are the normalised sensitivities recovered from the budget lists of its
//! authors; only ratios matter.

/// ResNet18: the stem, then four layers in each of four stages.
pub const RESNET18: [f64; 17] = [
    0.0572, 0.1854, 0.2129, 0.2506, 0.2758, 0.3549, 0.4884, 0.5102, 0.5568, 0.6739, 0.8143, 0.8277,
    0.8623, 0.9410, 0.9902, 0.9986, 1.0,
];

/// ResNet34: the stem, then 6, 8, 12 and 6 layers.
pub const RESNET34: [f64; 33] = [
    0.026, 0.121, 0.124, 0.146, 0.168, 0.183, 0.212, 0.359, 0.125, 0.378, 0.418, 0.441, 0.486,
    0.502, 0.547, 0.751, 0.351, 0.770, 0.815, 0.832, 0.874, 0.882, 0.914, 0.914, 0.939, 0.939,
    0.959, 0.996, 0.729, 1.0, 1.0, 1.0, 1.0,
];

/// WRN22-8: one layer of 16 channels, then three groups of six by size of the map.
pub const WRN22_8: [f64; 19] = [
    0.035, 0.140, 0.323, 0.393, 0.435, 0.484, 0.526, 0.561, 0.702, 0.772, 0.842, 0.860, 0.891,
    0.898, 0.968, 0.995, 0.993, 1.0, 1.0,
];

/// VGG16 with batch normalisation.
pub const VGG16: [f64; 13] =
    [0.058, 0.209, 0.273, 0.383, 0.493, 0.667, 0.725, 0.855, 0.957, 0.986, 0.986, 1.0, 1.0];

/// The published table of a network, if there is one.
pub fn published(network: &str) -> Option<&'static [f64]> {
    match network {
        "resnet18" => Some(&RESNET18),
        "resnet34" => Some(&RESNET34),
        "wrn22-8" => Some(&WRN22_8),
        "vgg16" => Some(&VGG16),
        _ => None,
    }
}

/// The published table of `network` where it has `layers` values, else that of ResNet18
/// interpolated by depth.
pub fn table(network: &str, layers: usize) -> Vec<f64> {
    published(network)
        .filter(|t| t.len() == layers)
        .map_or_else(|| built_in(layers), <[f64]>::to_vec)
}

/// The ResNet18 table for a network of `layers` activations: layer `i` sits at relative
/// depth `i / (layers - 1)` and takes the value interpolated linearly there.
///
/// Sensitivity grows smoothly with depth in the table, so interpolation stands in for a
/// sparse-proxy run.
pub fn built_in(layers: usize) -> Vec<f64> {
    let table = &RESNET18;
    let last = table.len() - 1;
    let step = last as f64 / layers.saturating_sub(1).max(1) as f64;
    (0..layers)
        .map(|i| {
            let at = (i as f64 * step).min(last as f64);
            let low = (at.floor() as usize).min(last - 1);
            let part = at - low as f64;
            table[low] * (1.0 - part) + table[low + 1] * part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_keeps_the_ends_and_grows() {
        assert_eq!(built_in(17), RESNET18);
        let wide = built_in(19);
        assert_eq!((wide[0], wide[18]), (RESNET18[0], 1.0));
        assert!(wide.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn tables_go_with_their_networks_only() {
        assert_eq!(table("resnet34", 33), RESNET34);
        assert_eq!(table("vgg16", 13), VGG16);
        assert_eq!(table("resnet18", 16), built_in(16), "a ResNet18 without ReLU at its stem");
        assert_eq!(table("wrn22-8", 19), WRN22_8);
    }
}
