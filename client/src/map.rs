//! Answers that are maps: masks as PNG, values as arrays.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tacita_cli::{count, printable};
use tacita_image_input::{encode_npy, encode_png, is_npy};
use tacita_protocol::plan::{PublicPlan, Shape, classes_of, decide};
use tacita_protocol::{Error, Result};

/// Most classes that a grey picture tells apart.
const MAX_GREYS: usize = 256;

/// Where maps go, and what has gone there.
pub struct Maps<'a> {
    out: Option<&'a Path>,
    written: HashSet<PathBuf>,
}

/// A map and where it was written.
pub struct Map {
    shape: Shape,
    /// The class of each pixel.
    classes: Vec<usize>,
    mask: Option<PathBuf>,
    values: Option<PathBuf>,
}

/// What is to be written.
enum Target {
    Mask(PathBuf),
    Values(PathBuf),
    Both(PathBuf, PathBuf),
    Nothing,
}

impl<'a> Maps<'a> {
    /// Maps go to the file or into the folder `out`, if anywhere.
    pub fn new(out: Option<&'a Path>) -> Self {
        Self { out, written: HashSet::new() }
    }

    /// Checks, before anything is spent, that answers of this plan for so many images can be kept.
    ///
    /// # Errors
    /// `Input` saying what to give instead.
    pub fn check(&self, plan: &PublicPlan, images: Option<usize>) -> Result<()> {
        let Some(out) = self.out else { return Ok(()) };
        let Some(shape) = plan.map() else {
            return Err(Error::input("the network's answers are no maps: leave out --map-out"));
        };
        if is_file(out) && images != Some(1) {
            return Err(Error::input(format!(
                "`{}` has room for one map: give a folder for several",
                out.display()
            )));
        }
        if is_png(out) && greys(shape).is_none() {
            return Err(Error::input(format!(
                "a picture tells {MAX_GREYS} classes apart, the network has {}: give --map-out a \
                 .npy file",
                shape.channels
            )));
        }
        Ok(())
    }

    /// Writes the map that an inference on `image` opened; `None` if it opened none.
    ///
    /// # Errors
    /// `Local` if a file cannot be written.
    pub fn keep(&mut self, plan: &PublicPlan, image: &Path, opened: &[i64]) -> Result<Option<Map>> {
        let Some(shape) = plan.map() else { return Ok(None) };
        let mut map = Map { shape, classes: decide(opened, shape), mask: None, values: None };
        let (mask, values) = match self.target(image, shape)? {
            Target::Mask(mask) => (Some(mask), None),
            Target::Values(values) => (None, Some(values)),
            Target::Both(mask, values) => (Some(mask), Some(values)),
            Target::Nothing => (None, None),
        };
        if let Some(path) = &mask {
            write(path, &map.png()?)?;
        }
        if let Some(path) = &values {
            let scale = f64::from(plan.logit_frac()).exp2();
            let real = opened.iter().map(|x| (*x as f64 / scale) as f32);
            write(path, &encode_npy(&[shape.channels, shape.height, shape.width], real))?;
        }
        (map.mask, map.values) = (mask, values);
        Ok(Some(map))
    }

    fn target(&mut self, image: &Path, shape: Shape) -> Result<Target> {
        let Some(out) = self.out else { return Ok(Target::Nothing) };
        if is_npy(out) {
            return Ok(Target::Values(out.to_owned()));
        }
        if is_png(out) {
            return Ok(Target::Mask(out.to_owned()));
        }
        std::fs::create_dir_all(out).map_err(|e| {
            Error::local(format!("cannot make the folder `{}`: {e}", out.display()))
        })?;
        let values = self.fresh(out, image, "map.npy");
        Ok(match greys(shape) {
            Some(_) => Target::Both(self.fresh(out, image, "mask.png"), values),
            None => Target::Values(values),
        })
    }

    /// A name that this run has not used yet.
    fn fresh(&mut self, folder: &Path, image: &Path, ending: &str) -> PathBuf {
        let stem = image.file_stem().unwrap_or(OsStr::new("map"));
        let name = |n: usize| {
            let mut name = stem.to_owned();
            name.push(if n == 1 { format!(".{ending}") } else { format!("-{n}.{ending}") });
            folder.join(name)
        };
        let mut n = 1;
        while !self.written.insert(name(n)) {
            n += 1;
        }
        name(n)
    }
}

