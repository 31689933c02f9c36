//! The house keeps its shape: the map agrees with the workspace, and the habits of the code are checked by reading it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace").to_owned()
}

fn metadata() -> cargo_metadata::Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata reads the workspace")
}

/// The edges of the workspace: for each member, the members it depends on outside its own tests.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let edges = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .filter(|name| members.contains(name))
                .collect();
            (package.name.to_string(), edges)
        })
        .collect()
}

/// The table below a heading of ARCHITECTURE.md: first cell → second cell, split at commas.
fn table(heading: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md exists");
    let section =
        text.split(heading).nth(1).unwrap_or_else(|| panic!("ARCHITECTURE.md has no section '{heading}'"));
    section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let words = cells[1].split(',').map(|word| word.trim().trim_matches('`').to_owned());
            (
                cells[0].trim_matches('`').to_owned(),
                words.filter(|word| !word.is_empty() && word != "–").collect(),
            )
        })
        .collect()
}

#[test]
fn the_map_lists_every_crate_with_exactly_its_edges() {
    assert_eq!(table("## Edges"), edges());
}

#[test]
fn each_technology_is_named_only_where_the_map_says() {
    let allowed = table("## Technologies");
    for package in metadata().workspace_packages() {
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Normal {
                continue;
            }
            if let Some(homes) = allowed.get(&dependency.name) {
                assert!(
                    homes.contains(package.name.as_str()),
                    "{} names {}, which belongs to {homes:?}",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

fn sources(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "node_modules", "dist", ".git", "procos-data", "test-results"]
                    .contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_source_file_says_first_what_it_is_for() {
    for path in sources("rs") {
        let text = fs::read_to_string(&path).expect("the file can be read");
        assert!(text.starts_with("//!"), "{} does not start with //!", path.display());
    }
}

#[test]
fn no_file_bears_a_vague_name() {
    let banned =
        ["mod", "util", "utils", "helper", "helpers", "common", "misc", "manager", "base", "impl", "info"];
    for path in sources("rs").iter().chain(&sources("ts")).chain(&sources("tsx")) {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let vague = stem.split(['_', '-', '.']).any(|word| banned.contains(&word));
        assert!(!vague, "{} has a vague name", path.display());
    }
}

/// Codes are written as string literals like "BPMN-0007" or "BPMN-EXEC-0001" in production code.
fn codes_in(text: &str) -> BTreeSet<String> {
    text.split('"')
        .filter(|word| {
            let Some((area, number)) = word.rsplit_once('-') else { return false };
            number.len() == 4
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && area.len() >= 3
                && area.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let tests = root().join("tests");
    let mut codes = BTreeSet::new();
    for path in sources("rs").iter().filter(|path| !path.starts_with(&tests)) {
        let text = fs::read_to_string(path).expect("the file can be read");
        codes.extend(codes_in(text.split("#[cfg(test)]").next().unwrap_or_default()));
    }
    let pages: BTreeSet<String> = fs::read_dir(root().join("docs/errors"))
        .expect("docs/errors exists")
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README")
        .collect();
    let unexplained: Vec<_> = codes.difference(&pages).collect();
    let orphaned: Vec<_> = pages.difference(&codes).collect();
    assert!(unexplained.is_empty() && orphaned.is_empty(), "no page: {unexplained:?}; no code: {orphaned:?}");
}

#[test]
fn the_microkernel_stays_within_a_hundred_lines() {
    let text = fs::read_to_string(root().join("kernel/src/microkernel.rs")).expect("the microkernel exists");
    assert!(text.lines().count() <= 100, "the microkernel has {} lines", text.lines().count());
}

#[test]
fn only_the_server_reads_the_environment() {
    for path in sources("rs") {
        let place = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        if place.starts_with("server/") || place.starts_with("tests/") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the file can be read");
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = place.ends_with("tests.rs") || place.contains("/tests/");
        assert!(is_test || !production.contains("env::var"), "{place} reads the environment");
    }
}

#[test]
fn no_test_is_switched_off() {
    for path in sources("rs") {
        let text = fs::read_to_string(&path).expect("the file can be read");
        let mark = format!("#[{}", "ignore");
        assert!(!text.contains(&mark), "{} switches a test off", path.display());
    }
}
