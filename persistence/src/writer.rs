//! The one writer: takes what waits, writes it in one physical transaction, answers each after it is durable.
//!
//! Commits of the engine that stand next to each other in a batch are written together, table by table: a few
//! statements with many rows instead of many statements for each commit ([`at_once`]). What the database refuses there
//! goes the ordinary way, which finds out whose fault it is.
//!
//! | what happens | what the callers hear |
//! | --- | --- |
//! | a write fails | its savepoint is rolled back; that caller gets the error, its neighbours go on |
//! | the transaction is lost or its commit fails | every caller of the batch gets the error, nothing is acknowledged |
//! | the disk is full | as above with `Error::Full`; the next batch tries again |

use std::collections::VecDeque;
use std::fs::File;

use async_trait::async_trait;
use engine::store::Commit;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};
use trail::NewEvent;

use crate::chain::{Chain, End};
use crate::fail_point::{FailPoint, pass};
use crate::state_store::{Touched, changes_of, touches_once};
use crate::statements::make;
use crate::{Error, at_once};

/// Writes that may wait for the writer; who comes later waits to be queued.
pub(crate) const QUEUE_LIMIT: usize = 4_096;
/// Writes in one physical transaction.
const BATCH_LIMIT: usize = 512;

/// Something to be written, whole or not at all.
#[async_trait]
pub(crate) trait Write: Send + Sync {
    /// Writes it and gives its result, and the trail events that belong to it.
    async fn write(&mut self, transaction: &DatabaseTransaction) -> Result<Written, Error>;

    /// What it writes where that can be written together with its neighbours: a commit of the engine.
    fn commit(&self) -> Option<&Commit> {
        None
    }
}

/// What a write did.
pub(crate) struct Written {
    /// What the caller is answered; `None`: the newest position of the trail.
    pub(crate) result: Option<i64>,
    /// Trail events that belong to it.
    pub(crate) events: Vec<NewEvent>,
}

/// What the writer is asked.
pub(crate) enum Request {
    /// To write.
    Write {
        /// What.
        write: Box<dyn Write>,
        /// Where the answer goes.
        answer: Sender,
    },
    /// To end after what was asked before.
    Stop,
}

type Sender = oneshot::Sender<Result<i64, Error>>;
type Answer = (Sender, Result<i64, Error>);
type Asked = (Box<dyn Write>, Sender);

/// Works until it is told to stop or nobody can ask any more. Holds the lock file until then.
pub(crate) async fn run(
    connection: DatabaseConnection,
    mut requests: mpsc::Receiver<Request>,
    mut chain: Chain,
    lock: Option<File>,
) {
    let mut waiting = Vec::with_capacity(BATCH_LIMIT);
    let mut stopping = false;
    // After a loss nobody knows what was written, and so where the chain ends.
    let mut is_sure = true;
    while !stopping && requests.recv_many(&mut waiting, BATCH_LIMIT).await > 0 {
        let mut batch = Vec::with_capacity(waiting.len());
        for request in waiting.drain(..) {
            match request {
                Request::Write { write, answer } if !stopping => batch.push((write, answer)),
                // Who asked after the end is answered by the closed channel.
                Request::Write { .. } => {}
                Request::Stop => stopping = true,
            }
        }
        if batch.is_empty() {
            continue;
        }
        pass(FailPoint::Taken);
        for part in parts(connection.get_database_backend(), batch) {
            if !is_sure {
                at_once::renew(&connection).await;
                match End::load(&connection).await {
                    Ok(end) => chain.rewind(end),
                    Err(error) => {
                        refuse(part.into_iter().map(|(_, answer)| answer), &error);
                        continue;
                    }
                }
                is_sure = true;
            }
            let mut answers = Vec::with_capacity(part.len());
            let outcome = write_batch(&connection, &mut chain, part, &mut answers).await;
            if let Err(error) = outcome {
                tracing::error!(%error, writes = answers.len(), "a batch of writes was lost");
                is_sure = false;
                refuse(answers.into_iter().map(|(answer, _)| answer), &error);
                continue;
            }
            for (answer, result) in answers {
                // A caller that went away needs no answer.
                let _gone = answer.send(result);
                pass(FailPoint::Answered);
            }
        }
    }
    requests.close();
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "closing the writer's connection failed");
    }
    drop(lock);
}

fn refuse(callers: impl Iterator<Item = Sender>, error: &Error) {
    for caller in callers {
        // A caller that went away needs no answer.
        let _gone = caller.send(Err(error.clone()));
    }
}

/// What is written in one transaction each. On SQLite that is all, since what costs is the flush. PostgreSQL takes
/// commits that do not touch each other's rows in one statement, so whatever else waits does not stand among them.
fn parts(backend: DbBackend, mut batch: Vec<Asked>) -> Vec<Vec<Asked>> {
    // Nobody knows of another one's write yet, so any order is right: commits of the engine stand together.
    batch.sort_by_key(|(write, _)| write.commit().is_some());
    if backend != DbBackend::Postgres {
        return vec![batch];
    }
    let mut parts = Vec::new();
    let others = batch.iter().take_while(|(write, _)| write.commit().is_none()).count();
    let mut commits = VecDeque::from(batch.split_off(others));
    if !batch.is_empty() {
        parts.push(batch);
    }
    while !commits.is_empty() {
        let together = joined(&commits);
        parts.push(commits.drain(..together).collect());
    }
    parts
}

