//! Which stage's ReLUs matter most: networks that keep the ReLUs of one stage alone.

use super::{candidate, stage};
use crate::net::Net;
use crate::pipeline::{Run, Training, kept};
use crate::results::{StageRun, Study, order, read};
use crate::{Error, Result};
use std::path::Path;

/// Trains the run's network with the ReLUs of stage `name` alone (see [`stage::only`]).
///
/// # Errors
/// There is no such stage, or training fails.
pub fn only(run: &Run<'_>, teacher: &Net, name: &str, training: Training) -> Result<StageRun> {
    let masks = stage::only(teacher.layers(), name)?;
    let folder = format!("only-{name}");
    let (_, done) = candidate::train(run, &folder, &masks, teacher, training)?;
    Ok(StageRun {
        stage: name.to_owned(),
        relus: kept(&masks),
        seed: run.seed,
        validation: done.reached.validation,
        test: done.reached.test,
        history: done.rows,
    })
}

/// The stages in a file that `deepreduce profile` wrote, most critical first.
///
/// # Errors
/// The file cannot be read, holds something else, or compares fewer than two stages.
pub fn read_order(path: &Path) -> Result<Vec<String>> {
    let bad = |problem: &str| {
        let (path, problem) = (path.to_owned(), problem.to_owned());
        Err(Error::BadResult { path, problem })
    };
    let Study::Criticality(study) = read(path)? else {
        return bad("holds no criticality of stages; `deepreduce profile` writes such a file");
    };
    let cells = study.summary();
    let stages: Vec<String> = order(&cells).into_iter().map(str::to_owned).collect();
    if stages.len() < 2 {
        return bad("compares fewer than two stages (s1, s2, ...)");
    }
    Ok(stages)
}
