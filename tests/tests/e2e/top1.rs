//! A server whose plan reveals the class alone.

use tacita_protocol::cost::CostModel;
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{Plan, ReluChoices};

use crate::support::{Client, Files, Server, TOLERANCE, network};

fn top1() -> Plan {
    network().plan.clone().into_top1().unwrap()
}

/// Two images, classified with these options: a class that wins in the clear, its logit, and
/// nothing about others; the bytes and round trips of these choices.
fn classifies(options: &[&str], choice: ReluChoice) {
    let (files, plan) = (Files::new(), top1());
    files.put("top1.plan", &plan.to_bytes().unwrap());
    let server = Server::start_with("top1.plan", &files, &[]);
    let client = Client::new(&files, &server.addr, "infer").with(options);
    let ended = client.path(&files.picture(0)).path(&files.picture(1)).run();
    let events = ended.expect(&["image", "image", "summary"]);
    let relus = ReluChoices::uniform(&plan.public, choice);
    let model = CostModel::new(&plan.public, 2).unwrap().with_relus(&relus);
    let predicted = model.traffic().unwrap();
    let scale = f64::from(plan.public.logit_frac()).exp2();
    for (i, event) in events.iter().take(2).enumerate() {
        let clear = network().clear(i);
        let class = event["class"].as_u64().unwrap() as usize;
        let logit = (event["logit"].as_f64().unwrap() * scale) as i64;
        assert!((logit - clear[class]).abs() <= TOLERANCE, "{event} {clear:?}");
        assert!(clear.iter().all(|x| x - clear[class] <= 2 * TOLERANCE), "{event} {clear:?}");
        assert_eq!(event["label"], plan.public.labels[class]);
        assert_eq!((event["reveals"].as_str(), event.get("logits")), (Some("top1"), None));
        assert_eq!(event["offline_batch"]["received"], predicted.offline.down);
        assert_eq!(event["online"]["sent"], predicted.online.up);
        assert_eq!(event["online"]["received"], predicted.online.down);
        assert_eq!(event["online"]["rounds"], predicted.online.rounds);
    }
    assert_eq!(server.session_end().error, None);
}

#[test]
fn the_class_and_its_logit_are_all_that_is_printed() {
    classifies(&[], ReluChoice::default());
}

#[test]
fn comparisons_of_the_logits_are_looked_up_like_others() {
    classifies(&["--relu", "ot"], ReluChoice::named("ot").unwrap());
}
