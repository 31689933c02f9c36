//! What people do in the web admin, watched only with their consent.
//!
//! | state | by | what happens to what they do |
//! | --- | --- | --- |
//! | off (at first) | – | nothing is recorded |
//! | on | a person who says so; who and when is in the trail | kept in memory with kind and time, for [`KEPT_MS`] |
//! | off again | anybody | nothing more is recorded, at once; what is kept can be forgotten |
//!
//! What is recorded says what was looked at or changed, never what was typed. It stays in this installation's memory,
//! under the source [`SOURCE`], where `procos memory` shows, exports and forgets it.

use std::sync::Arc;

use engine::clock::Clock;
use memory::{Entry, Filter, Kind, Memory, Query};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trail::NewEvent;

use crate::error::Error;
use crate::records::{self, Records};

/// The source of entries in memory that say what people did.
pub const SOURCE: &str = "web admin";
/// Most acts that one call takes.
pub const ACTS_AT_ONCE: usize = 100;
/// Most acts that are kept in a minute, whoever sends them.
pub const ACTS_A_MINUTE: usize = 600;
/// Longest subject or element of an act, bytes.
pub const NAME_LIMIT_BYTES: usize = 300;
/// How far an act may lie back when it is told, milliseconds: ten minutes.
pub const LATE_LIMIT_MS: i64 = 600_000;
/// How long acts are kept, milliseconds: thirty days.
pub const KEPT_MS: i64 = 30 * 86_400_000;
/// Acts that findings look at, the newest.
const SEEN_LIMIT: usize = memory::HITS_LIMIT;
/// Acts of one subject that lie closer together are one occasion, milliseconds: half an hour.
pub(super) const OCCASION_MS: i64 = 1_800_000;
/// Where the consent is kept: collection and key.
const PLACE: (&str, &str) = ("watch", "consent");

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Something was looked at.
    View,
    /// Something was changed, not yet saved.
    Edit,
    /// A change was saved.
    Save,
    /// An editor was left and the change in it was not saved.
    Leave,
    /// A change was taken back.
    Undo,
    /// A proposal or suggestion was accepted.
    Accept,
    /// A proposal or suggestion was rejected.
    Reject,
}

impl ActKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Edit => "edit",
            Self::Save => "save",
            Self::Leave => "leave",
            Self::Undo => "undo",
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }
}

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What.
    pub kind: ActKind,
    /// With what: the id of a process, `proposal:ID`, `suggestion:ID`, the name of a system.
    pub subject: String,
    /// With which element of it.
    pub element: Option<String>,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Whether people agreed that what they do is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// Whether it is given.
    pub given: bool,
    /// Who gave or withdrew it last; empty where nobody did.
    pub by: String,
    /// When, milliseconds since the Unix epoch; 0 where nobody did.
    pub at_ms: i64,
}

/// What became of acts that were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many are kept.
    pub kept: usize,
    /// How many were dropped because there were too many in a minute.
    pub dropped: usize,
    /// Whether consent is given; without it nothing is kept and nothing more need be told.
    pub consent: bool,
}

/// The minute in which acts are counted.
#[derive(Debug, Default)]
struct Minute {
    began_ms: i64,
    count: usize,
    /// Acts since the start, so that two at the same moment are two.
    total: u64,
}

/// Keeps the consent and, with it, what people did; cheap to clone.
#[derive(Clone)]
pub struct People {
    records: Arc<dyn Records>,
    memory: Arc<dyn Memory>,
    clock: Arc<dyn Clock>,
    minute: Arc<Mutex<Minute>>,
}

impl People {
    /// What people did, kept in this memory; the consent is kept in these records.
    #[must_use]
    pub fn new(records: Arc<dyn Records>, memory: Arc<dyn Memory>, clock: Arc<dyn Clock>) -> Self {
        Self { records, memory, clock, minute: Arc::default() }
    }

