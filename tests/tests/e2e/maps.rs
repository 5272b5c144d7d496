//! Networks beyond the classification of pictures: answers that are maps, inputs that are arrays.

use std::path::Path;

use tacita_compile::testing::{ConvSpec, ModelBuilder};
use tacita_compile::{Calibration, Options, compile, import_model};
use tacita_image_input::{Array, Pixels, Sample, encode, encode_npy};
use tacita_onnx::{NodeProto, ValueInfoProto};
use tacita_protocol::plan::{Plan, clear, decide};

use crate::support::{Client, Files, Server, TOLERANCE};

/// conv -> relu -> transposed conv -> relu, joined with the image twice as large -> conv.
fn mapping(channels: usize) -> Plan {
    let mut b = ModelBuilder::new(3, [3, 8, 8]);
    let image = b.image();
    let x = b.conv("stem", &image, ConvSpec::same(3, 4, 3, 1), true);
    let x = b.op("Relu", "relu1", &[&x]);
    let w = b.uniforms(4 * 3 * 4, 0.0, 0.5);
    b.constant("up.weight", &[4, 3, 2, 2], &w);
    let node = NodeProto::new("ConvTranspose", "up", &[&x, "up.weight"], "up");
    let up = b.push(node.with_ints("strides", &[2, 2]));
    let up = b.op("Relu", "relu2", &[&up]);
    let scales = b.constant("scales", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let node = NodeProto::new("Upsample", "large", &[&image, &scales], "large");
    let large = b.push(node);
    let node = NodeProto::new("Concat", "joined", &[&up, &large], "joined").with_int("axis", 1);
    let joined = b.push(node);
    let y = b.conv("head", &joined, ConvSpec::same(6, channels, 3, 1), true);
    b.metadata("tacita.mean", "0.5");
    b.metadata("tacita.std", "0.25");
    let network = import_model(&b.finish(&y, channels)).unwrap();
    let options = Options { batch: Some(2), ..Options::default() };
    compile(&network, &Calibration::synthetic(network.input, 8), &options).unwrap().0
}

/// A folder with the plan and two pictures, `a.png` and `b.png`.
fn folder(plan: &Plan) -> Files {
    let files = Files::new();
    files.put("map.plan", &plan.to_bytes().unwrap());
    let shape = plan.public.tensors[0].shape;
    for (name, p) in ["a.png", "b.png"].iter().zip(Calibration::pictures(shape, 2)) {
        let (w, h) = (p.width as u32, p.height as u32);
        image::RgbImage::from_raw(w, h, p.rgb).unwrap().save(files.path(name)).unwrap();
    }
    files
}

fn clear_map(plan: &Plan, sample: &Sample) -> Vec<i64> {
    let input = encode(sample, &plan.public).unwrap();
    clear::evaluate(plan, &input).pop().unwrap()
}

/// The map that the client wrote is the clear one, up to rounding; and so is the mask.
fn same_map(plan: &Plan, picture: &Path, mask: &Path, values: &Path) {
    let shape = plan.public.map().unwrap();
    let sample = Sample::Picture(Pixels::load(picture).unwrap());
    let clear = clear_map(plan, &sample);
    let Sample::Array(array) = Sample::load(values).unwrap() else { panic!() };
    assert_eq!(array.dims, [shape.channels, shape.height, shape.width]);
    let scale = f32::from(u16::try_from(1u32 << plan.public.logit_frac()).unwrap());
    let private: Vec<i64> = array.values.iter().map(|x| (x * scale).round() as i64).collect();
    for (p, c) in private.iter().zip(&clear) {
        assert!((p - c).abs() <= TOLERANCE, "{p} {c}");
    }
    let grey = image::open(mask).unwrap().into_luma8();
    assert_eq!((grey.width(), grey.height()), (shape.width as u32, shape.height as u32));
    let step = 255 / (shape.channels.max(2) - 1);
    let written: Vec<usize> = grey.as_raw().iter().map(|g| usize::from(*g) / step).collect();
    assert_eq!(written, decide(&private, shape));
    let same = written.iter().zip(decide(&clear, shape)).filter(|(a, b)| **a == *b).count();
    assert!(same as f64 >= 0.97 * written.len() as f64, "{same} of {}", written.len());
}

#[test]
fn maps_are_written_and_equal_the_clear_ones() {
    for (channels, relu) in [(1, "gc"), (3, "ot")] {
        let plan = mapping(channels);
        let files = folder(&plan);
        let server = Server::start_with("map.plan", &files, &[]);
        let client = Client::new(&files, &server.addr, "infer");
        let client = client.with(&["--map-out", "maps", "--relu", relu]);
        let ended = client.path(&files.path("a.png")).path(&files.path("b.png")).run();
        let events = ended.expect(&["image", "image", "summary"]);
        for (event, name) in events.iter().zip(["a", "b"]) {
            let map = &event["map"];
            assert_eq!(map["shape"], serde_json::json!([channels, 16, 16]));
            let pixels = map["pixels"].as_array().unwrap();
            assert_eq!(pixels.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 256);
            assert!(event["class"].is_null() && event.get("logits").is_none(), "{event}");
            let (mask, values) = (format!("maps/{name}.mask.png"), format!("maps/{name}.map.npy"));
            assert_eq!(
                (map["mask"].as_str(), map["values"].as_str()),
                (Some(mask.as_str()), Some(values.as_str()))
            );
            let picture = files.path(&format!("{name}.png"));
            same_map(&plan, &picture, &files.path(&mask), &files.path(&values));
        }
        assert_eq!(server.session_end().error, None);
    }
}

#[test]
fn where_a_map_goes_is_checked_first() {
    let plan = mapping(1);
    let files = folder(&plan);
    let server = Server::start_with("map.plan", &files, &[]);
    let run = |words: &[&str], pictures: &[&str]| {
        let client = Client::new(&files, &server.addr, "infer").with(words);
        pictures.iter().fold(client, |c, p| c.path(&files.path(p))).run()
    };
    run(&["--map-out", "one.png"], &["a.png", "b.png"]).refused(3, "give a folder");
    assert_eq!(server.session_end().tickets, None);
    let events = run(&["--map-out", "one.png"], &["a.png"]).expect(&["image", "summary"]);
    assert_eq!(events[0]["map"]["mask"], "one.png");
    assert!(events[0]["map"]["values"].is_null() && files.path("one.png").is_file());
    // Without a place, people are told what to give.
    let client = Client::plain(&files, &server.addr, "infer").path(&files.path("a.png"));
    let ended = client.run();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("of 256 pixels are set"), "{ended:?}");
    assert!(ended.stdout.contains("not kept: --map-out FILE.png"), "{ended:?}");
    let classifier = Server::start(&files, &[]);
    let client = Client::new(&files, &classifier.addr, "infer").with(&["--map-out", "maps"]);
    client.path(&files.picture(0)).run().refused(3, "no maps");
}

