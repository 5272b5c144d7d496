//! Honest clients beside strangers who abuse the server: right answers, how long they took, and
//! what the server holds before and after.

mod attack;
mod honest;
mod stranger;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tacita_cli::{json_line, line};
use tacita_image_input::Pixels;
use tacita_protocol::plan::class_of;
use tacita_protocol::{Error, Result};

use attack::{Attack, Tally};
use honest::{Experience, Known};
use stranger::Origin;
use tacita_bench::certs::{self, Certs};
use tacita_bench::clear::Clear;
use tacita_bench::client::pictures;
use tacita_bench::process::sibling;
use tacita_bench::server::{Server, Stopped};
use tacita_bench::stage::{build, compiler, temporary};
use tacita_bench::table::bytes;
use watch::{Held, Memory};

/// Options of `abuse`.
#[derive(Args)]
pub struct Options {
    /// The model
    #[arg(long, default_value = "models/cifar10-thin.onnx")]
    model: PathBuf,
    /// Folder of pictures that the honest clients send
    #[arg(long, default_value = "samples")]
    samples: PathBuf,
    /// Minutes of load
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Honest clients
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Tickets that an honest client makes at a time
    #[arg(long, default_value_t = 4)]
    batch: usize,
    /// Attacks, all at once; none for the same load in peace [default: every one]
    #[arg(long, value_enum, value_delimiter = ',')]
    attacks: Option<Vec<Attack>>,
    /// The honest clients alone
    #[arg(long, conflicts_with = "attacks")]
    peace: bool,
    /// Further arguments for tacita-server
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the load and reports.
///
/// # Errors
/// `Local` if something does not start, or if an answer was wrong.
pub fn run(options: &Options) -> Result<()> {
    let dir = temporary()?;
    let plan = dir.path().join("model.plan");
    build(compiler(&options.model, &plan, None)?)?;
    let known = known(options, &Clear::load(&options.model, &plan)?)?;
    let certs = certs::make(dir.path())?;
    let mut command = sibling("tacita-server")?;
    command.args(&options.server_arg);
    let server = Server::run(command, &plan, &certs)?;
    let before = Held::of(server.id());
    let load = Load { options, known: &known, server: &server, certs: &certs };
    let (met, tallies, memory) = load.run()?;
    let after = Held::settled(server.id(), before.descriptors, Duration::from_secs(60));
    let stopped = {
        let silent = origin(&server, &certs, 2)?;
        server.stop_beside(|| silent.tcp())
    }?;
    report(options, &Outcome { met: &met, tallies: &tallies, memory, before, after, stopped })?;
    if met.wrong == 0 { Ok(()) } else { Err(Error::local("answers were wrong")) }
}

/// The pictures with their classes in the clear.
fn known(options: &Options, clear: &Clear) -> Result<Vec<Known>> {
    let class = |path: PathBuf| {
        let logits = clear.fixed(&Pixels::load(&path)?)?;
        Ok((path, class_of(&logits)))
    };
    pictures(&options.samples)?.into_iter().map(class).collect()
}

fn origin(server: &Server, certs: &Certs, host: u8) -> Result<Origin> {
    Origin::new(&server.addr, host, certs)
}

struct Load<'a> {
    options: &'a Options,
    known: &'a [Known],
    server: &'a Server,
    certs: &'a Certs,
}

/// The part of the time in which the server warms up.
const WARM_UP: u32 = 5;

/// What honest clients met, what attacks came to, and the server's memory.
type Met = (Experience, Vec<(Attack, Tally)>, Memory);

