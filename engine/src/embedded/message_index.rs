//! Subscriptions and buffered messages in memory, and which belongs to which.
//!
//! A message reaches, in each process, the oldest instance that waits for it, or where none waits the process's
//! message start event. A message that reached nobody stays in the buffer until its time is over; the first
//! subscription that fits takes it out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bpmn::exec::SubscriptionKind;

use crate::store::{StoredMessage, StoredSubscription};

/// Identity of a subscription: instance (or definition) and number.
pub(crate) type SubscriptionId = (i64, u32);

/// A subscription as it is held: names are shared, because a million instances may wait for the same message.
#[derive(Debug)]
struct Held {
    kind: SubscriptionKind,
    name: Arc<str>,
    process_id: Arc<str>,
    correlation_key: Option<Arc<str>>,
    start: Option<Box<str>>,
}

impl Held {
    fn stored(&self, (instance, number): SubscriptionId) -> StoredSubscription {
        StoredSubscription {
            instance,
            number,
            kind: self.kind,
            name: self.name.as_ref().to_owned(),
            correlation_key: self.correlation_key.as_deref().map(str::to_owned),
            start: self.start.as_deref().map(str::to_owned),
        }
    }
}

/// Subscriptions with the same correlation key: mostly one.
#[derive(Debug)]
enum Same {
    One(SubscriptionId),
    Many(BTreeSet<SubscriptionId>),
}

impl Same {
    fn first(&self) -> Option<&SubscriptionId> {
        match self {
            Self::One(id) => Some(id),
            Self::Many(ids) => ids.first(),
        }
    }

    fn insert(&mut self, id: SubscriptionId) {
        match self {
            Self::One(first) => *self = Self::Many([*first, id].into()),
            Self::Many(ids) => _ = ids.insert(id),
        }
    }

    /// True where none is left.
    fn remove(&mut self, id: SubscriptionId) -> bool {
        match self {
            Self::One(first) => *first == id,
            Self::Many(ids) => {
                ids.remove(&id);
                ids.is_empty()
            }
        }
    }

    fn all(&self) -> Vec<SubscriptionId> {
        match self {
            Self::One(id) => vec![*id],
            Self::Many(ids) => ids.iter().copied().collect(),
        }
    }
}

#[derive(Debug, Default)]
struct Receivers {
    any: BTreeSet<SubscriptionId>,
    keyed: HashMap<Arc<str>, Same>,
    starts: BTreeSet<SubscriptionId>,
}

impl Receivers {
    fn first(&self, key: Option<&str>) -> Option<SubscriptionId> {
        let any = self.any.first();
        let keyed = match key {
            Some(key) => self.keyed.get(key).and_then(Same::first),
            None => self.keyed.values().filter_map(Same::first).min(),
        };
        any.into_iter().chain(keyed).min().or_else(|| self.starts.first()).copied()
    }
}

/// Who waits for a name, by process.
type Processes = BTreeMap<Arc<str>, Receivers>;

/// Subscriptions and messages.
#[derive(Debug, Default)]
pub(crate) struct MessageIndex {
    subscriptions: BTreeMap<SubscriptionId, Held>,
    message_names: HashMap<Arc<str>, Processes>,
    signal_names: HashMap<Arc<str>, Processes>,
    messages: BTreeMap<i64, StoredMessage>,
    messages_by_name: HashMap<String, BTreeSet<i64>>,
    message_ids: HashSet<String>,
    expiries: BTreeSet<(i64, i64)>,
}

