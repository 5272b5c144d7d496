use tacita_protocol::cost::predict;

use super::*;
use crate::testing::ResNet;
use crate::{Calibration, Options, compile, import};

fn plan(seed: u64) -> (crate::Network, Plan) {
    let network = import(&ResNet::tiny(seed, 0.5).bytes()).unwrap();
    let images = Calibration::synthetic(network.input, 4);
    let plan = compile(&network, &images, &Options::default()).unwrap().0;
    (network, plan)
}

fn page_of(plan: &Plan, errors: Option<&Errors>) -> String {
    let prediction = predict(&plan.public, 3).unwrap();
    let command = "tacita-compile report a<b.plan";
    render(&Contents { plan, prediction: &prediction, errors, command }).unwrap()
}

#[test]
fn the_page_stands_alone_and_says_what_is_missing() {
    let (_, plan) = plan(7);
    let page = page_of(&plan, None);
    for outside in ["http", "src=", "<link", "<script", "url(", "@import", "NaN"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("Not measured: give --model"));
    assert!(page.contains("a&lt;b.plan") && !page.contains("a<b.plan"));
    assert_eq!(page.matches("role=\"img\"").count(), 3);
    assert_eq!(page, page_of(&plan, None));
}

#[test]
fn bytes_of_the_tables_add_up_to_the_prediction() {
    let (_, plan) = plan(7);
    let page = page_of(&plan, None);
    let prediction = predict(&plan.public, 3).unwrap();
    let online = prediction.online.up + prediction.online.down;
    let total = format!("<td class=\"n\">{}</td></tr>", tacita_page::text::count(online));
    let rows: Vec<&str> = page.lines().filter(|l| l.starts_with("<tr><td>total</td>")).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].ends_with(&total), "{} {total}", rows[1]);
    let parts: u64 = prediction.tensors.iter().map(|t| t.online_up + t.online_down).sum();
    assert!(parts < online && online - parts < 2000);
}

#[test]
fn errors_are_small_and_another_model_is_refused() {
    let (network, plan) = plan(7);
    let images = Calibration::synthetic(network.input, 3);
    let errors = Errors::measure(network.clone(), &plan, &images).unwrap();
    let page = page_of(&plan, Some(&errors));
    assert_eq!(page.matches("role=\"img\"").count(), 5);
    assert!(!page.contains("Not measured"));
    let scale = f64::from(plan.public.tensors[0].frac).exp2();
    // Rounding alone at the input, more behind it, never as much as a tenth of the spread.
    assert!(errors.tensors[0].largest <= 0.5 / scale + 1e-6);
    let last = errors.tensors.last().unwrap();
    assert!(last.largest > 0.0 && last.largest < 0.1 * last.spread().max(1.0));
    let mut other = network;
    other.layers.pop();
    assert!(Errors::measure(other, &plan, &images).is_err());
}
