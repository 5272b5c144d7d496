//! Names of classes.

use super::file::{bad, text};
use crate::Result;
use std::path::Path;

/// Most bytes of a file of names.
const MAX_BYTES: u64 = 1 << 20;
/// A list of names that users may put beside any data set.
const OWN_LIST: &str = "classes.txt";

/// Fine classes of CIFAR-100, in the order of the labels.
pub(super) const CIFAR100: &str = "\
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus \
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch \
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house \
    kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle \
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree \
    plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark \
    shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table \
    tank telephone television tiger tractor train trout tulip turtle wardrobe whale \
    willow_tree wolf woman worm";

/// The names in the first of `files` that `dir` has, or in `classes.txt`: one a line.
///
/// # Errors
/// The file cannot be read, or has another number of names than `count`.
pub(super) fn listed(dir: &Path, files: &[&str], count: usize) -> Result<Option<Vec<String>>> {
    let mut paths = files.iter().copied().chain([OWN_LIST]).map(|name| dir.join(name));
    let Some(path) = paths.find(|path| path.is_file()) else { return Ok(None) };
    let names: Vec<String> = text(&path, MAX_BYTES)?
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(Into::into)
        .collect();
    if names.len() != count {
        return Err(bad(&path, format!("{} names for {count} classes", names.len())));
    }
    Ok(Some(names))
}

/// The numbers up to the greatest label, as names.
pub(super) fn numbered<'a>(labels: impl Iterator<Item = &'a u16>) -> Vec<String> {
    let count = labels.max().map_or(0, |&most| usize::from(most) + 1);
    (0..count).map(|class| class.to_string()).collect()
}

/// Refuses labels that are not below `classes`.
///
/// # Errors
/// The first of them, named with the file.
pub(super) fn check(labels: &[u16], classes: usize, path: &Path, what: &str) -> Result<()> {
    match labels.iter().position(|&label| usize::from(label) >= classes) {
        None => Ok(()),
        Some(i) => {
            let label = labels[i];
            Err(bad(path, format!("{what}: label {label} of image {i} is not below {classes}")))
        }
    }
}
