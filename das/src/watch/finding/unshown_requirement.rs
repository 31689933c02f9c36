//! Requirements that no completed run has shown to hold.
//!
//! Rule: a requirement counts as shown when a process that verifies it (`verified_by`) has at least one successful
//! run: completed, with no outcome that counts as a failure. One finding for each system that has processes. A run on
//! assumed values shows that the check works, not that the thing does; the evidence says so.

use super::{Finding, FindingKind, share};
use crate::watch::sight::Sight;

/// Requirements named one by one.
const NAMED: usize = 12;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for system in &sight.systems {
        let open: Vec<&str> = system
            .unverified
            .iter()
            .chain(&system.not_run)
            .chain(&system.not_succeeded)
            .map(String::as_str)
            .collect();
        if open.is_empty() || system.requirements == 0 {
            continue;
        }
        let shown = system.requirements.saturating_sub(open.len()) as u64;
        let mut evidence =
            vec![share("requirements shown by a successful run", system.requirements as u64, shown)];
        for (why, ids) in [
            ("a verifying process ran, never with success", &system.not_succeeded),
            ("a verifying process exists but was not run", &system.not_run),
            ("no process verifies them", &system.unverified),
        ] {
            if !ids.is_empty() {
                let named: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
                let more = ids.len().saturating_sub(NAMED);
                let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
                evidence.push(format!("{why}: {}{rest}", named.join(", ")));
            }
        }
        evidence.push("runs on assumed values show that the check works, not that the thing does".to_owned());
        found.push(Finding {
            kind: FindingKind::UnshownRequirement,
            subject: system.name.clone(),
            title: format!(
                "Show that {} of {} requirements of '{}' hold",
                open.len(),
                system.requirements,
                system.name
            ),
            evidence,
            weight: open.len() as u64,
            importance: 0.5 * open.len() as f64 / system.requirements as f64,
            gain: None,
            definition: None,
            remedy: None,
        });
    }
    found
}
