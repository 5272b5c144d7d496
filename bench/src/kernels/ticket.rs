//! The whole lattice work of tickets: every group of convolutions once, through the real
//! functions, each party's processor time by itself.

use tacita_bench::meter::timed;
use tacita_bench::networks::{Keep, Network};
use tacita_protocol::Result;
use tacita_protocol::plan::{HeGroup, Plan, groups_of};
use tacita_protocol::rlwe::{
    CellMap, Defined, Packing, PreparedWeights, PublicKey, SecretKey, Source, Weights,
    decrypt_response, encrypt_mask, evaluate, receive_upload,
};
use tacita_protocol::rng::SecretRng;

use super::floor::{self, Floor};
use super::peaks::Peaks;
use super::report::Row;

/// Tickets made at a time.
const BATCH: usize = 8;

/// Seconds of a batch, and what was computed.
#[derive(Default)]
struct Batch {
    client: f64,
    server: f64,
    uploads: usize,
    products: usize,
    weights: usize,
    responses: usize,
    bytes: usize,
}

/// What a batch starts from.
struct Session {
    secret: SecretKey,
    public: PublicKey,
    seed: [u8; 32],
    rng: SecretRng,
}

impl Session {
    fn new() -> Result<Self> {
        let mut rng = SecretRng::from_os()?;
        let secret = SecretKey::generate(&mut rng);
        let public = secret.public_key(&mut rng);
        Ok(Self { secret, public, seed: rng.array(), rng })
    }

    /// One group through upload, products, responses and decryption.
    fn group(
        &mut self,
        group: &HeGroup,
        stream: u32,
        weights: &[i32],
        (defined, r): (&mut Defined, &mut [u64]),
        batch: &mut Batch,
    ) -> Result<()> {
        // Both parties lay the group out.
        let ((packing, cells), layout) = timed(|| {
            let packing = Packing::choose(&group.shape, BATCH)?;
            let source = Source { channels: group.tensor_channels, first: group.first_channel };
            let cells = CellMap::of_channels(&packing, source, defined)?;
            Ok((packing, cells))
        })?;
        let Self { secret, public, seed, rng } = self;
        let prepared = PreparedWeights::new(&packing, weights)?;
        let (upload, encrypted) = timed(|| encrypt_mask(secret, &cells, seed, stream, r, rng))?;
        let (response, evaluated) = timed(|| {
            let input = receive_upload(&cells, seed, stream, &upload)?;
            let masks = rng.u64s(BATCH * packing.shape().output().len());
            evaluate(&packing, Weights::Prepared(&prepared), &input, public, &masks, rng)
        })?;
        let (c, decrypted) = timed(|| decrypt_response(secret, &packing, &response))?;
        std::hint::black_box(c);
        batch.client += layout + encrypted + decrypted;
        batch.server += layout + evaluated;
        batch.uploads += packing.uploads();
        batch.products += packing.products();
        batch.weights += packing.weight_polys();
        batch.responses += packing.responses();
        batch.bytes += upload.len() + response.len();
        Ok(())
    }
}

fn run(plan: &Plan) -> Result<Batch> {
    let (mut session, mut batch) = (Session::new()?, Batch::default());
    let mut input = usize::MAX;
    let (mut defined, mut r) = (Defined::none(0, 0), Vec::new());
    for (stream, group) in (0..).zip(groups_of(&plan.public)) {
        if group.input != input {
            input = group.input;
            let elements = plan.public.tensors.get(input).map_or(0, |t| t.shape.len());
            defined = Defined::none(BATCH, elements);
            r = vec![0; BATCH * elements];
        }
        let weights = group.weights(&plan.secret);
        session.group(&group, stream, &weights, (&mut defined, &mut r), &mut batch)?;
    }
    Ok(batch)
}

/// The server's and the client's seconds a ticket of ResNet18 at 32x32.
pub fn rows(peaks: &Peaks) -> Result<Vec<Row>> {
    let plan = Network::named("resnet18")?.plan(Keep::Count(0))?;
    let b = run(&plan)?;
    let batch = BATCH as f64;
    let a_ticket = |count: usize| count as f64 / batch;
    let (up, down) = (a_ticket(b.uploads), a_ticket(b.responses));
    let counts = format!(
        "a ticket's {up:.0} uploads, {:.0} products and {down:.0} responses, each at its own \
         floor; {} weight polynomials of 128 KiB from memory, once a batch",
        a_ticket(b.products),
        b.weights
    );
    let of = |seconds: f64| Floor::new([seconds], &counts);
    let row = |party: &str, seconds: f64, floor: f64| {
        let name = format!("lattice work of ResNet18 32x32, B = {BATCH}, {party} (functions run)");
        Row::new(&name, "ticket", seconds / batch, of(floor)).bytes(b.bytes as f64 / batch)
    };
    let products = floor::products(peaks, b.products, b.weights) / batch;
    let of_upload = (floor::read(peaks).seconds, floor::encrypt(peaks).seconds);
    let of_response = (floor::finish(peaks).seconds, floor::decrypt(peaks).seconds);
    let server = up * of_upload.0 + products + down * of_response.0;
    let client = up * of_upload.1 + down * of_response.1;
    Ok(vec![
        row("server", b.server, server).target(1.0 / 1.5),
        row("client", b.client, client).target(1.0 / 0.4),
    ])
}
