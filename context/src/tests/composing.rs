//! Fragments: filled in, pinned, and refused where they go in a circle.

use std::collections::BTreeMap;

use llm::Role;
use serde_json::json;

use super::{at, manager, map, message, prompt, variable};
use crate::{DirectApproval, Error, Prompt, Selector, VariableType, assemble};

fn fragment(name: &str, text: &str) -> Prompt {
    Prompt {
        name: name.to_owned(),
        messages: vec![message(Role::System, text)],
        variables: Vec::new(),
        ..prompt("")
    }
}

#[tokio::test]
async fn a_fragment_goes_in_with_its_variables_and_stays_pinned_when_it_changes() {
    let (manager, _) = manager(DirectApproval::alone());
    let mut tone = fragment("house/tone", "Be {{mood}}.");
    tone.variables = vec![variable("mood", VariableType::Text, Some(json!("brief")))];
    let first = manager.save(tone.clone(), "", &at("ada")).await.unwrap();
    let route = manager.save(prompt("{{> house/tone}} Answer."), "", &at("ada")).await.unwrap();
    assert_eq!(route.prompt.fragments["house/tone"], first.hash, "the version is pinned by its hash");
    tone.messages[0].text = "Be long and {{mood}}.".to_owned();
    let second = manager.save(tone, "", &at("ada")).await.unwrap();

    let values = map(&json!({"task": "copy", "mood": "kind"}));
    let sent = |version: &crate::PromptVersion| {
        assemble(version, &values, &[], 500).unwrap().messages[0].content.clone()
    };
    let kept = manager.get("local", "route", &Selector::latest()).await.unwrap();
    assert_eq!(sent(&kept), "Be kind. Answer.");
    let again = manager.save(prompt("{{> house/tone}} Answer."), "", &at("ada")).await.unwrap();
    assert_ne!(again.hash, route.hash, "another version of a fragment is another prompt");
    assert_eq!(sent(&again), "Be long and kind. Answer.");
    let mut by_label = prompt("{{> house/tone}} Answer.");
    by_label.fragments = BTreeMap::from([("house/tone".to_owned(), first.hash[..10].to_owned())]);
    assert_eq!(manager.save(by_label, "", &at("ada")).await.unwrap().hash, route.hash);
    assert_eq!(second.prompt.fragments.len(), 0);
}

#[tokio::test]
async fn circles_missing_fragments_and_clashing_variables_are_refused_by_name() {
    let (manager, _) = manager(DirectApproval::alone());
    let problems = async |prompt: Prompt| match manager.save(prompt, "", &at("ada")).await {
        Err(Error::Invalid { problems, .. }) => problems.join("; "),
        other => panic!("{other:?}"),
    };
    manager.save(fragment("a", "plain"), "", &at("ada")).await.unwrap();
    manager.save(fragment("b", "of {{> a}}"), "", &at("ada")).await.unwrap();
    let circle = problems(fragment("a", "of {{> b}}")).await;
    assert!(circle.contains("in a circle: a → b → a"), "{circle}");
    assert!(problems(fragment("c", "{{> c}}")).await.contains("fragment c does not exist"));
    assert!(problems(fragment("d", "{{> nobody}}")).await.contains("fragment nobody does not exist"));
    let mut pinned = fragment("e", "{{> a}}");
    pinned.fragments = BTreeMap::from([("a".to_owned(), "0123456789".to_owned())]);
    assert!(problems(pinned).await.contains("fragment a has no version 0123456789"));
    let mut unused = fragment("f", "nothing");
    unused.fragments = BTreeMap::from([("a".to_owned(), String::new())]);
    assert!(problems(unused).await.contains("fragment a is pinned but not used"));
    let mut typed = fragment("g", "{{task}}");
    typed.variables = vec![variable("task", VariableType::Number, None)];
    manager.save(typed, "", &at("ada")).await.unwrap();
    assert!(problems(prompt("{{> g}}")).await.contains("variable task is of another type in fragment g"));
    let two = Prompt { messages: prompt("x").messages, ..prompt("x") };
    manager.save(Prompt { name: "two".to_owned(), ..two }, "", &at("ada")).await.unwrap();
    assert!(problems(fragment("h", "{{> two}}")).await.contains("a fragment has one"));
    let mut deep = "a".to_owned();
    for depth in 0..=crate::FRAGMENT_DEPTH {
        let name = format!("deep{depth}");
        let saved = manager.save(fragment(&name, &format!("{{{{> {deep}}}}}")), "", &at("ada")).await;
        deep = name;
        if depth == crate::FRAGMENT_DEPTH {
            assert!(saved.unwrap_err().to_string().contains("nested more than 8 deep"));
        } else {
            saved.unwrap();
        }
    }
}
