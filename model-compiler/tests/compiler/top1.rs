//! Networks of which the client learns the class alone.

use tacita_compile::testing::{ModelBuilder, ResNet};
use tacita_compile::{
    Calibration, Error, Evaluator, Network, Options, Rounding, Simulator, compile, import_model,
};
use tacita_image_input::normalise;
use tacita_onnx::NodeProto;
use tacita_protocol::plan::{Plan, Reveals, class_of};

use crate::cli::{json, run, text};

/// pool -> five logits -> the nodes of `tail`.
fn ended(tail: impl FnOnce(&mut ModelBuilder, &str) -> String) -> Result<Network, Error> {
    let mut b = ModelBuilder::new(2, [3, 4, 4]);
    let x = b.op("GlobalAveragePool", "pool", &[&b.image()]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 3, 5);
    let y = tail(&mut b, &x);
    import_model(&b.finish(&y, 1))
}

/// An arg-max with these attributes.
fn arg_max(b: &mut ModelBuilder, x: &str, attributes: &[(&str, i64)]) -> String {
    let node = NodeProto::new("ArgMax", "winner", &[x], "class");
    b.push(attributes.iter().fold(node, |node, (name, value)| node.with_int(name, *value)))
}

#[test]
fn an_arg_max_over_all_logits_is_taken() {
    let plain = ended(|_, x| x.to_owned()).unwrap();
    assert!(!plain.top1);
    let accepted: [&[(&str, i64)]; 4] = [
        &[("axis", 1)],
        &[("axis", -1), ("keepdims", 0)],
        &[("axis", 1), ("keepdims", 1)],
        &[("axis", 1), ("select_last_index", 0)],
    ];
    for attributes in accepted {
        let network = ended(|b, x| arg_max(b, x, attributes)).unwrap();
        assert!(network.top1 && network.warnings.is_empty(), "{:?}", network.warnings);
        assert_eq!((network.classes(), network.layers.len()), (5, plain.layers.len()));
    }
    let behind = ended(|b, x| {
        let p = b.op("Softmax", "softmax", &[x]);
        let class = arg_max(b, &p, &[("axis", 1)]);
        b.op("Cast", "cast", &[&class])
    });
    assert!(behind.unwrap().top1);
}

#[test]
fn any_other_arg_max_is_refused() {
    let refused = |tail: &dyn Fn(&mut ModelBuilder, &str) -> String| {
        let error = ended(tail).err().unwrap();
        assert_eq!(error.exit_code(), 3);
        error.to_string()
    };
    let last = |error: String| assert!(error.contains("only supported as the last"), "{error}");
    last(refused(&|b, x| arg_max(b, x, &[("axis", 0)])));
    last(refused(&|b, x| arg_max(b, x, &[])));
    last(refused(&|b, x| {
        let class = arg_max(b, x, &[("axis", 1)]);
        b.op("Neg", "after", &[&class])
    }));
    last(refused(&|b, x| {
        let class = arg_max(b, x, &[("axis", 1)]);
        b.op("Softmax", "after", &[&class])
    }));
    last(refused(&|b, x| {
        let class = arg_max(b, x, &[("axis", 1)]);
        arg_max(b, &class, &[("axis", 1)])
    }));
    last(refused(&|b, x| {
        let p = b.op("Softmax", "softmax", &[x]);
        let n = b.op("Neg", "negated", &[&p]);
        arg_max(b, &n, &[("axis", 1)])
    }));
    let error = refused(&|b, x| arg_max(b, x, &[("axis", 9)]));
    assert!(error.contains("axis 9") && error.contains("`winner`"), "{error}");
    let error = refused(&|b, x| arg_max(b, x, &[("axis", 1), ("select_last_index", 1)]));
    assert!(error.contains("select_last_index"), "{error}");
    let error = refused(&|b, x| b.op("TopK", "top", &[x]));
    assert!(error.contains("or their ArgMax"), "{error}");
}

/// A small network's plan with all logits, and with the class alone.
fn both() -> (Network, Calibration, [Plan; 2]) {
    let mut network = import_model(&ResNet::tiny(4, 0.5).model()).unwrap();
    let images = Calibration::synthetic(network.input, 40);
    let options = Options { batch: Some(2), ..Options::default() };
    let plans = [false, true].map(|top1| {
        network.top1 = top1;
        compile(&network, &images, &options).unwrap().0
    });
    (network, images, plans)
}

#[test]
fn an_arg_max_follows_the_same_plan() {
    let (_, _, [logits, top1]) = both();
    let at = logits.public.tensors.len();
    assert_eq!(top1.public.reveals, Reveals::Top1 { classes: 5 });
    assert_eq!(top1.public.tensors[..at], logits.public.tensors);
    assert_eq!((top1.public.logits_at(), top1.public.classes()), (at - 1, 5));
    assert_eq!(top1.public.labels, logits.public.labels);
    assert_eq!(top1.public.relus(), logits.public.relus() + 4);
    assert_eq!(top1.public.unmasked_relus(), logits.public.unmasked_relus() + 4);
    assert_eq!(logits.into_top1().unwrap().public, top1.public);
}

