//! Files that are archives (ZIP): what they may unpack to, and what is in them.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{Imported, reqif};
use crate::Error;

/// Most bytes that an archive may unpack to, as counted while unpacking.
const MAX_UNPACKED_BYTES: u64 = 256 * 1024 * 1024;
/// Most files in an archive.
const MAX_ENTRIES: usize = 10_000;

fn opened<'a>(format: &'static str, bytes: &'a [u8]) -> Result<ZipArchive<Cursor<&'a [u8]>>, Error> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(format, &error.to_string()))?;
    if archive.len() > MAX_ENTRIES {
        return Err(Error::Limit { limit: "MAX_ENTRIES", detail: format!("{} files in it", archive.len()) });
    }
    Ok(archive)
}

fn broken(format: &'static str, reason: &str) -> Error {
    Error::Malformed { format, line: 1, reason: format!("its archive is broken: {reason}") }
}

/// Unpacks every file once and counts, whatever the archive says of their sizes; keeps those whose name ends so.
fn unpacked(
    format: &'static str,
    bytes: &[u8],
    ending: Option<&str>,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut archive = opened(format, bytes)?;
    let (mut left, mut kept) = (MAX_UNPACKED_BYTES, Vec::new());
    for place in 0..archive.len() {
        let file = archive.by_index(place).map_err(|error| broken(format, &error.to_string()))?;
        let name = file.name().map_err(|error| broken(format, &error.to_string()))?.into_owned();
        let is_wanted = ending.is_some_and(|ending| name.to_ascii_lowercase().ends_with(ending));
        let mut content = Vec::new();
        let mut counted = file.take(left + 1);
        let read = if is_wanted {
            counted.read_to_end(&mut content).map(|bytes| bytes as u64)
        } else {
            std::io::copy(&mut counted, &mut std::io::sink())
        };
        let read = read.map_err(|error| broken(format, &error.to_string()))?;
        left = left.checked_sub(read).ok_or_else(|| Error::Limit {
            limit: "MAX_UNPACKED_BYTES",
            detail: format!("it unpacks to more than {MAX_UNPACKED_BYTES} bytes"),
        })?;
        if is_wanted {
            kept.push((name, content));
        }
    }
    Ok(kept)
}

/// Refuses an archive that is broken or unpacks to too much.
pub(super) fn check(format: &'static str, bytes: &[u8]) -> Result<(), Error> {
    unpacked(format, bytes, None).map(|_| ())
}

/// Reads a `.reqifz`: every `.reqif` in it, as one; pictures and other attachments stay out.
///
/// # Errors
/// As [`reqif::read`]; [`Error::Limit`] for an archive that unpacks to too much.
pub fn read_reqifz(bytes: &[u8]) -> Result<Imported, Error> {
    let files = unpacked("ReqIF archive", bytes, Some(".reqif"))?;
    if files.is_empty() {
        return Err(broken("ReqIF archive", "there is no .reqif file in it"));
    }
    let attachments = opened("ReqIF archive", bytes)?.len() - files.len();
    let mut all = Imported::default();
    for (name, content) in files {
        let one = reqif::read(&super::decode("ReqIF", &content)?).map_err(|error| match error {
            Error::Malformed { format, line, reason } => {
                Error::Malformed { format, line, reason: format!("{name}: {reason}") }
            }
            other => other,
        })?;
        all.title = all.title.or(one.title);
        all.requirements.extend(one.requirements);
        all.relations.extend(one.relations);
        all.remarks.extend(one.remarks);
    }
    all.remark(attachments, "attachments stayed out");
    Ok(all)
}
