//! What `memory.json` says: the folder in use, and the embedding model it was made with.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::failed;
use crate::Error;

/// What `memory.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) folder: String,
    pub(super) model: Option<String>,
    pub(super) dimension: usize,
}

const MANIFEST: &str = "memory.json";
pub(super) const FORMAT: u32 = 1;

pub(super) fn read(directory: &Path) -> Result<Option<Manifest>, Error> {
    let mismatch = |detail: String| Error::Mismatch { place: directory.display().to_string(), detail };
    let text = match std::fs::read_to_string(directory.join(MANIFEST)) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(directory, &e)),
    };
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|e| mismatch(format!("{MANIFEST} cannot be read: {e}")))?;
    if manifest.format != FORMAT {
        return Err(mismatch(format!("it has format {}, this version reads {FORMAT}", manifest.format)));
    }
    let plain = manifest.folder.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !plain || manifest.folder.is_empty() {
        return Err(mismatch(format!("{MANIFEST} names the folder {:?}", manifest.folder)));
    }
    Ok(Some(manifest))
}

/// Writes the manifest so that it is either the old or the new one, whatever happens.
pub(super) fn write(directory: &Path, manifest: &Manifest) -> Result<(), Error> {
    let fail = |e: std::io::Error| failed(directory, &e);
    let text = serde_json::to_string_pretty(manifest).map_err(|e| failed(directory, &e))?;
    let next = directory.join("memory.json.next");
    let mut file = std::fs::File::create(&next).map_err(fail)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&next, directory.join(MANIFEST)).map_err(fail)?;
    std::fs::File::open(directory).and_then(|folder| folder.sync_all()).map_err(fail)
}