/// A classifier of signals of two channels, its weights drawn.
fn signals() -> Plan {
    let mut b = ModelBuilder::new(4, [2, 1, 24]);
    let w = b.uniforms(6 * 2 * 5, 0.0, 0.5);
    b.constant("stem.weight", &[6, 2, 5], &w);
    let image = b.image();
    let node = NodeProto::new("Conv", "stem", &[&image, "stem.weight"], "stem");
    let x = b.push(node.with_ints("kernel_shape", &[5]).with_ints("pads", &[2, 2]));
    let x = b.op("Relu", "relu", &[&x]);
    let node = NodeProto::new("MaxPool", "pool", &[&x], "pool").with_ints("kernel_shape", &[2]);
    let x = b.push(node.with_ints("strides", &[2]));
    let w = b.uniforms(4 * 6 * 3, 0.0, 0.5);
    b.constant("second.weight", &[4, 6, 3], &w);
    let x = b.op("Conv", "second", &[&x, "second.weight"]);
    let x = b.op("GlobalAveragePool", "mean", &[&x]);
    let x = b.op("Flatten", "flatten", &[&x]);
    let x = b.gemm("fc", &x, 4, 3);
    let mut model = b.finish(&x, 3);
    model.graph.as_mut().unwrap().input[0] = ValueInfoProto::float("image", &[1, 2, 24]);
    let network = import_model(&model).unwrap();
    let options = Options { batch: Some(2), ..Options::default() };
    compile(&network, &Calibration::drawn(&network, 16), &options).unwrap().0
}

