//! The engine: what it holds in memory, how it is opened, and the loops that keep it going.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::clock::Clock;
use engine::port::{Inspector, Notice};
use engine::store::{Commit, FollowUp, StoredMessage};
use engine::{Error as EngineError, Store, limits};
use parking_lot::Mutex;
use serde::Deserialize as _;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use trail::Trail;

use crate::answer::Owed;
use crate::camunda7::Seven;
use crate::camunda8::Eight;
use crate::catalogue::Deployed;
use crate::course::Course;
use crate::credential::{ClientCredentials, Credential, TokenServer};
use crate::job::Jobs;
use crate::keys::{Keys, key_of};
use crate::remote::Remote;
use crate::watch::Open;
use crate::{Error, answer, fetch, lease, messages, state, watch};

/// How long a search of a Camunda whose searches lag is waited for, milliseconds.
const LAG_MS: u64 = 15_000;

/// Pause between two looks at what is not visible yet.
pub(crate) const VISIBLE_PAUSE: Duration = Duration::from_millis(50);

/// Which Camunda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Camunda 7, Operaton, CIB seven: the REST API under `/engine-rest`.
    Seven,
    /// Camunda 8.8 and later: the Orchestration Cluster REST API under `/v2`.
    Eight,
}

/// Where Camunda is and how it is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which Camunda it is.
    pub generation: Generation,
    /// Address of its REST API, e.g. `http://127.0.0.1:8080/engine-rest` or `http://127.0.0.1:8080`; user and password
    /// may stand in it.
    pub url: String,
    /// Bearer token that every call carries (Camunda 8).
    pub token: Option<String>,
    /// Client id and secret for which a token server gives such a token; they come before `token`.
    pub client: Option<ClientCredentials>,
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
    /// How long a search is waited for that may not show yet what has happened (Camunda 8), milliseconds.
    pub lag_ms: u64,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password, and the token is one.
        f.debug_struct("Settings").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Settings {
    /// The usual times for the Camunda 7 at `url`.
    #[must_use]
    pub fn camunda7(url: &str) -> Self {
        Self::of(Generation::Seven, url)
    }

    /// The usual times for the Camunda 8 at `url`.
    #[must_use]
    pub fn camunda8(url: &str) -> Self {
        Self::of(Generation::Eight, url)
    }

    /// The usual times.
    #[must_use]
    pub fn of(generation: Generation, url: &str) -> Self {
        Self {
            generation,
            url: url.to_owned(),
            token: None,
            client: None,
            lag_ms: LAG_MS,
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
        self.remote().map(drop)
    }

    /// Asks the engine for its version: the first thing to ask, because its errors can be told apart best.
    ///
    /// # Errors
    /// Where the address is none, nobody answers, somebody else does, or Camunda wants a user and a password.
    pub async fn version(&self) -> Result<String, Error> {
        let strange =
            || Error::Strange { path: self.path().to_owned(), detail: "there is nothing".to_owned() };
        let version = match self.generation {
            Generation::Seven => Seven::new(&self.url)?.version().await,
            Generation::Eight => Eight::new(&self.url, self.credential()?, self.lag_ms)?.version().await,
        };
        match version {
            Err(Error::Missing { .. }) => Err(strange()),
            // What in between answers while Camunda starts answers the same for ever where the path is wrong.
            Err(Error::Refused { status: 503, detail, .. }) if detail == crate::rest::NOT_CAMUNDA => {
                Err(strange())
            }
            other => other,
        }
    }

    fn path(&self) -> &'static str {
        match self.generation {
            Generation::Seven => "/version",
            Generation::Eight => "/topology",
        }
    }

    fn credential(&self) -> Result<Credential, Error> {
        Ok(match (&self.client, &self.token) {
            (Some(client), _) => Credential::Client(Arc::new(TokenServer::new(client.clone())?)),
            (None, Some(token)) => Credential::Token(token.clone()),
            (None, None) => Credential::None,
        })
    }

    fn remote(&self) -> Result<Arc<dyn Remote>, Error> {
        Ok(match self.generation {
            Generation::Seven => Arc::new(Seven::new(&self.url)?),
            Generation::Eight => Arc::new(Eight::new(&self.url, self.credential()?, self.lag_ms)?),
        })
    }
}

/// A Camunda behind the port `ProcessEngine`.
#[derive(Clone)]
pub struct Camunda {
    pub(crate) core: Arc<Core>,
}

/// What everything in this crate shares.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) remote: Arc<dyn Remote>,
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
    /// Steps whose answer Camunda has heard and whose end was not seen yet, by instance.
    pub(crate) heard: Mutex<HashMap<i64, HashSet<String>>>,
    /// Follow-ups that are done and still stand in the store.
    pub(crate) paid: Mutex<Vec<i64>>,
    pub(crate) buffered: Mutex<BTreeMap<i64, StoredMessage>>,
    pub(crate) notices: broadcast::Sender<Notice>,
    /// Whether Camunda answered the last call of the loops; logged where it changes.
    pub(crate) is_up: AtomicBool,
    pub(crate) starting: tokio::sync::Mutex<()>,
    /// Who has a say in what is deployed.
    pub(crate) inspector: OnceLock<Arc<dyn Inspector>>,
}

impl Camunda {
    /// Opens the engine; Camunda need not be up. What an earlier run recorded and could not tell Camunda is told
    /// by [`Camunda::run`]. `trail` reads what `store` writes.
    ///
    /// # Errors
    /// Where the address is none, or the store cannot be read.
    pub async fn open(
        settings: Settings,
        store: Arc<dyn Store>,
        trail: Arc<dyn Trail>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        let remote = settings.remote()?;
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
        let (place, name) = (remote.url().to_owned(), remote.name());
        let fresh = key_of(&format!("{place}/{now_ms}/{}", std::process::id()));
        // The same at another address: the engine may be known by several, and answers are owed under this name.
        let worker = remembered(&*store, &format!("{name}/worker"), fresh).await?;
        let worker = format!("procos-{worker:x}");
        let since_ms = remembered(&*store, &format!("{name}/since/{place}"), now_ms).await?;
        let core = Core {
            settings,
            remote,
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
            heard: Mutex::default(),
            paid: Mutex::default(),
            buffered: Mutex::new(buffered),
            notices: broadcast::channel(limits::NOTICE_LIMIT).0,
            is_up: AtomicBool::new(true),
            starting: tokio::sync::Mutex::new(()),
            inspector: OnceLock::new(),
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
        state::goes_on(&self.core, instance).await
    }

    /// Which Camunda it is.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.core.settings.generation
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

    /// Name of the engine: `camunda7` or `camunda8`.
    pub(crate) fn name(&self) -> &'static str {
        self.remote.name()
    }

    /// Asks again and again until the answer shows what is known to have happened, for as long as searches may lag;
    /// then what was said last.
    pub(crate) async fn until<T, F: Future<Output = Result<T, Error>> + Send>(
        &self,
        ask: impl Fn() -> F + Send,
        shows: impl Fn(&Result<T, Error>) -> bool + Send,
    ) -> Result<T, Error> {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(self.remote.lag_ms());
        loop {
            let found = ask().await;
            if shows(&found) || tokio::time::Instant::now() >= deadline {
                return found;
            }
            tokio::time::sleep(VISIBLE_PAUSE).await;
        }
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
                    tracing::info!(url = self.remote.url(), "Camunda answers again");
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
