//! Clients that act as if their connection were slow.

use tacita_protocol::cost::predict;

use crate::support::{Client, Files, Server, network};

#[test]
fn a_slow_line_changes_nothing_but_the_time() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let options = ["--network", "20ms,50Mbit,100Mbit"];
    let client = Client::new(&files, &server.addr, "infer").with(&options);
    let ended = client.path(&files.picture(0)).path(&files.picture(1)).run();
    let events = ended.expect(&["image", "image", "summary"]);
    let predicted = predict(&network().plan.public, 2).unwrap();
    for (i, event) in events.iter().take(2).enumerate() {
        network().assert_printed(i, &event["logits"]);
        assert_eq!(event["online"]["sent"], predicted.online.up);
        assert_eq!(event["online"]["received"], predicted.online.down);
        // A message takes half a round trip, and is never early.
        let seconds = event["online"]["seconds"].as_f64().unwrap();
        assert!(seconds >= 0.02 * predicted.online.rounds as f64, "{seconds} s");
    }
    let setup = events[2]["setup"]["seconds"].as_f64().unwrap();
    // The greetings of TCP and TLS are a round trip each.
    assert!(setup >= 0.02 * (predicted.session.rounds + 2) as f64, "{setup} s");
    // The goodbye arrived before the client ended.
    let served = server.session_end();
    assert_eq!((served.inferences, served.error), (Some(2), None));
}

#[test]
fn an_inference_says_where_its_time_went() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let client = Client::new(&files, &server.addr, "infer").path(&files.picture(0));
    let event = &client.run().expect(&["image", "summary"])[0];
    let layers = event["online"]["layers"].as_array().unwrap();
    let tensors = &network().plan.public.tensors;
    let with_relus = tensors.iter().filter(|t| t.mask.ones() > 0);
    let names: Vec<&str> = with_relus.chain(tensors.last()).map(|t| t.name.as_str()).collect();
    let timed: Vec<&str> = layers.iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(timed, names);
    let sum: f64 = layers.iter().map(|l| l["seconds"].as_f64().unwrap()).sum();
    assert!(sum > 0.0 && sum <= event["online"]["seconds"].as_f64().unwrap());
}

#[test]
fn a_network_that_is_none_is_refused() {
    let files = Files::new();
    let client = Client::new(&files, "127.0.0.1:1", "infer").with(&["--network", "dialup"]);
    let ended = client.path(&files.picture(0)).run();
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("lan, wan, mobile"), "{}", ended.stderr);
}
