//! The end of the trail's hash chain, and the entries of the running transaction that are not written yet.

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, Statement};
use trail::{GENESIS, NewEvent};

use crate::Error;
use crate::changes::{Cell, Change, int, int_or_null, shared, text_or_null};
use crate::rows::Row;

const HEAD: &str = "INSERT INTO trail_events (position, previous_hash, hash, kind, at_ms, organisation, \
     actor, instance, definition, element, subject, data)";
const WIDTH: usize = 12;
/// Names that are kept to be shared.
const NAMES_LIMIT: usize = 4_096;

/// Where the chain ends.
#[derive(Clone, Debug)]
pub(crate) struct End {
    position: i64,
    hash: Arc<str>,
}

/// The chain, as it will stand when what is linked is written.
#[derive(Debug)]
pub(crate) struct Chain {
    end: End,
    unwritten: Vec<Cell>,
    names: HashSet<Arc<str>>,
}

impl Chain {
    /// Reads where the trail ends.
    pub(crate) async fn load(connection: &impl ConnectionTrait) -> Result<Self, Error> {
        Ok(Self { end: End::load(connection).await?, unwritten: Vec::new(), names: HashSet::new() })
    }

    /// Where it ends now.
    pub(crate) fn end(&self) -> End {
        self.end.clone()
    }

    /// Forgets what was linked after `end` and not written.
    pub(crate) fn rewind(&mut self, end: End) {
        self.end = end;
        self.unwritten.clear();
    }

    /// Links entries to those before; gives the newest position.
    pub(crate) fn link(&mut self, events: &[NewEvent]) -> i64 {
        self.unwritten.reserve(events.len() * WIDTH);
        for event in events {
            let position = self.end.position + 1;
            let data = trail::canonical_json(&event.data);
            let hash: Arc<str> = trail::link_data(&self.end.hash, position, event, &data).into();
            let before = std::mem::replace(&mut self.end, End { position, hash: hash.clone() });
            let mut name = |name: &str| Cell::Text(Some(self.name(name)));
            let (kind, organisation, actor) =
                (name(&event.kind), name(&event.organisation), name(&event.actor));
            let element = Cell::Text(event.element.as_deref().map(|element| self.name(element)));
            self.unwritten.extend([
                int(position),
                shared(&before.hash),
                shared(&hash),
                kind,
                int(event.at_ms),
                organisation,
                actor,
                int_or_null(event.instance),
                int_or_null(event.definition),
                element,
                text_or_null(event.subject.as_deref()),
                Cell::Text(Some(data.into())),
            ]);
        }
        self.end.position
    }

    /// The entries that were linked and not written.
    pub(crate) fn take_unwritten(&mut self) -> Change {
        let cells = std::mem::take(&mut self.unwritten);
        Change::Insert { head: HEAD, width: WIDTH, tail: "", cells }
    }

    /// A name that stands in many entries.
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        if self.names.len() >= NAMES_LIMIT {
            self.names.clear();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }
}

impl End {
    /// Reads where the trail ends.
    pub(crate) async fn load(connection: &impl ConnectionTrait) -> Result<Self, Error> {
        let sql = "SELECT position, hash FROM trail_events ORDER BY position DESC LIMIT 1";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        Ok(match connection.query_one_raw(statement).await? {
            Some(row) => Self { position: Row(&row).int("position")?, hash: Row(&row).text("hash")?.into() },
            None => Self { position: 0, hash: GENESIS.into() },
        })
    }
}
