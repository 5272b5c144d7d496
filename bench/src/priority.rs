//! `tacita-bench priority`: how long an image takes while other clients make tickets.
//!
//! The other clients run at the lowest priority: they stand for other machines, and what is
//! measured is the server, not who gets this machine's cores.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use tacita_cli::{json_line, line};
use tacita_protocol::{Error, Result};

use tacita_bench::certs::{self, Certs};
use tacita_bench::client::pictures;
use tacita_bench::process::{sibling, stand_aside};
use tacita_bench::server::Server;
use tacita_bench::stage::{build, compiler, temporary};
use tacita_bench::table::{markdown, median};

/// Tickets that each of the other clients makes before it connects again.
const TICKETS: &str = "64";
/// From the other clients' start to the first measured image: their first tickets are under way.
const WARM_UP: Duration = Duration::from_secs(2);
/// Between two images: what one leaves to do is done before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Options of `priority`.
#[derive(Args)]
pub struct Options {
    /// The model
    #[arg(long, default_value = "models/cifar10-thin.onnx")]
    model: PathBuf,
    /// Folder of pictures to classify
    #[arg(long, default_value = "samples")]
    samples: PathBuf,
    /// Images to time beside each number of other clients
    #[arg(short, default_value_t = 40)]
    n: usize,
    /// Numbers of other clients
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    others: Vec<usize>,
    /// Folder with tacita-server and tacita-client of another release; by default this program's
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Times images beside each number of other clients.
///
/// # Errors
/// Whatever goes wrong, said plainly.
pub fn run(options: &Options) -> Result<()> {
    let dir = temporary()?;
    let plan = dir.path().join("model.plan");
    build(compiler(&options.model, &plan, None)?)?;
    let stage = Stage {
        certs: certs::make(dir.path())?,
        images: pictures(&options.samples)?,
        programs: options.programs.as_deref(),
    };
    let server = Server::run(stage.program("tacita-server")?, &plan, &stage.certs)?;
    let measured = options.others.iter().map(|others| {
        let (seconds, tickets) = stage.measure(&server.addr, *others, options.n)?;
        Ok(Row::new(*others, seconds, tickets))
    });
    print(&measured.collect::<Result<Vec<_>>>()?, options.json)
}

struct Row {
    others: usize,
    median: f64,
    ninth: f64,
    worst: f64,
    tickets: f64,
}

impl Row {
    /// `tickets`: those that all other clients made in a second.
    fn new(others: usize, mut seconds: Vec<f64>, tickets: f64) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |share: usize| {
            let at = (seconds.len() * share / 10).min(seconds.len().saturating_sub(1));
            seconds.get(at).copied().unwrap_or(f64::NAN)
        };
        let (ninth, worst) = (at(9), at(10));
        Self { others, median: median(seconds), ninth, worst, tickets }
    }
}

fn print(rows: &[Row], json: bool) -> Result<()> {
    let alone = rows.first().map_or(f64::NAN, |row| row.median);
    if json {
        return rows.iter().try_for_each(|r| {
            json_line(&json!({
                "others": r.others, "median_seconds": r.median, "ninth_decile_seconds": r.ninth,
                "worst_seconds": r.worst, "of_first": r.median / alone,
                "others_tickets_a_second": r.tickets,
            }))
        });
    }
    let milliseconds = |s: f64| format!("{:.1}", 1000.0 * s);
    let row = |r: &Row| {
        let mut cells = vec![r.others.to_string()];
        cells.extend([r.median, r.ninth, r.worst].map(milliseconds));
        cells.extend([format!("{:.2}", r.median / alone), format!("{:.1}", r.tickets)]);
        cells
    };
    line("An image online, beside clients that make 64 tickets again and again:\n")?;
    markdown(
        &["clients", "median (ms)", "9th decile", "worst", "of the first", "tickets a second"],
        &rows.iter().map(row).collect::<Vec<_>>(),
    )
}

/// What clients need.
struct Stage<'a> {
    certs: Certs,
    images: Vec<PathBuf>,
    programs: Option<&'a Path>,
}

