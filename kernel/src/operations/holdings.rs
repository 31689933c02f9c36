//! What instances hold in this kernel: memory regions and connections. Each belongs to one instance and is gone with
//! its PDO; like memory everywhere, it does not outlive the server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::TcpStream;

/// Bytes in all regions of one instance.
pub(super) const QUOTA_BYTES: u64 = 1024 * 1024;
/// Regions of one instance.
pub(super) const MAX_REGIONS: usize = 64;
/// Connections of one instance.
pub(super) const MAX_CONNECTIONS: usize = 16;
/// Bytes in all regions of all instances.
pub(super) const ALL_BYTES: u64 = 256 * 1024 * 1024;

/// A named piece of memory.
#[derive(Debug)]
pub(super) struct Region {
    /// Bytes it may hold.
    pub(super) size: u64,
    pub(super) content: String,
}

/// What one instance holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) regions: BTreeMap<String, Region>,
    pub(super) connections: BTreeMap<String, TcpStream>,
}

impl Held {
    /// Bytes set aside for its regions.
    pub(super) fn bytes(&self) -> u64 {
        self.regions.values().map(|region| region.size).sum()
    }
}

/// What all instances hold.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    held: Arc<Mutex<HashMap<i64, Held>>>,
}

impl Holdings {
    /// Gives up what an instance holds.
    pub(crate) fn release(&self, instance: i64) {
        self.held.lock().remove(&instance);
    }

    /// Instances that hold something.
    #[must_use]
    pub fn holders(&self) -> usize {
        self.held.lock().len()
    }

    /// Works with what an instance holds; the second argument is what all of them have set aside, in bytes.
    pub(super) fn with<T>(&self, instance: i64, work: impl FnOnce(&mut Held, u64) -> T) -> T {
        let mut all = self.held.lock();
        let bytes = all.values().map(Held::bytes).sum();
        let held = all.entry(instance).or_default();
        let done = work(held, bytes);
        if held.regions.is_empty() && held.connections.is_empty() {
            all.remove(&instance);
        }
        done
    }
}
