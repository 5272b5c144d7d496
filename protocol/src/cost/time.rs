//! Predicted seconds: the order of messages and of computing as `offline` and `online` have it,
//! played through on two clocks.
//!
//! - **Set-up.** TCP and TLS handshakes (a round trip each), hellos and keys (two more).
//! - **Offline.** The client packs the plan. It encrypts and sends group by group; the
//!   server begins with the first group when *all* uploads are there. It answers group by group,
//!   and the client decrypts while the server goes on. Then slice by slice: the server's OT
//!   extensions; after the last of them the client's requests; after the last of those the
//!   garbled tables. Silent OT has no extensions but refills, the client's after its uploads and
//!   the server's before its responses. Where ReLUs are looked up there are no tables: the client is done before the
//!   server.
//! - **Online.** Tensor by tensor: the server computes its share and sends labels slice by slice,
//!   which the client evaluates as they come; it answers once a tensor. Looked up, it is digits
//!   against tables and then rows against answers.
//!
//! Memory that a run uses beyond what was there before costs the system time as well.
//!
//! The first run for a batch size transforms the weights once all uploads are there, unless the
//! server did so at its start; they are kept as far as its budget reaches.

mod relus;

use super::CostModel;
use super::clock::{Clock, Pair, Party, Work, byte_seconds};
use super::link::Link;
use super::profile::KernelProfile;
use super::work::{Speed, macs};
use crate::error::{Error, Result};
use crate::offline::{LatticeGroup, kept};
use crate::plan::{Linear, PublicPlan};
use crate::session::{ONLINE_REQUEST_BYTES, SessionLimits, offline_request_bytes, session_traffic};
use crate::wire::Traffic;

use Party::{Client, Server};

/// Seconds of a phase, and of what keeps whom busy meanwhile. The parts overlap: they add up to
/// more than `seconds`, or (while messages travel) to less.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PhaseTime {
    /// From the phase's first step to its last, at the client.
    pub seconds: f64,
    /// The client computes.
    pub client: f64,
    /// The server computes.
    pub server: f64,
    /// Bytes move to the server.
    pub up: f64,
    /// Bytes move to the client.
    pub down: f64,
    /// Bytes that were sent, framed, and round trips.
    pub traffic: Traffic,
}

/// One tensor's share of the offline run and of an inference: what it keeps busy. Encrypted
/// convolutions count for the tensor that they read, all else for the tensor that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerTime {
    /// For the whole batch; without [`PhaseTime::seconds`] and [`PhaseTime::traffic`].
    pub offline: PhaseTime,
    /// For one inference; likewise.
    pub online: PhaseTime,
    /// Multiplications of the online convolutions that make this tensor.
    pub macs: u64,
    /// Ciphertext-plaintext products for the whole batch, of those that read it.
    pub products: u64,
    /// AND gates for the whole batch, if its ReLUs are garbled.
    pub ands: u64,
    /// Digit hashes of the client for the whole batch, if they are looked up.
    pub hashes: u64,
}

/// Predicted seconds of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeEstimate {
    /// Connecting, keys, base OTs: once a session.
    pub session: PhaseTime,
    /// An offline run of `batch` tickets whose weights are prepared, as far as they are kept.
    pub offline: PhaseTime,
    /// A run that prepares them: the first for a batch size that the server did not prepare at its
    /// start.
    pub first_offline: PhaseTime,
    /// One inference.
    pub online: PhaseTime,
    /// Tickets in an offline run.
    pub batch: usize,
    /// One entry a tensor.
    pub layers: Vec<LayerTime>,
}

/// Predicts the seconds of a session that makes tickets `batch` at a time, each party on `cores`
/// cores of the profile's machine (on loopback: both on the same ones). `plan` is validated.
///
/// # Errors
/// `Error::Input` if a convolution cannot be packed, or without cores.
pub fn estimate(
    plan: &PublicPlan,
    batch: usize,
    profile: &KernelProfile,
    link: &Link,
    cores: usize,
) -> Result<TimeEstimate> {
    CostModel::new(plan, batch)?.time(profile, link, cores)
}

