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
