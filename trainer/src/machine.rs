//! The machine an experiment runs on, for its records.

use crate::data::DataNote;
use crate::results::Head;

/// Name of the processor, or of its architecture where the system does not say.
pub fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    cpu_in(&text).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The name that the text of `/proc/cpuinfo` gives.
fn cpu_in(text: &str) -> Option<String> {
    let value = |line: &str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    };
    text.lines().find_map(value).filter(|name| !name.is_empty())
}

/// Cores that this process can use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Threads that libtorch computes with.
pub fn threads() -> usize {
    usize::try_from(tch::get_num_threads()).unwrap_or(1)
}

/// What a reader needs in order to judge or repeat an experiment: `conditions` are its
/// settings in the order to show them, `seconds` its wall-clock time. The command line, version
/// and machine are filled in.
pub fn head(title: &str, conditions: Vec<(String, String)>, data: DataNote, seconds: f64) -> Head {
    Head {
        title: title.to_owned(),
        command: crate::verbs::command(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cpu: cpu(),
        cores: cores(),
        threads: threads(),
        seconds,
        data,
        conditions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        let text = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: A CPU @ 2.0: GHz\nmodel name: B";
        assert_eq!(cpu_in(text).as_deref(), Some("A CPU @ 2.0: GHz"));
        assert_eq!(cpu_in("model name\t: \nflags : x"), None);
        assert!(!cpu().is_empty() && cores() > 0 && threads() > 0);
    }

    #[test]
    fn a_head_names_machine_and_command() {
        let conditions = vec![("Epochs".to_owned(), "3".to_owned())];
        let head = head("Title", conditions.clone(), DataNote::default(), 1.5);
        assert_eq!((head.title.as_str(), head.threads, head.seconds), ("Title", threads(), 1.5));
        assert_eq!((head.cores, head.cpu, head.conditions), (cores(), cpu(), conditions));
        assert!(head.command.starts_with("tacita-train") && !head.version.is_empty());
    }
}