#[test]
fn signals_are_classified_like_in_the_clear() {
    let plan = signals();
    let files = folder_of_signals(&plan);
    let server = Server::start_with("map.plan", &files, &[]);
    let client = Client::new(&files, &server.addr, "infer");
    let ended = client.path(&files.path("0.npy")).path(&files.path("1.npy")).run();
    let events = ended.expect(&["image", "image", "summary"]);
    let scale = f64::from(plan.public.logit_frac()).exp2();
    for (i, event) in events.iter().take(2).enumerate() {
        let sample = Sample::load(&files.path(&format!("{i}.npy"))).unwrap();
        let clear = clear_map(&plan, &sample);
        let logits = event["logits"].as_array().unwrap();
        assert_eq!(logits.len(), clear.len());
        for (p, c) in logits.iter().zip(&clear) {
            let p = (p.as_f64().unwrap() * scale).round() as i64;
            assert!((p - c).abs() <= TOLERANCE, "{p} {c}");
        }
    }
    assert_eq!(server.session_end().error, None);
}

/// The plan, two signals, and arrays that are none.
fn folder_of_signals(plan: &Plan) -> Files {
    let files = Files::new();
    files.put("map.plan", &plan.to_bytes().unwrap());
    let values = |seed: usize| (0..48).map(move |i| ((i * 7 + seed * 5) % 13) as f32 / 6.5 - 1.0);
    files.put("0.npy", &encode_npy(&[2, 24], values(0)));
    files.put("1.npy", &encode_npy(&[1, 2, 24], values(1)));
    files.put("short.npy", &encode_npy(&[2, 23], values(0).take(46)));
    files.put("turned.npy", &encode_npy(&[24, 2], values(0)));
    files.put("nan.npy", &encode_npy(&[2, 24], values(0).map(|_| f32::NAN)));
    files.put("large.npy", &encode_npy(&[2, 24], values(0).map(|x| x * 1e4)));
    files.put("text.npy", b"1, 2, 3");
    files
}

#[test]
fn unusable_arrays_are_refused_before_anything_is_spent() {
    let plan = signals();
    let files = folder_of_signals(&plan);
    let server = Server::start_with("map.plan", &files, &[]);
    let infer = |file: &Path| Client::new(&files, &server.addr, "infer").path(file).run();
    infer(&files.path("nan.npy")).refused(3, "NaN");
    infer(&files.path("text.npy")).refused(3, "not usable as an array");
    for (file, words) in [
        ("short.npy", "takes a [2, 24]"),
        ("turned.npy", "the array is a [24, 2]"),
        ("large.npy", "compiled for less than"),
    ] {
        infer(&files.path(file)).refused(3, words);
        assert_eq!(server.session_end().tickets, None);
    }
    infer(&files.picture(0)).refused(3, "takes arrays, no pictures");
    assert_eq!(server.session_end().tickets, None);
    let classifier = Server::start(&files, &[]);
    let array = Array::new(vec![1], vec![0.0]).unwrap();
    files.put("one.npy", &encode_npy(&array.dims, array.values.clone()));
    let client = Client::new(&files, &classifier.addr, "infer");
    client.path(&files.path("one.npy")).run().refused(3, "takes a [3, 8, 8]");
}
