//! The demo: compile, start both parties as processes, classify, compare with the clear model.

use serde_json::json;
use tacita_bench::client;
use tacita_bench::stage::{Compared, Options, Stage};
use tacita_cli::{json_line, line};
use tacita_protocol::Result;

/// Counts over a run.
#[derive(Default)]
struct Score {
    images: usize,
    agree: usize,
    private_right: usize,
    clear_right: usize,
}

impl Score {
    fn add(&mut self, c: &Compared) {
        self.images += 1;
        self.agree += usize::from(c.answer.class == c.clear_class);
        self.private_right += usize::from(c.truth == Some(c.answer.class));
        self.clear_right += usize::from(c.truth == Some(c.clear_class));
    }
}

/// Runs the demo.
///
/// # Errors
/// Whatever goes wrong, said plainly.
pub fn run(options: &Options) -> Result<()> {
    let stage = Stage::set(options)?;
    let mut score = Score::default();
    if !options.json {
        line(&head())?;
    }
    let summary = stage.infer(options.batch, |c| {
        score.add(&c);
        if options.json { json_line(&image_json(&c)) } else { line(&image_text(&c)) }
    })?;
    let labelled = options.data.is_some();
    if options.json {
        return json_line(&json!({
            "event": "summary", "images": score.images, "agree": score.agree,
            "private_correct": labelled.then_some(score.private_right),
            "clear_correct": labelled.then_some(score.clear_right),
        }));
    }
    let n = score.images;
    line(&format!("\n{} of {n} private labels are the clear model's.", score.agree))?;
    if labelled {
        let percent = |right: usize| 100.0 * right as f64 / n.max(1) as f64;
        line(&format!(
            "Accuracy on these {n} test images: private {:.2} %, clear {:.2} %.",
            percent(score.private_right),
            percent(score.clear_right)
        ))?;
    }
    line(&client::cost_note(&summary))
}

/// Head of the table; a ticket's figures are its share of its batch.
fn head() -> String {
    format!("{:12} {:11} {:9} {}", "picture", "private", "clear", client::cost_head())
}

fn image_text(c: &Compared) -> String {
    let a = &c.answer;
    let name = a.image.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!(
        "{name:12} {:11} {:9} {}  {} of {}",
        a.label,
        if a.class == c.clear_class { "the same" } else { "ANOTHER" },
        client::cost_cells(&a.offline_batch, &a.online),
        a.relus,
        a.unmasked_relus,
    )
}

fn image_json(c: &Compared) -> serde_json::Value {
    let a = &c.answer;
    json!({
        "event": "image", "image": a.image.display().to_string(), "label": a.label,
        "class": a.class, "clear_class": c.clear_class, "truth": c.truth,
        "offline_batch": a.offline_batch.json(), "tickets": a.offline_batch.tickets,
        "online": a.online.json(), "relus": a.relus, "unmasked_relus": a.unmasked_relus,
        "logit_error": c.logit_error,
    })
}
