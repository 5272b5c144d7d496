//! The handshake: versions, the public plan, the client's lattice key, base OTs both ways.
//!
//! ```text
//! C -> S  ClientHello   magic, protocol version, plan version
//! S -> C  ServerHello   magic, versions, limits of tickets and of OT stock, batch sizes, plan length
//!                       and hash, hash key, base OT A_S
//!         PublicPlan
//! C -> S  ClientKeys    OT configuration, lattice public key, base OT answer to A_S, base OT A_C
//! S -> C  ServerBaseOt  base OT answer to A_C, tree corrections of the selection instance
//!         Bootstrap     OT extension, if the selection instance is silent
//! C -> S  ClientBaseOt  tree corrections of the label instance
//!         Bootstrap     OT extension, if the label instance is silent
//! ```
//! In the *label* instance of correlated OT the server is the sender (its offset is the garbling
//! offset); in the *selection* instance the client is. A base OT runs against that direction.
//!
//! The public seed of silent OT is a hash of the hash key. The server draws that key at random
//! before it knows any base OT or offset, and both parties know it: all that
//! [silent OT](crate::ot::SilentSender) asks of a seed. Hashing under a domain keeps what is derived
//! from it apart from the key's own use.

use crate::bytes::Reader;
use crate::error::{Error, Result};
use crate::ot::{
    BASE_RECEIVER_BYTES, BASE_SENDER_BYTES, BaseReceiver, BaseSender, CORRECTION_BYTES, Delta,
    Direction, GateHash, Opening, OtConfig, OtExtension, ReceiveSource, SendSource, Tweaks,
};
use crate::plan::{MAX_PUBLIC_BYTES, PLAN_VERSION, Plan, PlanHash, PublicPlan, plan_hash};
use crate::rlwe::{PublicKey, SecretKey};
use crate::rng::{PublicSeed, SecretRng, public_seed};
use crate::session::{BatchSizes, ClientOptions};
use crate::wire::{Kind, Traffic, Transport, framed_bytes};

/// Version of the wire protocol; both parties must agree.
pub const PROTOCOL_VERSION: u32 = 5;

const MAGIC: &[u8; 8] = b"TACITAIN";
const CLIENT_HELLO_BYTES: usize = 8 + 4 + 4;
const SERVER_HELLO_BYTES: usize =
    8 + 4 + 4 + 4 + 8 + BatchSizes::MAX_SIZES + 4 + 32 + 16 + BASE_SENDER_BYTES;
/// What a client reads of a hello, whatever the server's version.
const MAX_HELLO_BYTES: usize = 1024;
const CLIENT_KEYS_BYTES: usize =
    OtConfig::BYTES + PublicKey::BYTES + BASE_RECEIVER_BYTES + BASE_SENDER_BYTES;
const SERVER_BASE_OT_BYTES: usize = BASE_RECEIVER_BYTES + CORRECTION_BYTES;

/// Bytes and round trips of a handshake for a public plan of `plan_bytes`.
pub fn session_traffic(plan_bytes: usize, ots: OtConfig) -> Traffic {
    let bootstrap = |of: OtExtension| of.bootstrap_bytes().map_or(0, framed_bytes);
    Traffic {
        up: framed_bytes(CLIENT_HELLO_BYTES)
            + framed_bytes(CLIENT_KEYS_BYTES)
            + framed_bytes(CORRECTION_BYTES)
            + bootstrap(ots.labels),
        down: framed_bytes(SERVER_HELLO_BYTES)
            + framed_bytes(plan_bytes)
            + framed_bytes(SERVER_BASE_OT_BYTES)
            + bootstrap(ots.selection),
        rounds: 2,
    }
}

/// The client's keys and correlated-OT states.
pub(crate) struct ClientCrypto {
    pub(crate) lattice: SecretKey,
    pub(crate) labels: ReceiveSource,
    pub(crate) selection: SendSource,
    pub(crate) ots: OtConfig,
    pub(crate) hash: GateHash,
    pub(crate) tweaks: Tweaks,
    pub(crate) rng: SecretRng,
}

/// The server's half of the same.
pub(crate) struct ServerCrypto {
    pub(crate) lattice: PublicKey,
    pub(crate) labels: SendSource,
    pub(crate) selection: ReceiveSource,
    pub(crate) ots: OtConfig,
    pub(crate) hash: GateHash,
    pub(crate) tweaks: Tweaks,
    pub(crate) rng: SecretRng,
}

/// What the server said of itself.
pub(crate) struct ServerInfo {
    pub(crate) plan: PublicPlan,
    pub(crate) hash: PlanHash,
    pub(crate) offer: Offer,
}

/// What a server allows each session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Most unspent tickets.
    pub max_tickets: usize,
    /// Most bytes of OT stock.
    pub ot_stock: u64,
    /// How many tickets an offline run makes.
    pub batches: BatchSizes,
}

/// What the client chooses by.
pub(crate) type ChooseOts<'a> = &'a dyn Fn(&PublicPlan, &Offer) -> Result<OtConfig>;

/// The public seed of silent OT.
fn silent_seed(gate_key: &[u8; 16]) -> PublicSeed {
    public_seed("tacita silent OT, session, v1", gate_key)
}

fn hello() -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    out.extend_from_slice(&PLAN_VERSION.to_le_bytes());
    out
}

