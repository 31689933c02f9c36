//! What a model said about the requirements of a system, remembered.
//!
//! Answers are kept by system and source, so that a source that is only looked at changes nothing for the one that was
//! built. A changed source begins with the answers of the one built last: what rests on texts that are still there
//! stays, whatever their ids are now; what rests on a changed text goes, and its requirements are asked about again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use trail::NewEvent;

use super::LeftOut;
use crate::Error;
use crate::bootstrap::read::Source;
use crate::bootstrap::suggestion::Suggestion;
use crate::records::{self, Records};

/// Where answers are kept.
const COLLECTION: &str = "bootstrap";

/// The answers about one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Answers {
    /// Digest of a requirement's text → who was asked about it last.
    asked: BTreeMap<String, String>,
    kept: Vec<Kept>,
    /// What was said and does not count.
    #[serde(default)]
    refused: Vec<Refused>,
}

/// What did not pass the checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Refused {
    left_out: LeftOut,
    /// Digests of the requirements that it is about.
    texts: BTreeSet<String>,
}

/// A suggestion that passed the checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    suggestion: Suggestion,
    /// What it rests on: id and digest of each requirement.
    basis: Vec<(String, String)>,
}

/// The source a system was built from last.
#[derive(Debug, Serialize, Deserialize)]
struct Built {
    content: String,
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.trim().as_bytes())[..12])
}

/// The digest of each requirement's text, by its id.
fn digests(source: &Source) -> BTreeMap<&str, String> {
    source.items.iter().map(|item| (item.id.as_str(), digest(&item.text))).collect()
}

fn key(system: &str, content: &str) -> String {
    format!("{}:{}", digest(system), digest(content))
}

impl Answers {
    /// Answers about this source, else about the one that the system was built from last.
    pub(super) async fn load(records: &dyn Records, system: &str, content: &str) -> Result<Self, Error> {
        if let Some(found) = records.get(COLLECTION, &key(system, content)).await? {
            return Ok(records::read(found).unwrap_or_default());
        }
        let built: Option<Built> =
            records.get(COLLECTION, &digest(system)).await?.and_then(|found| records::read(found).ok());
        let Some(built) = built else { return Ok(Self::default()) };
        let found = records.get(COLLECTION, &key(system, &built.content)).await?;
        Ok(found.and_then(|found| records::read(found).ok()).unwrap_or_default())
    }

    /// Keeps the answers, with an event that says how many.
    pub(super) async fn save(
        &self,
        records: &dyn Records,
        system: &str,
        content: &str,
        now_ms: i64,
    ) -> Result<(), Error> {
        let event = NewEvent {
            actor: crate::watch::ACTOR.to_owned(),
            subject: Some(format!("system:{system}")),
            data: json!({"requirements": self.asked.len(), "suggestions": self.kept.len()}),
            ..NewEvent::new("bootstrap.suggested", now_ms)
        };
        records.put(COLLECTION, &key(system, content), &records::write(self)?, now_ms, vec![event]).await
    }

    /// Keeps the answers as those of the source that the system is built from.
    pub(super) async fn build(
        &self,
        records: &dyn Records,
        system: &str,
        content: &str,
        now_ms: i64,
    ) -> Result<(), Error> {
        let found = records.get(COLLECTION, &key(system, content)).await?;
        let (written, built) =
            (records::write(self)?, records::write(&Built { content: content.to_owned() })?);
        if found.as_ref() != Some(&written) {
            records.put(COLLECTION, &key(system, content), &written, now_ms, Vec::new()).await?;
        }
        if records.get(COLLECTION, &digest(system)).await?.as_ref() != Some(&built) {
            records.put(COLLECTION, &digest(system), &built, now_ms, Vec::new()).await?;
        }
        Ok(())
    }

