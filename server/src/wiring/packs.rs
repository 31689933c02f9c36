//! Domain packs: folders with reference architectures, processes, archetypes and words that a user writes, shares and
//! loads.
//!
//! A pack is `architectures/*.ttl`, `processes/*.bpmn`, `archetypes/*.json` and `vocabulary/*.txt`. Loading one checks
//! every file and keeps all but the processes under `packs/` in the data directory, where each bootstrap and the reader
//! of texts find them; the processes are deployed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use das::text::{Mistake, Trade};
use engine::port::DeployFile;
use ontology::architecture::{self, Architecture};

use crate::failure::Failure;

/// Most files of one sort in a pack.
const MAX_FILES: usize = 200;
/// Largest file of a pack, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Folder in the data directory.
const FOLDER: &str = "packs";

/// A pack, checked.
pub(crate) struct Pack {
    /// Its name: that of its folder.
    pub(crate) name: String,
    /// Its architectures with the Turtle they were read from.
    pub(crate) architectures: Vec<(Architecture, Vec<u8>)>,
    /// Its processes; the engine checks them when they are deployed.
    pub(crate) processes: Vec<DeployFile>,
    /// Its archetypes, as JSON.
    pub(crate) archetypes: Vec<String>,
    /// Its files of words.
    pub(crate) vocabulary: Vec<String>,
}

/// Reads and checks a pack.
pub(crate) fn load(folder: &Path) -> Result<Pack, Failure> {
    let hint = "a pack is a folder with architectures/*.ttl, processes/*.bpmn, archetypes/*.json and vocabulary/*.txt; see docs/packs.md";
    let wrong = |message: String| Failure::wrong_call("CLI-0014", message, hint);
    let name =
        folder.file_name().map(|name| name.to_string_lossy().into_owned()).filter(|name| is_name(name));
    let name = name.ok_or_else(|| {
        wrong(format!("{} cannot name a pack: letters, digits, '-' and '_' only", folder.display()))
    })?;
    let mut architectures = Vec::new();
    for (path, content) in files(&folder.join("architectures"), "ttl").map_err(wrong)? {
        let text =
            std::str::from_utf8(&content).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        let read = architecture::read(text).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        architectures.push((read, content));
    }
    let processes = files(&folder.join("processes"), "bpmn").map_err(wrong)?.into_iter();
    let processes: Vec<DeployFile> = processes
        .map(|(path, content)| DeployFile {
            name: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            content,
        })
        .collect();
    let (archetypes, vocabulary) = teach(folder, &mut Trade::default()).map_err(wrong)?;
    if architectures.is_empty() && processes.is_empty() && archetypes.is_empty() && vocabulary.is_empty() {
        let message = format!("{} holds no architectures, processes, archetypes or words", folder.display());
        return Err(wrong(message));
    }
    Ok(Pack { name, architectures, processes, archetypes, vocabulary })
}

/// Takes the archetypes and words of a folder in; gives the texts of both. A mistake is named with file and line.
fn teach(folder: &Path, trade: &mut Trade) -> Result<(Vec<String>, Vec<String>), String> {
    let mut texts = |part: &str, ending: &str, add: fn(&mut Trade, &str) -> Result<(), Mistake>| {
        let mut found = Vec::new();
        for (path, content) in files(&folder.join(part), ending)? {
            let text = String::from_utf8(content).map_err(|error| format!("{}: {error}", path.display()))?;
            add(trade, &text).map_err(|mistake| format!("{}, {mistake}", path.display()))?;
            found.push(text);
        }
        Ok::<_, String>(found)
    };
    let archetypes = texts("archetypes", "json", Trade::add_archetype)?;
    let vocabulary = texts("vocabulary", "txt", Trade::add_words)?;
    Ok((archetypes, vocabulary))
}

/// Keeps a pack in the data directory, without its processes; what an earlier load of it kept goes.
pub(crate) fn keep(pack: &Pack, data_directory: &Path) -> Result<(), Failure> {
    let folder = data_directory.join(FOLDER).join(&pack.name);
    let failed = |error: std::io::Error| {
        let message = format!("cannot write {}: {error}", folder.display());
        Failure::work("CLI-0006", message, "is there room, and may the folder be written?")
    };
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    let turtles = pack.architectures.iter().map(|(_, turtle)| turtle.as_slice()).collect();
    let bytes = |texts: &'_ [String]| -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.clone().into_bytes()).collect()
    };
    let (archetypes, vocabulary) = (bytes(&pack.archetypes), bytes(&pack.vocabulary));
    let parts: [(&str, &str, Vec<&[u8]>); 3] = [
        ("architectures", "ttl", turtles),
        ("archetypes", "json", archetypes.iter().map(Vec::as_slice).collect()),
        ("vocabulary", "txt", vocabulary.iter().map(Vec::as_slice).collect()),
    ];
    for (part, ending, contents) in parts {
        let folder = folder.join(part);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        for (place, content) in contents.into_iter().enumerate() {
            std::fs::write(folder.join(format!("{place:03}.{ending}")), content).map_err(failed)?;
        }
    }
    Ok(())
}