impl MessageIndex {
    /// Adds a subscription of an instance or definition of this process.
    pub(crate) fn open(&mut self, subscription: StoredSubscription, process_id: &str) {
        let StoredSubscription { instance, number, kind, name, correlation_key, start } = subscription;
        let id = (instance, number);
        self.close(id);
        let names = self.names(kind);
        let name = match names.get_key_value(name.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(name),
        };
        let processes = names.entry(Arc::clone(&name)).or_default();
        let process_id = match processes.get_key_value(process_id) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(process_id),
        };
        let receivers = processes.entry(Arc::clone(&process_id)).or_default();
        let correlation_key = correlation_key.map(Arc::from);
        if start.is_some() {
            receivers.starts.insert(id);
        } else if let Some(key) = &correlation_key {
            let same = receivers.keyed.entry(Arc::clone(key));
            same.and_modify(|same| same.insert(id)).or_insert(Same::One(id));
        } else {
            receivers.any.insert(id);
        }
        let start = start.map(String::into_boxed_str);
        self.subscriptions.insert(id, Held { kind, name, process_id, correlation_key, start });
    }

    fn names(&mut self, kind: SubscriptionKind) -> &mut HashMap<Arc<str>, Processes> {
        match kind {
            SubscriptionKind::Message => &mut self.message_names,
            SubscriptionKind::Signal => &mut self.signal_names,
        }
    }

    /// Removes a subscription; gives it with its process.
    pub(crate) fn close(&mut self, id: SubscriptionId) -> Option<(StoredSubscription, String)> {
        let closed = self.subscriptions.remove(&id)?;
        self.unlist(id, &closed);
        Some((closed.stored(id), closed.process_id.as_ref().to_owned()))
    }

    /// Takes a subscription out of the receivers of its name.
    fn unlist(&mut self, id: SubscriptionId, held: &Held) {
        let names = self.names(held.kind);
        let Some(processes) = names.get_mut(&held.name) else { return };
        if let Some(receivers) = processes.get_mut(&held.process_id) {
            receivers.any.remove(&id);
            receivers.starts.remove(&id);
            if let Some(key) = &held.correlation_key
                && receivers.keyed.get_mut(key).is_some_and(|same| same.remove(id))
            {
                receivers.keyed.remove(key);
            }
            if receivers.any.is_empty() && receivers.starts.is_empty() && receivers.keyed.is_empty() {
                processes.remove(&held.process_id);
            }
        }
        if processes.is_empty() {
            names.remove(&held.name);
        }
    }

    /// Start subscriptions of a definition.
    pub(crate) fn starts_of(&self, definition: i64) -> Vec<SubscriptionId> {
        let own = self.subscriptions.range((definition, 0)..(definition + 1, 0));
        own.filter(|(_, held)| held.start.is_some()).map(|(id, _)| *id).collect()
    }

    /// Subscriptions of an instance or definition.
    pub(crate) fn of(&self, instance: i64) -> Vec<SubscriptionId> {
        self.subscriptions.range((instance, 0)..(instance + 1, 0)).map(|(id, _)| *id).collect()
    }

    /// Who receives a message: at most one subscription in each process.
    pub(crate) fn receivers(&self, name: &str, key: Option<&str>) -> Vec<StoredSubscription> {
        let Some(processes) = self.message_names.get(name) else { return Vec::new() };
        let first = processes.values().filter_map(|receivers| receivers.first(key));
        first.filter_map(|id| Some(self.subscriptions.get(&id)?.stored(id))).collect()
    }

    /// Who receives a signal: everybody.
    pub(crate) fn listeners(&self, name: &str) -> Vec<StoredSubscription> {
        let Some(processes) = self.signal_names.get(name) else { return Vec::new() };
        let ids = processes.values().flat_map(|one| {
            let keyed = one.keyed.values().flat_map(Same::all);
            one.any.iter().copied().chain(one.starts.iter().copied()).chain(keyed).collect::<Vec<_>>()
        });
        ids.filter_map(|id| Some(self.subscriptions.get(&id)?.stored(id))).collect()
    }

    /// Buffers a message.
    pub(crate) fn buffer(&mut self, message: StoredMessage) {
        self.messages_by_name.entry(message.name.clone()).or_default().insert(message.key);
        self.expiries.insert((message.expires_ms, message.key));
        self.message_ids.extend(message.message_id.clone());
        self.messages.insert(message.key, message);
    }

    /// Takes a message out of the buffer.
    pub(crate) fn take(&mut self, key: i64) -> Option<StoredMessage> {
        let message = self.messages.remove(&key)?;
        if let Some(keys) = self.messages_by_name.get_mut(&message.name) {
            keys.remove(&key);
            if keys.is_empty() {
                self.messages_by_name.remove(&message.name);
            }
        }
        self.expiries.remove(&(message.expires_ms, key));
        if let Some(id) = &message.message_id {
            self.message_ids.remove(id);
        }
        Some(message)
    }

    /// Takes the oldest buffered message that fits a subscription.
    pub(crate) fn take_for(
        &mut self,
        subscription: &StoredSubscription,
        now_ms: i64,
    ) -> Option<StoredMessage> {
        if subscription.kind != SubscriptionKind::Message {
            return None;
        }
        let wanted = subscription.correlation_key.as_ref();
        let key = self.messages_by_name.get(&subscription.name)?.iter().copied().find(|key| {
            self.messages.get(key).is_some_and(|message| {
                let fits = wanted.is_none()
                    || message.correlation_key.is_none()
                    || message.correlation_key.as_ref() == wanted;
                fits && message.expires_ms > now_ms
            })
        })?;
        self.take(key)
    }

    /// Buffered messages.
    pub(crate) fn buffered(&self) -> usize {
        self.messages.len()
    }

    /// Keys of all buffered messages, oldest first.
    pub(crate) fn keys(&self) -> Vec<i64> {
        self.messages.keys().copied().collect()
    }

    /// A buffered message.
    pub(crate) fn message(&self, key: i64) -> Option<&StoredMessage> {
        self.messages.get(&key)
    }

    /// Whether a message with this id is buffered.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.message_ids.contains(id)
    }

    /// Messages whose time is over; they are out of the buffer.
    pub(crate) fn expire(&mut self, now_ms: i64) -> Vec<i64> {
        let over: Vec<i64> =
            self.expiries.iter().take_while(|(at, _)| *at <= now_ms).map(|(_, key)| *key).collect();
        for key in &over {
            self.take(*key);
        }
        over
    }

    /// When the next message is over.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.expiries.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_takes_little_room_beside_a_million_others() {
        assert!(size_of::<Held>() <= 96, "{} bytes", size_of::<Held>());
        assert!(size_of::<Same>() <= 32, "{} bytes", size_of::<Same>());
    }
}