fn check_hello(r: &mut Reader<'_>, peer: &str) -> Result<()> {
    if r.take(8)? != MAGIC {
        return Err(Error::misbehaved("the peer does not speak the Tacita protocol"));
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
    let (_, hello) = t.recv_any(&[Kind::ServerHello], MAX_HELLO_BYTES)?;
    let mut r = Reader::new(&hello);
    // Of any length: another version's says so by its number, not by its length.
    check_hello(&mut r, "server")?;
    if hello.len() != SERVER_HELLO_BYTES {
        let got = hello.len();
        return Err(Error::misbehaved(format!(
            "a ServerHello frame of {got} bytes where {SERVER_HELLO_BYTES} belong"
        )));
    }
    let max_tickets = u32::from_le_bytes(r.array()?) as usize;
    let (ot_stock, batches) = (r.u64()?, BatchSizes::from_bytes(r.array()?)?);
    let offer = Offer { max_tickets, ot_stock, batches };
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
    Ok(ServerHello { info: ServerInfo { plan, hash, offer }, gate_key, base })
}

/// The client's side. Another plan than the expected one is refused before a key is made.
pub(crate) fn client<T: Transport>(
    t: &mut T,
    options: &ClientOptions,
    choose: ChooseOts<'_>,
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
    let ots = choose(&info.plan, &info.offer)?;
    check_stock(ots, info.offer.ot_stock).map_err(Error::input)?;
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
    let seed = silent_seed(&gate_key);
    let opening = receive_bootstrap(t, ots.selection, r.take(CORRECTION_BYTES)?.to_vec())?;
    let of = (Direction::Selection, &seed);
    let selection = SendSource::new(ots.selection, of, (&delta, selection_keys), &opening)?;
    let (labels, opening) =
        ReceiveSource::new(ots.labels, (Direction::Labels, &seed), pairs, &mut rng)?;
    t.send(Kind::ClientBaseOt, &opening.corrections)?;
    send_bootstrap(t, &opening)?;
    let hash = GateHash::new(&gate_key);
    let crypto = ClientCrypto { lattice, labels, selection, ots, hash, tweaks: Tweaks::new(), rng };
    Ok((crypto, info))
}

/// What a receiver's corrections are followed by.
fn receive_bootstrap<T: Transport>(
    t: &mut T,
    extension: OtExtension,
    corrections: Vec<u8>,
) -> Result<Opening> {
    let bootstrap =
        extension.bootstrap_bytes().map(|len| t.recv(Kind::Bootstrap, len)).transpose()?;
    Ok(Opening { corrections, bootstrap })
}

fn send_bootstrap<T: Transport>(t: &mut T, opening: &Opening) -> Result<()> {
    opening.bootstrap.iter().try_for_each(|message| t.send(Kind::Bootstrap, message))
}

/// Says why a server that keeps `limit` bytes refuses, if it does.
fn check_stock(ots: OtConfig, limit: u64) -> std::result::Result<(), String> {
    let wanted = ots.stock_bytes() as u64;
    if wanted <= limit {
        return Ok(());
    }
    Err(format!(
        "correlated OTs ({ots}) may take {} MB of stock, the server keeps at most {} MB for a \
         session: use a smaller set or SoftSpoken, or raise the server's limit",
        wanted.div_ceil(1_000_000),
        limit / 1_000_000
    ))
}

/// The server's side. `paid` is asked once the client has sent its keys, before they cost us
/// anything: an error ends the session.
pub(crate) fn server<T: Transport>(
    t: &mut T,
    plan: &Plan,
    offer: &Offer,
    paid: &dyn Fn() -> Result<()>,
    mut rng: SecretRng,
) -> Result<ServerCrypto> {
    let client_hello = t.recv(Kind::ClientHello, CLIENT_HELLO_BYTES)?;
    let (selection_base, selection_a) = BaseSender::new(&mut rng);
    let gate_key: [u8; 16] = rng.array();
    let public = plan.public.to_bytes()?;
    let mut message = hello();
    message.extend_from_slice(&u32::try_from(offer.max_tickets).unwrap_or(u32::MAX).to_le_bytes());
    message.extend_from_slice(&offer.ot_stock.to_le_bytes());
    message.extend_from_slice(&offer.batches.to_bytes());
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
    check_stock(ots, offer.ot_stock).map_err(Error::misbehaved)?;
    let lattice = PublicKey::from_bytes(r.take(PublicKey::BYTES)?)?;
    paid()?;
    let pairs = selection_base.finish(r.take(BASE_RECEIVER_BYTES)?)?;
    let delta = Delta::random(&mut rng);
    let label_a = r.take(BASE_SENDER_BYTES)?;
    let (label_keys, mut answer) = BaseReceiver::respond(delta.base_choices(), label_a, &mut rng)?;
    let seed = silent_seed(&gate_key);
    let (selection, opening) =
        ReceiveSource::new(ots.selection, (Direction::Selection, &seed), pairs, &mut rng)?;
    answer.extend_from_slice(&opening.corrections);
    t.send(Kind::ServerBaseOt, &answer)?;
    send_bootstrap(t, &opening)?;

    let corrections = t.recv(Kind::ClientBaseOt, CORRECTION_BYTES)?;
    let opening = receive_bootstrap(t, ots.labels, corrections)?;
    let of = (Direction::Labels, &seed);
    let labels = SendSource::new(ots.labels, of, (&delta, label_keys), &opening)?;
    let hash = GateHash::new(&gate_key);
    let tweaks = Tweaks::new();
    Ok(ServerCrypto { lattice, labels, selection, ots, hash, tweaks, rng })
}
