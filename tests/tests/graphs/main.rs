//! Drawn ONNX graphs, imported and compiled, against the logits of a float runtime that is not ours.
//!
//! A graph is drawn from its seed alone. Environment: `TACITA_GRAPHS`, how many (default 1,000);
//! `TACITA_SEED`, the first one's seed (default 0). Of a single one the nodes are printed, too. The
//! whole check is
//!
//! ```sh
//! TACITA_GRAPHS=5000 cargo test --workspace --test graphs -- --nocapture
//! ```

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests, outside the test functions"
)]

mod arithmetic;
mod case;
mod constants;
mod draw;
mod front;
mod graph;
mod head;
mod judge;
mod layouts;
mod pieces;
mod tally;
mod windows;

use rayon::prelude::*;
use tally::Tally;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().expect("a number"))
}

#[test]
fn drawn_graphs_are_imported_right_or_refused() {
    let (first, count) = (setting("TACITA_SEED", 0), setting("TACITA_GRAPHS", 1000));
    let judged: Vec<_> =
        (first..first + count).into_par_iter().map(|seed| (seed, judge::judge(seed))).collect();
    let tally = judged.into_iter().fold(Tally::default(), |t, (seed, o)| t.add(seed, o));
    println!("{tally}");
    if count == 1 {
        println!("{}", case::Case::draw(first, 1.0));
    }
    assert!(tally.wrong.is_empty(), "{} graphs came out wrong", tally.wrong.len());
    // 1.5 %, and four graphs more where few are drawn.
    assert!(tally.refused() as f64 <= 0.015 * count as f64 + 4.0, "{} refused", tally.refused());
    assert!(20 * tally.foreign() as u64 <= count, "{} not taken there", tally.foreign());
}

#[test]
fn a_seed_draws_one_graph() {
    for seed in 0..20 {
        assert!(case::Case::draw(seed, 1.0).model == case::Case::draw(seed, 1.0).model);
    }
}