/// Writes a batch in one transaction. On an error nothing was kept, and `answers` holds every caller.
async fn write_batch(
    connection: &DatabaseConnection,
    chain: &mut Chain,
    batch: Vec<Asked>,
    answers: &mut Vec<Answer>,
) -> Result<(), Error> {
    match write_at_once(connection, chain, &batch).await {
        Ok(Some(positions)) => {
            let positions = positions.into_iter().map(Ok);
            answers.extend(batch.into_iter().map(|(_, answer)| answer).zip(positions));
            return Ok(());
        }
        Ok(None) => {}
        Err(error) => {
            answers.extend(batch.into_iter().map(|(_, answer)| (answer, Err(error.clone()))));
            return Err(error);
        }
    }
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let mut lost = None;
    let mut transaction = match connection.begin_with_options(options).await {
        Ok(transaction) => Some(transaction),
        Err(error) => {
            lost = Some(Error::from(error));
            None
        }
    };
    pass(FailPoint::Begun);
    let mut batch = VecDeque::from(batch);
    while !batch.is_empty() {
        let together = joined(&batch);
        let mut results = match (&transaction, &lost) {
            (Some(transaction), None) => {
                let mut writes: Vec<&mut dyn Write> = batch
                    .iter_mut()
                    .take(together)
                    .map(|(write, _)| write.as_mut() as &mut dyn Write)
                    .collect();
                match write_group(transaction, chain, &mut writes).await {
                    Ok(results) => results,
                    Err(error) => {
                        lost = Some(error);
                        Vec::new()
                    }
                }
            }
            _ => Vec::new(),
        }
        .into_iter();
        for (_, answer) in batch.drain(..together) {
            answers.push((answer, results.next().unwrap_or(Err(Error::Closed))));
        }
    }
    if let Some(error) = lost {
        return Err(error);
    }
    if let Some(transaction) = transaction.take() {
        pass(FailPoint::RowsWritten);
        make(&transaction, vec![chain.take_unwritten()]).await?;
        pass(FailPoint::TrailWritten);
        transaction.commit().await?;
        pass(FailPoint::Committed);
    }
    Ok(())
}

/// Writes a batch of nothing but commits, with its trail. Gives the newest position of the trail for each. `None`: the
/// batch holds something else, or the database refused it, and nothing was written.
async fn write_at_once(
    connection: &DatabaseConnection,
    chain: &mut Chain,
    batch: &[Asked],
) -> Result<Option<Vec<i64>>, Error> {
    let mut touched = Touched::default();
    let alone = |commit: &&Commit| touches_once(commit) && touched.takes(commit);
    let commits: Vec<&Commit> =
        batch.iter().map_while(|(write, _)| write.commit()).take_while(alone).collect();
    if commits.len() < batch.len() {
        return Ok(None);
    }
    // Where something cannot be written as JSON, the ordinary way says which.
    let Ok(rows) = changes_of(&commits) else { return Ok(None) };
    let before = chain.end();
    let positions = commits.iter().map(|commit| chain.link(&commit.events)).collect();
    if at_once::write(connection, rows, chain.take_unwritten()).await? {
        return Ok(Some(positions));
    }
    chain.rewind(before);
    Ok(None)
}

/// How many of the first requests can be written together: commits that do not touch the same things.
fn joined(batch: &VecDeque<Asked>) -> usize {
    let mut touched = Touched::default();
    let commits = batch.iter().map_while(|(write, _)| write.commit());
    commits.take_while(|commit| touched.takes(commit)).count().max(1)
}

/// Writes requests together behind one savepoint; where one of them fails, each behind its own. The outer error
/// means that the whole transaction is lost.
async fn write_group(
    transaction: &DatabaseTransaction,
    chain: &mut Chain,
    writes: &mut [&mut dyn Write],
) -> Result<Vec<Result<i64, Error>>, Error> {
    if writes.len() > 1 {
        let savepoint = transaction.begin().await?;
        let commits: Vec<&Commit> = writes.iter().filter_map(|write| write.commit()).collect();
        let written = match changes_of(&commits) {
            Ok(rows) => make(&savepoint, rows).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => {
                let positions = commits.iter().map(|commit| Ok(chain.link(&commit.events))).collect();
                savepoint.commit().await?;
                return Ok(positions);
            }
            // A full disk or an I/O error ends the whole transaction, and the savepoint with it.
            Err(error) => savepoint.rollback().await.map_err(|_| error)?,
        }
    }
    let mut results = Vec::with_capacity(writes.len());
    for write in writes {
        results.push(write_one(transaction, chain, *write).await?);
    }
    Ok(results)
}

/// Writes one request behind a savepoint. The outer error means that the whole transaction is lost.
async fn write_one(
    transaction: &DatabaseTransaction,
    chain: &mut Chain,
    write: &mut dyn Write,
) -> Result<Result<i64, Error>, Error> {
    let savepoint = transaction.begin().await?;
    match write.write(&savepoint).await {
        Ok(written) => {
            savepoint.commit().await?;
            let position = chain.link(&written.events);
            Ok(Ok(written.result.unwrap_or(position)))
        }
        Err(error) => match savepoint.rollback().await {
            Ok(()) => Ok(Err(error)),
            // A full disk or an I/O error ends the whole transaction, and the savepoint with it.
            Err(_) => Err(error),
        },
    }
}
