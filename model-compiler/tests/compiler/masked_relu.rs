//! Every way exporters write `m * relu(x) + (1 - m) * x`.

use tacita_compile::import_model;
use tacita_compile::testing::{ConvSpec, MaskForm, ModelBuilder};
use tacita_onnx::ModelProto;

use crate::reference::assert_imports;

const DIMS: [usize; 3] = [2, 4, 4];

/// conv -> masked ReLU -> flatten -> fc.
fn model(form: MaskForm, mask: impl FnOnce(&mut ModelBuilder) -> Vec<f32>) -> ModelProto {
    let mut b = ModelBuilder::new(1, DIMS);
    let x = b.conv("conv", &b.image(), ConvSpec::same(2, 3, 3, 1), true);
    let mask = mask(&mut b);
    let x = b.masked_relu("act", &x, [3, 4, 4], &mask, form);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 48, 4);
    b.finish(&x, 4)
}

/// conv -> `tail`, which makes the activation from the convolution's output.
fn with_tail(tail: impl FnOnce(&mut ModelBuilder, &str) -> String) -> ModelProto {
    let mut b = ModelBuilder::new(2, DIMS);
    let x = b.conv("conv", &b.image(), ConvSpec::same(2, 3, 3, 1), true);
    let x = tail(&mut b, &x);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 48, 4);
    b.finish(&x, 4)
}

fn error(model: &ModelProto) -> String {
    import_model(model).err().expect("it must be refused").to_string()
}

#[test]
fn every_operand_order_is_recognised() {
    for form in MaskForm::all() {
        let network = assert_imports(&model(form, |b| b.mask(48, 0.4)), DIMS);
        assert_eq!(network.layers.len(), 3, "{form:?}");
        let act = &network.layers[1];
        assert_eq!(act.unmasked_relus, 48);
        assert!((5..40).contains(&act.mask.ones()), "{}", act.mask.ones());
        assert_eq!(act.name, "act");
    }
}

#[test]
fn uniform_masks_are_fine() {
    let all = assert_imports(&model(MaskForm::default(), |_| vec![1.0; 48]), DIMS);
    assert_eq!(all.layers[1].mask.ones(), 48);
    let none = assert_imports(&model(MaskForm::default(), |_| vec![0.0; 48]), DIMS);
    assert_eq!((none.layers[1].mask.ones(), none.layers[1].unmasked_relus), (0, 48));
}

#[test]
fn masks_broadcast_over_pixels_and_channels() {
    for (dims, values) in [
        (vec![3, 1, 1], vec![1.0, 0.0, 1.0]),
        (vec![1, 1, 4, 4], (0..16).map(|i| f32::from(i % 3 == 0)).collect()),
    ] {
        let model = with_tail(|b, x| {
            let keep = b.constant("act.m", &dims, &values);
            let one = b.constant("act.one", &[1], &[1.0]);
            let pass = b.op("Sub", "act.sub", &[&one, &keep]);
            let relu = b.op("Relu", "act.relu", &[x]);
            let p = b.op("Mul", "act.keep", &[&relu, &keep]);
            let q = b.op("Mul", "act.pass", &[&pass, x]);
            b.op("Add", "act", &[&p, &q])
        });
        let network = assert_imports(&model, DIMS);
        let expected = values.iter().sum::<f32>() as usize * 48 / values.len();
        assert_eq!(network.layers[1].mask.ones(), expected);
    }
}

#[test]
fn prelu_slopes_are_complements_of_the_mask() {
    let model = with_tail(|b, x| {
        let slope = b.constant("act.slope", &[3, 1, 1], &[0.0, 1.0, 0.0]);
        b.op("PRelu", "act", &[x, &slope])
    });
    assert_eq!(assert_imports(&model, DIMS).layers[1].mask.ones(), 32);
}

#[test]
fn plain_relu_keeps_every_position() {
    let model = with_tail(|b, x| b.op("Relu", "act", &[x]));
    let act = &assert_imports(&model, DIMS).layers[1];
    assert_eq!((act.mask.ones(), act.unmasked_relus), (48, 48));
}

