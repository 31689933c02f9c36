//! The process language: model, XML, layout, checks, expressions and the token rules.
