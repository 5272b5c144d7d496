//! Everything as it should be.

use std::path::PathBuf;

use serde_json::Value;
use tacita_protocol::cost::predict;
use tacita_protocol::wire::Traffic;

use crate::support::{Client, Ended, Files, Server, network};

/// Bytes and rounds that a client printed.
fn traffic(cost: &Value) -> Traffic {
    let number = |key: &str| cost[key].as_u64().unwrap();
    Traffic { up: number("sent"), down: number("received"), rounds: number("rounds") }
}

fn pictures(files: &Files, n: usize) -> Vec<PathBuf> {
    (0..n).map(|i| files.picture(i)).collect()
}

fn infer(files: &Files, server: &Server, pictures: &[PathBuf], options: &[&str]) -> Ended {
    let client = Client::new(files, &server.addr, "infer").with(options);
    pictures.iter().fold(client, |client, picture| client.path(picture)).run()
}

#[test]
fn pictures_are_classified_like_in_the_clear() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    assert_eq!(server.ready["plan"], network().hash());
    let pictures = pictures(&files, 5);
    let ended = infer(&files, &server, &pictures, &[]);
    let events = ended.expect(&["image", "image", "image", "image", "image", "summary"]);
    for (i, event) in events.iter().take(5).enumerate() {
        assert_eq!(event["image"], pictures[i].display().to_string());
        network().assert_printed(i, &event["logits"]);
        let class = event["class"].as_u64().unwrap() as usize;
        let logits = event["logits"].as_array().unwrap();
        assert!(logits.iter().all(|x| x.as_f64() <= logits[class].as_f64()), "{event}");
        assert_eq!(event["label"], network().plan.public.labels[class]);
        assert_eq!(event["relus"], network().plan.public.relus());
    }
    assert_eq!(events[5]["plan"], network().hash());
    let served = server.session_end();
    assert_eq!((served.tickets, served.inferences, served.error), (Some(5), Some(5), None));
}

#[test]
fn traffic_is_the_predicted_traffic() {
    let files = Files::new();
    let server = Server::start(&files, &["--batches", "1,3"]);
    let events = infer(&files, &server, &pictures(&files, 4), &["--batch", "3"])
        .expect(&["image", "image", "image", "image", "summary"]);
    let plan = &network().plan.public;
    let (three, one) = (predict(plan, 3).unwrap(), predict(plan, 1).unwrap());
    for (event, batch) in events.iter().zip([&three, &three, &three, &one]) {
        assert_eq!(traffic(&event["offline_batch"]), batch.offline);
        assert_eq!(event["offline_batch"]["tickets"], batch.batch);
        assert_eq!(traffic(&event["online"]), one.online);
    }
    let summary = &events[4];
    assert_eq!(traffic(&summary["setup"]), one.session);
    let sum = |a: Traffic, b: Traffic| Traffic {
        up: a.up + b.up,
        down: a.down + b.down,
        rounds: a.rounds + b.rounds,
    };
    assert_eq!(traffic(&summary["offline"]), sum(three.offline, one.offline));
    let (mut online, all) = (Traffic::default(), &summary["online"]);
    (0..4).for_each(|_| online = sum(online, one.online));
    assert_eq!(traffic(all), online);
    // The server counts the same, the other way round (and the goodbye, a frame without payload).
    let served = server.session_end().event;
    assert_eq!(served["offline"]["received"], summary["offline"]["sent"]);
    assert_eq!(served["offline"]["sent"], summary["offline"]["received"]);
    assert_eq!(served["online"]["received"], summary["online"]["sent"]);
    assert_eq!(served["setup"]["received"].as_u64(), Some(one.session.up + 5));
}

#[test]
fn tls_adds_a_little_to_the_metered_bytes() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let events = infer(&files, &server, &pictures(&files, 2), &[]);
    let summary = &events.expect(&["image", "image", "summary"])[2];
    for way in ["sent", "received"] {
        let phases = ["setup", "offline", "online"];
        let metered: u64 = phases.iter().map(|p| summary[p][way].as_u64().unwrap()).sum();
        let socket = summary["socket"][way].as_u64().unwrap();
        // Records of at most 16 KiB cost 22 bytes each, the handshake and its certificates some
        // kilobytes, and short messages a record of their own.
        let most = metered + metered / 200 + 16_384;
        assert!(
            socket > metered && socket < most,
            "{way}: {metered} metered, {socket} on the socket"
        );
    }
}

