//! The journal: what was written since the store's own files were last brought to disk.
//!
//! Bringing them to disk takes some 75 synced files whatever was written, and must not happen while an index is
//! built. So a write is durable here, by one sync of one file; after a crash it is done again. A record is its
//! length (4 bytes, little endian), the first 8 bytes of the SHA-256 of its text, and the text, JSON. A record that a
//! crash cut off ends the journal.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Bytes before the text of a record.
const HEAD: usize = 12;

/// One write; doing it twice is as good as once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Record {
    /// Entries that were stored.
    Stored(Vec<Kept>),
    /// The filter of what was forgotten, in the store's own form.
    Forgotten(Value),
}

/// A stored entry: its payload, from which its words are taken again, and its vector of meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) payload: Map<String, Value>,
    pub(super) meaning: Option<Vec<f32>>,
}

/// An open journal.
pub(super) struct Journal {
    file: File,
    bytes: u64,
}

impl Journal {
    /// Opens the journal at `place`, or makes an empty one; gives it with what it holds.
    pub(super) fn open(place: &Path) -> io::Result<(Self, Vec<Record>)> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(place)?;
        let (records, bytes) = read(&mut file)?;
        file.set_len(bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok((Self { file, bytes }, records))
    }

    /// Appends a record; it is on disk on return.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec(record)?;
        let length = u32::try_from(text.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = Vec::with_capacity(HEAD + text.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&check(&text));
        bytes.extend_from_slice(&text);
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a record would hide those that follow it.
            self.file.set_len(self.bytes)?;
            self.file.seek(SeekFrom::End(0))?;
            return Err(error);
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Empties it: everything is in the store's own files.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.bytes = 0;
        Ok(())
    }

    /// Its size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn check(text: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(text)[..8]);
    sum
}

/// The whole records of a file, and where they end.
fn read(file: &mut File) -> io::Result<(Vec<Record>, u64)> {
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let (mut records, mut end) = (Vec::new(), 0_u64);
    loop {
        let mut head = [0; HEAD];
        if length - end < HEAD as u64 {
            break;
        }
        file.read_exact(&mut head)?;
        let (size, sum) = head.split_at(4);
        let size = size.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
        if length - end - (HEAD as u64) < size {
            break;
        }
        let mut text = Vec::new();
        file.by_ref().take(size).read_to_end(&mut text)?;
        let Some(record) = (check(&text) == sum).then(|| serde_json::from_slice(&text).ok()).flatten() else {
            break;
        };
        records.push(record);
        end += HEAD as u64 + size;
    }
    if end < length {
        tracing::warn!(
            bytes = length - end,
            "the end of memory's journal was cut off by a crash, and is left out"
        );
    }
    Ok((records, end))
}

#[cfg(test)]
mod tests {
    use super::{Journal, Kept, Record};
    use serde_json::{Map, json};

    fn record(number: u32) -> Record {
        let payload = Map::from_iter([("id".to_owned(), json!(number))]);
        Record::Stored(vec![Kept { payload, meaning: Some(vec![0.1, f32::MIN_POSITIVE]) }])
    }

    #[test]
    fn whole_records_come_back_and_a_torn_end_is_left_out() {
        let folder = tempfile::TempDir::new().unwrap();
        let place = folder.path().join("journal");
        let records = [record(1), Record::Forgotten(json!({"must": []})), record(2)];
        let (mut journal, none) = Journal::open(&place).unwrap();
        assert!(none.is_empty());
        records.iter().for_each(|record| journal.append(record).unwrap());
        drop(journal);
        let whole = std::fs::read(&place).unwrap();
        assert_eq!(Journal::open(&place).unwrap().1, records);
        for cut in 1..whole.len() {
            std::fs::write(&place, &whole[..cut]).unwrap();
            let (mut journal, left) = Journal::open(&place).unwrap();
            assert!(left.len() < 3 && records.starts_with(&left), "{cut}: {left:?}");
            // What is written after the torn end is found again.
            journal.append(&record(3)).unwrap();
            drop(journal);
            assert_eq!(Journal::open(&place).unwrap().1.last(), Some(&record(3)), "{cut}");
        }
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&place, &changed).unwrap();
        assert_eq!(Journal::open(&place).unwrap().1, records[..2]);
        let (mut journal, _) = Journal::open(&place).unwrap();
        journal.clear().unwrap();
        assert_eq!((journal.bytes(), Journal::open(&place).unwrap().1.len()), (0, 0));
    }
}
