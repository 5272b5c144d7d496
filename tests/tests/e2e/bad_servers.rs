//! Servers that lie: the client ends with the exit code that says whose fault it is.

use tacita_protocol::Result;
use tacita_protocol::plan::{PLAN_VERSION, plan_hash};
use tacita_protocol::session::{PROTOCOL_VERSION, ServerContext, SessionLimits};
use tacita_protocol::wire::{AbortReason, Kind, TlsTransport, Transport};

use crate::support::{Action, Client, Ended, Files, Impostor, Tap, network};

/// What a server says of itself before its plan.
struct Hello {
    protocol: u32,
    batches: [u8; 8],
    plan_bytes: u32,
    hash: [u8; 32],
}

impl Hello {
    /// The honest one for these bytes of a public plan.
    fn of(plan: &[u8]) -> Self {
        let plan_bytes = plan.len() as u32;
        let batches = [1, 2, 8, 0, 0, 0, 0, 0];
        Self { protocol: PROTOCOL_VERSION, batches, plan_bytes, hash: plan_hash(plan) }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"TACITAIN".to_vec();
        // A limit of 64 tickets and one of 1 GiB of OT stock.
        for number in [self.protocol, PLAN_VERSION, 64, 1 << 30, 0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.batches);
        out.extend_from_slice(&self.plan_bytes.to_le_bytes());
        out.extend_from_slice(&self.hash);
        // A hash key, and a base OT message that is never looked at.
        out.extend_from_slice(&[3; 16 + 32]);
        out
    }
}

/// Runs a client against a server that plays its part as `play` says.
fn against<R>(files: &Files, play: impl FnOnce(&mut TlsTransport) -> R) -> (Ended, R) {
    let impostor = Impostor::new(files);
    let client = Client::new(files, &impostor.addr, "infer").path(&files.picture(0)).start();
    impostor.serve_once(|mut transport| {
        let result = play(&mut transport);
        // The client may have hung up already.
        let _ = transport.close();
        (client.end(), result)
    })
}

/// Receives the client's hello, answers with these messages, and waits for what follows.
fn answer(t: &mut TlsTransport, messages: &[(Kind, &[u8])]) -> Result<()> {
    t.recv(Kind::ClientHello, 16)?;
    messages.iter().try_for_each(|(kind, payload)| t.send(*kind, payload))?;
    t.recv_any(&[Kind::ClientKeys], 1 << 18).map(drop)
}

#[test]
fn plans_and_versions_are_checked() {
    let files = Files::new();
    let plan = network().plan.public.to_bytes().unwrap();
    let honest = || Hello::of(&plan);
    let damaged: Vec<u8> = plan.iter().map(|b| b ^ 0x55).collect();
    let cases = [
        (Hello { protocol: 9, ..honest() }, &plan, 4, "use matching releases"),
        (Hello { batches: [2, 1, 0, 0, 0, 0, 0, 0], ..honest() }, &plan, 5, "batch sizes"),
        (Hello { hash: [9; 32], ..honest() }, &plan, 5, "does not have the announced hash"),
        (Hello { plan_bytes: 1 << 25, ..honest() }, &plan, 5, "over 16 MiB"),
        (Hello { plan_bytes: 1 << 10, ..honest() }, &plan, 5, "PublicPlan of 1024 was due"),
        (Hello::of(&damaged), &damaged, 5, "an unusable plan"),
    ];
    for (hello, plan, code, words) in cases {
        let hello = hello.bytes();
        let messages = [(Kind::ServerHello, &hello[..]), (Kind::PublicPlan, plan)];
        against(&files, |t| answer(t, &messages)).0.refused(code, words);
    }
}

#[test]
fn a_server_that_is_no_server() {
    let files = Files::new();
    let says = |kind, payload: &[u8]| against(&files, |t| answer(t, &[(kind, payload)])).0;
    says(Kind::ClientHello, &[0; 16]).refused(5, "ClientHello frame");
    says(Kind::ServerHello, &Hello::of(&[]).bytes()[..99]).refused(5, "ServerHello frame of 99");
    says(Kind::Abort, b"tired\x1b[2J").refused(5, "peer stopped: tired\u{fffd}[2J");
    for (reason, code) in
        [(AbortReason::Busy, 6), (AbortReason::ShuttingDown, 6), (AbortReason::Incompatible, 4)]
    {
        says(Kind::Abort, reason.text().as_bytes()).refused(code, reason.text());
    }
}

#[test]
fn a_silent_server_is_given_up() {
    let files = Files::new();
    let impostor = Impostor::new(&files);
    let client = Client::new(&files, &impostor.addr, "infer").with(&["--timeout", "1"]);
    let client = client.path(&files.picture(0)).start();
    // Its connection stays open until the client has ended.
    let (ended, _open) = impostor.serve_once(|transport| (client.end(), transport));
    ended.refused(6, "the peer was silent for 1 s");
}

/// Every message of a server, too short, too long, or after one that is not due.
#[test]
fn wrong_lengths_and_orders_are_refused() {
    let files = Files::new();
    let context = ServerContext::new(network().plan.clone(), SessionLimits::default()).unwrap();
    let serve = |action, at| {
        against(&files, |transport| {
            let mut tap = Tap::new(transport, action, at);
            // It ends in the client's abort, unless all is well.
            let _ = context.serve(&mut tap, &|| false);
            tap.sent()
        })
    };
    let (honest, sent) = serve(Action::Nothing, 0);
    honest.expect(&["image", "summary"]);
    for action in [Action::Shorter, Action::Longer, Action::Reorder] {
        for at in &sent {
            serve(action, *at).0.refused(5, "frame of");
        }
    }
}
