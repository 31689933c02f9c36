//! The engine: what it holds in memory, how it is opened, and the loops that keep it going.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use engine::clock::Clock;
use engine::port::{Inspector, Notice};
use engine::store::{Commit, FollowUp, StoredMessage};
use engine::{Error as EngineError, Store, limits};
use parking_lot::Mutex;
use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use trail::Trail;

use crate::answer::Owed;
use crate::catalogue::Deployed;
use crate::course::Course;
use crate::job::Jobs;
use crate::keys::{Keys, key_of};
use crate::rest::{Rest, encode};
use crate::watch::Open;
use crate::{Error, answer, fetch, instances, lease, messages, watch};

/// Where Camunda is and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address of its REST API, e.g. `http://127.0.0.1:8080/engine-rest`; user and password may stand in it.
    pub url: String,
    /// How often instances are looked for, milliseconds.
    pub poll_ms: u64,
    /// How long a job is locked in Camunda, milliseconds; locks are extended while the job is held here.
    pub lock_ms: i64,
    /// How long a call for jobs waits in Camunda, milliseconds.
    pub long_poll_ms: u64,
    /// Pause before something that failed is tried again, milliseconds.
    pub retry_ms: u64,
    /// Look after the instances alone that are started through here (and those they call), not after everything in
    /// Camunda.
    pub only_own: bool,
}

impl Settings {
    /// The usual times for the engine at `url`.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            poll_ms: 400,
            lock_ms: 60_000,
            long_poll_ms: 1_000,
            retry_ms: 1_000,
            only_own: false,
        }
    }

    /// Looks whether the address is one; nobody is asked.
    ///
    /// # Errors
    /// Where it is none.
    pub fn check(&self) -> Result<(), Error> {
        Rest::new(&self.url).map(drop)
    }
}

/// A Camunda 7 engine behind the port `ProcessEngine`.
#[derive(Clone)]
pub struct Camunda7 {
    pub(crate) core: Arc<Core>,
}

/// What everything in this crate shares.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) rest: Rest,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) trail: Arc<dyn Trail>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Name under which jobs are locked in Camunda; the same after a restart on the same records.
    pub(crate) worker: String,
    /// From when on ended instances count, milliseconds since the Unix epoch.
    pub(crate) since_ms: i64,
    pub(crate) keys: Keys,
    pub(crate) deployed: Mutex<HashMap<String, Arc<Deployed>>>,
    pub(crate) jobs: Mutex<Jobs>,
    pub(crate) job_added: Notify,
    pub(crate) open: Mutex<BTreeMap<i64, Open>>,
    pub(crate) courses: Mutex<HashMap<i64, Course>>,
    /// Answers that are recorded here and that Camunda may not know yet, by follow-up key.
    pub(crate) owed: Mutex<BTreeMap<i64, Owed>>,
    pub(crate) owed_added: Notify,
    /// Follow-ups that are done and still stand in the store.
    pub(crate) paid: Mutex<Vec<i64>>,
    pub(crate) buffered: Mutex<BTreeMap<i64, StoredMessage>>,
    pub(crate) notices: broadcast::Sender<Notice>,
    /// Whether Camunda answered the last call of the loops; logged where it changes.
    pub(crate) is_up: AtomicBool,
    pub(crate) starting: tokio::sync::Mutex<()>,
    pub(crate) inspector: std::sync::OnceLock<Arc<dyn Inspector>>,
}

