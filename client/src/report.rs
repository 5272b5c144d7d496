//! Results, for people and for programs.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tacita_cli::{count, hex, json_line, line, printable, tell, tell_choices, traffic};
use tacita_protocol::Result;
use tacita_protocol::gadget::ReluChoice;
use tacita_protocol::plan::{PlanHash, PublicPlan, Reveals, Winner};
use tacita_protocol::session::Inference;
use tacita_protocol::wire::PhaseTraffic;

use crate::map::Map;

/// Classes shown to people.
const TOP: usize = 5;

/// Time and traffic of one step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Wall time.
    pub time: Duration,
    /// What crossed the wire, as the client counts it.
    pub traffic: PhaseTraffic,
}

impl Cost {
    /// Sum of two costs.
    pub fn plus(self, other: Self) -> Self {
        let (a, b) = (self.traffic, other.traffic);
        let traffic = PhaseTraffic {
            sent: a.sent + b.sent,
            received: a.received + b.received,
            rounds: a.rounds + b.rounds,
        };
        Self { time: self.time + other.time, traffic }
    }

    fn json(self) -> Value {
        let mut value = traffic(self.traffic);
        if let Value::Object(fields) = &mut value {
            fields.insert("seconds".into(), self.time.as_secs_f64().into());
        }
        value
    }

    fn text(self) -> String {
        let PhaseTraffic { sent, received, rounds } = self.traffic;
        let seconds = self.time.as_secs_f64();
        let rounds = count(rounds as usize, "round trip");
        format!("{seconds:.3} s, {sent} B up, {received} B down, {rounds}")
    }
}

/// A class and what speaks for it: its probability, or the logit where only the winner is known.
struct Ranked {
    class: usize,
    score: f64,
}

/// One classified image.
pub struct Answer<'a> {
    /// The image.
    pub path: &'a Path,
    /// What it revealed, and times.
    pub inference: &'a Inference,
    /// The map that it opened.
    pub map: Option<&'a Map>,
    /// The run that made its ticket, and that run's tickets.
    pub offline: (Cost, usize),
    /// The inference.
    pub online: Cost,
}

impl Answer<'_> {
    /// Classes by falling probability, the winner first: all of them, or that one alone.
    fn ranking(&self, plan: &PublicPlan, winner: Winner) -> Vec<Ranked> {
        let Some(all) = plan.probabilities(&self.inference.output) else {
            return vec![Ranked { class: winner.class, score: real(plan, winner.logit) }];
        };
        let numbered = all.into_iter().enumerate();
        let mut order: Vec<_> = numbered.map(|(class, score)| Ranked { class, score }).collect();
        order.sort_by(|a, b| b.score.total_cmp(&a.score));
        // Different logits can have the same probability: rounded to 1, say.
        if let Some(at) = order.iter().position(|r| r.class == winner.class) {
            order.get_mut(..=at).unwrap_or_default().rotate_right(1);
        }
        order
    }

    /// Prints the answer.
    ///
    /// # Errors
    /// `Local` if stdout is closed, `PeerMisbehaved` if the values opened name no class.
    pub fn print(&self, plan: &PublicPlan, json: bool) -> Result<()> {
        let winner = match self.map {
            Some(_) => None,
            None => Some(plan.winner(&self.inference.output)?),
        };
        if json { json_line(&self.json(plan, winner)) } else { line(&self.text(plan, winner)) }
    }

    fn json(&self, plan: &PublicPlan, winner: Option<Winner>) -> Value {
        let (offline, tickets) = self.offline;
        let mut offline = offline.json();
        if let Value::Object(fields) = &mut offline {
            fields.insert("tickets".into(), tickets.into());
        }
        let mut online = self.online.json();
        if let Value::Object(fields) = &mut online {
            fields.insert("layers".into(), self.layers(plan));
        }
        let mut value = json!({
            "event": "image",
            "image": self.path.display().to_string(),
            "class": winner.map(|w| w.class),
            "label": winner.map(|w| label(plan, w.class)),
            "reveals": plan.reveals.name(),
            "offline_batch": offline,
            "online": online,
            "relus": plan.relus(),
            "unmasked_relus": plan.unmasked_relus(),
        });
        if let Value::Object(fields) = &mut value {
            for (name, scores) in self.scores(plan, winner) {
                fields.insert(name.into(), scores);
            }
        }
        value
    }

    /// What else is known: the map, all logits and probabilities in class order, or the winning
    /// logit.
    fn scores(&self, plan: &PublicPlan, winner: Option<Winner>) -> Vec<(&'static str, Value)> {
        if let Some(map) = self.map {
            return vec![("map", map.json())];
        }
        let opened = &self.inference.output;
        match plan.probabilities(opened) {
            Some(probabilities) => vec![
                ("logits", opened.iter().map(|x| real(plan, *x)).collect()),
                ("probabilities", probabilities.into()),
            ],
            None => vec![("logit", winner.map(|w| real(plan, w.logit)).into())],
        }
    }

    /// Wall seconds of each tensor that the parties exchange messages for.
    fn layers(&self, plan: &PublicPlan) -> Value {
        let layer = |(tensor, time): &(usize, Duration)| {
            let name = plan.tensors.get(*tensor).map(|t| t.name.as_str());
            json!({"name": name, "seconds": time.as_secs_f64()})
        };
        self.inference.layers.iter().map(layer).collect()
    }

    fn text(&self, plan: &PublicPlan, winner: Option<Winner>) -> String {
        let named = |r: &Ranked| {
            let label = printable(&label(plan, r.class));
            match plan.reveals {
                Reveals::Logits => format!("{label} {:.1} %", 100.0 * r.score),
                Reveals::Top1 { .. } => format!("{label}, logit {:.3}", r.score),
            }
        };
        let answer = match (self.map, winner) {
            (Some(map), _) => map.text(|class| label(plan, class)),
            (None, Some(winner)) => {
                let ranking = self.ranking(plan, winner);
                let top: Vec<String> = ranking.iter().take(TOP).map(named).collect();
                let best = printable(&label(plan, winner.class));
                format!("{best}\n  top      {}", top.join(", "))
            }
            (None, None) => String::new(),
        };
        let (offline, tickets) = self.offline;
        let share = offline.time.as_secs_f64() / tickets.max(1) as f64;
        let tickets = count(tickets, "ticket");
        format!(
            "{}: {answer}\n  offline  {share:.3} s a ticket; {tickets}: {}\n  \
             online   {}\n  ReLUs    {} of the unmasked network's {}",
            self.path.display(),
            offline.text(),
            self.online.text(),
            plan.relus(),
            plan.unmasked_relus(),
        )
    }
}