    /// The consent as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    pub async fn consent(&self) -> Result<Consent, Error> {
        let found = self.records.get(PLACE.0, PLACE.1).await?;
        found.map_or_else(|| Ok(Consent::default()), records::read)
    }

    /// Gives or withdraws consent; who and when stands in the trail. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    pub async fn agree(&self, given: bool, by: &str) -> Result<Consent, Error> {
        let former = self.consent().await?;
        if former.given == given {
            return Ok(former);
        }
        let now_ms = self.clock.now_ms();
        let consent = Consent { given, by: by.to_owned(), at_ms: now_ms };
        let event = NewEvent {
            actor: by.to_owned(),
            subject: Some("watching people".to_owned()),
            data: json!({"given": given}),
            ..NewEvent::new(if given { "consent.given" } else { "consent.withdrawn" }, now_ms)
        };
        self.records.put(PLACE.0, PLACE.1, &records::write(&consent)?, now_ms, vec![event]).await?;
        Ok(consent)
    }

    /// Keeps what a person did, where consent is given; what is too much in a minute is dropped.
    ///
    /// # Errors
    /// `DAS-0025` where a call breaks a limit, [`Error::Stopped`] where consent or memory cannot be reached.
    pub async fn tell(&self, mut acts: Vec<Act>, by: &str) -> Result<Told, Error> {
        if acts.len() > ACTS_AT_ONCE {
            return Err(Error::Act(format!(
                "{} acts in one call, ACTS_AT_ONCE is {ACTS_AT_ONCE}",
                acts.len()
            )));
        }
        let long = |name: &str| name.is_empty() || name.len() > NAME_LIMIT_BYTES;
        if acts.iter().any(|act| long(&act.subject) || act.element.as_deref().is_some_and(long)) {
            return Err(Error::Act(format!("a name is empty or longer than {NAME_LIMIT_BYTES} bytes")));
        }
        if !self.consent().await?.given {
            return Ok(Told::default());
        }
        let now_ms = self.clock.now_ms();
        let (room, first) = {
            let mut minute = self.minute.lock();
            if now_ms.saturating_sub(minute.began_ms) >= 60_000 {
                (minute.began_ms, minute.count) = (now_ms, 0);
            }
            let room = acts.len().min(ACTS_A_MINUTE.saturating_sub(minute.count));
            minute.count += room;
            minute.total += room as u64;
            (room, minute.total - room as u64)
        };
        let dropped = acts.len() - room;
        acts.truncate(room);
        let entries: Vec<Entry> =
            (first..).zip(&acts).map(|(number, act)| entry(act, by, now_ms, number)).collect();
        if !entries.is_empty() {
            self.memory.store(entries).await.map_err(|error| Error::Stopped(error.to_string()))?;
        }
        Ok(Told { kept: room, dropped, consent: true })
    }

    /// Forgets everything that people did; returns how many entries that were. Consent stays as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`] where memory cannot be reached.
    pub async fn forget(&self) -> Result<usize, Error> {
        self.forget_before(None).await
    }

    /// Forgets what is older than [`KEPT_MS`].
    pub(super) async fn forget_old(&self) -> Result<usize, Error> {
        self.forget_before(Some(self.clock.now_ms().saturating_sub(KEPT_MS))).await
    }

    async fn forget_before(&self, before_ms: Option<i64>) -> Result<usize, Error> {
        let filter = Filter { source: Some(SOURCE.to_owned()), before_ms, ..Filter::default() };
        self.memory.forget(filter).await.map_err(|error| Error::Stopped(error.to_string()))
    }

    /// The newest acts, oldest first, where consent is given; none otherwise.
    ///
    /// # Errors
    /// [`Error::Stopped`] where consent or memory cannot be reached.
    pub async fn acts(&self) -> Result<Vec<Act>, Error> {
        if !self.consent().await?.given {
            return Ok(Vec::new());
        }
        self.kept().await
    }

    /// What is kept, whatever the consent is; oldest first, at most the newest [`memory::HITS_LIMIT`].
    ///
    /// # Errors
    /// [`Error::Stopped`] where memory cannot be reached.
    pub async fn kept(&self) -> Result<Vec<Act>, Error> {
        let since_ms = Some(self.clock.now_ms().saturating_sub(KEPT_MS));
        let query = Query {
            source: Some(SOURCE.to_owned()),
            kinds: vec![Kind::TaskLog],
            since_ms,
            limit: SEEN_LIMIT,
            ..Query::default()
        };
        let found = self.memory.recall(query).await.map_err(|error| Error::Stopped(error.to_string()))?;
        let mut acts: Vec<Act> = found
            .hits
            .into_iter()
            .filter_map(|hit| serde_json::from_value(hit.entry.payload.get("act")?.clone()).ok())
            .collect();
        acts.sort_by_key(|act| act.at_ms);
        Ok(acts)
    }
}

fn entry(act: &Act, by: &str, now_ms: i64, number: u64) -> Entry {
    let at_ms = act.at_ms.clamp(now_ms.saturating_sub(LATE_LIMIT_MS), now_ms);
    let element = act.element.as_deref().map(|element| format!(" at {element}")).unwrap_or_default();
    let text = format!("{} {}{element}", act.kind.as_str(), act.subject);
    let id = format!("act/{now_ms}/{number}");
    let mut entry = Entry::new(&id, Kind::TaskLog, act.kind.as_str(), &text, at_ms);
    entry.source = SOURCE.to_owned();
    entry.payload = json!({"act": Act { at_ms, ..act.clone() }, "by": by});
    entry
}

/// How often people were busy with something, in occasions.
pub(super) fn occasions(times: &mut [i64]) -> usize {
    times.sort_unstable();
    let mut count = 0;
    let mut last: Option<i64> = None;
    for &at in times.iter() {
        if last.is_none_or(|last| at - last > OCCASION_MS) {
            count += 1;
        }
        last = Some(at);
    }
    count
}
