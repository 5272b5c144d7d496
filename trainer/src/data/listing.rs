//! Which files a folder of images holds, and in which class.
//!
//! Known layouts: `train/CLASS/FILE` with optional `val` and `test`, `CLASS/FILE`, and
//! TinyImageNet as distributed (`train/CLASS/images/FILE`, and a list for `val`).

use super::file::{bad, name_of, text};
use super::split::{Parts, Pick};
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Endings of image files, in lower case.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];
/// Names of a folder of validation images.
const VALIDATION: [&str; 2] = ["val", "validation"];
/// TinyImageNet's labels of `val`, and the descriptions of its classes.
const ANNOTATIONS: &str = "val_annotations.txt";
const WORDS: &str = "words.txt";
/// Most bytes of either file (`words.txt` has 2.7 MB).
const MAX_TEXT_BYTES: u64 = 16 << 20;
/// Labels are stored in 16 bits.
const MAX_CLASSES: usize = 65_535;

/// An image file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub path: PathBuf,
    pub label: u16,
}

impl Pick for Vec<Sample> {
    fn count(&self) -> usize {
        self.len()
    }

    fn pick(&self, indices: &[usize]) -> Self {
        indices.iter().map(|&i| self[i].clone()).collect()
    }
}

/// The files of a data set.
pub(super) struct Listing {
    pub name: String,
    pub classes: Vec<String>,
    pub parts: Parts<Vec<Sample>>,
}

/// `path`, if it holds folders of images.
pub(super) fn find(path: &Path) -> Option<PathBuf> {
    let holds = |dir: &Path| {
        let folders = folders(dir).unwrap_or_default();
        folders.iter().any(|(_, dir)| files(dir).is_ok_and(|files| !files.is_empty()))
    };
    (holds(&path.join("train")) || holds(path)).then(|| path.to_owned())
}

/// Lists the files under `dir`, the classes in the order of their folders' names.
///
/// # Errors
/// A folder cannot be read, has no images, or is of a class without training images.
pub(super) fn list(dir: &Path) -> Result<Listing> {
    let train = subfolder(dir, "train").unwrap_or_else(|| dir.to_owned());
    let folders = folders(&train)?;
    if !(2..=MAX_CLASSES).contains(&folders.len()) {
        let count = folders.len();
        return Err(bad(&train, format!("{count} folders of classes, not 2 to {MAX_CLASSES}")));
    }
    let names: Vec<String> = folders.into_iter().map(|(name, _)| name).collect();
    let classes: Classes = names.iter().map(String::as_str).zip(0..).collect();
    let images = samples(&train, &classes, true)?;
    let parts = if train == dir {
        Parts { train: images, validation: None, test: None }
    } else {
        with_own_sets(images, dir, &classes)?
    };
    let classes = described(&dir.join(WORDS), names)?;
    Ok(Listing { name: name_of(dir), classes, parts })
}

/// Labels by names of folders.
type Classes<'a> = HashMap<&'a str, u16>;

/// The training images with the validation and test images beside them, if there are any.
fn with_own_sets(train: Vec<Sample>, dir: &Path, classes: &Classes) -> Result<Parts<Vec<Sample>>> {
    let list = dir.join("val").join(ANNOTATIONS);
    if list.is_file() {
        // The labels of TinyImageNet's own test images are not public.
        return Ok(Parts { train, validation: None, test: Some(annotated(&list, classes)?) });
    }
    let validation = VALIDATION.iter().find_map(|name| subfolder(dir, name));
    let listed = |dir: Option<PathBuf>| dir.map(|dir| samples(&dir, classes, false)).transpose();
    let test = subfolder(dir, "test");
    Ok(Parts { train, validation: listed(validation)?, test: listed(test)? })
}

fn subfolder(dir: &Path, name: &str) -> Option<PathBuf> {
    Some(dir.join(name)).filter(|dir| dir.is_dir())
}

/// The files in the class folders of `dir`: the first of each class, then the second, and
/// so on, so that the first few are of all classes. A training set needs some in every one.
fn samples(dir: &Path, classes: &Classes, train: bool) -> Result<Vec<Sample>> {
    let mut ranked = Vec::new();
    for (name, folder) in folders(dir)? {
        let Some(&label) = classes.get(name.as_str()) else {
            return Err(bad(&folder, "a class without a folder of training images"));
        };
        let files = files(&folder)?;
        if files.is_empty() && train {
            return Err(bad(&folder, "a class without PNG or JPEG files"));
        }
        ranked.extend(files.into_iter().enumerate().map(|(rank, path)| (rank, label, path)));
    }
    if ranked.is_empty() {
        return Err(bad(dir, "no folders of classes with PNG or JPEG files"));
    }
    ranked.sort_unstable();
    Ok(ranked.into_iter().map(|(_, label, path)| Sample { path, label }).collect())
}

/// The images that TinyImageNet lists as `FILE<tab>CLASS<tab>...`.
fn annotated(list: &Path, classes: &Classes) -> Result<Vec<Sample>> {
    let dir = list.with_file_name("images");
    let sample = |(number, line): (usize, &str)| {
        let refuse = |problem| bad(list, format!("line {}: {problem}", number + 1));
        let (file, rest) = line.split_once('\t').ok_or_else(|| refuse("no tab"))?;
        let class = rest.split('\t').next().unwrap_or_default().trim_end();
        let &label = classes.get(class).ok_or_else(|| refuse("a class without training images"))?;
        if !is_image(Path::new(file)) || Path::new(file).components().count() != 1 {
            return Err(refuse("not the name of a PNG or JPEG file"));
        }
        Ok(Sample { path: dir.join(file), label })
    };
    let text = text(list, MAX_TEXT_BYTES)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let samples = lines.map(sample).collect::<Result<Vec<_>>>()?;
    if samples.is_empty() {
        return Err(bad(list, "lists no images"));
    }
    Ok(samples)
}

/// Names of classes as `words.txt` describes them, if there is such a file.
fn described(words: &Path, names: Vec<String>) -> Result<Vec<String>> {
    if !words.is_file() {
        return Ok(names);
    }
    let text = text(words, MAX_TEXT_BYTES)?;
    let words: HashMap<&str, &str> = text.lines().filter_map(|l| l.split_once('\t')).collect();
    let describe =
        |name: String| words.get(name.as_str()).map_or(name.clone(), |w| w.trim().into());
    Ok(names.into_iter().map(describe).collect())
}

/// Subfolders by name, sorted; hidden ones are left out.
fn folders(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let named = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        (path.is_dir() && !name.starts_with('.')).then_some((name, path))
    };
    let mut folders: Vec<_> = entries(dir)?.into_iter().filter_map(named).collect();
    folders.sort_unstable();
    Ok(folders)
}

/// Image files of a class, sorted: in `dir` itself, else in its folder `images`.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let images = |dir: &Path| -> Result<Vec<PathBuf>> {
        let mut files = entries(dir)?;
        files.retain(|path| is_image(path) && path.is_file());
        files.sort_unstable();
        Ok(files)
    };
    let own = images(dir)?;
    let inner = dir.join("images");
    if own.is_empty() && inner.is_dir() { images(&inner) } else { Ok(own) }
}

fn is_image(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let ending = path.extension().map(|end| end.to_string_lossy().to_lowercase());
    !hidden && ending.is_some_and(|end| ENDINGS.contains(&end.as_str()))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = dir.read_dir().map_err(Error::io(dir))?;
    entries.map(|entry| Ok(entry.map_err(Error::io(dir))?.path())).collect()
}
