//! A backend of the tests that hides nothing: it shows what a backend must say and do, and that
//! nothing but its line in the list ([`super::ReluChoice`]) knows of it.
//!
//! Offline the client gives its share away; online the server sends `max(x, 0)` and gets the
//! client's new share taken off it. No correlated OTs, no tables, one round trip.

use super::seam::{
    Accepted, Backend, ClientPads, ClientRelus, ClientRequested, ClientTurn, Gadget, Held, Round,
    ServerPads, ServerRelus, ServerTurn, ServerWaits, Step, Work,
};
use super::{CompareBits, check_count};
use crate::bytes::{u64s_bytes, u64s_from};
use crate::error::{Error, Result};
use crate::gadget::kernels::ReluKernels;
use crate::ot::{Block, CotView, Delta, GateHash, Windows, check_length};
use crate::ring::sub_assign;
use crate::rng::SecretRng;
use crate::wire::Kind;

pub(super) struct Toy;

impl Backend for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn does(&self) -> &'static str {
        "shown"
    }

    fn about(&self) -> &'static str {
        "No secrecy at all"
    }

    fn gadget(&self, _compare: CompareBits) -> Result<Box<dyn Gadget>> {
        Ok(Box::new(Shown))
    }
}

/// ReLUs of any width.
struct Shown;

/// The client's number of positions, the server's values.
struct Client(usize);
struct Server(Vec<u64>);

impl Gadget for Shown {
    fn request_bytes(&self, n: usize) -> usize {
        8 * n
    }

    fn rounds(&self) -> &'static [Round] {
        &[Round { message: Kind::Rows, answer: Kind::Answers, joined: true }]
    }

    fn message_bytes(&self, _round: usize, n: usize) -> usize {
        8 * n
    }

    fn answer_bytes(&self, _round: usize, n: usize) -> usize {
        8 * n
    }

    fn client_pads(
        &self,
        n: usize,
        _hash: &GateHash,
        _windows: Windows,
        _keys: (&[Block], &Delta),
    ) -> Result<Box<dyn ClientPads>> {
        Ok(Box::new(Client(n)))
    }

    fn server_pads(
        &self,
        n: usize,
        _hash: &GateHash,
        _windows: Windows,
        _cots: CotView<'_>,
    ) -> Result<Box<dyn ServerPads>> {
        Ok(Box::new(Server(vec![0; n])))
    }

    fn work(&self, _step: Step, n: usize, _kernels: &ReluKernels) -> Work {
        Work { elements: n, ..Work::default() }
    }

    fn client_held(&self, _n: usize) -> Held {
        Held::default()
    }

    fn server_held(&self, n: usize) -> Held {
        Held { pads: 8 * n, requested: 0, ready: 8 * n }
    }

    fn answering(&self, slices: &[usize]) -> (usize, usize) {
        let all: usize = slices.iter().sum();
        (24 * all, 24 * all)
    }
}

impl ClientPads for Client {
    fn request(
        self: Box<Self>,
        _hash: &GateHash,
        _windows: Windows,
        _cots: CotView<'_>,
        x_c: &[u64],
    ) -> Result<(Box<dyn ClientRequested>, Vec<u8>)> {
        check_count("shares", x_c.len(), self.0)?;
        Ok((self, u64s_bytes(x_c)))
    }
}

impl ClientRequested for Client {
    fn ready(self: Box<Self>, tables: Option<Vec<u8>>) -> Result<Box<dyn ClientRelus>> {
        if tables.is_some() { Err(Error::local("tables for a toy")) } else { Ok(self) }
    }
}

impl ClientRelus for Client {
    fn answer(self: Box<Self>, message: &[u8], reshare: &[u64]) -> Result<ClientTurn> {
        check_length(message, 8 * self.0)?;
        let mut values = u64s_from(message);
        sub_assign(&mut values, reshare);
        Ok((u64s_bytes(&values), None))
    }
}

impl ServerPads for Server {
    fn accept(
        self: Box<Self>,
        _hash: &GateHash,
        _windows: Windows,
        _keys: (&[Block], &Delta),
        request: &[u8],
        _rng: &mut SecretRng,
    ) -> Result<Accepted> {
        check_length(request, 8 * self.0.len())?;
        Ok((Box::new(Self(u64s_from(request))), None))
    }
}

impl ServerRelus for Server {
    fn begin(mut self: Box<Self>, x_s: &[u64]) -> Result<(Vec<u8>, Box<dyn ServerWaits>)> {
        check_count("shares", x_s.len(), self.0.len())?;
        for (x, share) in self.0.iter_mut().zip(x_s) {
            *x = (x.wrapping_add(*share) as i64).max(0) as u64;
        }
        Ok((u64s_bytes(&self.0), self))
    }
}

impl ServerWaits for Server {
    fn take(self: Box<Self>, answer: &[u8]) -> Result<ServerTurn> {
        check_length(answer, 8 * self.0.len())?;
        Ok(ServerTurn::Done(u64s_from(answer)))
    }
}