impl Camunda7 {
    /// Opens the engine; Camunda need not be up. What an earlier run recorded and could not tell Camunda is told
    /// by [`Camunda7::run`]. `trail` reads what `store` writes.
    ///
    /// # Errors
    /// Where the address is none, or the store cannot be read.
    pub async fn open(
        settings: Settings,
        store: Arc<dyn Store>,
        trail: Arc<dyn Trail>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        let rest = Rest::new(&settings.url)?;
        let waiting = store.load_waiting().await?;
        let owed = waiting.follow_ups.into_iter().filter_map(|one| match one.action {
            FollowUp::Remote { payload } => match Owed::deserialize(&payload) {
                Ok(owed) => Some((one.key, owed)),
                Err(error) => {
                    tracing::warn!(key = one.key, %error, "an answer for Camunda cannot be read");
                    None
                }
            },
            _ => None,
        });
        let owed = owed.collect();
        let buffered = waiting.messages.into_iter().map(|message| (message.key, message)).collect();
        let now_ms = clock.now_ms();
        let place = rest.url().to_owned();
        let fresh = key_of(&format!("{place}/{now_ms}/{}", std::process::id()));
        // The same at another address: the engine may be known by several, and answers are owed under this name.
        let worker = remembered(&*store, "camunda7/worker", fresh).await?;
        let worker = format!("procos-{worker:x}");
        let since_ms = remembered(&*store, &format!("camunda7/since/{place}"), now_ms).await?;
        let core = Core {
            settings,
            rest,
            store,
            trail,
            clock,
            worker,
            since_ms,
            keys: Keys::default(),
            deployed: Mutex::default(),
            jobs: Mutex::default(),
            job_added: Notify::new(),
            open: Mutex::default(),
            courses: Mutex::default(),
            owed: Mutex::new(owed),
            owed_added: Notify::new(),
            paid: Mutex::default(),
            buffered: Mutex::new(buffered),
            notices: broadcast::channel(limits::NOTICE_LIMIT).0,
            is_up: AtomicBool::new(true),
            starting: tokio::sync::Mutex::new(()),
            inspector: std::sync::OnceLock::new(),
        };
        Ok(Self { core: Arc::new(core) })
    }

    /// Keeps the engine going until it is stopped: fetches jobs, keeps their locks, tells Camunda what it was not
    /// told, watches instances, delivers buffered messages.
    pub async fn run(&self, stop: CancellationToken) {
        let core = &self.core;
        tokio::select! {
            () = stop.cancelled() => {}
            () = async {
                // First what an earlier run owes: a job that is done must not be done again.
                answer::settle_old(core).await;
                tokio::join!(
                    answer::keep_telling(core),
                    fetch::keep_fetching(core),
                    lease::keep_locks(core),
                    watch::keep_watching(core),
                    messages::keep_delivering(core),
                );
            } => {}
        }
        core.flush_paid().await;
        if !core.settings.only_own {
            fetch::give_back(core).await;
        }
    }

    /// Whether Camunda moves an instance on by itself: a timer is set, or a step waits for its job executor.
    ///
    /// # Errors
    /// Where the instance is not known or Camunda does not answer.
    pub async fn goes_on(&self, instance: i64) -> Result<bool, EngineError> {
        let id = instances::id_of(&self.core, instance).await?;
        let path = format!("/job/count?processInstanceId={}&withRetriesLeft=true", encode(&id));
        let answer = self.core.rest.get(&path).await?;
        Ok(answer.get("count").and_then(Value::as_u64).unwrap_or(0) > 0)
    }

    /// Answers that are recorded and that Camunda does not know yet.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.core.owed.lock().len()
    }
}

impl Core {
    pub(crate) fn notify(&self, notice: Notice) {
        // Nobody has to listen.
        let _ = self.notices.send(notice);
    }

    pub(crate) async fn key(&self) -> Result<i64, EngineError> {
        self.store.reserve_keys(1).await
    }

    pub(crate) async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(self.settings.retry_ms)).await;
    }

    /// Takes the done follow-ups out of the store; what is left over by a crash has nothing left to do.
    pub(crate) async fn flush_paid(&self) {
        let paid = std::mem::take(&mut *self.paid.lock());
        if paid.is_empty() {
            return;
        }
        let commit = Commit { ended_follow_ups: paid.clone(), ..Commit::default() };
        if let Err(error) = self.store.commit(commit).await {
            tracing::debug!(%error, "told answers stay in the store for now");
            self.paid.lock().extend(paid);
        }
    }

    /// Says once that Camunda went away or came back.
    pub(crate) fn mark(&self, outcome: Result<(), &crate::Error>) {
        use std::sync::atomic::Ordering::Relaxed;
        match outcome {
            Ok(()) => {
                if !self.is_up.swap(true, Relaxed) {
                    tracing::info!(url = self.rest.url(), "Camunda answers again");
                }
            }
            Err(error) if error.may_pass() => {
                if self.is_up.swap(false, Relaxed) {
                    tracing::warn!(%error, hint = error.hint(), "Camunda does not answer");
                }
            }
            Err(error) => tracing::warn!(%error, "Camunda refused a call"),
        }
    }
}

/// A number that is chosen once and kept with the records.
async fn remembered(store: &dyn Store, name: &str, fresh: i64) -> Result<i64, EngineError> {
    if let Some(known) = store.find_idempotent(name).await? {
        return Ok(known);
    }
    let commit = Commit { idempotent: Some((name.to_owned(), fresh)), ..Commit::default() };
    store.commit(commit).await?;
    Ok(fresh)
}
