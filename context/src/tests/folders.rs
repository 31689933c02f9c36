//! A prompt written as files and read again is the same prompt.

use std::collections::BTreeMap;

use llm::Role;
use serde_json::json;

use super::{message, prompt, suite, variable, version_of};
use crate::{VariableType, folder_of, prompt_of};

#[test]
fn nothing_is_lost_between_files_and_prompt() {
    let mut rich = prompt("Zeile eins\r\n\ttab, „Ränder“ {{> a}} \n\n");
    rich.messages.push(message(Role::Assistant, ""));
    rich.variables.push(variable("list", VariableType::List, Some(json!([1, "a", {"b": null}]))));
    rich.output_schema = Some(json!({"type": "object", "properties": {"x": {"minimum": 0.1}}}));
    rich.parameters.model = Some("small".to_owned());
    rich.fragments = BTreeMap::from([("a".to_owned(), "0".repeat(64))]);
    let version = version_of(rich.clone());
    let fragment = prompt("part");
    let files = folder_of(&version, Some(&suite()), std::slice::from_ref(&fragment)).unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names[..4], ["01-system.md", "02-user.md", "03-assistant.md", names[3]]);
    assert!(names[3].starts_with("fragments/01-route-"), "{names:?}");
    assert_eq!(files["01-system.md"], rich.messages[0].text, "a text is a file, byte for byte");
    let read = prompt_of(&files).unwrap();
    assert_eq!((read.prompt.hash(), &read.suite), (version.hash, &Some(suite())));
    assert_eq!(read.fragments, [fragment]);
    let again = folder_of(&version_of(read.prompt), read.suite.as_ref(), &read.fragments).unwrap();
    assert_eq!(again, files);
}

#[test]
fn a_file_that_is_missing_or_does_not_fit_is_named() {
    let files = folder_of(&version_of(prompt("x")), Some(&suite()), &[]).unwrap();
    let without = |name: &str| {
        let mut fewer = files.clone();
        fewer.remove(name);
        prompt_of(&fewer).unwrap_err().file
    };
    assert_eq!(without("prompt.json"), "prompt.json");
    assert_eq!(without("02-user.md"), "02-user.md");
    let mut broken = files.clone();
    broken.insert("tests.json".to_owned(), "{".to_owned());
    assert_eq!(prompt_of(&broken).unwrap_err().file, "tests.json");
    let mut renamed = files;
    let text = renamed["prompt.json"].replace("02-user.md", "02-nobody.md");
    renamed.insert("prompt.json".to_owned(), text);
    assert_eq!(prompt_of(&renamed).unwrap_err().file, "02-nobody.md");
}
