//! An answer on its way: the thread that evaluates a query writes parts into a short queue, and whoever asked takes them
//! out. Where the queue is full the thread waits, so that memory holds no more than the queue however long the answer.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oxigraph::sparql::CancellationToken;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::Error;

/// How long, all in all, a query waits for who reads its answer.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a part, but for the last and for those that were waited for.
pub(super) const PART_BYTES: usize = 16 * 1024;
/// Parts that wait to be taken.
pub(super) const QUEUE_PARTS: usize = 4;
/// What was found is sent after so long at the latest, however little it is.
const BREATH: Duration = Duration::from_millis(100);

/// How far a query is.
#[derive(Debug)]
pub(super) struct Course {
    began: Instant,
    allowed: Duration,
    given_up: AtomicBool,
    waited_us: AtomicU64,
    written: AtomicUsize,
}

impl Course {
    pub(super) fn new(allowed: Duration) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            allowed,
            given_up: AtomicBool::new(false),
            waited_us: AtomicU64::new(0),
            written: AtomicUsize::new(0),
        })
    }

    fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_us.load(Ordering::Relaxed))
    }

    /// Whether its time is up or nobody wants it any more.
    pub(super) fn is_over(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
            || self.began.elapsed() >= self.allowed.saturating_add(self.waited())
    }

    pub(super) fn too_slow(&self) -> Error {
        Error::Query(format!(
            "it was not done after {} ms; bind more variables, or add LIMIT without ORDER BY",
            self.allowed.as_millis()
        ))
    }

    /// Bytes that were written so far.
    #[cfg(test)]
    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }
}

/// A part of an answer.
struct Part {
    media_type: &'static str,
    bytes: Vec<u8>,
    /// In the last part: whether rows were left out.
    end: Option<bool>,
}

/// The two ends of an answer of at most `bytes` bytes. Must be called on a Tokio runtime.
pub(super) fn queue(course: &Arc<Course>, token: CancellationToken, bytes: usize) -> (Sink, Answering) {
    let (sender, receiver) = channel(QUEUE_PARTS);
    let (left, course) = (course.allowed, Arc::clone(course));
    let writing = Writing {
        sender,
        runtime: Handle::current(),
        course: Arc::clone(&course),
        media_type: "",
        bytes: Vec::new(),
        most: bytes,
        sent: Instant::now(),
    };
    let answering = Answering { receiver, course, token, left, media_type: "", first: None, end: None };
    (Sink(Arc::new(Mutex::new(writing))), answering)
}

/// Where an answer is written to; clones write to the same.
#[derive(Clone)]
pub(super) struct Sink(Arc<Mutex<Writing>>);

struct Writing {
    sender: Sender<Result<Part, Error>>,
    runtime: Handle,
    course: Arc<Course>,
    media_type: &'static str,
    bytes: Vec<u8>,
    most: usize,
    sent: Instant,
}

impl Sink {
    /// Says what follows.
    pub(super) fn speaks(&self, media_type: &'static str) {
        self.0.lock().media_type = media_type;
    }

    /// Between two rows: sends what was found where nothing was sent for a while.
    pub(super) fn breathe(&self) -> io::Result<()> {
        let mut writing = self.0.lock();
        if writing.sent.elapsed() >= BREATH && !writing.bytes.is_empty() {
            writing.send(None)?;
        }
        Ok(())
    }

    /// Sends the rest, or what went wrong. Without this the answer counts as broken off.
    pub(super) fn end(self, done: Result<bool, Error>) {
        let mut writing = self.0.lock();
        // Who cannot be told any more has gone.
        let _ = match done {
            Ok(truncated) => writing.send(Some(truncated)),
            Err(error) => writing.hand_over(Err(error)),
        };
    }
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut writing = self.0.lock();
        let before = writing.course.written.fetch_add(buffer.len(), Ordering::Relaxed);
        if before.saturating_add(buffer.len()) > writing.most {
            return Err(io::Error::other(format!("the answer is larger than {} bytes", writing.most)));
        }
        writing.bytes.extend_from_slice(buffer);
        if writing.bytes.len() >= PART_BYTES {
            writing.send(None)?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writing {
    fn send(&mut self, end: Option<bool>) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        let sent = self.hand_over(Ok(Part { media_type: self.media_type, bytes, end }));
        self.sent = Instant::now();
        sent
    }

    /// Puts a part into the queue, and waits where it is full. That wait is no work, and does not count as such.
    fn hand_over(&self, part: Result<Part, Error>) -> io::Result<()> {
        let gone = || io::Error::other("nobody reads the answer any more");
        let part = match self.sender.try_send(part) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(gone()),
            Err(TrySendError::Full(part)) => part,
        };
        let left = PATIENCE.saturating_sub(self.course.waited());
        let began = Instant::now();
        let sent = self.runtime.block_on(async { tokio::time::timeout(left, self.sender.send(part)).await });
        let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.course.waited_us.fetch_add(waited, Ordering::Relaxed);
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(io::Error::other(format!("nobody took the answer for {} s", PATIENCE.as_secs()))),
        }
    }
}

/// An answer that is found while it is read. Dropped before its end, it stops the query.
pub struct Answering {
    receiver: Receiver<Result<Part, Error>>,
    course: Arc<Course>,
    token: CancellationToken,
    /// How long it may still be waited for.
    left: Duration,
    media_type: &'static str,
    first: Option<Vec<u8>>,
    /// `Some` once nothing follows: whether rows were left out.
    end: Option<bool>,
}

impl Answering {
    /// This answer, once its first part is there.
    pub(super) async fn begun(mut self) -> Result<Self, Error> {
        if let Some(first) = self.next().await {
            self.first = Some(first?);
        }
        Ok(self)
    }

    #[cfg(test)]
    pub(super) fn course(&self) -> &Arc<Course> {
        &self.course
    }

    /// Parts that wait to be taken.
    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.receiver.len()
    }

    /// Media type of what the parts make together.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Whether rows were left out; known once all parts were taken.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.end.unwrap_or_default()
    }

    /// The next part. `None`: the answer is whole. After an error nothing follows, and the answer is not whole.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        if self.end.is_some() {
            return None;
        }
        let began = Instant::now();
        let taken = tokio::time::timeout(self.left, self.receiver.recv()).await;
        self.left = self.left.saturating_sub(began.elapsed());
        match taken {
            Ok(Some(Ok(part))) => {
                (self.media_type, self.end) = (part.media_type, part.end);
                Some(Ok(part.bytes))
            }
            failed => {
                // The thread may wait for room in the queue that nobody makes any more.
                self.give_up();
                self.end = Some(false);
                Some(Err(match failed {
                    Ok(Some(Err(error))) => error,
                    Ok(_) => Error::Query("the evaluation broke off".to_owned()),
                    Err(_) => self.course.too_slow(),
                }))
            }
        }
    }
}

impl Answering {
    fn give_up(&mut self) {
        self.course.given_up.store(true, Ordering::Relaxed);
        self.token.cancel();
        self.receiver.close();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.give_up();
    }
}
