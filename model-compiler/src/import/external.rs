//! Models whose weights lie in other files, as PyTorch's exporter writes them.
//!
//! A model names those files itself: what it names must lie in the model's own folder, whatever
//! links are on the way, or the model could read any file of this machine.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use prost::Message;
use tacita_image_input::read_limited;
use tacita_onnx::{ModelProto, TensorProto};

use super::MAX_MODEL_BYTES;
use crate::error::{Error, Result};

/// A model file, its external data read in.
///
/// # Errors
/// [`Error::Input`] if a file is missing, lies elsewhere or is too short, if it is no ONNX model, or
/// if all is over 512 MiB.
pub fn load(path: &Path) -> Result<ModelProto> {
    let bytes = read_limited(path, MAX_MODEL_BYTES as u64)?;
    let mut model = super::decode_model(&bytes)?;
    let mut folder =
        Folder { path: parent(path), left: MAX_MODEL_BYTES - bytes.len(), known: HashMap::new() };
    let Some(graph) = &mut model.graph else { return Ok(model) };
    let attributes = graph.node.iter_mut().flat_map(|n| &mut n.attribute);
    let tensors = graph.initializer.iter_mut().chain(attributes.filter_map(|a| a.t.as_mut()));
    for tensor in tensors.filter(|t| t.data_location == 1) {
        folder.fill(tensor).map_err(|why| {
            Error::input(format!(
                "the constant `{}`, which lies in another file: {why}",
                tensor.name
            ))
        })?;
    }
    Ok(model)
}

/// True if some of a model's data lie in other files.
pub fn has_external(bytes: &[u8]) -> bool {
    ModelProto::decode(bytes)
        .is_ok_and(|m| m.graph.is_some_and(|g| g.initializer.iter().any(|t| t.data_location == 1)))
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The folder of a model.
struct Folder {
    path: PathBuf,
    /// Bytes that may still be read.
    left: usize,
    /// Files that were found to lie in it.
    known: HashMap<String, PathBuf>,
}

impl Folder {
    fn fill(&mut self, t: &mut TensorProto) -> std::result::Result<(), String> {
        let get =
            |key: &str| t.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let number = |key: &str| match get(key) {
            None => Ok(None),
            Some(text) => {
                text.trim().parse::<u64>().map(Some).map_err(|_| format!("its {key} is `{text}`"))
            }
        };
        let location = get("location").ok_or("the model does not say which")?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let path = self.find(location)?;
        let said = |e: std::io::Error| format!("`{location}`: {e}");
        let mut file = File::open(&path).map_err(said)?;
        let size = file.metadata().map_err(said)?.len();
        let length = length.unwrap_or(size.saturating_sub(offset));
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(format!(
                "`{location}` has {size} bytes, {length} from {offset} on are needed"
            ));
        }
        let length = usize::try_from(length).ok().filter(|n| *n <= self.left);
        let length = length.ok_or("the model and its data are over 512 MiB")?;
        self.left -= length;
        file.seek(SeekFrom::Start(offset)).map_err(said)?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).map_err(said)?;
        t.raw_data = bytes;
        (t.data_location, t.external_data) = (0, vec![]);
        Ok(())
    }

    /// Where `location` is, if that is in the folder.
    fn find(&mut self, location: &str) -> std::result::Result<PathBuf, String> {
        if let Some(path) = self.known.get(location) {
            return Ok(path.clone());
        }
        let said = |e: std::io::Error| format!("`{location}`: {e}; keep it beside the model");
        let folder = self.path.canonicalize().map_err(said)?;
        let path = self.path.join(location).canonicalize().map_err(said)?;
        let is_file = path.metadata().is_ok_and(|m| m.is_file());
        if Path::new(location).is_absolute() || !path.starts_with(&folder) || !is_file {
            return Err(format!("`{location}` is no file in the model's own folder"));
        }
        self.known.insert(location.to_owned(), path.clone());
        Ok(path)
    }
}