#[test]
fn soft_masks_are_refused() {
    let soft = (0..48).map(|i| if i % 5 == 0 { 0.25 } else { 1.0 }).collect::<Vec<_>>();
    let message = error(&model(MaskForm::default(), |_| soft.clone()));
    assert!(message.contains("not binary (it holds 0.25)") && message.contains("`/act/Add`"));
    let message = error(&with_tail(|b, x| {
        let slopes: Vec<f32> = (0..48).map(|i| (i % 3) as f32 / 2.0).collect();
        let slope = b.constant("act.slope", &[3, 4, 4], &slopes);
        b.op("PRelu", "act", &[x, &slope])
    }));
    assert!(message.contains("vary within a channel"), "{message}");
}

#[test]
fn constants_that_are_no_complement_are_refused() {
    let message = error(&with_tail(|b, x| {
        let keep = b.constant("keep", &[3, 1, 1], &[1.0, 0.0, 1.0]);
        let pass = b.constant("pass", &[3, 1, 1], &[1.0, 1.0, 0.0]);
        let relu = b.op("Relu", "act.relu", &[x]);
        let p = b.op("Mul", "act.keep", &[&relu, &keep]);
        let q = b.op("Mul", "act.pass", &[x, &pass]);
        b.op("Add", "act", &[&p, &q])
    }));
    assert!(message.contains("do not add up to 1"), "{message}");
}

#[test]
fn relu_or_zero_is_a_masked_relu_of_the_negative() {
    let model = with_tail(|b, x| {
        let mask = b.mask(48, 0.5);
        let keep = b.constant("keep", &[1, 3, 4, 4], &mask);
        let relu = b.op("Relu", "act.relu", &[x]);
        let kept = b.op("Mul", "act.keep", &[&relu, &keep]);
        b.conv("last", &kept, ConvSpec::same(3, 3, 3, 1), true)
    });
    let network = assert_imports(&model, DIMS);
    assert!((10..40).contains(&network.relus()), "{}", network.relus());
}

#[test]
fn half_a_masked_relu_is_refused() {
    let message = error(&with_tail(|b, x| {
        let mask = b.mask(48, 0.5);
        let keep = b.constant("keep", &[1, 3, 4, 4], &mask);
        let kept = b.op("Mul", "act.keep", &[x, &keep]);
        b.conv("last", &kept, ConvSpec::same(3, 3, 3, 1), true)
    }));
    assert!(message.contains("only supported inside a masked ReLU"), "{message}");
}

#[test]
fn masks_from_outside_or_for_many_images_are_refused() {
    let mut outside = model(MaskForm::default(), |_| vec![1.0; 48]);
    let graph = outside.graph.as_mut().unwrap();
    graph.initializer.retain(|t| t.name != "act.mask");
    graph.input.push(tacita_onnx::ValueInfoProto::float("act.mask", &[1, 3, 4, 4]));
    assert!(error(&outside).contains("masks must be stored as constants"));

    let message = error(&with_tail(|b, x| {
        let keep = b.constant("keep", &[8, 3, 1, 1], &[1.0; 24]);
        b.op("Mul", "act", &[x, &keep])
    }));
    assert!(message.contains("batch size 1"), "{message}");
}

/// Factors that are the same all over a channel make an activation with a slope below zero, not a
/// mask.
#[test]
fn uniform_factors_are_a_leaky_relu() {
    for (a, b) in [(0.9f32, 0.1f32), (2.0, -0.5), (0.25, 0.75)] {
        let model = with_tail(|g, x| {
            let (keep, pass) = (g.constant("keep", &[], &[a]), g.constant("pass", &[], &[b]));
            let relu = g.op("Relu", "act.relu", &[x]);
            let relu = g.op("Mul", "act.keep", &[&relu, &keep]);
            let rest = g.op("Mul", "act.pass", &[x, &pass]);
            g.op("Add", "act", &[&relu, &rest])
        });
        assert_eq!(assert_imports(&model, DIMS).relus(), 48);
    }
    let channels = with_tail(|g, x| {
        let keep = g.constant("keep", &[3, 1, 1], &[0.5, 0.75, 1.0]);
        let pass = g.constant("pass", &[3, 1, 1], &[0.5, 0.25, 0.0]);
        let relu = g.op("Relu", "act.relu", &[x]);
        let relu = g.op("Mul", "act.keep", &[&relu, &keep]);
        let rest = g.op("Mul", "act.pass", &[x, &pass]);
        g.op("Add", "act", &[&relu, &rest])
    });
    assert_imports(&channels, DIMS);
}
