//! Every port that needs a table.
