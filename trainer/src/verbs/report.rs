//! The page of results.

use super::Answer;
use crate::cli::ReportArgs;
use crate::{Error, Result, report, results};
use serde_json::json;

/// Renders a folder of studies.
pub(super) fn report(args: &ReportArgs) -> Result<Answer> {
    let studies = results::read_dir(&args.results)?;
    if studies.is_empty() {
        let problem = "holds no study (*.json); experiments leave them there".to_owned();
        return Err(Error::BadResult { path: args.results.clone(), problem });
    }
    let page = report::render(&studies, &args.title);
    results::replace(&args.out, page.as_bytes())?;
    let line = |(file, study): &(String, results::Study)| {
        format!("read      {file}: {}", study.head().title)
    };
    let mut lines: Vec<String> = studies.iter().map(line).collect();
    lines.push(format!("wrote     {} ({} bytes)", args.out.display(), page.len()));
    let row = |(file, study): &(String, results::Study)| json!({"file": file, "title": study.head().title});
    let rows: Vec<_> = studies.iter().map(row).collect();
    let value = json!({"studies": rows, "out": args.out, "bytes": page.len()});
    Ok((lines.join("\n"), value))
}