impl Load<'_> {
    fn attacks(&self) -> Vec<Attack> {
        match &self.options.attacks {
            _ if self.options.peace => Vec::new(),
            Some(some) => some.clone(),
            None => Attack::value_variants().to_vec(),
        }
    }

    fn run(&self) -> Result<Met> {
        let stop = AtomicBool::new(false);
        let time = Duration::from_secs_f64(60.0 * self.options.minutes);
        let numbered = self.attacks().into_iter().zip(2u8..);
        // Each attack comes from an address of its own.
        let attacks: Vec<(Attack, Origin)> = numbered
            .map(|(attack, host)| Ok((attack, origin(self.server, self.certs, host)?)))
            .collect::<Result<_>>()?;
        let place = (self.server.addr.as_str(), self.certs);
        Ok(std::thread::scope(|scope| {
            let stop = &stop;
            let strangers: Vec<_> = attacks
                .iter()
                .map(|(attack, from)| scope.spawn(move || (*attack, attack.run(from, place, stop))))
                .collect();
            let work = (self.known, self.options.batch);
            let clients: Vec<_> = (0..self.options.clients)
                .map(|_| scope.spawn(move || honest::work(place, work, stop)))
                .collect();
            let id = self.server.id();
            let memory = scope.spawn(move || watch::memory(id, time / WARM_UP, stop));
            wait(time);
            stop.store(true, Ordering::Relaxed);
            let mut met = Experience::default();
            clients.into_iter().filter_map(|c| c.join().ok()).for_each(|m| met.add(m));
            let tallies = strangers.into_iter().filter_map(|s| s.join().ok()).collect();
            (met, tallies, memory.join().unwrap_or_default())
        }))
    }
}

fn wait(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|l| !l.is_zero()) {
        std::thread::sleep(left);
    }
}

struct Outcome<'a> {
    met: &'a Experience,
    tallies: &'a [(Attack, Tally)],
    memory: Memory,
    before: Held,
    after: Held,
    /// How it ended, beside a connection that says nothing.
    stopped: Stopped,
}

/// The value that `share` of the values do not exceed.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn report(options: &Options, o: &Outcome<'_>) -> Result<()> {
    let (met, memory) = (o.met, &o.memory);
    let [median, most_online, ticket] =
        [(&met.online, 0.5), (&met.online, 0.95), (&met.offline, 0.5)].map(|(v, q)| quantile(v, q));
    if options.json {
        let attacks: Vec<_> = o.tallies.iter().map(|(attack, tally)| {
            json!({"attack": format!("{attack:?}"), "tried": tally.tried, "turned_away": tally.turned_away})
        }).collect();
        return json_line(&json!({
            "event": "abuse", "minutes": options.minutes, "clients": options.clients,
            "answers": met.online.len(), "wrong": met.wrong, "failures": met.failures,
            "online_median": median, "online_95": most_online, "ticket_median": ticket,
            "memory": memory, "memory_growth_percent": memory.growth(),
            "descriptors_before": o.before.descriptors, "descriptors_after": o.after.descriptors,
            "stop_seconds": o.stopped.seconds, "offline_stretches": o.stopped.event.get("offline_stretches"),
            "attacks": attacks,
        }));
    }
    line(&format!(
        "{} answers to {} honest clients in {} min, {} wrong; online {median:.3} s in the median, \
         {most_online:.3} s for 19 of 20; a ticket {ticket:.3} s",
        met.online.len(),
        options.clients,
        options.minutes,
        met.wrong
    ))?;
    line(&format!(
        "server: at most {} of memory while it warmed up, then {} in the first quarter, {} in the \
         last ({:+.1} %), at most {}; {} descriptors before, {} after; stopped {:.2} s after the \
         signal",
        bytes(memory.warm_up as f64),
        bytes(memory.first as f64),
        bytes(memory.last as f64),
        memory.growth(),
        bytes(memory.most as f64),
        o.before.descriptors,
        o.after.descriptors,
        o.stopped.seconds
    ))?;
    let stretch = |which: &str| {
        let pointer = format!("/offline_stretches/{which}_seconds");
        1e3 * o.stopped.event.pointer(&pointer).and_then(Value::as_f64).unwrap_or(f64::NAN)
    };
    line(&format!(
        "a stretch of offline work, which an inference may wait for: {:.1} ms in the mean, {:.1} ms \
         at most",
        stretch("mean"),
        stretch("longest")
    ))?;
    for (what, times) in &met.failures {
        line(&format!("{times} honest sessions failed: {what}"))?;
    }
    o.tallies.iter().try_for_each(|(attack, tally)| {
        line(&format!("{attack:?}: {} tried, {} turned away", tally.tried, tally.turned_away))
    })
}