#[test]
fn tickets_made_ahead_answer_the_paths_on_stdin() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let mut client = Client::new(&files, &server.addr, "prepare").with(&["-n", "3"]).start();
    for i in 0..3 {
        client.feed(&files.picture(i));
        let event = client.event();
        network().assert_printed(i, &event["logits"]);
        // Made two at a time, as the plan says, and then the one that is left.
        assert_eq!(event["offline_batch"]["tickets"], [2, 2, 1][i]);
    }
    let ended = client.end();
    let summary = &ended.expect(&["summary"])[0];
    assert_eq!((summary["images"].as_u64(), summary["tickets"].as_u64()), (Some(3), Some(3)));
    assert!(ended.stderr.contains("3 tickets ready"), "{}", ended.stderr);
    assert_eq!(server.session_end().inferences, Some(3));
}

#[test]
fn info_shows_the_public_plan_and_the_hash_pins_it() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let plan = &Client::new(&files, &server.addr, "info").run().expect(&["plan"])[0];
    assert_eq!(plan["plan"], network().hash());
    assert_eq!((plan["classes"].as_u64(), plan["input"].as_str()), (Some(5), Some("3x8x8")));
    assert_eq!(plan["tensors"].as_array().unwrap().len(), network().plan.public.tensors.len());
    server.session_end();
    let right = infer(&files, &server, &pictures(&files, 1), &["--expect-plan", &network().hash()]);
    right.expect(&["image", "summary"]);
    server.session_end();
    let wrong = infer(&files, &server, &pictures(&files, 1), &["--expect-plan", &"0f".repeat(32)]);
    wrong.refused(4, "not the expected one");
    let served = server.session_end();
    assert!(served.error.unwrap().contains("incompatible version or plan"));
    let text = Client::plain(&files, &server.addr, "info").run();
    assert!(text.stdout.contains(&network().hash()), "{text:?}");
}

#[test]
fn logs_are_json_if_asked_for() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let ended = infer(&files, &server, &pictures(&files, 1), &["--log", "json"]);
    ended.expect(&["image", "summary"]);
    server.session_end();
    let log = format!("{}{}", ended.stderr, server.log());
    assert!(log.contains("connecting to") && log.contains("session opened"), "{log}");
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string() && entry["fields"]["message"].is_string(), "{line}");
    }
}

#[test]
fn people_see_labels_and_costs() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let ended = Client::plain(&files, &server.addr, "infer").path(&files.picture(0)).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let clear = network().clear(0);
    let best = (0..clear.len()).max_by_key(|i| clear[*i]).unwrap();
    let label = &network().plan.public.labels[best];
    for words in [&format!("0.png: {label}"), "offline", "online", "1 answered", "round trips"] {
        assert!(ended.stdout.contains(words), "{words}: {ended:?}");
    }
}

#[test]
fn other_sizes_are_resized_if_asked_for() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let large = files.path("large.png");
    image::RgbImage::from_pixel(20, 12, image::Rgb([90, 120, 30])).save(&large).unwrap();
    infer(&files, &server, std::slice::from_ref(&large), &["--resize"])
        .expect(&["image", "summary"]);
    server.session_end();
    infer(&files, &server, &[large], &[]).refused(3, "--resize");
    server.session_end();
}

#[test]
fn four_clients_at_once_are_all_answered() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    let start = |i: usize| {
        let client = Client::new(&files, &server.addr, "infer");
        client.path(&files.picture(i)).path(&files.picture(i + 1)).start()
    };
    let clients: Vec<Client> = (0..4).map(start).collect();
    for (i, client) in clients.into_iter().enumerate() {
        let events = client.end();
        let events = events.expect(&["image", "image", "summary"]);
        network().assert_printed(i, &events[0]["logits"]);
        network().assert_printed(i + 1, &events[1]["logits"]);
    }
    for _ in 0..4 {
        assert_eq!(server.session_end().error, None);
    }
}