    /// Brings the answers to a source: ids as they are now; what rests on a text that is gone is forgotten, and what
    /// it rested on beside that is open again.
    pub(super) fn fit(&mut self, source: &Source) {
        let mut by_text: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for item in &source.items {
            by_text.entry(digest(&item.text)).or_default().push(&item.id);
        }
        let same = |id: &str, text: &str| {
            let ids = by_text.get(text)?;
            ids.iter().find(|known| **known == id).or(ids.first()).map(|id| (*id).to_owned())
        };
        let mut open: BTreeSet<String> = BTreeSet::new();
        self.kept.retain_mut(|kept| {
            let now: Option<Vec<String>> = kept.basis.iter().map(|(id, text)| same(id, text)).collect();
            let Some(now) = now else {
                open.extend(kept.basis.iter().map(|(_, text)| text.clone()));
                return false;
            };
            let renamed: BTreeMap<String, String> =
                kept.basis.iter().map(|(id, _)| id.clone()).zip(now.iter().cloned()).collect();
            for id in kept.suggestion.item.requirements_mut() {
                if let Some(now) = renamed.get(id.trim()) {
                    id.clone_from(now);
                }
            }
            for ((id, _), now) in kept.basis.iter_mut().zip(now) {
                *id = now;
            }
            true
        });
        self.asked.retain(|text, _| by_text.contains_key(text) && !open.contains(text));
        self.refused.retain(|refused| refused.texts.iter().any(|text| by_text.contains_key(text)));
    }

    /// Places of requirements that were not asked about by this asker; of several with one text the first.
    pub(super) fn open(&self, source: &Source, by: &str) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let unasked = |text: &String| self.asked.get(text).is_none_or(|asker| asker != by);
        let texts = source.items.iter().map(|item| digest(&item.text)).enumerate();
        texts.filter(|(_, text)| unasked(text) && seen.insert(text.clone())).map(|(place, _)| place).collect()
    }

    /// Digests of the requirements at these places.
    pub(super) fn asking(source: &Source, places: &[usize]) -> BTreeSet<String> {
        places.iter().filter_map(|place| source.items.get(*place)).map(|item| digest(&item.text)).collect()
    }

    /// Notes that this asker asked about them.
    pub(super) fn asked(&mut self, texts: &BTreeSet<String>, by: &str) {
        self.asked.extend(texts.iter().map(|text| (text.clone(), by.to_owned())));
    }

    /// Forgets what rests on nothing but these texts; parts go when nothing is allocated to them any more.
    pub(super) fn forget(&mut self, texts: &BTreeSet<String>) {
        self.kept
            .retain(|kept| kept.basis.is_empty() || kept.basis.iter().any(|(_, text)| !texts.contains(text)));
        self.refused.retain(|refused| refused.texts.is_disjoint(texts));
    }

    /// Remembers what was said and does not count. What is about no requirement of the source is about those that were
    /// asked about.
    pub(super) fn leave_out(&mut self, left_out: Vec<LeftOut>, asked: &BTreeSet<String>, source: &Source) {
        let texts = digests(source);
        for left_out in left_out {
            let about = left_out.about.iter().filter_map(|id| texts.get(id.as_str()).cloned());
            let mut about: BTreeSet<String> = about.collect();
            if about.is_empty() {
                about.clone_from(asked);
            }
            self.refused.retain(|known| known.left_out != left_out);
            self.refused.push(Refused { left_out, texts: about });
        }
    }

    /// What was said and does not count, in the order in which it was said.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        self.refused.iter().map(|refused| refused.left_out.clone()).collect()
    }

    /// Takes in what passed the checks.
    pub(super) fn take(&mut self, accepted: Vec<Suggestion>, source: &Source) {
        let texts = digests(source);
        self.kept.extend(accepted.into_iter().map(|suggestion| {
            let ids = suggestion.item.requirements();
            let basis = ids.iter().map(|id| id.trim());
            let basis = basis.filter_map(|id| Some((id.to_owned(), texts.get(id)?.clone()))).collect();
            Kept { suggestion, basis }
        }));
    }

    /// Drops the suggestions at these places.
    pub(super) fn drop(&mut self, places: &BTreeSet<usize>) {
        let mut place = 0;
        self.kept.retain(|_| {
            place += 1;
            !places.contains(&(place - 1))
        });
    }

    /// All of them, in the order in which they were said.
    pub(super) fn suggestions(&self) -> Vec<Suggestion> {
        self.kept.iter().map(|kept| kept.suggestion.clone()).collect()
    }
}
