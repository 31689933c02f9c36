//! A system as a file for other tools, in each form there is.

use super::{markdown, oslc, reqif, sysml, table, workbook};
use crate::matrix::Columns;
use crate::{Error, GraphFormat, Ontology};

/// A form of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The graph.
    Graph(GraphFormat),
    /// Requirements and the links between them.
    Reqif,
    /// Requirements as a table.
    Csv,
    /// The trace matrix of requirements and components as a table.
    Matrix,
    /// Requirements and trace matrix as an Excel workbook.
    Xlsx,
    /// SysML v2 in its textual notation.
    Sysml,
    /// The elements of SysML v2 in JSON.
    SysmlJson,
    /// Requirements and the links at them in the terms of OSLC RM 2.1, as Turtle.
    Oslc,
    /// Requirements under their headings, to be read.
    Markdown,
}

impl Form {
    /// The form with this name: `turtle`, `ntriples`, `jsonld`, `trig`, `nquads`, `reqif`, `csv`,
    /// `matrix`, `xlsx`, `sysml`, `sysml-json`, `oslc` or `markdown`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "turtle" => Self::Graph(GraphFormat::Turtle),
            "ntriples" => Self::Graph(GraphFormat::NTriples),
            "jsonld" => Self::Graph(GraphFormat::JsonLd),
            "trig" => Self::Graph(GraphFormat::TriG),
            "nquads" => Self::Graph(GraphFormat::NQuads),
            "reqif" => Self::Reqif,
            "csv" => Self::Csv,
            "matrix" => Self::Matrix,
            "xlsx" => Self::Xlsx,
            "sysml" => Self::Sysml,
            "sysml-json" => Self::SysmlJson,
            "oslc" => Self::Oslc,
            "markdown" => Self::Markdown,
            _ => return None,
        })
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Graph(format) => format.media_type(),
            Self::Reqif => "application/xml",
            Self::Csv | Self::Matrix => "text/csv; charset=utf-8",
            Self::Sysml => "text/plain; charset=utf-8",
            Self::SysmlJson => "application/json",
            Self::Oslc => "text/turtle",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// A file that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What it holds: a text in UTF-8, but for a workbook.
    pub bytes: Vec<u8>,
    /// What the form has no place for, in words.
    pub remarks: Vec<String>,
}

impl Ontology {
    /// Writes a system, or the line of a branch, in a form. `now` is the time of writing in ISO 8601.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] for a text that the form cannot hold; [`Error::Store`].
    pub fn write(&self, system: &str, form: Form, now: &str) -> Result<Document, Error> {
        let state = self.snapshot(system)?;
        let plain = |text: String| Document { bytes: text.into_bytes(), remarks: Vec::new() };
        Ok(match form {
            Form::Graph(format) => plain(self.export(system, format)?),
            Form::Csv => plain(table::write(&state)?),
            Form::Matrix => plain(table::write_matrix(&state, Columns::Components)?),
            Form::Xlsx => {
                let (bytes, remarks) = workbook::write(&state, now)?;
                Document { bytes, remarks }
            }
            Form::Sysml => {
                let written = sysml::write(&state);
                Document { bytes: written.text.into_bytes(), remarks: written.remarks }
            }
            Form::SysmlJson => {
                let written = sysml::elements(&state)?;
                Document { bytes: written.json, remarks: written.remarks }
            }
            Form::Oslc => {
                let (bytes, remarks) = oslc::write(&state)?;
                Document { bytes, remarks }
            }
            Form::Markdown => plain(markdown::write(&state)),
            Form::Reqif => {
                let written = reqif::write(&state, now)?;
                let stayed =
                    |(kind, count): (&String, &usize)| format!("{count} of the kind {kind} stayed out");
                Document {
                    remarks: written.left_out.iter().map(stayed).collect(),
                    bytes: written.text.into_bytes(),
                }
            }
        })
    }
}