impl Map {
    /// The mask: a grey value a class, evenly from black to white.
    fn png(&self) -> Result<Vec<u8>> {
        let step =
            greys(self.shape).ok_or_else(|| Error::input("too many classes for a picture"))?;
        let grey = |class: &usize| u8::try_from(class * step).unwrap_or(u8::MAX);
        let pixels = self.classes.iter().map(grey).collect();
        encode_png(self.shape.width, self.shape.height, pixels)
    }

    /// Pixels of each class.
    fn counts(&self) -> Vec<usize> {
        let of = |class: usize| self.classes.iter().filter(|c| **c == class).count();
        (0..classes_of(self.shape.channels)).map(of).collect()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let path = |p: &Option<PathBuf>| p.as_ref().map(|p| p.display().to_string());
        json!({
            "shape": [self.shape.channels, self.shape.height, self.shape.width],
            "pixels": self.counts(),
            "mask": path(&self.mask),
            "grey_step": greys(self.shape).filter(|_| self.mask.is_some()),
            "values": path(&self.values),
        })
    }

    /// For people: one line, and where it is.
    pub fn text(&self, name: impl Fn(usize) -> String) -> String {
        let Shape { channels, height, width } = self.shape;
        let counts = self.counts();
        let mut text = match (channels, counts.as_slice()) {
            (1, [_, set]) => format!("{set} of {} pixels are set", height * width),
            _ => {
                let each = counts.iter().enumerate().filter(|(_, n)| **n > 0);
                let each =
                    each.map(|(c, n)| format!("{} {}", count(*n, "pixel"), printable(&name(c))));
                each.collect::<Vec<_>>().join(", ")
            }
        };
        for (what, path) in [("mask", &self.mask), ("values", &self.values)] {
            if let Some(path) = path {
                text.push_str(&format!("\n  {what:<8} {}", path.display()));
            }
        }
        if self.mask.is_none() && self.values.is_none() {
            text.push_str(&format!(
                "\n  map      {channels}x{height}x{width}, not kept: --map-out FILE.png writes the \
                 mask, FILE.npy the values, a folder both"
            ));
        }
        text
    }
}

/// Grey values from one class to the next.
fn greys(shape: Shape) -> Option<usize> {
    let classes = classes_of(shape.channels);
    (classes <= MAX_GREYS).then(|| (MAX_GREYS - 1) / (classes - 1))
}

fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"))
}

fn is_file(path: &Path) -> bool {
    is_png(path) || is_npy(path)
}

/// Replaces nothing but a regular file.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let about = |why: String| Error::local(format!("cannot write `{}`: {why}", path.display()));
    if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return Err(about("it is no regular file".into()));
    }
    std::fs::write(path, bytes).map_err(|e| about(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(channels: usize, classes: Vec<usize>) -> Map {
        let shape = Shape::new(channels, 1, classes.len());
        Map { shape, classes, mask: None, values: None }
    }

    #[test]
    fn greys_reach_from_black_to_white() {
        let steps: Vec<_> = [1, 2, 3, 256, 257].map(|c| greys(Shape::new(c, 2, 2))).into();
        assert_eq!(steps, [Some(255), Some(255), Some(127), Some(1), None]);
    }

    #[test]
    fn maps_are_told_in_words() {
        let text = map(1, vec![0, 1, 1]).text(|c| format!("class {c}"));
        assert!(text.starts_with("2 of 3 pixels are set") && text.contains("--map-out"), "{text}");
        let text = map(3, vec![0, 2, 2]).text(|c| format!("class {c}"));
        assert!(text.starts_with("1 pixel class 0, 2 pixels class 2"), "{text}");
        assert_eq!(map(3, vec![0, 2, 2]).json()["pixels"], json!([1, 0, 2]));
    }

    #[test]
    fn names_are_used_once() {
        let mut maps = Maps::new(None);
        let folder = Path::new("out");
        let mut next = |image: &str| maps.fresh(folder, Path::new(image), "mask.png");
        assert_eq!(next("a/x.png"), folder.join("x.mask.png"));
        assert_eq!(next("b/x.png"), folder.join("x-2.mask.png"));
        assert_eq!(next("y.npy"), folder.join("y.mask.png"));
    }
}
