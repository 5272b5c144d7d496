//! A row for people.

use std::fmt::Write as _;

use tacita_bench::table::bytes;

use super::row::{Phase, Row};

/// The phases, then the layers.
pub fn text(row: &Row) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}: {} of {} ReLUs, {} tickets a run, {}\n",
        row.net,
        row.relus,
        row.unmasked_relus,
        row.batch,
        network(row)
    );
    let _ = writeln!(
        out,
        "{:26} {:>9} {:>10} {:>10} {:>6} {:>11} {:>11}",
        "", "seconds", "up", "down", "rounds", "client CPU", "server CPU"
    );
    let cpu = |[c, s]: [f64; 2]| format!("{c:>9.3} s {s:>9.3} s");
    let (offline, online) = (&row.offline, &row.online);
    let made = row.batch as f64;
    let _ = writeln!(out, "{}", phase("set-up", &row.setup, ""));
    let _ = writeln!(out, "{:26} {:>9.3}", "first offline run", row.first_offline.seconds);
    let used = cpu([made * offline.client_cpu, made * offline.server_cpu]);
    let _ = writeln!(out, "{}", phase("a later offline run", &offline.batch, &used));
    let _ = writeln!(
        out,
        "{:26} {:>9.3} {:>21} {:>6} {}",
        "  a ticket of it",
        offline.seconds_a_ticket,
        bytes(offline.bytes_a_ticket),
        "",
        cpu([offline.client_cpu, offline.server_cpu])
    );
    let used = cpu([online.client_cpu, online.server_cpu]);
    let name = format!("online, median of {}", online.images);
    let _ = writeln!(out, "{}", phase(&name, &online.phase, &used));
    let (client, server) = (bytes(row.client_peak as f64), bytes(row.server_peak as f64));
    let _ = writeln!(out, "peak memory: client {client}, server {server}\n");
    layers(&mut out, row);
    out
}

/// The connection's name and numbers, which may be one and the same.
fn network(row: &Row) -> String {
    let Row { network: name, network_numbers: numbers, .. } = row;
    if name == numbers { name.clone() } else { format!("{name} ({numbers})") }
}

fn phase(name: &str, p: &Phase, cpu: &str) -> String {
    let (up, down) = (bytes(p.up as f64), bytes(p.down as f64));
    format!("{name:26} {:>9.3} {up:>10} {down:>10} {:>6} {cpu}", p.seconds, p.rounds)
}

fn layers(out: &mut String, row: &Row) {
    let _ = writeln!(
        out,
        "{:26} {:>9} {:>10} {:>10} {:>10} {:>10} {:>9}",
        "layer", "ReLUs", "offline up", "down", "online up", "down", "online s"
    );
    for l in &row.layers {
        let offline = (bytes(l.offline_up), bytes(l.offline_down));
        let online = (bytes(l.online_up as f64), bytes(l.online_down as f64));
        let _ = writeln!(
            out,
            "{:26} {:>9} {:>10} {:>10} {:>10} {:>10} {:>9.4}",
            l.name, l.relus, offline.0, offline.1, online.0, online.1, l.seconds
        );
    }
    let _ = write!(
        out,
        "\nBytes of layers are payload; convolutions are booked on the layer they read. A layer \
         without messages\nonline has no time of its own: it is in the next one's."
    );
}
