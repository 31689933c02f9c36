//! Memory in the data directory: qdrant-edge, embedded.
//!
//! `memory.json` names the folder in use and the embedding model it was made with. With another model all entries
//! move to a new folder; the old one is removed only once the new one is complete and named. qdrant-edge works on
//! the calling thread, so every call goes through `spawn_blocking`.

mod journal;
mod manifest;
mod shard;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use qdrant_edge::{Vector, VectorInternal};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use self::journal::Kept;
use self::manifest::Manifest;
use self::shard::{Pace, ROOM_BYTES, Shard};
use crate::bm25;
use crate::entry::HITS_LIMIT;
use crate::fuse;
use crate::meaning::{Meaning, cut};
use crate::point::{self, Condition, MEANING, TIME, WORDS};
use crate::{Embed, Entry, Error, Filter, Kind, Memory, Query, Recall};

/// Entries moved at once to a folder for another embedding model.
const MOVED: usize = 256;

/// Entries looked through at once for what they say.
const LOOKED_THROUGH: usize = 1_000;

/// Memory in a directory.
#[derive(Clone)]
pub struct EdgeMemory {
    shard: Arc<Shard>,
    meaning: Meaning,
}

impl EdgeMemory {
    /// Opens the memory in `directory`, or makes one there; `embed` adds search by meaning.
    ///
    /// # Errors
    /// Where the directory cannot be used or was made by a newer version.
    pub async fn open(directory: &Path, embed: Option<Arc<dyn Embed>>) -> Result<Self, Error> {
        Self::open_with(directory, embed, Pace::default()).await
    }

    async fn open_with(directory: &Path, embed: Option<Arc<dyn Embed>>, pace: Pace) -> Result<Self, Error> {
        let meaning = Meaning(embed);
        let (place, shape) = (directory.to_owned(), meaning.shape());
        let (shard, former) = blocking(directory, move || open_folder(&place, shape, pace)).await?;
        let memory = Self { shard, meaning };
        if let Some((former, manifest)) = former {
            memory.move_from(former, directory, &manifest).await?;
        }
        Ok(memory)
    }

    /// Takes over every entry of a memory made with another embedding model, then names the new folder.
    async fn move_from(
        &self,
        former: Arc<Shard>,
        directory: &Path,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let mut from = None;
        loop {
            let source = Arc::clone(&former);
            let (entries, next) =
                blocking(directory, move || source.page(&filter_of(&[]), from, MOVED)).await?;
            self.store(entries).await?;
            from = next;
            if from.is_none() {
                break;
            }
        }
        let (place, manifest) = (directory.to_owned(), manifest.clone());
        let write = move || {
            manifest::write(&place, &manifest)?;
            let old = former.place.clone();
            drop(former);
            std::fs::remove_dir_all(&old).map_err(|e| failed(&place, &e))
        };
        blocking(directory, write).await
    }

    /// Waits until everything is in the index, building it where it is missing. Memory needs no such call: it
    /// builds its index by itself when enough has come together, in a thread of its own.
    ///
    /// # Errors
    /// Where the index cannot be built, e.g. because the disk has too little room; memory works without it, slower.
    pub async fn settle(&self) -> Result<(), Error> {
        self.run(Shard::settle).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shard>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shard = Arc::clone(&self.shard);
        let place = self.shard.place.clone();
        blocking(&place, move || work(&shard)).await
    }
}

/// Runs blocking work; a panic inside the store becomes an error.
async fn blocking<T: Send + 'static>(
    place: &Path,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|e| failed(place, &e))?
}

fn failed(place: &Path, detail: &dyn std::fmt::Display) -> Error {
    Error::Store { place: place.display().to_string(), detail: detail.to_string() }
}

/// Refuses to write where the disk has too little room.
fn need_room(place: &Path, needed: u64) -> Result<(), Error> {
    let free = fs4::available_space(place).map_err(|e| failed(place, &e))?;
    if free < needed {
        return Err(Error::Full { place: place.display().to_string(), free, needed });
    }
    Ok(())
}

/// Opens the folder in use; with another embedding model, a fresh one and the former.
type Opened = (Arc<Shard>, Option<(Arc<Shard>, Manifest)>);

