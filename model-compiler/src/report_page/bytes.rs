//! Where the bytes are, layer by layer.

use tacita_page::text::count;
use tacita_page::{Axis, Figure, Hue, Look, Marks, Row, Rows, Table};
use tacita_protocol::cost::TensorCost;

use super::{Page, shape};

/// A part of a layer's bytes.
struct Part {
    name: &'static str,
    of: fn(&TensorCost) -> u64,
}

const OFFLINE: [Part; 5] = [
    Part { name: "lattice, to the server", of: |t| t.lattice_up },
    Part { name: "lattice, to the client", of: |t| t.lattice_down },
    Part { name: "garbled tables", of: |t| t.offline_down },
    Part { name: "oblivious transfer", of: |t| t.ot_up + t.ot_down },
    Part { name: "corrections", of: |t| t.offline_up },
];

const ONLINE: [Part; 2] = [
    Part { name: "labels and logits, to the client", of: |t| t.online_down },
    Part { name: "image and shares, to the server", of: |t| t.online_up },
];

/// What a table shows: its parts, what they are divided by, and the bytes of the phase.
struct Phase<'a> {
    parts: &'a [Part],
    tickets: u64,
    total: u64,
}

/// Offline, for one ticket.
pub fn offline(p: &Page<'_>) -> Figure {
    let prediction = p.contents.prediction;
    let tickets = prediction.batch.max(1) as u64;
    let total = prediction.offline.up + prediction.offline.down;
    let phase = Phase { parts: &OFFLINE, tickets, total };
    let caption = format!(
        "Bytes of one ticket when {tickets} are made at a time. Lattice bytes stand at the tensor \
         that the convolutions read; tables, transfers and corrections at the tensor that its \
         ReLUs make."
    );
    phase.figure(p, ["Offline", "bytes a ticket, offline"], caption)
}

/// Online, for one image.
pub fn online(p: &Page<'_>) -> Figure {
    let prediction = p.contents.prediction;
    let total = prediction.online.up + prediction.online.down;
    let phase = Phase { parts: &ONLINE, tickets: 1, total };
    let caption = "Bytes of one image. Layers without a ReLU send nothing.".to_owned();
    phase.figure(p, ["Online", "bytes an image, online"], caption)
}

impl Phase<'_> {
    fn figure(&self, p: &Page<'_>, [heading, label]: [&str; 2], caption: String) -> Figure {
        let costs = || p.layers.iter().zip(&p.contents.prediction.tensors);
        let values = |t: &TensorCost| -> Vec<f64> {
            self.parts.iter().map(|part| (part.of)(t) as f64 / self.tickets as f64).collect()
        };
        let all = self.total as f64 / self.tickets as f64;
        let row = |(l, t): (&crate::LayerReport, &TensorCost)| {
            let values = values(t);
            let share = 100.0 * values.iter().sum::<f64>() / all.max(1.0);
            Row { name: l.name.clone(), values, of: None, aside: format!("{share:.1} %") }
        };
        let rows: Vec<Row> = costs().map(row).collect();
        let axis = Axis::from_zero(label, rows.iter().map(|r| r.values.iter().sum()));
        let series = self.parts.iter().enumerate();
        let series: Vec<(String, Hue)> =
            series.map(|(i, part)| (part.name.to_owned(), Hue::Ours(i))).collect();
        let legend = series.iter().map(|(name, hue)| (name.clone(), *hue, Look::Bars)).collect();
        let description = format!("{caption} {} bytes in all.", count(all as u64));
        let (title, aside) = (format!("{heading}: bytes by layer"), "share".to_owned());
        let marks = Marks::Stacked;
        let chart = Rows { title, description, axis, marks, series, rows, aside };
        Figure {
            heading: heading.to_owned(),
            caption,
            command: String::new(),
            charts: vec![chart.into()],
            legend,
            tables: vec![self.table(p, label)],
        }
    }

    fn table(&self, p: &Page<'_>, caption: &str) -> Table {
        let parts = self.parts.iter().map(|part| format!("#{}", part.name));
        let headings: Vec<String> =
            ["Layer", "Shape"].map(str::to_owned).into_iter().chain(parts).collect();
        let headings: Vec<&str> = headings.iter().map(String::as_str).chain(["#sum"]).collect();
        let mut table = Table::new(&format!("Layers: {caption}"), &headings);
        let share = |bytes: u64| count((bytes + self.tickets / 2) / self.tickets);
        let row = |name: String, shape: String, bytes: Vec<u64>| {
            let sum = bytes.iter().sum();
            let cells = bytes.into_iter().chain([sum]).map(share);
            [name, shape].into_iter().chain(cells).collect::<Vec<String>>()
        };
        let tensors = &p.contents.prediction.tensors;
        let bytes = |t: &TensorCost| self.parts.iter().map(|part| (part.of)(t)).collect();
        for (l, t) in p.layers.iter().zip(tensors) {
            table.rows.push(row(l.name.clone(), shape(l), bytes(t)));
        }
        let sums: Vec<u64> =
            self.parts.iter().map(|part| tensors.iter().map(part.of).sum()).collect();
        let payload: u64 = sums.iter().sum();
        table.rows.push(row("all layers".into(), String::new(), sums));
        let mut last = |name: &str, bytes: u64| {
            let blank = vec![String::new(); self.parts.len() + 1];
            let cells = [vec![name.to_owned()], blank, vec![share(bytes)]];
            table.rows.push(cells.concat());
        };
        last("requests and frames", self.total.saturating_sub(payload));
        last("total", self.total);
        table
    }
}
