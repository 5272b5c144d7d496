//! Both parties in memory: keys, upload, evaluation, decryption.

use super::*;
use crate::Error;
use crate::rlwe::params::P;

/// A client and a server for one tensor.
pub(super) struct Session {
    pub(super) key: SecretKey,
    pub(super) public: PublicKey,
    pub(super) rng: SecretRng,
}

/// What one run leaves behind.
pub(super) struct Run {
    pub(super) upload: Vec<u8>,
    pub(super) response: Vec<u8>,
    pub(super) mask: Vec<u64>,
    /// `c - (L(r) - s)`.
    pub(super) errors: Vec<i64>,
    pub(super) c: Vec<u64>,
}

pub(super) const SEED: [u8; 32] = [5; 32];

impl Session {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = SecretRng::from_test_seed(seed);
        let key = SecretKey::generate(&mut rng);
        let public = PublicKey::from_bytes(&key.public_key(&mut rng).to_bytes()).unwrap();
        Self { key, public, rng }
    }

    /// One convolution; `r` and `defined` as the packings before left them.
    pub(super) fn run(
        &mut self,
        packing: &Packing,
        weights: Weights<'_>,
        raw: &[i32],
        r: &mut [u64],
        defined: &mut Defined,
    ) -> Run {
        let cells = CellMap::new(packing, defined).unwrap();
        let upload = encrypt_mask(&self.key, &cells, &SEED, 3, r, &mut self.rng).unwrap();
        assert_eq!(upload.len(), cells.bytes());
        let input = receive_upload(&cells, &SEED, 3, &upload).unwrap();
        let mask = self.rng.u64s(packing.batch() * packing.shape().output().len());
        let response =
            evaluate(packing, weights, &input, &self.public, &mask, &mut self.rng).unwrap();
        assert_eq!(response.len(), packing.response_bytes());
        let c = decrypt_response(&self.key, packing, &response).unwrap();
        let expected = direct(packing.shape(), packing.batch(), raw, r);
        let error = |((c, l), s): ((&u64, &u64), &u64)| c.wrapping_sub(l.wrapping_sub(*s)) as i64;
        let errors = c.iter().zip(&expected).zip(&mask).map(error).collect();
        Run { upload, response, mask, errors, c }
    }

    /// One convolution of a fresh tensor.
    pub(super) fn layer(&mut self, shape: &ConvShape, batch: usize, raw: &[i32]) -> Run {
        let packing = Packing::choose(shape, batch).unwrap();
        let mut defined = Defined::none(batch, shape.input.len());
        let mut r = vec![0; defined.len()];
        self.run(&packing, Weights::Raw(raw), raw, &mut r, &mut defined)
    }
}

/// Twelve standard deviations.
const FAR: u64 = 260;

fn assert_close(run: &Run) {
    let most = run.errors.iter().map(|e| e.unsigned_abs()).max().unwrap();
    assert!(most < FAR, "an error of {most} units");
}

#[test]
fn layers_decrypt_to_their_outputs() {
    let shapes = [
        (conv(3, 16, 16, 8, 3, 1), 1),
        (conv(6, 8, 8, 5, 3, 2), 3),
        (conv(200, 1, 1, 30, 1, 1), 2),
        (conv(1, 100, 100, 1, 3, 1), 1),
        (conv(30, 4, 4, 33, 3, 1), 2),
    ];
    let mut session = Session::new(11);
    for (shape, batch) in shapes {
        let raw = weights(&shape, 2047, &mut session.rng);
        assert_close(&session.layer(&shape, batch, &raw));
    }
}

#[test]
fn convolutions_share_a_tensor() {
    let mut session = Session::new(12);
    let (first, second) = (conv(8, 8, 8, 6, 1, 2), conv(8, 8, 8, 6, 3, 1));
    let mut defined = Defined::none(2, first.input.len());
    let mut r = vec![0; defined.len()];
    for shape in [first, second] {
        let raw = weights(&shape, 500, &mut session.rng);
        let packing = Packing::choose(&shape, 2).unwrap();
        let before = r.clone();
        let run = session.run(&packing, Weights::Raw(&raw), &raw, &mut r, &mut defined);
        assert_close(&run);
        // Masks that were defined stay as they are.
        assert!(before.iter().zip(&r).all(|(old, new)| *old == 0 || old == new));
    }
    assert!(defined.missing().next().is_none());
    assert!(r.iter().all(|x| *x != 0));
}

#[test]
fn unread_elements_are_drawn() {
    let shape = conv(1, 4, 4, 1, 1, 2);
    let mut defined = Defined::none(1, 16);
    let mut r = vec![0; 16];
    CellMap::new(&Packing::choose(&shape, 1).unwrap(), &mut defined).unwrap();
    draw_missing(&defined, &mut r, &mut SecretRng::from_test_seed(1));
    assert_eq!(r.iter().filter(|x| **x != 0).count(), 12);
}

