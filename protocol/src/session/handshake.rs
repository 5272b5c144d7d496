//! The handshake: versions, the public plan, the client's lattice key, base OTs both ways.
//!
//! ```text
//! C -> S  ClientHello   magic, protocol version, plan version
//! S -> C  ServerHello   magic, versions, ticket limit, plan length and hash, hash key, base OT A_S
//!         PublicPlan
//! C -> S  ClientKeys    OT configuration, lattice public key, base OT answer to A_S, base OT A_C
//! S -> C  ServerBaseOt  base OT answer to A_C, tree corrections of the selection instance
//! C -> S  ClientBaseOt  tree corrections of the label instance
//! ```
//! In the *label* instance of correlated OT the server is the sender (its offset is the garbling
//! offset); in the *selection* instance the client is. A base OT runs against that direction.

use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::ot::{
    BASE_RECEIVER_BYTES, BASE_SENDER_BYTES, BaseReceiver, BaseSender, CORRECTION_BYTES,
    CotReceiver, CotSender, Delta, GateHash, OtConfig, OtExtension, Tweaks,
};
use crate::plan::{MAX_PUBLIC_BYTES, PLAN_VERSION, Plan, PlanHash, PublicPlan, plan_hash};
use crate::rlwe::{PublicKey, SecretKey};
use crate::rng::SecretRng;
use crate::session::ClientOptions;
use crate::wire::{Kind, Traffic, Transport, framed_bytes};

/// Version of the wire protocol; both parties must agree.
pub const PROTOCOL_VERSION: u32 = 2;

const MAGIC: &[u8; 8] = b"TACET/IN";
const CLIENT_HELLO_BYTES: usize = 8 + 4 + 4;
const SERVER_HELLO_BYTES: usize = 8 + 4 + 4 + 4 + 4 + 32 + 16 + BASE_SENDER_BYTES;
const CLIENT_KEYS_BYTES: usize =
    OtConfig::BYTES + PublicKey::BYTES + BASE_RECEIVER_BYTES + BASE_SENDER_BYTES;
const SERVER_BASE_OT_BYTES: usize = BASE_RECEIVER_BYTES + CORRECTION_BYTES;

/// Bytes and round trips of a handshake for a public plan of `plan_bytes`.
pub fn session_traffic(plan_bytes: usize) -> Traffic {
    Traffic {
        up: framed_bytes(CLIENT_HELLO_BYTES)
            + framed_bytes(CLIENT_KEYS_BYTES)
            + framed_bytes(CORRECTION_BYTES),
        down: framed_bytes(SERVER_HELLO_BYTES)
            + framed_bytes(plan_bytes)
            + framed_bytes(SERVER_BASE_OT_BYTES),
        rounds: 2,
    }
}

/// The client's keys and correlated-OT states.
pub(crate) struct ClientCrypto {
    pub(crate) lattice: SecretKey,
    pub(crate) labels: CotReceiver,
    pub(crate) selection: CotSender,
    pub(crate) ots: OtConfig,
    pub(crate) hash: GateHash,
    pub(crate) tweaks: Tweaks,
    pub(crate) rng: SecretRng,
}

/// The server's half of the same.
pub(crate) struct ServerCrypto {
    pub(crate) lattice: PublicKey,
    pub(crate) labels: CotSender,
    pub(crate) selection: CotReceiver,
    pub(crate) ots: OtConfig,
    pub(crate) hash: GateHash,
    pub(crate) tweaks: Tweaks,
    pub(crate) rng: SecretRng,
}

/// What the server said of itself.
pub(crate) struct ServerInfo {
    pub(crate) plan: PublicPlan,
    pub(crate) hash: PlanHash,
    pub(crate) max_tickets: usize,
}

fn hello() -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    out.extend_from_slice(&PLAN_VERSION.to_le_bytes());
    out
}

fn check_hello(r: &mut Reader<'_>, peer: &str) -> Result<()> {
    if r.take(8)? != MAGIC {
        return Err(Error::misbehaved("the peer does not speak the Tacet protocol"));
    }
    let (protocol, plan) = (u32::from_le_bytes(r.array()?), u32::from_le_bytes(r.array()?));
    if (protocol, plan) != (PROTOCOL_VERSION, PLAN_VERSION) {
        return Err(Error::incompatible(format!(
            "the {peer} speaks protocol {protocol} with plan format {plan}, this program \
             {PROTOCOL_VERSION} with {PLAN_VERSION}: use matching releases"
        )));
    }
    Ok(())
}

struct ServerHello {
    info: ServerInfo,
    gate_key: [u8; 16],
    base: Vec<u8>,
}

