//! One client does not take all sessions.

use crate::support::{Client, Files, Server, Witness, network, relay_from};

const ONE_EACH: [&str; 4] = ["--max-sessions", "4", "--sessions-per-client", "1"];
const BUSY: &str = "busy: no free session, try again later";

fn infer(files: &Files, addr: &str, options: &[&str]) -> Client {
    Client::new(files, addr, "infer").with(options).path(&files.picture(0))
}

/// A client is served.
fn served(server: &Server, client: Client) {
    let events = client.run().expect(&["image", "summary"]);
    network().assert_printed(0, &events[0]["logits"]);
    assert_eq!(server.session_end().error, None);
}

#[test]
fn an_address_has_its_share() {
    let files = Files::new();
    let server = Server::start(&files, &ONE_EACH);
    let mut witness = Witness::new(&files, &server, 2);
    witness.check();
    infer(&files, &server.addr, &[]).run().refused(6, BUSY);
    server.logged("127.0.0.1 has its sessions");
    served(&server, infer(&files, &relay_from([127, 0, 0, 2], &server), &[]));
    witness.check();
    witness.leave(&server);
}

#[test]
fn a_certificate_has_its_share_from_wherever_it_comes() {
    let files = Files::new();
    let server =
        Server::start(&files, &[&ONE_EACH[..], &["--client-ca", "client-ca.pem"]].concat());
    // It shows client.pem.
    let mut witness = Witness::new(&files, &server, 2);
    witness.check();
    let first = ["--cert", "client.pem", "--key", "client.key"];
    let elsewhere = relay_from([127, 0, 0, 2], &server);
    infer(&files, &elsewhere, &first).run().refused(6, BUSY);
    server.logged("certificate ");
    let second = ["--cert", "client-2.pem", "--key", "client-2.key"];
    served(&server, infer(&files, &server.addr, &second));
    witness.check();
    witness.leave(&server);
}
