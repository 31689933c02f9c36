//! The microkernel: brings up engine, memory and assistant through their ports, watches the engine for new process
//! instances, spawns a PDO for each, reaps them. It does no work itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use engine::port::Notice;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;
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
        self.look_for_instances().await?;
        let stop = self.stop.clone();
        let poll = Duration::from_millis(self.parts.limits.poll_ms);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                notice = notices.recv() => match notice {
                    Ok(Notice::Started { instance }) => self.spawn(instance),
                    Ok(Notice::Changed { instance } | Notice::Ended { instance, .. }) => self.poke(instance),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.pokes.values().for_each(|poke| poke.notify_one());
                        self.recover().await;
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                Some(Ok(instance)) = self.pdos.join_next() => { self.pokes.remove(&instance); }
                () = tokio::time::sleep(poll) => self.recover().await,
            }
        }
        stop.cancel();
        while self.pdos.join_next().await.is_some() {}
        self.parts.shut_down().await;
        Ok(())
    }

    fn spawn(&mut self, instance: i64) {
        if let Entry::Vacant(place) = self.pokes.entry(instance) {
            let poke = Arc::clone(place.insert(Arc::new(Notify::new())));
            self.pdos.spawn(pdo::run(instance, Arc::clone(&self.parts), poke, self.stop.child_token()));
        }
    }

    fn poke(&self, instance: i64) {
        self.pokes.get(&instance).into_iter().for_each(|poke| poke.notify_one());
    }

    async fn look_for_instances(&mut self) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let found = self.parts.engine.open_instances(after, PAGE).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = *last;
            found.into_iter().for_each(|instance| self.spawn(instance));
        }
    }

    async fn recover(&mut self) {
        if let Err(error) = self.look_for_instances().await {
            tracing::warn!(%error, "the engine did not answer the microkernel");
        }
    }
}
