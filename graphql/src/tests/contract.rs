//! The schema as it is committed, and what every type and field says of itself.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use expect_test::expect_file;

use crate::sdl;

#[test]
fn the_schema_is_the_one_that_is_committed() {
    expect_file!["../../schema.graphql"].assert_eq(&sdl());
}

#[test]
fn everything_in_the_schema_says_what_it_is() {
    let mut silent = Vec::new();
    for definition in parse_schema(sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(found) = definition else { continue };
        let name = found.node.name.node.to_string();
        if found.node.description.is_none() && !["Query", "Mutation", "Subscription"].contains(&name.as_str())
        {
            silent.push(name.clone());
        }
        let fields: Vec<(String, bool)> = match &found.node.kind {
            TypeKind::Object(object) => object
                .fields
                .iter()
                .map(|field| (field.node.name.node.to_string(), field.node.description.is_some()))
                .collect(),
            TypeKind::InputObject(object) => object
                .fields
                .iter()
                .map(|field| (field.node.name.node.to_string(), field.node.description.is_some()))
                .collect(),
            TypeKind::Enum(values) => values
                .values
                .iter()
                .map(|value| (value.node.value.node.to_string(), value.node.description.is_some()))
                .collect(),
            _ => Vec::new(),
        };
        silent
            .extend(fields.into_iter().filter(|(_, says)| !says).map(|(field, _)| format!("{name}.{field}")));
    }
    assert_eq!(silent, Vec::<String>::new());
}

/// Mutations that change no system, or give a job, with what keeps a repeat of them harmless.
const WITHOUT_CLIENT_ID: &[&str] = &[
    // The same source again changes nothing; a job tells how far it is.
    "bootstrapSystem",
    // What a model said of a source is remembered, so it is not asked again.
    "consultModel",
    // From the same trail comes the same memory, and a job that has ended stays ended.
    "rebuildMemory",
    "cancelJob",
    // What is forgotten is gone, and the same transcript again changes nothing.
    "forgetMemory",
    "rememberTranscript",
    // Proposals wait for a decision, and a decided one is not decided again.
    "generateProcess",
    "refineProcess",
    "proposeSystem",
    "decideProposal",
    "takeBackProposal",
    "decideSuggestion",
    // The same bytes are the version that is there.
    "deployProcess",
    // These only look.
    "checkProcess",
    "dryRunProcess",
    "simulateProcess",
    "testPrompt",
    "startPromptTest",
    "comparePrompt",
    // What they are about has a state, and the second time it is not in it; or it is the same state again.
    "completeUserTask",
    "resolveIncident",
    "cancelInstance",
    "suspendInstance",
    "resumeInstance",
    "modifyInstance",
    "migrateInstance",
    "assignUserTask",
    "escalateUserTask",
    "tryVersions",
    "endVersionTrial",
    "recordFeedback",
    "savePrompt",
    "savePromptTests",
    "labelPrompt",
    "rollBackPrompt",
    "beginPromptExperiment",
    "endPromptExperiment",
    "approvePrompt",
    "setConsent",
    "tellActs",
    "forgetActs",
    "savePolicy",
    "switchPolicy",
];

#[test]
fn every_mutation_of_a_system_takes_a_client_id_and_the_version_that_was_seen() {
    let definitions = parse_schema(sdl()).unwrap().definitions;
    let types = || {
        definitions.iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(found) => Some(&found.node),
            _ => None,
        })
    };
    let inputs: std::collections::BTreeMap<String, Vec<String>> = types()
        .filter_map(|found| match &found.kind {
            TypeKind::InputObject(object) => {
                let fields = object.fields.iter().map(|field| field.node.name.node.to_string());
                Some((found.name.node.to_string(), fields.collect()))
            }
            _ => None,
        })
        .collect();
    let mutations = types().find(|found| found.name.node == "Mutation").unwrap();
    let TypeKind::Object(mutations) = &mutations.kind else { panic!("it is an object") };
    let mut known = WITHOUT_CLIENT_ID.to_vec();
    for field in &mutations.fields {
        let name = field.node.name.node.as_str();
        if known.contains(&name) {
            known.retain(|one| *one != name);
            continue;
        }
        let input = field.node.arguments.first().map(|argument| argument.node.ty.node.to_string());
        let fields = &inputs[input.unwrap_or_default().trim_end_matches('!')];
        let has = |wanted: &str| fields.iter().any(|field| field == wanted);
        if has("system") {
            assert!(has("clientMutationId") && has("ifMatch"), "{name} takes {fields:?}");
        } else {
            // What begins or tells something in an engine has a key of its own.
            assert!(
                ["idempotencyKey", "clientMutationId", "messageId"].iter().any(|key| has(key)),
                "{name} takes {fields:?}: give it a client id, or say why it needs none"
            );
        }
    }
    assert_eq!(known, Vec::<&str>::new(), "these are no mutations any more");
}
