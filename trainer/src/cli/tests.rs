use super::args::{Place, budget, device, holdout, size};
use super::*;
use crate::data::Holdout;
use clap::CommandFactory;
use tch::Device;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
    let base = "--data d --work w --relu-budget 50k --device cpu --validation 10 --size 8x8";
    for verb in ["senet --out o", "search", "finetune"] {
        let words = format!("tacita-train {verb} {base}");
        Cli::try_parse_from(words.split(' ')).expect("parses");
    }
    Cli::try_parse_from(["t", "allocate", "--relu-budget", "5%"]).expect("parses");
    Cli::try_parse_from(["t", "compare", "--data", "d", "--work", "w"]).expect("parses");
}

#[test]
fn budgets_are_counts_or_shares() {
    assert_eq!(budget("50k"), Ok(Budget::Count(50_000)));
    assert_eq!(budget("24.6K"), Ok(Budget::Count(24_600)));
    assert_eq!(budget("1.5m"), Ok(Budget::Count(1_500_000)));
    assert_eq!(budget("22000"), Ok(Budget::Count(22_000)));
    assert_eq!(budget("10%").map(|b| b.of(557_056)), Ok(55_706));
    assert!(["", "k", "-1", "101%", "nan", "1e30", "inf"].iter().all(|t| budget(t).is_err()));
}

#[test]
fn small_values_are_read() {
    assert_eq!(size("64"), Ok((64, 64)));
    assert_eq!(size("64x48"), Ok((64, 48)));
    assert!(size("0").is_err() && size("axb").is_err());
    assert_eq!(holdout("2500"), Ok(Holdout::Count(2500)));
    assert_eq!(holdout("given"), Ok(Holdout::Given));
    assert!(holdout("some").is_err());
    assert_eq!(device("cuda:1"), Ok(Place(Some(Device::Cuda(1)))));
    assert_eq!(device("auto"), Ok(Place(None)));
    assert!(device("tpu").is_err());
}
