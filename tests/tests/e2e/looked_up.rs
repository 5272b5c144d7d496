//! Clients whose ReLUs are looked up instead of garbled.

use tacet_protocol::cost::CostModel;
use tacet_protocol::gadget::ReluChoice;

use crate::support::{Client, Files, Server, network};

#[test]
fn looked_up_relus_give_the_same_answers_in_fewer_bytes() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let client = Client::new(&files, &server.addr, "infer").with(&["--relu", "ot"]);
    let ended = client.path(&files.picture(0)).path(&files.picture(1)).run();
    let events = ended.expect(&["image", "image", "summary"]);
    let plan = &network().plan.public;
    let garbled = CostModel::new(plan, 2).unwrap().traffic().unwrap();
    let model = CostModel::new(plan, 2).unwrap().with_relus(ReluChoice::Lookup);
    let predicted = model.traffic().unwrap();
    for (i, event) in events.iter().take(2).enumerate() {
        network().assert_printed(i, &event["logits"]);
        assert_eq!(event["offline_batch"]["sent"], predicted.offline.up);
        assert_eq!(event["offline_batch"]["received"], predicted.offline.down);
        assert_eq!(event["online"]["sent"], predicted.online.up);
        assert_eq!(event["online"]["received"], predicted.online.down);
        assert_eq!(event["online"]["rounds"], predicted.online.rounds);
    }
    assert!(predicted.offline.down + predicted.online.down < garbled.offline.down);
    let served = server.session_end();
    assert_eq!((served.inferences, served.error), (Some(2), None));
}