fn open_folder(directory: &Path, shape: Option<(String, usize)>, pace: Pace) -> Result<Opened, Error> {
    std::fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
    need_room(directory, ROOM_BYTES)?;
    let (model, dimension) = shape.map_or((None, 0), |(name, dimension)| (Some(name), dimension));
    let wanted = |folder: &str| Manifest {
        format: manifest::FORMAT,
        folder: folder.to_owned(),
        model: model.clone(),
        dimension,
    };
    let Some(present) = manifest::read(directory)? else {
        let manifest = wanted("shard-1");
        let shard = Shard::create(&directory.join(&manifest.folder), dimension, pace)?;
        manifest::write(directory, &manifest)?;
        return Ok((Arc::new(shard), None));
    };
    let shard = Shard::load(&directory.join(&present.folder), present.dimension, pace)?;
    if present == wanted(&present.folder) {
        return Ok((shard, None));
    }
    let number = present.folder.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    let manifest = wanted(&format!("shard-{}", number.saturating_add(1)));
    let fresh = Shard::create(&directory.join(&manifest.folder), dimension, pace)?;
    Ok((Arc::new(fresh), Some((shard, manifest))))
}

/// Conditions in the store's own form.
fn filter_of(conditions: &[Condition]) -> Value {
    let must: Vec<Value> = conditions
        .iter()
        .map(|condition| match condition {
            Condition::OneOf(field, values) => json!({ "key": field, "match": { "any": values } }),
            Condition::SystemOrNone(system) => json!({ "should": [
                { "key": "system", "match": { "value": system } },
                { "is_empty": { "key": "system" } },
            ] }),
            Condition::Since(at) => json!({ "key": TIME, "range": { "gte": at } }),
            Condition::Before(at) => json!({ "key": TIME, "range": { "lt": at } }),
        })
        .collect();
    json!({ "must": must })
}

#[async_trait]
impl Memory for EdgeMemory {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), Error> {
        point::check(&entries)?;
        if entries.is_empty() {
            return Ok(());
        }
        let meanings = self.meaning.of_entries(&entries).await;
        let kept = |(entry, meaning): (&Entry, _)| Kept { payload: point::payload(entry), meaning };
        let kept = entries.iter().zip(meanings).map(kept).collect();
        self.run(move |shard| shard.store(kept)).await
    }

    async fn recall(&self, query: Query) -> Result<Recall, Error> {
        let limit = query.limit.min(HITS_LIMIT);
        let filter = filter_of(&point::conditions_of_query(&query));
        if limit == 0 {
            return Ok(Recall::default());
        }
        if query.text.trim().is_empty() {
            let hits = self.run(move |shard| shard.newest(&filter, limit)).await?;
            return Ok(Recall { hits, degraded: None });
        }
        let (meaning, degraded) = self.meaning.of_query(&query.text).await;
        let (indices, values) = bm25::query(cut(&query.text));
        let hits = self
            .run(move |shard| {
                // Fusing needs more of each order than it gives in the end.
                let depth = if meaning.is_some() { (limit * 3).max(50) } else { limit };
                let mut lists = Vec::new();
                if !indices.is_empty() {
                    let words = Vector::new_sparse(indices, values).map_err(|e| shard.fail(&e))?;
                    lists.push(shard.nearest(WORDS, words.into(), &filter, depth)?);
                }
                let Some(meaning) = meaning else { return shard.hits(&lists.pop().unwrap_or_default()) };
                lists.push(shard.nearest(MEANING, VectorInternal::Dense(meaning), &filter, depth)?);
                let lists = lists.into_iter().map(|list| list.into_iter().map(|(id, _)| id).collect());
                shard.hits(&fuse::reciprocal_rank(lists, limit))
            })
            .await?;
        Ok(Recall { hits, degraded })
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Entry>, Error> {
        let number = point::point_id(organisation, id);
        self.run(move |shard| shard.get(number)).await
    }

    async fn forget(&self, filter: Filter) -> Result<usize, Error> {
        let conditions = filter_of(&point::conditions_of_filter(&filter)?);
        if filter.about.is_none() {
            return self.run(move |shard| shard.forget(conditions)).await;
        }
        // What entries say has no index: they are looked through.
        let (mut from, mut forgotten) = (None, 0);
        loop {
            let conditions = conditions.clone();
            let (entries, next) =
                self.run(move |shard| shard.page(&conditions, from, LOOKED_THROUGH)).await?;
            for named in filter.named(&entries) {
                forgotten += self.forget(named).await?;
            }
            from = next;
            if from.is_none() {
                return Ok(forgotten);
            }
        }
    }

    async fn count(&self, kind: Option<Kind>) -> Result<usize, Error> {
        let kinds = kind.into_iter().map(|kind| Condition::OneOf("kind", vec![kind.as_str().to_owned()]));
        let filter = filter_of(&kinds.collect::<Vec<_>>());
        self.run(move |shard| shard.count(filter)).await
    }

    fn notice(&self) -> Option<String> {
        self.shard.notice()
    }
}
