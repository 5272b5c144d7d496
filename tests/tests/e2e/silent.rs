//! Clients whose correlated OTs are silent.

use tacita_cli::{Ot, Relu, session_choices};
use tacita_protocol::cost::CostModel;
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::ot::OtConfig;
use tacita_protocol::session::SessionLimits;

use crate::support::{Client, Files, Server, network};

/// Two images of a run each: right logits, and the bytes and round trips of both runs.
#[test]
fn silent_ots_give_the_same_answers_in_the_predicted_bytes() {
    for relu in ReluChoice::all().map(Relu::Uniform) {
        let files = Files::new();
        let server = Server::start(&files, &[]);
        let options = ["--ot", "silent", "--batch", "1", "--relu", &relu.to_string()];
        let client = Client::new(&files, &server.addr, "infer").with(&options);
        let ended = client.path(&files.picture(0)).path(&files.picture(1)).run();
        let events = ended.expect(&["image", "image", "summary"]);
        let plan = &network().plan.public;
        let limit = SessionLimits::default().ot_stock as u64;
        let asked = (Some(relu), Ot::Silent);
        let (relus, ots) = session_choices(plan, 1, asked, (2, limit), None).unwrap();
        assert_ne!(ots, OtConfig::default());
        let model = CostModel::new(plan, 1).unwrap().with_relus(&relus).with_ots(ots);
        assert_eq!(events[2]["setup"]["sent"], model.traffic().unwrap().session.up);
        assert_eq!(events[2]["setup"]["received"], model.traffic().unwrap().session.down);
        for (run, event) in events.iter().take(2).enumerate() {
            network().assert_printed(run, &event["logits"]);
            let predicted = model.clone().in_run(run).traffic().unwrap();
            assert_eq!(event["offline_batch"]["sent"], predicted.offline.up);
            assert_eq!(event["offline_batch"]["received"], predicted.offline.down);
            assert_eq!(event["offline_batch"]["rounds"], predicted.offline.rounds);
            assert_eq!(event["online"]["sent"], predicted.online.up);
        }
        let served = server.session_end();
        assert_eq!((served.inferences, served.error), (Some(2), None));
    }
}

/// A server that keeps no stock gets SoftSpoken.
#[test]
fn a_server_without_room_for_stock_is_served_otherwise() {
    let files = Files::new();
    let server = Server::start(&files, &["--ot-stock", "0"]);
    let client = Client::new(&files, &server.addr, "infer").with(&["--ot", "silent"]);
    let ended = client.path(&files.picture(0)).run();
    let events = ended.expect(&["image", "summary"]);
    network().assert_printed(0, &events[0]["logits"]);
    let plan = &network().plan.public;
    let model = CostModel::new(plan, 1).unwrap();
    assert_eq!(events[1]["setup"]["received"], model.traffic().unwrap().session.down);
}
