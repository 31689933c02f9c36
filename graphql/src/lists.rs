//! What lists are filtered and ordered by whose items are at hand as a whole: systems, change sets, suspect links,
//! definitions, scores. Lists of nodes have indexes and [`crate::filters`].

use std::cmp::Ordering;

use async_graphql::{Enum, InputObject};
use engine::port::Definition;
use kernel::ScoreRow;
use ontology::index::Point;
use ontology::model::{Node, TraceLink};
use ontology::suspicion::Suspect;
use ontology::{NumberTest, SystemIndex, SystemSummary, TextTest};

use crate::filters::{NumberFilter, TextFilter};
use crate::nodes::ChangeDirection;
use crate::scalar::Timestamp;

/// In which order a list is given that grows with time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum TimeOrder {
    /// What happened last comes first.
    #[default]
    NewestFirst,
    /// What happened first comes first.
    OldestFirst,
}

/// When something happened: at or after the one, before the other.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct TimeFilter {
    /// Then or later.
    since: Option<Timestamp>,
    /// Before then.
    before: Option<Timestamp>,
}

impl TimeFilter {
    /// Milliseconds since the Unix epoch: from then on, and before then.
    pub(crate) fn bounds(self) -> (Option<i64>, Option<i64>) {
        (self.since.map(|since| since.0), self.before.map(|before| before.0))
    }

    fn holds(self, at_ms: i64) -> bool {
        self.since.is_none_or(|since| at_ms >= since.0) && self.before.is_none_or(|before| at_ms < before.0)
    }
}

fn says(filter: Option<&TextFilter>, text: &str) -> bool {
    filter.is_none_or(|filter| TextTest::from(filter.clone()).holds(std::iter::once(text)))
}

fn is(filter: Option<NumberFilter>, number: f64) -> bool {
    filter.is_none_or(|filter| NumberTest::from(filter).holds(Some(number)))
}

#[expect(clippy::cast_precision_loss, reason = "counts and change sets stay far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

/// An input type that says an order of items that are at hand.
macro_rules! order {
    ($(#[$about:meta])* $name:ident of $item:ident by $field:ident { $($(#[$doc:meta])* $variant:ident => $compare:expr,)+ }) => {
        /// By what a list is ordered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub(crate) enum $field {
            $($(#[$doc])* $variant,)+
        }

        $(#[$about])*
        #[derive(Clone, Copy, Debug, InputObject)]
        pub(crate) struct $name {
            /// By what; items that are equal in it stay in their usual order.
            by: $field,
            /// The greatest first.
            #[graphql(default = false)]
            descending: bool,
        }

        impl $name {
            /// Brings items into this order.
            pub(crate) fn sort(self, items: &mut [$item]) {
                let compare: fn(&$item, &$item) -> Ordering = match self.by {
                    $($field::$variant => $compare,)+
                };
                items.sort_by(|one, other| {
                    let order = compare(one, other);
                    if self.descending { order.reverse() } else { order }
                });
            }
        }
    };
}

order! {
    /// In which order systems are listed.
    SystemOrder of SystemSummary by SystemOrderField {
        /// Its name.
        Name => |one, other| one.name.cmp(&other.name),
        /// When it was last changed.
        ChangedAt => |one, other| one.changed_ms.cmp(&other.changed_ms),
        /// How many requirements it has.
        RequirementCount => |one, other| one.requirements.cmp(&other.requirements),
    }
}

order! {
    /// In which order suspect links are listed.
    SuspectOrder of Suspect by SuspectOrderField {
        /// The change set of the change.
        Since => |one, other| one.since.cmp(&other.since),
        /// Id of the node whose change made it so.
        Cause => |one, other| one.cause.cmp(&other.cause),
        /// How many nodes lie between.
        Distance => |one, other| one.distance.cmp(&other.distance),
    }
}

order! {
    /// In which order definitions are listed.
    DefinitionOrder of Definition by DefinitionOrderField {
        /// Id of the BPMN process.
        ProcessId => |one, other| one.process_id.cmp(&other.process_id),
        /// Its name.
        Name => |one, other| one.name.to_lowercase().cmp(&other.name.to_lowercase()),
        /// When it was deployed.
        DeployedAt => |one, other| one.deployed_ms.cmp(&other.deployed_ms),
    }
}

order! {
    /// In which order scores are listed.
    ScoreOrder of ScoreRow by ScoreOrderField {
        /// Lower end of the interval.
        Low => |one, other| one.score().low.total_cmp(&other.score().low),
        /// Upper end of the interval.
        High => |one, other| one.score().high.total_cmp(&other.score().high),
        /// The average.
        Average => |one, other| one.score().average.total_cmp(&other.score().average),
        /// How many attempts.
        Attempts => |one, other| one.attempts.cmp(&other.attempts),
        /// When it was last used.
        LastUsedAt => |one, other| one.last_used_ms.cmp(&other.last_used_ms),
        /// What it is about.
        Subject => |one, other| one.subject.cmp(&other.subject),
    }
}

/// Which systems: everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct SystemFilter {
    /// Its name.
    name: Option<TextFilter>,
    /// When it was last changed.
    changed_at: Option<TimeFilter>,
}

impl SystemFilter {
    pub(crate) fn holds(&self, system: &SystemSummary) -> bool {
        says(self.name.as_ref(), &system.name)
            && self.changed_at.is_none_or(|time| time.holds(system.changed_ms))
    }
}

/// Which change sets: everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct HistoryFilter {
    /// Who made it.
    author: Option<TextFilter>,
    /// When it was made.
    at: Option<TimeFilter>,
}

impl HistoryFilter {
    pub(crate) fn holds(&self, point: &Point) -> bool {
        says(self.author.as_ref(), &point.author) && self.at.is_none_or(|time| time.holds(point.at_ms))
    }
}

/// Which suspect links: everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct SuspectFilter {
    /// Kind of the link.
    kind: Option<TextFilter>,
    /// Id of the node it starts at.
    source: Option<TextFilter>,
    /// Id of the node it ends at.
    target: Option<TextFilter>,
    /// Id of the node whose change made it so.
    cause: Option<TextFilter>,
    /// The change set of that change.
    since: Option<NumberFilter>,
    /// Which way that change travels along it.
    direction: Option<ChangeDirection>,
}

impl SuspectFilter {
    pub(crate) fn holds(&self, system: &SystemIndex, suspect: &Suspect) -> bool {
        let Some(Node::Link(link)) = system.node(&suspect.link).map(AsRef::as_ref) else { return false };
        let TraceLink { kind, source, target, .. } = link;
        says(self.kind.as_ref(), kind)
            && says(self.source.as_ref(), source)
            && says(self.target.as_ref(), target)
            && says(self.cause.as_ref(), &suspect.cause)
            && is(self.since, float(suspect.since))
            && self.direction.is_none_or(|direction| suspect.direction == direction.into())
    }
}

/// Which definitions: everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct DefinitionFilter {
    /// Id of the BPMN process, or of the decision.
    id: Option<TextFilter>,
    /// Its name.
    name: Option<TextFilter>,
    /// When it was deployed.
    deployed_at: Option<TimeFilter>,
}

impl DefinitionFilter {
    pub(crate) fn holds(&self, id: &str, name: &str, deployed_ms: i64) -> bool {
        says(self.id.as_ref(), id)
            && says(self.name.as_ref(), name)
            && self.deployed_at.is_none_or(|time| time.holds(deployed_ms))
    }
}
