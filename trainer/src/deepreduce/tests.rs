//! Counts of the published tables, and masks by stage.

use super::pareto::{POINTS, Point};
use super::*;
use tacita_architectures::Shape;

fn layers(options: &Options, side: i64) -> Vec<Layer> {
    let input = Shape { channels: 3, height: side, width: side };
    options.network(input, 100).expect("a network").graph().layers
}

fn recipe(culled: &[&str], thin: Thin) -> Recipe {
    let culled = culled.iter().map(|s| (*s).to_owned()).collect();
    Recipe { culled, thin, ..Recipe::default() }
}

fn count(layers: &[Layer], recipe: &Recipe) -> usize {
    recipe.masks(layers).expect("masks").counts().iter().sum()
}

#[test]
fn stages_have_the_published_counts() {
    let resnet18 = [65_536, 262_144, 131_072, 65_536, 32_768];
    let resnet34 = [65_536, 393_216, 262_144, 196_608, 49_152];
    for (name, counts) in [("resnet18", resnet18), ("resnet34", resnet34)] {
        for (side, factor) in [(32, 1), (64, 4)] {
            let layers = layers(&Options::named(name), side);
            let stages = ["conv1", "s1", "s2", "s3", "s4"];
            assert_eq!(stage::names(&layers), stages);
            let of = |s: &str| stage::only(&layers, s).expect("masks").counts().iter().sum();
            let got: Vec<usize> = stages.iter().map(|s| of(s)).collect();
            assert_eq!(got, counts.map(|c| c * factor), "{name} at {side}");
            let total = counts.iter().sum::<usize>() * factor;
            assert_eq!((of("all"), of("none")), (total, 0));
        }
    }
}

#[test]
fn masks_of_one_stage_lie_in_that_stage() {
    let layers = layers(&Options::named("resnet34"), 32);
    for (number, name) in stage::names(&layers).into_iter().enumerate() {
        let counts = stage::only(&layers, &name).expect("masks").counts();
        for (layer, count) in layers.iter().zip(counts) {
            let expected = if layer.stage == number { layer.units() } else { 0 };
            assert_eq!(count, expected, "{name}: {}", layer.name);
        }
    }
}

#[test]
fn points_have_the_published_counts() {
    let counts = [
        ("C100-230K", 229_376),
        ("C100-115K", 114_688),
        ("C100-57K", 57_344),
        ("C100-49K", 49_152),
        ("C100-29K", 28_672),
        ("C100-14K", 14_336),
        ("C100-12K", 12_288),
        ("C100-7K", 7_168),
        ("Tiny-918K", 917_504),
        ("Tiny-459K", 458_752),
        ("Tiny-393K", 393_216),
        ("Tiny-197K", 196_608),
        ("Tiny-229K", 229_376),
        ("Tiny-115K", 114_688),
        ("Tiny-98K", 98_304),
        ("Tiny-57K", 57_344),
        ("Tiny-49K", 49_152),
    ];
    assert_eq!(counts.len(), POINTS.len());
    for (name, relus) in counts {
        let point = Point::named(&name.to_lowercase()).expect("a point");
        assert_eq!(point.relus().expect("a count"), relus, "{name}");
    }
}

#[test]
fn hybrenets_cull_and_thin_to_known_counts() {
    let options = Options { base_width: Some(16), ..Options::named("hrn-5x5x3x") };
    let layers = layers(&options, 32);
    assert_eq!(count(&layers, &recipe(&["s1"], Thin::None)), 261_120);
    assert_eq!(count(&layers, &recipe(&["s1"], Thin::Bottom)), 130_560);
}

#[test]
fn the_stem_goes_with_the_first_stage_unless_kept() {
    let layers = layers(&Options::named("resnet18"), 32);
    let culled = recipe(&["S1"], Thin::None);
    assert_eq!(count(&layers, &culled), 229_376);
    let kept = Recipe { keep_conv1: true, ..culled };
    assert_eq!(count(&layers, &kept), 229_376 + 65_536);
    assert_eq!(count(&layers, &recipe(&["conv1"], Thin::None)), 557_056 - 65_536);
    assert_eq!(count(&layers, &recipe(&["s4"], Thin::None)), 557_056 - 32_768);
}

#[test]
fn top_and_bottom_are_the_two_halves_of_the_blocks() {
    let layers = layers(&Options::named("resnet18"), 32);
    let top = recipe(&[], Thin::Top).masks(&layers).expect("masks").counts();
    let bottom = recipe(&[], Thin::Bottom).masks(&layers).expect("masks").counts();
    for ((layer, top), bottom) in layers.iter().zip(top).zip(bottom) {
        let whole = layer.units();
        let expected = match layer.name.as_str() {
            "stem" => (whole, whole),
            name if name.ends_with("r1") => (0, whole),
            _ => (whole, 0),
        };
        assert_eq!((top, bottom), expected, "{}", layer.name);
    }
}

#[test]
fn reshaping_multiplies_what_the_network_has() {
    let base = Options { width_multiplier: 0.5, stem_stride: 2, ..Options::named("resnet18") };
    let depths = Some(vec![2, 1, 1, 1]);
    let recipe = Recipe { alpha: 0.5, rho: 0.5, depths: depths.clone(), ..Recipe::default() };
    let got = recipe.options(&base).expect("options");
    assert_eq!((got.width_multiplier, got.stem_stride, got.depths), (0.25, 4, depths));
}

#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    let layers = layers(&Options::named("resnet20"), 32);
    let error = recipe(&["s4"], Thin::None).masks(&layers).expect_err("three stages");
    assert_eq!(error.to_string(), "no stage is called \"s4\" (names: conv1, s1, s2, s3)");
    let error = stage::only(&layers, "s9").expect_err("three stages").to_string();
    assert!(error.contains("none, all, conv1, s1, s2, s3"), "{error}");
    let error = Point::named("C100-58K").expect_err("no such point").to_string();
    assert!(error.contains("C100-57K") && error.contains("Tiny-49K"), "{error}");
}

#[test]
fn recipes_out_of_range_are_refused() {
    let base = Options::named("resnet18");
    let refused = |recipe: Recipe, base: &Options| recipe.options(base).is_err();
    for alpha in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(refused(Recipe { alpha, ..Recipe::default() }, &base), "{alpha}");
    }
    for rho in [0.0, 0.3, 2.0, f64::NAN] {
        assert!(refused(Recipe { rho, ..Recipe::default() }, &base), "{rho}");
    }
    let large = Options { imagenet_stem: true, ..base };
    assert!(refused(Recipe { rho: 0.5, ..Recipe::default() }, &large));
    let plain = layers(&Options::named("minionn"), 32);
    assert!(recipe(&[], Thin::Bottom).masks(&plain).is_err());
}