/// What all packs in a data directory teach the reader; what cannot be read is left out and said in the log.
pub(crate) fn trade(data_directory: &Path) -> Arc<Trade> {
    let mut trade = Trade::default();
    for folder in kept(data_directory) {
        // A pack that breaks off half-way leaves nothing behind.
        let mut with = trade.clone();
        match teach(&folder, &mut with) {
            Ok(_) => trade = with,
            Err(why) => tracing::warn!(pack = %folder.display(), why, "a pack is left out"),
        }
    }
    Arc::new(trade)
}

/// The folders of the packs that are kept, by name.
fn kept(data_directory: &Path) -> Vec<PathBuf> {
    let Ok(packs) = std::fs::read_dir(data_directory.join(FOLDER)) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = packs.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders.truncate(MAX_FILES);
    folders
}

/// The architectures of all packs in a data directory; what cannot be read is left out and said in the log.
pub(crate) fn architectures(data_directory: &Path) -> Vec<Architecture> {
    let mut found = Vec::new();
    for folder in kept(data_directory) {
        match load_kept(&folder) {
            Ok(architectures) => found.extend(architectures),
            Err(why) => tracing::warn!(pack = %folder.display(), why, "a pack is left out"),
        }
    }
    found
}

fn load_kept(folder: &Path) -> Result<Vec<Architecture>, String> {
    let read = |(path, content): (PathBuf, Vec<u8>)| {
        let text = String::from_utf8(content).map_err(|error| error.to_string())?;
        architecture::read(&text).map_err(|error| format!("{}: {error}", path.display()))
    };
    files(&folder.join("architectures"), "ttl")?.into_iter().map(read).collect()
}

/// The files of a folder with this ending, by name; none where there is no such folder.
fn files(folder: &Path, ending: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending)))
        .collect();
    if paths.len() > MAX_FILES {
        return Err(format!("{} holds more than {MAX_FILES} files (limit MAX_FILES)", folder.display()));
    }
    paths.sort();
    let read = |path: PathBuf| {
        let said = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
        if std::fs::metadata(&path).map_err(said)?.len() > MAX_FILE_BYTES {
            return Err(format!(
                "{} is larger than {MAX_FILE_BYTES} bytes (limit MAX_FILE_BYTES)",
                path.display()
            ));
        }
        let content = std::fs::read(&path).map_err(said)?;
        Ok((path, content))
    };
    paths.into_iter().map(read).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUMP: &str = "@prefix procos: <https://w3id.org/procos/ontology#> .\n\
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n@prefix dcterms: <http://purl.org/dc/terms/> .\n\
        <pump> a procos:ReferenceArchitecture ; dcterms:identifier \"pump\" ; rdfs:label \"Pump\" ;\n\
        procos:keyword \"pump\" , \"impeller\" ; procos:hasComponent <whole> .\n\
        <whole> a procos:ReferenceComponent ; rdfs:label \"Pump\" ; procos:performs <f> .\n\
        <f> a procos:ReferenceFunction ; rdfs:label \"move liquid\" .\n";

    #[test]
    fn a_pack_is_checked_kept_and_found_again_and_a_broken_one_refused() {
        let (here, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = here.path().join("pumps");
        std::fs::create_dir_all(folder.join("architectures")).unwrap();
        assert_eq!(load(&folder).err().unwrap().code, "CLI-0014");
        std::fs::write(folder.join("architectures/pump.ttl"), PUMP).unwrap();
        let pack = load(&folder).unwrap();
        assert_eq!((pack.name.as_str(), pack.architectures.len()), ("pumps", 1));
        assert!(architectures(data.path()).is_empty());
        keep(&pack, data.path()).unwrap();
        keep(&pack, data.path()).unwrap();
        assert_eq!(architectures(data.path()).iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["pump"]);
        std::fs::write(folder.join("architectures/other.ttl"), "<a> <b>").unwrap();
        assert!(load(&folder).err().unwrap().message.contains("other.ttl"));
    }

    #[test]
    fn archetypes_and_words_are_kept_and_a_mistake_is_named_with_file_and_line() {
        let (here, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = here.path().join("brewing");
        std::fs::create_dir_all(folder.join("archetypes")).unwrap();
        std::fs::create_dir_all(folder.join("vocabulary")).unwrap();
        let brew = r#"{"name": "brew", "title": "Brew", "keywords": {"beer": 5}, "core": [],
            "table": {"root": "boil", "nodes": [{"id": "boil", "op": "activity", "label": "Boil the wort"}]}}"#;
        std::fs::write(folder.join("archetypes/brew.json"), brew).unwrap();
        std::fs::write(folder.join("vocabulary/words.txt"), "[verbs]\nsparge\n").unwrap();
        let pack = load(&folder).unwrap();
        assert!(trade(data.path()).is_empty());
        keep(&pack, data.path()).unwrap();
        let kept = trade(data.path());
        assert_eq!((kept.archetypes().len(), kept.words()), (1, 4));
        std::fs::write(folder.join("vocabulary/words.txt"), "[verbs]\nsparge\n[wrong]\n").unwrap();
        let failure = load(&folder).err().unwrap();
        assert!(failure.message.contains("words.txt, line 3: '[wrong]'"), "{failure}");
        std::fs::write(folder.join("vocabulary/words.txt"), "").unwrap();
        std::fs::write(
            folder.join("archetypes/brew.json"),
            brew.replace("\"boil\", \"nodes", "\"bake\", \"nodes"),
        )
        .unwrap();
        assert!(load(&folder).err().unwrap().message.contains("brew.json, line "));
    }
}