/// A logit as a number.
fn real(plan: &PublicPlan, logit: i64) -> f64 {
    logit as f64 / f64::from(plan.logit_frac()).exp2()
}

/// A class's name, as the plan gives it.
fn label(plan: &PublicPlan, class: usize) -> String {
    plan.labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
}

/// An image without an answer, or a line that names none.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn print_failure(image: Option<&Path>, why: &str, json: bool) -> Result<()> {
    let image = image.map(|path| path.display().to_string());
    if json {
        return json_line(&json!({"event": "image_error", "image": image, "message": why}));
    }
    let place = image.map_or_else(String::new, |image| format!("{}: ", printable(&image)));
    tell(&format!("{place}{}", printable(why)));
    Ok(())
}

/// Totals of a run.
#[derive(Default)]
pub struct Totals {
    /// Images answered.
    pub images: usize,
    /// Tickets made.
    pub tickets: usize,
    /// Handshake, keys, base OTs.
    pub setup: Cost,
    /// Making tickets.
    pub offline: Cost,
    /// Spending them.
    pub online: Cost,
    /// Bytes (sent, received) below TLS.
    pub socket: (u64, u64),
}

impl Totals {
    /// Prints the totals.
    ///
    /// # Errors
    /// `Local` if stdout is closed.
    pub fn print(&self, hash: &PlanHash, json: bool) -> Result<()> {
        let Self { images, tickets, setup, offline, online, socket: (sent, received) } = self;
        if json {
            return json_line(&json!({
                "event": "summary",
                "images": images,
                "tickets": tickets,
                "plan": hex(hash),
                "setup": setup.json(),
                "offline": offline.json(),
                "online": online.json(),
                "socket": {"sent": sent, "received": received},
            }));
        }
        line(&format!(
            "{images} answered, {} made\n  setup    {}\n  offline  {}\n  online   {}",
            count(*tickets, "ticket"),
            setup.text(),
            offline.text(),
            online.text(),
        ))
    }
}

/// Prints what the client knows about the network.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn print_plan(plan: &PublicPlan, hash: &PlanHash, json: bool) -> Result<()> {
    let shape = |t: &tacita_protocol::plan::TensorSpec| {
        format!("{}x{}x{}", t.shape.channels, t.shape.height, t.shape.width)
    };
    let input = plan.tensors.first().map(shape).unwrap_or_default();
    let classes = plan.classes();
    if json {
        return json_line(&plan_json(plan, hash, &input, classes));
    }
    line(&format!(
        "network  {}\nplan     {}\ninput    {input}\nclasses  {classes}\nreveals  {}\n\
         batch    {}\n\
         ReLUs    {} of the unmasked network's {}, {}",
        printable(&plan.name),
        hex(hash),
        plan.reveals,
        count(plan.batch, "ticket"),
        plan.relus(),
        plan.unmasked_relus(),
        tell_choices(&plan.relu_choices)
    ))?;
    for (t, choice) in plan.tensors.iter().zip(plan.relu_choices.by_tensor(plan)) {
        let (name, relus, of) = (printable(&t.name), t.mask.ones(), t.unmasked_relus);
        let by = choice.map_or_else(String::new, |choice| format!(" by {choice}"));
        line(&format!("  {name:24} {:>14} {relus:>8} of {of:>8} ReLUs{by}", shape(t)))?;
    }
    Ok(())
}

fn plan_json(plan: &PublicPlan, hash: &PlanHash, input: &str, classes: usize) -> Value {
    let tensor = |(t, choice): (&tacita_protocol::plan::TensorSpec, Option<ReluChoice>)| {
        json!({
            "name": t.name,
            "shape": [t.shape.channels, t.shape.height, t.shape.width],
            "relus": t.mask.ones(),
            "unmasked_relus": t.unmasked_relus,
            "relu": choice.map(|choice| choice.to_string()),
        })
    };
    let tensors = plan.tensors.iter().zip(plan.relu_choices.by_tensor(plan));
    json!({
        "event": "plan",
        "name": plan.name,
        "plan": hex(hash),
        "input": input,
        "classes": classes,
        "reveals": plan.reveals.name(),
        "head": plan.head.name(),
        "labels": plan.labels,
        "batch": plan.batch,
        "relus": plan.relus(),
        "unmasked_relus": plan.unmasked_relus(),
        "tensors": tensors.map(tensor).collect::<Vec<_>>(),
    })
}