impl Stage<'_> {
    fn program(&self, name: &str) -> Result<Command> {
        self.programs.map_or_else(|| sibling(name), |dir| Ok(Command::new(dir.join(name))))
    }

    /// Arguments of a client that makes so many tickets.
    fn client(&self, addr: &str, tickets: &str) -> Vec<String> {
        let ca = self.certs.ca.display().to_string();
        let words = ["prepare", "--json", "--server", addr, "--server-name", "localhost"];
        let more = ["--ca", &ca, "-n", tickets, "--threads", "1"];
        words.into_iter().chain(more).map(str::to_owned).collect()
    }

    /// Online seconds of `n` images beside so many other clients, and the tickets that those made
    /// in a second.
    fn measure(&self, addr: &str, others: usize, n: usize) -> Result<(Vec<f64>, f64)> {
        let mut command = self.program("tacita-client")?;
        command.args(self.client(addr, &(n + 1).to_string()));
        let mut client = Client::start(command)?;
        let mut images = self.images.iter().cycle();
        let mut next = || images.next().map_or(Err(Error::input("no images")), |i| client.time(i));
        // Answered when all tickets are there.
        next()?;
        let started = Instant::now();
        let load = Load::start(others, || self.other(addr))?;
        sleep(if others > 0 { WARM_UP } else { PAUSE });
        let seconds = (0..n).map(|_| {
            sleep(PAUSE);
            next()
        });
        let seconds = seconds.collect::<Result<Vec<_>>>()?;
        let made = load.stop()? as f64 / started.elapsed().as_secs_f64();
        Ok((seconds, made))
    }

    /// One of the other clients.
    fn other(&self, addr: &str) -> Result<Command> {
        let mut command = self.program("tacita-client")?;
        command.args(self.client(addr, TICKETS));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }
}

fn failed(what: impl std::fmt::Display) -> Error {
    Error::local(format!("tacita-client: {what}"))
}

/// A client that answers the images that it is told.
struct Client {
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(out)) => {
                Ok(Self { child, stdin, answers: BufReader::new(out).lines() })
            }
            _ => Err(failed("has no pipes")),
        }
    }

    /// Online seconds of an image.
    fn time(&mut self, image: &Path) -> Result<f64> {
        writeln!(self.stdin, "{}", image.display()).map_err(failed)?;
        let answer = self.answers.next().ok_or_else(|| failed("ended early"))?.map_err(failed)?;
        let value: Value = serde_json::from_str(&answer).map_err(failed)?;
        let seconds = value.pointer("/online/seconds").and_then(Value::as_f64);
        seconds.ok_or_else(|| failed(format!("unexpected output: {answer}")))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Clients that make tickets until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Result<()>>>,
}

impl Load {
    fn start(clients: usize, command: impl Fn() -> Result<Command>) -> Result<Self> {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let one = |mut command: Command| {
            let (stop, rounds) = (Arc::clone(&stop), Arc::clone(&rounds));
            spawn(move || {
                stand_aside();
                keep_running(&mut command, &stop, &rounds)
            })
        };
        let clients = (0..clients).map(|_| command().map(one)).collect::<Result<_>>()?;
        Ok(Self { stop, rounds, clients })
    }

    /// Ends the clients; the tickets of those runs that were finished.
    fn stop(self) -> Result<usize> {
        let tickets: usize = TICKETS.parse().unwrap_or_default();
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().map_err(|_| failed("its thread ended early"))??;
        }
        Ok(tickets * self.rounds.load(Ordering::Relaxed))
    }
}

fn keep_running(command: &mut Command, stop: &AtomicBool, rounds: &AtomicUsize) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let mut child = command.spawn().map_err(failed)?;
        loop {
            if stop.load(Ordering::Relaxed) {
                let _ = child.kill();
                let _ = child.wait();
                break;
            }
            if let Some(status) = child.try_wait().map_err(failed)? {
                if !status.success() {
                    return Err(failed(format!("one of the other clients ended with {status}")));
                }
                rounds.fetch_add(1, Ordering::Relaxed);
                break;
            }
            sleep(Duration::from_millis(5));
        }
    }
    Ok(())
}
