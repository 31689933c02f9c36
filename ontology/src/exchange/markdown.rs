//! Requirements under their headings as Markdown, for people; `procos bootstrap` reads it again.

use std::fmt::Write;

use crate::index::SystemIndex;
use crate::model::Node;

/// Writes the requirements of a system in natural order of ids, heading by heading as each comes first.
pub(super) fn write(system: &SystemIndex) -> String {
    let mut groups: Vec<(Option<&str>, Vec<&crate::model::Requirement>)> = Vec::new();
    for node in system.of_kind("requirement") {
        let Node::Requirement(requirement) = node.as_ref() else { continue };
        let group = requirement.group.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, requirements)) => requirements.push(requirement),
            None => groups.push((group, vec![requirement])),
        }
    }
    let mut out = format!("# {}\n", line(&system.name));
    for (group, requirements) in groups {
        if let Some(group) = group {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "\n## {}", line(group));
        }
        out.push('\n');
        for requirement in requirements {
            let _ = writeln!(out, "- {}: {}", line(&requirement.id), line(&requirement.text));
        }
    }
    out
}

/// A text on one line: a line break would end the item.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChangeSet, Requirement};

    #[test]
    fn requirements_stand_under_their_headings() {
        let mut system = SystemIndex::default();
        let requirement = |id: &str, group: Option<&str>, text: &str| {
            let (id, group) = (id.to_owned(), group.map(str::to_owned));
            Node::Requirement(Requirement { id, group, text: text.to_owned(), ..Requirement::default() })
        };
        let put = vec![
            requirement("R-10", Some("Stopping"), "It shall stop."),
            requirement("R-2", None, "It shall\n- be cheap."),
            requirement("R-3", Some("Stopping"), "It shall hold."),
        ];
        system.apply(&ChangeSet { number: 1, system: "Brake".into(), put, ..ChangeSet::default() });
        let expected = "# Brake\n\n- R-2: It shall - be cheap.\n\n## Stopping\n\n- R-3: It shall hold.\n- R-10: It shall stop.\n";
        assert_eq!(write(&system), expected);
    }
}
