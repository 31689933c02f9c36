//! The microkernel: brings up engine, memory and assistant through their ports, watches the engine for new process
//! instances, spawns a PDO for each, reaps them. It does no work itself.

use std::collections::{HashMap, hash_map::Entry};
use std::sync::Arc;
use std::time::Duration;

use engine::port::Notice;
use tokio::sync::{Notify, broadcast};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{Error, Parts, pdo};

/// Instances asked for at once.
const PAGE: usize = 500;

/// Watches one engine until it is stopped.
pub struct Microkernel {
    parts: Arc<Parts>,
    stop: CancellationToken,
    pokes: HashMap<i64, Arc<Notify>>,
    pdos: JoinSet<i64>,
}

impl Microkernel {
    /// A microkernel over these parts that ends when `stop` is cancelled.
    #[must_use]
    pub fn new(parts: Arc<Parts>, stop: CancellationToken) -> Self {
        Self { parts, stop, pokes: HashMap::new(), pdos: JoinSet::new() }
    }

    /// Runs until it is stopped; then waits for its PDOs.
    ///
    /// # Errors
    /// Where the engine does not answer at the start.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut notices = self.parts.engine.notices();
        self.parts.bring_up().await;
        let open = self.parts.engine.open_instances(0, self.parts.limits.idle_orchestrators).await?;
        open.into_iter().for_each(|instance| self.spawn(instance));
        self.look_for_work().await;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                notice = notices.recv() => match notice {
                    Ok(Notice::Started { instance }) => self.spawn(instance),
                    Ok(Notice::Changed { instance }) => self.serve(instance),
                    Ok(Notice::Ended { instance, .. }) => {
                        self.pokes.get(&instance).into_iter().for_each(|poke| poke.notify_one());
                    }
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.pokes.values().for_each(|poke| poke.notify_one());
                        self.look_for_work().await;
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                Some(Ok(instance)) = self.pdos.join_next() => {
                    self.pokes.remove(&instance);
                    self.serve(instance);
                }
                () = sleep(Duration::from_millis(self.parts.limits.poll_ms)) => self.look_for_work().await,
            }
        }
        self.stop.cancel();
        while self.pdos.join_next().await.is_some() {}
        self.parts.shut_down().await;
        Ok(())
    }

    /// An instance gets its PDO at its start; where very many are idle, it gets it with its first job.
    fn spawn(&mut self, instance: i64) {
        let room = self.pdos.len() < self.parts.limits.idle_orchestrators;
        if (room || self.parts.engine.has_work(instance))
            && let Entry::Vacant(place) = self.pokes.entry(instance)
        {
            let poke = Arc::clone(place.insert(Arc::new(Notify::new())));
            self.pdos.spawn(pdo::run(instance, Arc::clone(&self.parts), poke, self.stop.child_token()));
        }
    }

    /// An instance with work has a PDO that knows of it; what goes on between tasks of others is not its business.
    fn serve(&mut self, instance: i64) {
        if self.parts.engine.has_work(instance) {
            self.spawn(instance);
            self.pokes.get(&instance).into_iter().for_each(|poke| poke.notify_one());
        }
    }

    async fn look_for_work(&mut self) {
        let mut after = Some(0);
        while let Some(key) = after {
            let found = self.parts.engine.instances_with_work(key, PAGE).await;
            let found = found.inspect_err(|error| tracing::warn!(%error, "the engine gave no answer"));
            after = found.as_ref().ok().and_then(|found| found.last().copied());
            found.into_iter().flatten().for_each(|instance| self.spawn(instance));
        }
    }
}
