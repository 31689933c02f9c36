//! What is kept beside the nodes of a system so that questions cost what they show: the catalogue of its values and
//! orders, and its words. It is made when it is first asked for and follows every change set from then on.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::index::{SystemIndex, edges_of};
use crate::model::{ChangeSet, Node};
use crate::words::Words;

/// From this share of its nodes on a change set makes it quicker to begin anew: one in so many.
const SHARE_OF_NODES: usize = 4;
/// Changes up to this size are always followed.
const SMALL_CHANGE: usize = 1_000;

/// The read model of a system. A copy is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) catalogue: Catalogue,
    pub(crate) words: Words,
}

/// The nodes a change set touches: those it puts or removes, and the ends of their edges before and after.
pub(crate) struct Touched {
    own: BTreeSet<String>,
    ends: BTreeSet<String>,
}

impl Reading {
    /// The read model of a whole system.
    pub(crate) fn of(system: &SystemIndex) -> Self {
        Self { catalogue: Catalogue::of(system), words: Words::of(system) }
    }

    /// Whether it is quicker to begin anew than to follow a change.
    pub(crate) fn is_overtaken(system: &SystemIndex, change: &ChangeSet) -> bool {
        let size = change.put.len() + change.remove.len();
        size > SMALL_CHANGE && size > system.len() / SHARE_OF_NODES
    }

    /// Takes out what a change set is about to change.
    pub(crate) fn strike(&mut self, system: &SystemIndex, change: &ChangeSet) -> Touched {
        let put = change.put.iter().map(|node| node.id().to_owned());
        let own: BTreeSet<String> = put.chain(change.remove.iter().cloned()).collect();
        let mut ends = BTreeSet::new();
        let mut add = |node: &Node| {
            for (source, _, target, _) in edges_of(node) {
                ends.extend(
                    [source, target].into_iter().filter(|end| !own.contains(*end)).map(str::to_owned),
                );
            }
        };
        change.put.iter().for_each(&mut add);
        own.iter().filter_map(|id| system.node(id)).for_each(|node| add(node));
        for id in &own {
            if let (Some(node), Some(version)) = (system.node(id), system.version(id)) {
                self.catalogue.strike_own(node, version);
                self.catalogue.strike_followed(system, node);
                self.words.strike(node);
            }
        }
        for node in ends.iter().filter_map(|id| system.node(id)) {
            self.catalogue.strike_followed(system, node);
        }
        Touched { own, ends }
    }

    /// Takes in what a change set changed.
    pub(crate) fn enter(&mut self, system: &SystemIndex, touched: &Touched) {
        for id in &touched.own {
            if let (Some(node), Some(version)) = (system.node(id), system.version(id)) {
                self.catalogue.enter_own(node, version);
                self.catalogue.enter_followed(system, node);
                self.words.enter(node);
            }
        }
        for node in touched.ends.iter().filter_map(|id| system.node(id)) {
            self.catalogue.enter_followed(system, node);
        }
    }
}

impl SystemIndex {
    /// The read model, made now where nobody asked for it yet.
    pub(crate) fn reading(&self) -> &Arc<Reading> {
        self.kept_reading().get_or_init(|| Arc::new(Reading::of(self)))
    }
}
