//! Which findings are offered, and in which order: what matters most, weighed by how often people took what was
//! offered of its kind. No nagging: few are open at once, and what was refused comes back only with twice the evidence.

use std::collections::BTreeMap;

use super::finding::{Finding, FindingKind};
use super::offer::{Offer, OfferState};

/// Offers open at once.
pub const OPEN_LIMIT: usize = 7;
/// A rejected or ignored offer returns when its evidence is so many times what it was.
pub const RETURNS_AT: u64 = 2;
/// What is below this priority is not offered.
pub const PRIORITY_FLOOR: f64 = 0.04;
/// An ignored offer counts as so much of a rejected one.
const IGNORED: f64 = 0.5;

/// How often offers of a kind are accepted: a Beta posterior under a uniform prior.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acceptance {
    accepted: f64,
    refused: f64,
}

impl Default for Acceptance {
    fn default() -> Self {
        Self { accepted: 1.0, refused: 1.0 }
    }
}

impl Acceptance {
    /// Posterior mean, 0.5 before the first decision.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.accepted / (self.accepted + self.refused)
    }

    /// The posteriors of all kinds that were decided on.
    #[must_use]
    pub fn learn(offers: &[Offer]) -> BTreeMap<FindingKind, Self> {
        let mut kinds: BTreeMap<FindingKind, Self> = BTreeMap::new();
        for offer in offers {
            let kind = kinds.entry(offer.kind).or_default();
            kind.accepted += f64::from(offer.accepted);
            kind.refused += f64::from(offer.rejected) + IGNORED * f64::from(offer.ignored);
        }
        kinds
    }
}

/// Whether a finding may be offered, given what was offered before under its id.
#[must_use]
pub fn may_return(finding: &Finding, former: Option<&Offer>) -> bool {
    let Some(former) = former else { return true };
    match former.state {
        OfferState::Open => false,
        OfferState::Rejected | OfferState::Ignored => finding.weight >= RETURNS_AT * former.weight.max(1),
        OfferState::Accepted => finding.definition.is_some() && finding.definition != former.definition,
        OfferState::Settled => finding.weight > former.weight || finding.definition != former.definition,
    }
}

/// The findings to offer now, most pressing first: at most as many as places are free.
#[must_use]
pub fn choose<'a>(findings: &'a [Finding], offers: &BTreeMap<String, Offer>) -> Vec<&'a Finding> {
    let all: Vec<Offer> = offers.values().cloned().collect();
    let kinds = Acceptance::learn(&all);
    let open = all.iter().filter(|offer| offer.state == OfferState::Open).count();
    let mut candidates: Vec<(f64, &Finding)> = findings
        .iter()
        .filter(|finding| may_return(finding, offers.get(&finding.id())))
        .map(|finding| {
            let acceptance = kinds.get(&finding.kind).copied().unwrap_or_default();
            (finding.importance * acceptance.mean(), finding)
        })
        .filter(|(priority, _)| *priority >= PRIORITY_FLOOR)
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id().cmp(&b.1.id())));
    candidates.truncate(OPEN_LIMIT.saturating_sub(open));
    candidates.into_iter().map(|(_, finding)| finding).collect()
}