fn receive_hello<T: Transport>(t: &mut T) -> Result<ServerHello> {
    let hello = t.recv(Kind::ServerHello, SERVER_HELLO_BYTES)?;
    let mut r = Reader::new(&hello);
    check_hello(&mut r, "server")?;
    let max_tickets = u32::from_le_bytes(r.array()?) as usize;
    let plan_len = u32::from_le_bytes(r.array()?) as usize;
    let hash: PlanHash = r.array()?;
    let gate_key = r.array()?;
    let base = r.take(BASE_SENDER_BYTES)?.to_vec();
    r.finish()?;
    if plan_len > MAX_PUBLIC_BYTES {
        return Err(Error::misbehaved("the server's public plan is over 16 MiB"));
    }
    let bytes = t.recv(Kind::PublicPlan, plan_len)?;
    if plan_hash(&bytes) != hash {
        return Err(Error::misbehaved("the public plan does not have the announced hash"));
    }
    let plan = PublicPlan::from_bytes(&bytes)
        .map_err(|e| Error::misbehaved(format!("the server sent an unusable plan: {e}")))?;
    Ok(ServerHello { info: ServerInfo { plan, hash, max_tickets }, gate_key, base })
}

/// The client's side. Another plan than the expected one is refused before a key is made.
pub(crate) fn client<T: Transport>(
    t: &mut T,
    options: &ClientOptions,
    mut rng: SecretRng,
) -> Result<(ClientCrypto, ServerInfo)> {
    t.send(Kind::ClientHello, &hello())?;
    let ServerHello { info, gate_key, base } = receive_hello(t)?;
    if options.expect_plan.is_some_and(|e| e != info.hash) {
        return Err(Error::incompatible(
            "the server's plan is not the expected one: check the address, or ask its operator \
             for the new plan hash",
        ));
    }
    let ots = options.ots;
    let lattice = SecretKey::generate(&mut rng);
    let delta = Delta::random(&mut rng);
    let (selection_keys, answer) = BaseReceiver::respond(delta.base_choices(), &base, &mut rng)?;
    let (label_base, label_a) = BaseSender::new(&mut rng);
    let mut keys = ots.to_bytes().to_vec();
    keys.extend_from_slice(&lattice.public_key(&mut rng).to_bytes());
    keys.extend_from_slice(&answer);
    keys.extend_from_slice(&label_a);
    t.send(Kind::ClientKeys, &keys)?;

    let reply = t.recv(Kind::ServerBaseOt, SERVER_BASE_OT_BYTES)?;
    let mut r = Reader::new(&reply);
    let pairs = label_base.finish(r.take(BASE_RECEIVER_BYTES)?)?;
    let OtExtension::SoftSpoken(field) = ots.selection;
    let selection = CotSender::new(field, &delta, selection_keys, r.take(CORRECTION_BYTES)?)?;
    let OtExtension::SoftSpoken(field) = ots.labels;
    let (labels, corrections) = CotReceiver::new(field, pairs, &mut rng);
    t.send(Kind::ClientBaseOt, &corrections)?;
    let hash = GateHash::new(&gate_key);
    let crypto = ClientCrypto { lattice, labels, selection, ots, hash, tweaks: Tweaks::new(), rng };
    Ok((crypto, info))
}

/// The server's side.
pub(crate) fn server<T: Transport>(
    t: &mut T,
    plan: &Plan,
    max_tickets: usize,
    mut rng: SecretRng,
) -> Result<ServerCrypto> {
    let client_hello = t.recv(Kind::ClientHello, CLIENT_HELLO_BYTES)?;
    let (selection_base, selection_a) = BaseSender::new(&mut rng);
    let gate_key: [u8; 16] = rng.array();
    let public = plan.public.to_bytes()?;
    let mut message = hello();
    message.extend_from_slice(&u32::try_from(max_tickets).unwrap_or(u32::MAX).to_le_bytes());
    message.extend_from_slice(&(public.len() as u32).to_le_bytes());
    message.extend_from_slice(&plan_hash(&public));
    message.extend_from_slice(&gate_key);
    message.extend_from_slice(&selection_a);
    // Our hello leaves even if the client's version is wrong: it then learns ours.
    t.send(Kind::ServerHello, &message)?;
    check_hello(&mut Reader::new(&client_hello), "client")?;
    t.send(Kind::PublicPlan, &public)?;

    let keys = t.recv(Kind::ClientKeys, CLIENT_KEYS_BYTES)?;
    let mut r = Reader::new(&keys);
    let ots = OtConfig::from_bytes(r.array()?)?;
    let lattice = PublicKey::from_bytes(r.take(PublicKey::BYTES)?)?;
    let pairs = selection_base.finish(r.take(BASE_RECEIVER_BYTES)?)?;
    let delta = Delta::random(&mut rng);
    let label_a = r.take(BASE_SENDER_BYTES)?;
    let (label_keys, mut answer) = BaseReceiver::respond(delta.base_choices(), label_a, &mut rng)?;
    let OtExtension::SoftSpoken(field) = ots.selection;
    let (selection, corrections) = CotReceiver::new(field, pairs, &mut rng);
    answer.extend_from_slice(&corrections);
    t.send(Kind::ServerBaseOt, &answer)?;

    let corrections = t.recv(Kind::ClientBaseOt, CORRECTION_BYTES)?;
    let OtExtension::SoftSpoken(field) = ots.labels;
    let labels = CotSender::new(field, &delta, label_keys, &corrections)?;
    let hash = GateHash::new(&gate_key);
    let tweaks = Tweaks::new();
    Ok(ServerCrypto { lattice, labels, selection, ots, hash, tweaks, rng })
}
