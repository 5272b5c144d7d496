//! Clients whose ReLUs are looked up instead of garbled, all of them or where that is better.

use tacita_cli::Relu;
use tacita_protocol::cost::{CostModel, Prediction};
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::ReluChoices;

use crate::support::{Client, Files, Server, network};

fn predicted(relus: &ReluChoices) -> Prediction {
    let plan = &network().plan.public;
    CostModel::new(plan, 2).unwrap().with_relus(relus).traffic().unwrap()
}

/// Two images, classified with these options: right logits, and the bytes and round trips of these
/// choices.
fn classifies(options: &[&str], relus: &ReluChoices) {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let client = Client::new(&files, &server.addr, "infer").with(&["--ot", "softspoken"]);
    let client = client.with(options);
    let ended = client.path(&files.picture(0)).path(&files.picture(1)).run();
    let events = ended.expect(&["image", "image", "summary"]);
    let predicted = predicted(relus);
    for (i, event) in events.iter().take(2).enumerate() {
        network().assert_printed(i, &event["logits"]);
        assert_eq!(event["offline_batch"]["sent"], predicted.offline.up);
        assert_eq!(event["offline_batch"]["received"], predicted.offline.down);
        assert_eq!(event["online"]["sent"], predicted.online.up);
        assert_eq!(event["online"]["received"], predicted.online.down);
        assert_eq!(event["online"]["rounds"], predicted.online.rounds);
    }
    let served = server.session_end();
    assert_eq!((served.inferences, served.error), (Some(2), None));
}

fn uniform(choice: ReluChoice) -> ReluChoices {
    ReluChoices::uniform(&network().plan.public, choice)
}

#[test]
fn looked_up_relus_give_the_same_answers_in_fewer_bytes() {
    let lookup = uniform(ReluChoice::named("ot").unwrap());
    classifies(&["--relu", "ot"], &lookup);
    let [lookup, garbled] = [&lookup, &uniform(ReluChoice::default())].map(predicted);
    assert!(lookup.offline.down + lookup.online.down < garbled.offline.down);
}

#[test]
fn without_a_choice_relus_are_computed_as_the_plan_says() {
    classifies(&[], &network().plan.public.relu_choices);
}

/// Without a network the choice of the fewest bytes.
#[test]
fn an_automatic_choice_takes_no_more_bytes_than_either_backend() {
    let chosen = Relu::Auto.choices(&network().plan.public, 2, None).unwrap();
    classifies(&["--relu", "auto"], &chosen);
    let bytes = |relus: &ReluChoices| {
        let p = predicted(relus);
        p.offline.up + p.offline.down + 2 * (p.online.up + p.online.down)
    };
    for other in ReluChoice::all().map(uniform) {
        assert!(bytes(&chosen) <= bytes(&other));
    }
}

#[test]
fn an_automatic_choice_follows_the_network() {
    let link = "1ms,1Gbit".parse().unwrap();
    let chosen = Relu::Auto.choices(&network().plan.public, 2, Some(&link)).unwrap();
    classifies(&["--relu", "auto", "--network", "1ms,1Gbit"], &chosen);
}
