//! Scales chosen by their effect.

use tacita_compile::testing::ResNet;
use tacita_compile::{
    Budget, Calibration, Options, Rounding, Simulator, Trial, compile_within, import_model,
};

fn network() -> tacita_compile::Network {
    import_model(&ResNet::tiny(11, 0.6).model()).unwrap()
}

fn search(
    max_loss: f64,
    labels: bool,
    frac: Option<u32>,
) -> (tacita_protocol::plan::Plan, tacita_compile::Report, Vec<Trial>) {
    let network = network();
    let mut images = Calibration::synthetic(network.input, 150);
    if labels {
        // Right where a coarse rounding of the network is, so that the float network errs too.
        images.labels = (0..150).map(|i| i % network.classes()).collect();
    }
    let options = Options { batch: Some(1), ..Options::default() };
    let budget = Budget { max_loss, frac, seed: 3 };
    let mut told = Vec::new();
    let (plan, report) =
        compile_within(&network, &images, &options, &budget, &mut |t| told.push(t.clone()))
            .unwrap();
    (plan, report, told)
}

#[test]
fn a_larger_loss_buys_fewer_bytes() {
    let bytes = |max_loss| {
        let (plan, report, told) = search(max_loss, false, None);
        let search = report.search.unwrap();
        assert_eq!(search.trials, told);
        assert!(told.len() <= 24 && search.chosen.within && !search.labelled);
        assert!(search.chosen.loss.points <= max_loss, "{:?}", search.chosen.loss);
        let dropped: Vec<u32> = plan.public.tensors.iter().map(|t| t.dropped).collect();
        assert_eq!(dropped, search.chosen.dropped);
        assert!(plan.public.tensors.iter().all(|t| t.frac == search.chosen.frac));
        search.chosen.relu_bytes
    };
    let (small, large) = (bytes(2.0), bytes(10.0));
    assert!(large < small, "{large} {small}");
}

#[test]
fn the_loss_is_what_the_plan_loses() {
    let (plan, report, _) = search(6.0, true, None);
    let search = report.search.unwrap();
    assert!(search.labelled && search.images == 150);
    let network = network();
    let images = Calibration::synthetic(network.input, 150).images;
    let all = Simulator::new(&plan).simulate(&images, Rounding::Shares(3), &|| ()).unwrap();
    let right = all.classes.iter().enumerate().filter(|(i, c)| **c == i % network.classes());
    let float = |i: usize| {
        let real = tacita_image_input::normalise(&images[i], network.input, &plan.public.input);
        let real: Vec<f32> = real.unwrap().iter().map(|x| *x as f32).collect();
        tacita_compile::top_class(&network.evaluate(&real))
    };
    let float = (0..150).filter(|i| float(*i) == i % network.classes()).count();
    let points = 100.0 * (float as f64 - right.count() as f64) / 150.0;
    assert!((points - search.chosen.loss.points).abs() < 1e-9, "{points}");
}

#[test]
fn a_given_scale_is_kept() {
    let (plan, report, told) = search(5.0, false, Some(11));
    assert!(plan.public.tensors.iter().all(|t| t.frac == 11));
    assert!(told.iter().all(|t| t.frac == 11) && report.search.unwrap().chosen.frac == 11);
}

#[test]
fn labels_of_another_network_are_refused() {
    let network = network();
    let mut images = Calibration::synthetic(network.input, 120);
    images.labels = vec![77; 120];
    let budget = Budget { max_loss: 0.1, frac: None, seed: 1 };
    let got = compile_within(&network, &images, &Options::default(), &budget, &mut |_| ());
    assert!(got.err().unwrap().to_string().contains("label 77"));
}