#[test]
fn simulations_find_the_same_classes() {
    let (network, images, [logits, top1]) = both();
    let simulate = |plan: &Plan, rounding| {
        Simulator::new(plan).simulate(&images.images, rounding, &|| ()).unwrap()
    };
    // The arg-max draws nothing that the network before it could see.
    for rounding in [Rounding::Nearest, Rounding::Shares(3)] {
        let (all, one) = (simulate(&logits, rounding), simulate(&top1, rounding));
        assert_eq!(all.classes, one.classes);
        assert!(one.logits.iter().all(|opened| opened.len() == 1));
        assert_eq!(one.layers.iter().map(|l| l.overflows + l.sign_mistakes).sum::<u64>(), 0);
    }
    let evaluator = Evaluator::new(&network);
    let float = images.images.iter().map(|pixels| {
        let real = normalise(pixels, network.input, &logits.public.input).unwrap();
        class_of(&evaluator.evaluate(&real.iter().map(|x| *x as f32).collect::<Vec<_>>()))
    });
    let classes = simulate(&top1, Rounding::Nearest).classes;
    let same = float.zip(classes).filter(|(a, b)| a == b).count();
    assert!(same >= 39, "{same} of 40");
}

#[test]
fn the_program_builds_and_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let (model, all, one) = (file("m.onnx"), file("all.plan"), file("one.plan"));
    std::fs::write(&model, ResNet::tiny(4, 0.5).bytes()).unwrap();
    let build = |plan: &std::path::Path, more: &[&str]| {
        json(
            &[&["build", text(&model), "-o", text(plan), "--json", "--drawn-ranges"], more]
                .concat(),
        )
    };
    let (logits, top1) = (build(&all, &[]), build(&one, &["--reveal", "top1", "--relu", "ot"]));
    assert_eq!(
        (logits["reveals"].as_str(), top1["reveals"].as_str()),
        (Some("logits"), Some("top1"))
    );
    let last = top1["layers"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["name"].as_str(), last["shape"][0].as_u64()),
        (Some("arg-max maxima 3"), Some(1))
    );

    let inspect = json(&["inspect", text(&one), "--json"]);
    assert_eq!((inspect["reveals"].as_str(), inspect["classes"].as_u64()), (Some("top1"), Some(5)));
    let image = file("picture.png");
    image::RgbImage::from_fn(8, 8, |x, y| image::Rgb([(x * 30) as u8, (y * 20) as u8, 99]))
        .save(&image)
        .unwrap();
    let simulate = |plan| {
        let given = ["simulate", text(plan), "--data", text(&image), "--each", "--json"];
        json(&given)["each"][0].clone()
    };
    let (told_all, told_one) = (simulate(&all), simulate(&one));
    assert_eq!(told_all["class"], told_one["class"]);
    assert!(told_all["probabilities"].is_array() && told_one["probabilities"].is_null());

    let page = file("page.html");
    let report = ["report", text(&one), "-o", text(&page), "--model", text(&model), "--data"];
    json(&[&report[..], &[text(dir.path()), "--json"]].concat());
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("one of 5 classes and its logit"));
}

#[test]
fn the_model_says_what_is_revealed_unless_the_user_does() {
    let dir = tempfile::tempdir().unwrap();
    let (model, plan) = (dir.path().join("m.onnx"), dir.path().join("m.plan"));
    let bytes = {
        let mut b = ModelBuilder::new(2, [3, 4, 4]);
        let x = b.op("GlobalAveragePool", "pool", &[&b.image()]);
        let x = b.op("Flatten", "flatten", &[&x]);
        let x = b.gemm("fc", &x, 3, 5);
        let class = arg_max(&mut b, &x, &[("axis", 1)]);
        prost::Message::encode_to_vec(&b.finish(&class, 1))
    };
    std::fs::write(&model, bytes).unwrap();
    let reveals = |more: &[&str]| {
        let build = ["build", text(&model), "-o", text(&plan), "--json", "--batch", "1"];
        let build = [&build[..], &["--pixels", "0..1"]].concat();
        json(&[&build[..], more].concat())["reveals"].clone()
    };
    assert_eq!([reveals(&[]), reveals(&["--reveal", "logits"])], ["top1", "logits"]);
    let explained = json(&["explain", text(&model), "--json"]);
    assert_eq!(explained["reveals"], "top1");
    let out = run(&["explain", text(&model)]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("arg-max of 5 logits: 4 comparisons in 3 layers"), "{said}");
}