impl CostModel<'_> {
    /// As [`estimate`].
    ///
    /// # Errors
    /// As [`estimate`].
    pub fn time(&self, profile: &KernelProfile, link: &Link, cores: usize) -> Result<TimeEstimate> {
        let run = self.run(profile, link, cores)?;
        let traffic = self.traffic()?;
        let (offline, first, online) = (run.offline(false), run.offline(true), run.online());
        Ok(TimeEstimate {
            session: run.session(traffic.session),
            layers: run.layers(&offline, &online),
            offline: phase(offline, traffic.offline.rounds),
            first_offline: phase(first, traffic.offline.rounds),
            online: phase(online, traffic.online.rounds),
            batch: self.batch,
        })
    }

    /// What [`Self::time`] says of a ticket's share of an offline run and of an inference.
    pub(super) fn ticket_seconds(&self, profile: &KernelProfile, link: &Link) -> Result<f64> {
        let run = self.run(profile, link, profile.threads)?;
        let (mut offline, mut online) = (run.offline(false), run.online());
        Ok(offline.done(Client) / self.batch as f64 + online.done(Client))
    }

    /// What [`Self::time`] says of an offline run.
    pub(super) fn offline_seconds(&self, profile: &KernelProfile, link: &Link) -> Result<f64> {
        Ok(self.run(profile, link, profile.threads)?.offline(false).done(Client))
    }

    /// What [`Self::time`] says of the set-up.
    pub(super) fn setup_seconds(&self, profile: &KernelProfile, link: &Link) -> Result<f64> {
        let traffic = session_traffic(self.plan.to_bytes()?.len(), self.ots);
        Ok(self.run(profile, link, profile.threads)?.session(traffic).seconds)
    }

    fn run<'b>(
        &'b self,
        profile: &'b KernelProfile,
        link: &'b Link,
        cores: usize,
    ) -> Result<Run<'b>> {
        if cores == 0 {
            return Err(Error::input("an estimate needs at least one core"));
        }
        Ok(Run { model: self, speed: Speed { profile, cores, ots: self.ots }, link })
    }
}

fn busy(work: &Work) -> PhaseTime {
    let (c, s) = (work.computing, work.sending);
    let (client, server, up, down) = (c.client, c.server, s.client, s.server);
    PhaseTime { client, server, up, down, ..PhaseTime::default() }
}

fn phase(mut clock: Clock, rounds: u64) -> PhaseTime {
    let Pair { client: up, server: down } = clock.bytes;
    let seconds = clock.done(Client);
    PhaseTime { seconds, traffic: Traffic { up, down, rounds }, ..busy(&clock.total) }
}

struct Run<'a> {
    model: &'a CostModel<'a>,
    speed: Speed<'a>,
    link: &'a Link,
}