#[test]
fn prepared_weights_give_the_same_bytes() {
    let shape = conv(20, 8, 8, 20, 3, 1);
    let packing = Packing::choose(&shape, 2).unwrap();
    let raw = weights(&shape, 100, &mut SecretRng::from_test_seed(1));
    let prepared = PreparedWeights::new(&packing, &raw).unwrap();
    assert_eq!(PreparedWeights::bytes(&packing), packing.weight_polys() * 16 * DEGREE);
    let run = |weights| {
        let mut defined = Defined::none(2, shape.input.len());
        let mut r = vec![0; defined.len()];
        Session::new(13).run(&packing, weights, &raw, &mut r, &mut defined)
    };
    let (fresh, reused) = (run(Weights::Raw(&raw)), run(Weights::Prepared(&prepared)));
    assert!(fresh.response == reused.response);
    assert_close(&fresh);
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let shape = conv(12, 16, 16, 12, 3, 1);
    let raw = weights(&shape, 100, &mut SecretRng::from_test_seed(1));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Session::new(14).layer(&shape, 2, &raw))
    };
    let (one, two) = (run(1), run(2));
    assert!(one.upload == two.upload && one.response == two.response);
}

fn misbehaved<T>(result: crate::Result<T>) -> bool {
    matches!(result, Err(Error::PeerMisbehaved { .. }))
}

#[test]
fn malformed_messages_are_refused() {
    let mut session = Session::new(15);
    let shape = conv(1, 8, 8, 200, 3, 1);
    let raw = weights(&shape, 3, &mut session.rng);
    let run = session.layer(&shape, 1, &raw);
    let packing = Packing::choose(&shape, 1).unwrap();
    let cells = CellMap::new(&packing, &mut Defined::none(1, shape.input.len())).unwrap();
    let receive = |bytes: &[u8]| receive_upload(&cells, &SEED, 3, bytes);
    let decrypt = |bytes: &[u8]| decrypt_response(&session.key, &packing, bytes);
    assert!(receive(&run.upload).is_ok() && decrypt(&run.response).is_ok());
    for (bytes, end) in [(&run.upload, run.upload.len()), (&run.response, run.response.len())] {
        let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        for wrong in [&bytes[..end - 1], &bytes[..0], &longer] {
            assert!(misbehaved(receive(wrong)) && misbehaved(decrypt(wrong)));
        }
    }
    // The first cell here is visible and zero, or free: either way its top bytes are bounded.
    let mut kinds = Vec::new();
    let mut at = 0;
    for cell in cells.cells(0) {
        let width = cell.bytes();
        if width > 0 && !kinds.contains(&width) {
            kinds.push(width);
            let mut bytes = run.upload.clone();
            let bound = if width == 8 { u128::from(DELTA) } else { Q };
            bytes[at..at + width].copy_from_slice(&bound.to_le_bytes()[..width]);
            assert!(misbehaved(receive(&bytes)));
            bytes[at..at + width].copy_from_slice(&(bound - 1).to_le_bytes()[..width]);
            assert!(receive(&bytes).is_ok());
        }
        at += width;
    }
    assert_eq!(kinds.len(), 2);
}

#[test]
fn malformed_keys_are_refused() {
    let mut bytes = Session::new(16).public.to_bytes();
    assert_eq!(bytes.len(), PublicKey::BYTES);
    assert!(misbehaved(PublicKey::from_bytes(&bytes[1..])));
    bytes[32..40].copy_from_slice(&P[0].to_le_bytes());
    assert!(misbehaved(PublicKey::from_bytes(&bytes)));
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let mut session = Session::new(17);
    let shape = conv(2, 4, 4, 2, 3, 1);
    let packing = Packing::choose(&shape, 1).unwrap();
    let cells = CellMap::new(&packing, &mut Defined::none(1, 32)).unwrap();
    let input_error = |result: Error| matches!(result, Error::Input { .. });
    let short = encrypt_mask(&session.key, &cells, &SEED, 0, &mut [0; 31], &mut session.rng);
    assert!(input_error(short.err().unwrap()));
    let raw = weights(&shape, 3, &mut session.rng);
    let eval = |w: &[i32], mask: &[u64]| {
        let mut rng = SecretRng::from_test_seed(1);
        evaluate(&packing, Weights::Raw(w), &[], &session.public, mask, &mut rng).err().unwrap()
    };
    assert!(input_error(eval(&raw[1..], &[0; 32])));
    assert!(input_error(eval(&raw, &[0; 32])));
    assert!(PreparedWeights::new(&packing, &raw[1..]).is_err());
    let other = Packing::choose(&conv(600, 1, 1, 600, 1, 1), 1).unwrap();
    let prepared = PreparedWeights::new(&packing, &raw).unwrap();
    assert!(Weights::Prepared(&prepared).check(&other).is_err());
    assert!(packing.upload_bytes(&Defined::none(2, 32)).is_err());
}
