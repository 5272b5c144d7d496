//! The counts of the specification's tables.

use super::*;

const CIFAR: Shape = Shape { channels: 3, height: 32, width: 32 };

fn graph(options: &Options, classes: i64) -> Graph {
    options.network(CIFAR, classes).expect("a network").graph()
}

fn named(name: &str, base: Option<i64>) -> Options {
    Options { base_width: base, ..Options::named(name) }
}

#[test]
fn sizes_match_the_published_tables() {
    // Name, base width, ReLUs of stem and stages, total, millions of multiplications and of
    // parameters (100 classes).
    type Row = (&'static str, i64, [usize; 5], usize, u64, f64);
    let rows: [Row; 12] = [
        ("resnet18", 64, [65536, 262144, 131072, 65536, 32768], 557_056, 555, 11.2),
        ("resnet34", 64, [65536, 393216, 262144, 196608, 49152], 966_656, 1159, 21.3),
        ("hrn-5x5x3x", 16, [16384, 65536, 81920, 102400, 76800], 343_040, 1053, 48.7),
        ("hrn-5x5x3x", 8, [8192, 32768, 40960, 51200, 38400], 171_520, 263, 12.2),
        ("hrn-5x7x2x", 16, [16384, 65536, 81920, 143360, 71680], 378_880, 1270, 49.4),
        ("hrn-6x6x2x", 16, [16384, 65536, 98304, 147456, 73728], 401_408, 1366, 52.4),
        ("hrn-7x5x2x", 16, [16384, 65536, 114688, 143360, 71680], 411_648, 1326, 49.7),
        ("hrn-4x5x3x", 16, [16384, 65536, 65536, 81920, 61440], 290_816, 678, 31.2),
        ("hrn-2x5x3x", 32, [32768, 131072, 65536, 81920, 61440], 372_736, 710, 31.2),
        ("hrn-2x5x3x", 16, [16384, 65536, 32768, 40960, 30720], 186_368, 178, 7.8),
        ("hrn-2x6x2x", 32, [32768, 131072, 65536, 98304, 49152], 376_832, 645, 23.4),
        ("hrn-2x7x2x", 32, [32768, 131072, 65536, 114688, 57344], 401_408, 848, 31.7),
    ];
    for (name, base, stages, total, macs, parameters) in rows {
        let graph = graph(&named(name, Some(base)), 100);
        let counts = graph.counts();
        assert_eq!(graph.stage_relus(), stages, "{name} m={base}");
        assert_eq!(counts.relus, total, "{name} m={base}");
        assert_eq!((counts.macs + 500_000) / 1_000_000, macs, "{name} m={base}");
        let millions = counts.parameters as f64 / 1e6;
        assert!((millions - parameters).abs() < 0.051, "{name} m={base}: {millions}");
    }
}

#[test]
fn activations_match_the_conventions_of_the_papers() {
    let relus = |options: &Options| graph(options, 100).counts().relus;
    let layers = |name: &str| graph(&Options::named(name), 100).layers.len();
    let without_stem = |name| Options { no_stem_relu: true, ..Options::named(name) };
    assert_eq!(relus(&without_stem("resnet18")), 491_520);
    assert_eq!(relus(&without_stem("resnet34")), 901_120);
    assert_eq!(relus(&Options::named("resnet32")), 303_104);
    assert_eq!(relus(&Options::named("wrn22-8")), 1_392_640);
    let snl = Options { no_last_relu: true, ..Options::named("wrn22-8") };
    assert_eq!(relus(&snl), 1_359_872);
    assert_eq!(relus(&Options::named("vgg16")), 276_480);
    let rlnet = Options { skip_fourth_pool: true, ..Options::named("vgg16") };
    assert_eq!(relus(&rlnet), 294_912);
    assert_eq!(relus(&Options::named("mobilenetv1")), 411_648);
    let lengths = ["resnet18", "resnet34", "wrn22-8", "vgg16", "resnet32", "minionn"].map(layers);
    assert_eq!(lengths, [17, 33, 19, 13, 31, 7]);
}

#[test]
fn minionn_has_the_size_of_delphis_weight_file() {
    let counts = graph(&Options::named("minionn"), 10).counts();
    assert_eq!((counts.relus, counts.parameters), (173_056, 164_954));
}

#[test]
fn thin_resnets_have_known_sizes() {
    let thin = Options { width_multiplier: 0.25, ..Options::named("resnet18") };
    let counts = graph(&thin, 10).counts();
    assert_eq!((counts.relus, counts.parameters), (139_264, 701_466));
    let option_a = Options { shortcut: Shortcut::Pad, ..Options::named("resnet20") };
    assert_eq!(graph(&option_a, 10).counts().parameters, 269_722);
    assert_eq!(graph(&Options::named("resnet20"), 10).counts().parameters, 272_474);
}

#[test]
fn large_images_scale_the_counts() {
    let tiny = Shape { channels: 3, height: 64, width: 64 };
    let relus = |options: &Options, input, classes| {
        options.network(input, classes).expect("a network").graph().counts().relus
    };
    assert_eq!(relus(&Options::named("resnet18"), tiny, 200), 2_228_224);
    assert_eq!(relus(&Options::named("resnet34"), tiny, 200), 3_866_624);
    let strided = Options { stem_stride: 2, ..Options::named("resnet18") };
    assert_eq!(relus(&strided, tiny, 200), 557_056);
    let large = Shape { channels: 3, height: 224, width: 224 };
    let imagenet = Options { imagenet_stem: true, ..Options::named("resnet18") };
    assert_eq!(relus(&imagenet, large, 1000), 2_308_096);
}

#[test]
fn resnet50_has_its_published_size() {
    let large = Shape { channels: 3, height: 224, width: 224 };
    let options = Options { imagenet_stem: true, ..Options::named("resnet50") };
    let graph = options.network(large, 1000).expect("a network").graph();
    let counts = graph.counts();
    assert_eq!((counts.relus, counts.parameters), (9_608_704, 25_557_032));
    assert_eq!(counts.macs / 1_000_000, 4089);
    assert_eq!(graph.layers.len(), 49);
}

#[test]
fn wide_resnets_list_maps_in_groups_of_equal_size() {
    let graph = graph(&Options::named("wrn22-8"), 100);
    assert_eq!(graph.stage_relus(), [16 * 1024, 6 * 128 * 1024, 6 * 256 * 256, 6 * 512 * 64]);
    assert_eq!(graph.taps.len(), 3);
    assert_eq!(graph.layers[6].name, "s2b1r1");
    assert_eq!(graph.layers[6].conv, "block1.layer.2.conv2");
}

#[test]
fn every_layer_has_its_own_name_mask_and_convolution() {
    let names = ["resnet18", "resnet34", "resnet50", "resnet20", "wrn22-8", "vgg16"];
    for name in names.into_iter().chain(["mobilenetv1", "minionn"]) {
        let graph = graph(&Options::named(name), 10);
        let parts: [fn(&Layer) -> &str; 3] = [|l| &l.name, |l| &l.variable, |l| &l.conv];
        for part in parts {
            let set: std::collections::HashSet<&str> = graph.layers.iter().map(part).collect();
            assert_eq!(set.len(), graph.layers.len(), "{name}");
        }
        assert!(graph.nodes.iter().enumerate().all(|(i, n)| n.inputs.iter().all(|&j| j < i)));
        assert_eq!(graph.classes(), 10);
    }
}

#[test]
fn misplaced_options_are_refused() {
    let refused = |options: Options| options.network(CIFAR, 10).is_err();
    assert!(refused(Options::named("resnet19")));
    assert!(refused(Options::named("hrn-5x5x")));
    assert!(refused(Options { pool: Pool::Max, ..Options::named("resnet18") }));
    assert!(refused(Options { depths: Some(vec![2, 2]), ..Options::named("resnet18") }));
    assert!(refused(Options { width_multiplier: f64::NAN, ..Options::named("resnet18") }));
    let minionn = Options { stem_stride: 2, ..Options::named("minionn") };
    assert!(refused(minionn));
}

#[test]
fn kinds_are_read_by_their_names() {
    let shortcuts = Shortcut::NAMES.map(|name| name.parse::<Shortcut>().expect("a kind"));
    assert_eq!(shortcuts, [Shortcut::Projection, Shortcut::Pad]);
    let pools = Pool::NAMES.map(|name| name.parse::<Pool>().expect("a kind"));
    assert_eq!(pools, [Pool::Average, Pool::Max]);
    assert!("none".parse::<Pool>().is_err() && "none".parse::<Shortcut>().is_err());
}

#[test]
fn scaling_rounds_down() {
    let network = Options::named("hrn-5x5x3x").network(CIFAR, 10).expect("a network");
    let Family::ResNet { widths, stem_width, .. } = network.scaled(0.3).layout else {
        panic!("a residual network");
    };
    assert_eq!((stem_width, widths), (4, vec![4, 24, 120, 360]));
}

#[test]
fn a_unet_ends_in_a_map_of_its_input_s_size() {
    let input = Shape { channels: 1, height: 64, width: 64 };
    let graph = Network::unet("unet", input, 2, [(4, 1), (8, 2), (16, 2)]).graph();
    let last = graph.nodes.last().expect("a node");
    assert_eq!(last.shape, Shape { channels: 2, ..input });
    // Joined with what the same level made on the way down.
    let joined: Vec<i64> =
        graph.nodes.iter().filter(|n| n.op == Op::Concat).map(|n| n.shape.channels).collect();
    assert_eq!(joined, [16, 8]);
    let relus = 2 * 4 * 64 * 64 + 4 * 8 * 32 * 32 + 2 * 16 * 16 * 16;
    assert_eq!(graph.counts().relus, relus);
    let weights = |from: i64, to: i64, side: i64| from * to * side * side;
    let convs = [weights(1, 4, 3), weights(4, 8, 3), weights(8, 8, 3), weights(8, 16, 3)];
    let more = [weights(16, 16, 3), weights(16, 8, 2), weights(16, 8, 3), weights(8, 8, 3)];
    let rest = [weights(8, 4, 2), weights(8, 4, 3), weights(4, 2, 1)];
    let norms = 2 * (4 + 8 + 8 + 16 + 16 + 8 + 8 + 4);
    let all: i64 = convs.iter().chain(&more).chain(&rest).sum::<i64>() + norms + 8 + 4 + 2;
    assert_eq!(graph.counts().parameters, all as u64);
}
