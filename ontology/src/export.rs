//! Writes a system as Turtle, N-Triples, JSON-LD, TriG or N-Quads.

use oxigraph::io::{JsonLdProfileSet, RdfFormat, RdfSerializer};

use crate::model::{IDENTIFIERS, NAMESPACE};
use crate::triples::of_export;
use crate::{Error, Ontology};

/// The formats a graph is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// Turtle.
    Turtle,
    /// N-Triples.
    NTriples,
    /// JSON-LD.
    JsonLd,
    /// TriG: Turtle with the name of the graph.
    TriG,
    /// N-Quads: N-Triples with the name of the graph.
    NQuads,
}

impl GraphFormat {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Turtle => "text/turtle",
            Self::NTriples => "application/n-triples",
            Self::JsonLd => "application/ld+json",
            Self::TriG => "application/trig",
            Self::NQuads => "application/n-quads",
        }
    }

    pub(crate) fn serializer(self) -> Result<RdfSerializer, Error> {
        let format = match self {
            Self::Turtle => RdfFormat::Turtle,
            Self::NTriples => RdfFormat::NTriples,
            Self::JsonLd => RdfFormat::JsonLd { profile: JsonLdProfileSet::empty() },
            Self::TriG => RdfFormat::TriG,
            Self::NQuads => RdfFormat::NQuads,
        };
        let mut serializer = RdfSerializer::from_format(format);
        for (prefix, iri) in [
            ("procos", NAMESPACE),
            ("id", IDENTIFIERS),
            ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
            ("dcterms", "http://purl.org/dc/terms/"),
            ("prov", "http://www.w3.org/ns/prov#"),
            ("qudt", "http://qudt.org/schema/qudt/"),
            ("unit", "http://qudt.org/vocab/unit/"),
            ("xsd", "http://www.w3.org/2001/XMLSchema#"),
        ] {
            serializer = serializer
                .with_prefix(prefix, iri)
                .map_err(|error| Error::Invalid(format!("prefix {prefix}: {error}")))?;
        }
        Ok(serializer)
    }
}

impl Ontology {
    /// The whole graph of a system, and what it takes to read it again as it was; the same system gives the same text.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn export(&self, system: &str, format: GraphFormat) -> Result<String, Error> {
        let mut quads = self.graph(system)?;
        let index = self.snapshot(system)?;
        let kind_of = |id: &str| index.node(id).map(|node| node.kind());
        quads.extend(index.nodes().flat_map(|node| of_export(system, node, &kind_of)));
        quads.sort_by_cached_key(|quad| {
            (quad.subject.to_string(), quad.predicate.to_string(), quad.object.to_string())
        });
        let failed = |error: std::io::Error| Error::Store(error.to_string());
        let mut writer = format.serializer()?.for_writer(Vec::new());
        for quad in &quads {
            match format {
                GraphFormat::TriG | GraphFormat::NQuads => writer.serialize_quad(quad),
                _ => writer.serialize_triple(quad.as_ref()),
            }
            .map_err(failed)?;
        }
        String::from_utf8(writer.finish().map_err(failed)?).map_err(|error| Error::Store(error.to_string()))
    }
}
