//! Documents that clients sent once and then name by their hash (automatic persisted queries, as Apollo's and urql's
//! clients speak it): `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "…"}}}`. A hash that is not known
//! is answered with `PersistedQueryNotFound`, upon which a client sends the document with it. What is kept is bounded,
//! and gone after a restart.

use std::collections::{HashMap, VecDeque};

use axum::http::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::reply::Fault;
use crate::http::Refusal;

/// Bytes of documents that are kept; the oldest go first.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The documents that are known by their hashes.
#[derive(Debug, Default)]
pub(in crate::http) struct Documents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    documents: HashMap<String, String>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Documents {
    /// The document a request means: the one it sends, or else the one its extensions name.
    pub(super) fn meant(&self, sent: Option<String>, extensions: Option<&Value>) -> Result<String, Fault> {
        let Some(named) = extensions.and_then(|extensions| extensions.get("persistedQuery")) else {
            return sent.ok_or_else(|| Fault::malformed("there is no query".to_owned()));
        };
        let hash = named.get("sha256Hash").and_then(Value::as_str).map(str::to_ascii_lowercase);
        let (Some(hash), Some(1)) = (hash, named.get("version").and_then(Value::as_i64)) else {
            return Err(Fault::malformed("persistedQuery needs version 1 and a sha256Hash".to_owned()));
        };
        match sent {
            Some(document) if hex::encode(Sha256::digest(document.as_bytes())) == hash => {
                self.keep(hash, &document);
                Ok(document)
            }
            Some(_) => {
                Err(Fault::malformed("the query does not have the sha256Hash that is said".to_owned()))
            }
            None => self.0.lock().documents.get(&hash).cloned().ok_or_else(unknown),
        }
    }

    fn keep(&self, hash: String, document: &str) {
        let mut kept = self.0.lock();
        if kept.documents.contains_key(&hash) {
            return;
        }
        kept.bytes += document.len();
        kept.documents.insert(hash.clone(), document.to_owned());
        kept.order.push_back(hash);
        while kept.bytes > KEPT_BYTES_MAX
            && let Some(oldest) = kept.order.pop_front()
        {
            let gone = kept.documents.remove(&oldest).map_or(0, |document| document.len());
            kept.bytes -= gone;
        }
    }
}

/// The words are those that clients look for.
fn unknown() -> Fault {
    let hint = "send the query together with its hash once";
    Fault::from(Refusal::new(StatusCode::OK, "HTTP-0010", "PersistedQueryNotFound", hint))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(document: &str) -> Value {
        json!({"persistedQuery": {"version": 1, "sha256Hash": hex::encode(Sha256::digest(document))}})
    }

    #[test]
    fn the_oldest_documents_make_room() {
        let documents = Documents::default();
        let document = |n: usize| format!("{{ a{n} }} #{}", "x".repeat(200_000));
        for n in 0..60 {
            documents.meant(Some(document(n)), Some(&named(&document(n)))).unwrap();
        }
        assert!(documents.0.lock().bytes <= KEPT_BYTES_MAX);
        assert!(documents.meant(None, Some(&named(&document(0)))).is_err());
        assert_eq!(documents.meant(None, Some(&named(&document(59)))).unwrap(), document(59));
    }
}