impl Run<'_> {
    fn clock(&self) -> Clock {
        let (wire, layers) = (&self.speed.profile.wire, self.model.plan.tensors.len());
        Clock::new(self.link, wire, self.speed.cores, layers)
    }

    /// Handshakes go back and forth strictly: nothing overlaps.
    fn session(&self, traffic: Traffic) -> PhaseTime {
        let wire = &self.speed.profile.wire;
        let [up, down] = byte_seconds(self.link, wire, self.speed.cores);
        let (up, down) = (traffic.up as f64 * up, traffic.down as f64 * down);
        // TCP and TLS come before the rounds that the protocol counts.
        let waiting = (traffic.rounds + 2) as f64 * (self.link.rtt + 2.0 * wire.message);
        let half = (wire.connect + wire.session) / 2.0;
        let labels = self.speed.bootstrap(self.speed.ots.labels);
        let selection = self.speed.bootstrap(self.speed.ots.selection);
        let client = half + labels.0 + selection.1;
        let server = half + labels.1 + selection.0;
        let seconds = client + server + up + down + waiting;
        PhaseTime { seconds, client, server, up, down, traffic }
    }

    fn offline(&self, first: bool) -> Clock {
        let (mut clock, speed) = (self.clock(), &self.speed);
        self.layouts(&mut clock);
        let request = clock.send(Client, offline_request_bytes(self.model.schedule.relus.len()));
        clock.receive(Server, request);
        let values: usize = self.model.plan.tensors.iter().map(|t| t.shape.len()).sum();
        clock.compute(Client, speed.random(self.model.batch * values));
        let (client, server) = self.model.fresh_bytes();
        let stock = if self.model.runs_before == 0 { self.model.stock().1 } else { 0 };
        clock.compute(Client, speed.fresh(client + stock));
        clock.compute(Server, speed.fresh(server + stock));
        self.linear_layers(&mut clock, first);
        for (j, spec) in self.model.plan.tensors.iter().enumerate() {
            clock.layer(Some(j));
            let share = speed.public_terms(self.model.plan, spec);
            clock.compute(Client, self.model.batch as f64 * share);
        }
        self.relus(&mut clock, speed.elements(self.model.batch * values));
        clock
    }

    /// The client packs the plan for every run; the server has done so at its start.
    fn layouts(&self, clock: &mut Clock) {
        for group in &self.model.lattice.groups {
            clock.layer(Some(group.group.input));
            clock.compute(Client, self.speed.layout(group));
        }
        clock.layer(None);
    }

    /// Which groups' weights the server keeps, in the order in which it fills its budget.
    fn cached(&self) -> Vec<bool> {
        let groups = self.model.lattice.groups.iter().map(LatticeGroup::prepared_bytes);
        kept(groups, SessionLimits::default().weight_cache)
    }

    fn linear_layers(&self, clock: &mut Clock, first: bool) {
        let (groups, speed) = (&self.model.lattice.groups, &self.speed);
        let mut arrivals = Vec::with_capacity(groups.len());
        for group in groups {
            clock.layer(Some(group.group.input));
            clock.compute(Client, speed.encrypt(group));
            arrivals.push(clock.send(Client, group.upload_bytes()));
        }
        arrivals.into_iter().for_each(|a| clock.receive(Server, a));
        self.refill(clock);
        let cached = self.cached();
        for (group, _) in groups.iter().zip(&cached).filter(|(_, cached)| first && **cached) {
            clock.layer(Some(group.group.input));
            clock.compute(Server, speed.keep(group));
        }
        for (group, cached) in groups.iter().zip(&cached) {
            clock.layer(Some(group.group.input));
            clock.compute(Server, speed.evaluate(group, *cached));
            let response = clock.send(Server, group.response_bytes());
            clock.receive(Client, response);
            clock.compute(Client, speed.decrypt(group));
        }
    }

    fn online(&self) -> Clock {
        let (mut clock, plan) = (self.clock(), self.model.plan);
        let last = plan.tensors.len().saturating_sub(1);
        let pixels = plan.tensors.first().map_or(0, |t| t.shape.len());
        clock.layer(Some(0));
        clock.compute(Client, self.speed.elements(2 * pixels));
        for bytes in [ONLINE_REQUEST_BYTES, 8 * pixels] {
            let message = clock.send(Client, bytes);
            clock.receive(Server, message);
        }
        for j in 1..plan.tensors.len() {
            clock.layer(Some(j));
            self.accumulate(&mut clock, j);
            self.activate(&mut clock, j);
        }
        let logits = clock.send(Server, 8 * plan.tensors.get(last).map_or(0, |t| t.shape.len()));
        clock.receive(Client, logits);
        clock
    }

    /// The server's share of a tensor.
    fn accumulate(&self, clock: &mut Clock, j: usize) {
        let Some(spec) = self.model.plan.tensors.get(j) else { return };
        let convs = spec.terms.iter().filter_map(|t| match &t.op {
            Linear::Conv(shape) => Some(self.speed.conv(shape)),
            _ => None,
        });
        let fixed = self.model.schedule.identities.get(j).map_or(0, Vec::len);
        // The mask is copied, the bias added.
        let shares = self.speed.elements(2 * spec.shape.len() + fixed);
        let public = self.speed.public_terms(self.model.plan, spec);
        clock.compute(Server, convs.sum::<f64>() + shares + public);
    }

    fn layers(&self, offline: &Clock, online: &Clock) -> Vec<LayerTime> {
        let tensors = self.model.plan.tensors.iter().zip(&offline.layers).zip(&online.layers);
        let times = tensors.map(|((spec, offline), online)| LayerTime {
            offline: busy(offline),
            online: busy(online),
            macs: macs(spec),
            ..LayerTime::default()
        });
        let mut layers: Vec<LayerTime> = times.collect();
        for group in &self.model.lattice.groups {
            if let Some(layer) = layers.get_mut(group.group.input) {
                layer.products += group.products() as u64;
            }
        }
        for relu in &self.model.schedule.relus {
            if let Some(layer) = layers.get_mut(relu.tensor) {
                let n = self.model.batch * relu.positions.len();
                let work = self.model.gadget(relu).symmetric(n);
                (layer.ands, layer.hashes) = (work.ands, work.hashes);
            }
        }
        layers
    }
}
