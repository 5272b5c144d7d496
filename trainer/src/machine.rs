//! What results say about the machine they were made on.

use crate::data::DataNote;
use crate::results::Head;

/// The head of a study that took `seconds`.
pub fn head(
    title: String,
    command: &str,
    data: DataNote,
    conditions: Vec<(String, String)>,
    seconds: f64,
) -> Head {
    Head {
        title,
        command: command.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cpu: processor(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        threads: usize::try_from(tch::get_num_threads()).unwrap_or_default(),
        seconds,
        data,
        conditions,
    }
}

/// Name of the processor, as Linux gives it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|l| l.starts_with("model name"));
    let name = line.and_then(|l| l.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| "unknown processor".to_owned())
}
