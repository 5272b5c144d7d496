//! Results, for people and for programs.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tacet_cli::{count, hex, json_line, line, printable, tell_choices, traffic};
use tacet_protocol::Result;
use tacet_protocol::gadget::ReluChoice;
use tacet_protocol::plan::{PlanHash, PublicPlan};
use tacet_protocol::session::Inference;
use tacet_protocol::wire::PhaseTraffic;

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

/// One classified image.
pub struct Answer<'a> {
    /// The image.
    pub path: &'a Path,
    /// Logits and times.
    pub inference: &'a Inference,
    /// The run that made its ticket, and that run's tickets.
    pub offline: (Cost, usize),
    /// The inference.
    pub online: Cost,
}

impl Answer<'_> {
    /// Class indices by falling logit; equal ones in class order.
    fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.inference.logits.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(self.inference.logits.get(*i)));
        order
    }

    fn reals(&self, plan: &PublicPlan) -> Vec<f64> {
        let scale = f64::from(plan.output().map_or(0, |t| t.frac)).exp2();
        self.inference.logits.iter().map(|x| *x as f64 / scale).collect()
    }

    /// Prints the answer.
    ///
    /// # Errors
    /// `Local` if stdout is closed.
    pub fn print(&self, plan: &PublicPlan, json: bool) -> Result<()> {
        if json { json_line(&self.json(plan)) } else { line(&self.text(plan)) }
    }

    fn json(&self, plan: &PublicPlan) -> Value {
        let best = self.ranking().first().copied();
        let (offline, tickets) = self.offline;
        let mut offline = offline.json();
        if let Value::Object(fields) = &mut offline {
            fields.insert("tickets".into(), tickets.into());
        }
        let mut online = self.online.json();
        if let Value::Object(fields) = &mut online {
            fields.insert("layers".into(), self.layers(plan));
        }
        json!({
            "event": "image",
            "image": self.path.display().to_string(),
            "class": best,
            "label": best.map(|i| label(plan, i)),
            "logits": self.reals(plan),
            "offline_batch": offline,
            "online": online,
            "relus": plan.relus(),
            "unmasked_relus": plan.unmasked_relus(),
        })
    }

    /// Wall seconds of each tensor that the parties exchange messages for.
    fn layers(&self, plan: &PublicPlan) -> Value {
        let layer = |(tensor, time): &(usize, Duration)| {
            let name = plan.tensors.get(*tensor).map(|t| t.name.as_str());
            json!({"name": name, "seconds": time.as_secs_f64()})
        };
        self.inference.layers.iter().map(layer).collect()
    }

    fn text(&self, plan: &PublicPlan) -> String {
        let (order, reals) = (self.ranking(), self.reals(plan));
        let named = |i: &usize| {
            let logit = reals.get(*i).copied().unwrap_or_default();
            format!("{} {logit:.3}", printable(&label(plan, *i)))
        };
        let top: Vec<String> = order.iter().take(TOP).map(named).collect();
        let best = order.first().map(|i| printable(&label(plan, *i))).unwrap_or_default();
        let (offline, tickets) = self.offline;
        let share = offline.time.as_secs_f64() / tickets.max(1) as f64;
        let tickets = count(tickets, "ticket");
        format!(
            "{}: {best}\n  top      {}\n  offline  {share:.3} s a ticket; {tickets}: {}\n  \
             online   {}\n  ReLUs    {} of the unmasked network's {}",
            self.path.display(),
            top.join(", "),
            offline.text(),
            self.online.text(),
            plan.relus(),
            plan.unmasked_relus(),
        )
    }
}

/// A class's name, as the plan gives it.
fn label(plan: &PublicPlan, class: usize) -> String {
    plan.labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
}

/// An image without an answer.
///
/// # Errors
/// `Local` if stdout is closed.
pub fn print_failure(path: &Path, why: &str, json: bool) -> Result<()> {
    if json {
        let image = path.display().to_string();
        return json_line(&json!({"event": "image_error", "image": image, "message": why}));
    }
    eprintln!("{}: {}", path.display(), printable(why));
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
}

impl Totals {
    /// Prints the totals; `socket` are the bytes (sent, received) below TLS.
    ///
    /// # Errors
    /// `Local` if stdout is closed.
    pub fn print(&self, hash: &PlanHash, socket: (u64, u64), json: bool) -> Result<()> {
        let Self { images, tickets, setup, offline, online } = self;
        let (sent, received) = socket;
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
    let shape = |t: &tacet_protocol::plan::TensorSpec| {
        format!("{}x{}x{}", t.shape.channels, t.shape.height, t.shape.width)
    };
    let input = plan.tensors.first().map(shape).unwrap_or_default();
    let classes = plan.output().map_or(0, |t| t.shape.len());
    if json {
        return json_line(&plan_json(plan, hash, &input, classes));
    }
    line(&format!(
        "network  {}\nplan     {}\ninput    {input}\nclasses  {classes}\nbatch    {}\n\
         ReLUs    {} of the unmasked network's {}, {}",
        printable(&plan.name),
        hex(hash),
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
    let tensor = |(t, choice): (&tacet_protocol::plan::TensorSpec, Option<ReluChoice>)| {
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
        "labels": plan.labels,
        "batch": plan.batch,
        "relus": plan.relus(),
        "unmasked_relus": plan.unmasked_relus(),
        "tensors": tensors.map(tensor).collect::<Vec<_>>(),
    })
}
