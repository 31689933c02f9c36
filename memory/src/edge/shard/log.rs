//! The store's own write-ahead log. It appends to it and never reads or shortens it: what a crash loses is in our
//! journal. Only its numbering goes on, for which the last closed file is enough.

use std::io;
use std::path::{Path, PathBuf};

/// Size of one of its files.
pub(super) const FILE_BYTES: usize = 4 * 1024 * 1024;

fn files(place: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(place.join("wal")) {
        Ok(found) => found.map(|file| file.map(|file| file.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Its size on disk.
pub(super) fn bytes(place: &Path) -> u64 {
    let files = files(place).unwrap_or_default();
    files.iter().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

/// Removes its closed files except the last. Only while the store is closed.
pub(super) fn trim(place: &Path) -> io::Result<()> {
    let number =
        |file: &PathBuf| -> Option<u64> { file.file_name()?.to_str()?.strip_prefix("closed-")?.parse().ok() };
    let mut closed: Vec<(u64, PathBuf)> =
        files(place)?.into_iter().filter_map(|file| Some((number(&file)?, file))).collect();
    closed.sort_unstable();
    closed.pop();
    closed.iter().try_for_each(|(_, file)| std::fs::remove_file(file))
}
