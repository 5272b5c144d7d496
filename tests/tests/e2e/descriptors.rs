//! A server that runs out of descriptors or threads goes on.

use std::fs::read_to_string;
use std::process::Command;

use crate::support::{Client, Files, Server, binary, dial_from, network, serving};

/// A server under a shell's `ulimit`.
fn limited(files: &Files, ulimit: &str, options: &[&str]) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {ulimit}; exec \"$0\" \"$@\"")]);
    command.arg(binary("tacita-server").get_program()).args(serving(
        "127.0.0.1:0",
        files,
        "net.plan",
    ));
    command.args(options).env_remove("TACITA_LOG");
    Server::run(command)
}

fn serves(files: &Files, server: &Server) {
    let client = Client::new(files, &server.addr, "infer").path(&files.picture(0));
    let events = client.run().expect(&["image", "summary"]);
    network().assert_printed(0, &events[0]["logits"]);
    assert_eq!(server.session_end().error, None);
}

#[test]
fn without_descriptors_the_oldest_connections_go() {
    let files = Files::new();
    let room = ["--max-unpaid", "1000", "--unpaid-per-client", "1000"];
    let mut server = limited(&files, "-n 64", &room);
    let held: Vec<_> = (0..200).map(|n| dial_from([127, 0, 1, n], &server)).collect();
    serves(&files, &server);
    server.terminate();
    let counters = server.counters();
    assert_eq!(server.wait().code(), Some(0));
    let times = counters["no_descriptor"].as_u64().unwrap();
    // It met the limit, and did not spin at it.
    assert!((1..=300).contains(&times), "{counters}");
    drop(held);
}

#[test]
fn the_limit_on_descriptors_is_raised() {
    let files = Files::new();
    let server = limited(&files, "-Sn 64; ulimit -Hn 500", &[]);
    let limits = read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<&str> = open_files.split_whitespace().collect();
    assert_eq!(words[3..5], ["500", "500"], "{open_files}");
}

/// Limits a running server's address space.
fn limit_memory(server: &Server, bytes: &str) {
    let limit = format!("--as={bytes}:unlimited");
    let set = Command::new("prlimit").args(["--pid", &server.id(), &limit]).status().unwrap();
    assert!(set.success());
}

fn address_space(server: &Server) -> u64 {
    let status = read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    size.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn without_threads_clients_are_told_that_the_server_is_busy() {
    let files = Files::new();
    let server = Server::start(&files, &[]);
    // Less than a thread's stack.
    limit_memory(&server, &(address_space(&server) + (1 << 20)).to_string());
    let client = Client::new(&files, &server.addr, "infer").path(&files.picture(0));
    client.run().refused(6, "busy: no free session, try again later");
    server.logged("no thread for the session");
    limit_memory(&server, "unlimited");
    serves(&files, &server);
}
