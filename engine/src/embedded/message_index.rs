//! Subscriptions and buffered messages in memory, and which belongs to which.
//!
//! A message reaches, in each process, the oldest instance that waits for it, or where none waits the process's
//! message start event. A message that reached nobody stays in the buffer until its time is over; the first
//! subscription that fits takes it out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bpmn::exec::SubscriptionKind;

use crate::store::{StoredMessage, StoredSubscription};

/// Identity of a subscription: instance (or definition) and number.
pub(crate) type SubscriptionId = (i64, u32);

#[derive(Debug, Default)]
struct Receivers {
    any: BTreeSet<SubscriptionId>,
    keyed: HashMap<String, BTreeSet<SubscriptionId>>,
    starts: BTreeSet<SubscriptionId>,
}

impl Receivers {
    fn first(&self, key: Option<&str>) -> Option<SubscriptionId> {
        let any = self.any.first();
        let keyed = match key {
            Some(key) => self.keyed.get(key).and_then(BTreeSet::first),
            None => self.keyed.values().filter_map(BTreeSet::first).min(),
        };
        any.into_iter().chain(keyed).min().or_else(|| self.starts.first()).copied()
    }
}

/// Subscriptions and messages.
#[derive(Debug, Default)]
pub(crate) struct MessageIndex {
    subscriptions: HashMap<SubscriptionId, (StoredSubscription, String)>,
    by_name: HashMap<(SubscriptionKind, String), BTreeMap<String, Receivers>>,
    messages: BTreeMap<i64, StoredMessage>,
    messages_by_name: HashMap<String, BTreeSet<i64>>,
    message_ids: HashSet<String>,
    expiries: BTreeSet<(i64, i64)>,
}

impl MessageIndex {
    /// Adds a subscription of an instance or definition of this process.
    pub(crate) fn open(&mut self, subscription: StoredSubscription, process_id: &str) {
        let id = (subscription.instance, subscription.number);
        self.close(id);
        let name = (subscription.kind, subscription.name.clone());
        let receivers = self.by_name.entry(name).or_default().entry(process_id.to_owned()).or_default();
        if subscription.start.is_some() {
            receivers.starts.insert(id);
        } else if let Some(key) = &subscription.correlation_key {
            receivers.keyed.entry(key.clone()).or_default().insert(id);
        } else {
            receivers.any.insert(id);
        }
        self.subscriptions.insert(id, (subscription, process_id.to_owned()));
    }

    /// Removes a subscription; gives it with its process.
    pub(crate) fn close(&mut self, id: SubscriptionId) -> Option<(StoredSubscription, String)> {
        let closed = self.subscriptions.remove(&id)?;
        self.unlist(id, &closed.0, &closed.1);
        Some(closed)
    }

    /// Takes a subscription out of the receivers of its name.
    fn unlist(&mut self, id: SubscriptionId, subscription: &StoredSubscription, process_id: &str) {
        let name = (subscription.kind, subscription.name.clone());
        let Some(processes) = self.by_name.get_mut(&name) else { return };
        if let Some(receivers) = processes.get_mut(process_id) {
            receivers.any.remove(&id);
            receivers.starts.remove(&id);
            if let Some(key) = &subscription.correlation_key
                && let Some(same) = receivers.keyed.get_mut(key)
            {
                same.remove(&id);
                if same.is_empty() {
                    receivers.keyed.remove(key);
                }
            }
            if receivers.any.is_empty() && receivers.starts.is_empty() && receivers.keyed.is_empty() {
                processes.remove(process_id);
            }
        }
        if processes.is_empty() {
            self.by_name.remove(&name);
        }
    }

    /// Start subscriptions of a definition.
    pub(crate) fn starts_of(&self, definition: i64) -> Vec<SubscriptionId> {
        let own =
            self.subscriptions.iter().filter(|(id, (one, _))| id.0 == definition && one.start.is_some());
        own.map(|(id, _)| *id).collect()
    }

    /// Subscriptions of an instance or definition.
    pub(crate) fn of(&self, instance: i64) -> Vec<SubscriptionId> {
        self.subscriptions.keys().filter(|id| id.0 == instance).copied().collect()
    }

    /// Who receives a message: at most one subscription in each process.
    pub(crate) fn receivers(&self, name: &str, key: Option<&str>) -> Vec<StoredSubscription> {
        let Some(processes) = self.by_name.get(&(SubscriptionKind::Message, name.to_owned())) else {
            return Vec::new();
        };
        processes
            .values()
            .filter_map(|receivers| receivers.first(key))
            .filter_map(|id| self.subscriptions.get(&id).map(|(one, _)| one.clone()))
            .collect()
    }

    /// Who receives a signal: everybody.
    pub(crate) fn listeners(&self, name: &str) -> Vec<StoredSubscription> {
        let Some(processes) = self.by_name.get(&(SubscriptionKind::Signal, name.to_owned())) else {
            return Vec::new();
        };
        let ids = processes.values().flat_map(|one| {
            one.any.iter().chain(one.starts.iter()).chain(one.keyed.values().flatten()).collect::<Vec<_>>()
        });
        ids.filter_map(|id| self.subscriptions.get(id).map(|(one, _)| one.clone())).collect()
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
