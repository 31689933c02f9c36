//! Looks at a query before any parser does: one linear pass that keeps out what would overflow a stack, run
//! without bound, or leave the graph.

use crate::Error;

/// Longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// Deepest nesting of braces, brackets and parentheses.
pub const MAX_NESTING: usize = 64;
/// Most `UNION`, `OPTIONAL`, `MINUS`, `FILTER`, `BIND`, `||`, `&&` and path alternatives together.
pub const MAX_ALTERNATIVES: usize = 500;
/// Most values in all `VALUES` blocks.
pub const MAX_VALUES_CELLS: usize = 5_000;
/// Largest product of the sizes of all `VALUES` blocks: they can be joined without touching any data, where the
/// engine never looks at its deadline.
pub const MAX_VALUES_PRODUCT: usize = 1_000_000;
/// Longest chain of unary or arithmetic operators in a row.
const MAX_OPERATORS: usize = 2_000;

/// Words that make it something else than a query, or that leave the graph.
const REFUSED: &[&str] =
    &["SERVICE", "INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD"];
const ALTERNATIVES: &[&str] = &["UNION", "OPTIONAL", "MINUS", "FILTER", "BIND", "EXISTS"];

#[derive(Default)]
struct Scan {
    depth: usize,
    alternatives: usize,
    operators: usize,
    cells: usize,
    product: usize,
    values: Option<Values>,
    block: usize,
}

/// Where a `VALUES` block begins and how much it held so far.
struct Values {
    depth: usize,
    open: bool,
    cells: usize,
}

/// Lets a query pass or says why not.
///
/// # Errors
/// [`Error::Query`] naming the limit or the word.
pub fn admit(query: &str) -> Result<(), Error> {
    if query.len() > MAX_QUERY_BYTES {
        return refuse(format!("it has {} bytes, at most {MAX_QUERY_BYTES} are read", query.len()));
    }
    let bytes = query.as_bytes();
    let mut scan = Scan { product: 1, ..Scan::default() };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'#' => skip_comment(bytes, at),
            b'"' | b'\'' => {
                scan.cell();
                skip_string(bytes, at)
            }
            b'<' => match skip_iri(bytes, at) {
                Some(end) => {
                    scan.cell();
                    end
                }
                None => at + 1,
            },
            b'{' | b'(' | b'[' => {
                scan.open(byte)?;
                at + 1
            }
            b'}' | b')' | b']' => {
                scan.close(byte)?;
                at + 1
            }
            b'|' | b'&' | b'!' | b'-' | b'+' | b'*' | b'/' | b'^' | b'=' => {
                scan.operator(byte)?;
                at + 1
            }
            _ if is_word(byte) => {
                let end = word_end(bytes, at);
                let variable = at > 0 && matches!(bytes.get(at - 1), Some(b'?' | b'$' | b'@'));
                let prefixed = bytes.get(end) == Some(&b':') || (at > 0 && bytes.get(at - 1) == Some(&b':'));
                if !variable {
                    scan.word(query.get(at..end).unwrap_or_default(), prefixed)?;
                }
                end
            }
            _ => at + 1,
        };
    }
    Ok(())
}

fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::Query(why))
}

impl Scan {
    fn open(&mut self, byte: u8) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return refuse(format!("it nests deeper than {MAX_NESTING}"));
        }
        if byte == b'{' {
            self.block += 1;
            if self.block > MAX_ALTERNATIVES {
                return refuse(format!("it has more than {MAX_ALTERNATIVES} groups"));
            }
            if let Some(values) = &mut self.values
                && !values.open
            {
                values.open = true;
                values.depth = self.depth;
            }
        }
        Ok(())
    }

    fn close(&mut self, byte: u8) -> Result<(), Error> {
        if byte == b'}'
            && let Some(values) = &self.values
            && values.open
            && values.depth == self.depth
        {
            self.cells += values.cells;
            self.product = self.product.saturating_mul(values.cells.max(1));
            self.values = None;
            if self.cells > MAX_VALUES_CELLS {
                return refuse(format!("it has more than {MAX_VALUES_CELLS} values in VALUES blocks"));
            }
            if self.product > MAX_VALUES_PRODUCT {
                return refuse(format!("its VALUES blocks multiply to more than {MAX_VALUES_PRODUCT} rows"));
            }
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn operator(&mut self, byte: u8) -> Result<(), Error> {
        self.operators += 1;
        if matches!(byte, b'|' | b'&') {
            self.alternatives += 1;
        }
        self.check()
    }

    fn cell(&mut self) {
        if let Some(values) = &mut self.values
            && values.open
        {
            values.cells += 1;
        }
    }

    fn word(&mut self, word: &str, prefixed: bool) -> Result<(), Error> {
        self.cell();
        if prefixed {
            return Ok(());
        }
        let upper = word.to_ascii_uppercase();
        if REFUSED.contains(&upper.as_str()) {
            return refuse(format!("{upper} is not allowed: this endpoint only reads its own graph"));
        }
        if upper == "VALUES" {
            self.values = Some(Values { depth: self.depth, open: false, cells: 0 });
        }
        if ALTERNATIVES.contains(&upper.as_str()) {
            self.alternatives += 1;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        // `||` and `&&` count twice, once for each character.
        if self.alternatives > MAX_ALTERNATIVES {
            return refuse(format!("it has more than {MAX_ALTERNATIVES} alternatives and conditions"));
        }
        if self.operators > MAX_OPERATORS {
            return refuse(format!("it has more than {MAX_OPERATORS} operators"));
        }
        Ok(())
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while bytes.get(end).copied().is_some_and(is_word) {
        end += 1;
    }
    end
}

fn skip_comment(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |n| at + n)
}

fn skip_string(bytes: &[u8], at: usize) -> usize {
    let quote = bytes.get(at).copied().unwrap_or(b'"');
    let long = bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote);
    let mut i = at + if long { 3 } else { 1 };
    while let Some(&byte) = bytes.get(i) {
        if byte == b'\\' {
            i += 2;
        } else if byte == quote {
            if !long {
                return i + 1;
            }
            if bytes.get(i + 1) == Some(&quote) && bytes.get(i + 2) == Some(&quote) {
                return i + 3;
            }
            i += 1;
        } else if !long && matches!(byte, b'\n' | b'\r') {
            // Not a string after all; the parser will say so.
            return i;
        } else {
            i += 1;
        }
    }
    bytes.len()
}

/// The end of an IRI that begins at `<`; `None` where it is a comparison.
fn skip_iri(bytes: &[u8], at: usize) -> Option<usize> {
    for (i, &byte) in bytes.iter().enumerate().skip(at + 1) {
        match byte {
            b'>' => return Some(i + 1),
            0..=b' ' | b'<' | b'"' | b'{' | b'}' | b'|' | b'^' | b'`' | b'\\' => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(query: &str) -> String {
        admit(query).unwrap_err().to_string()
    }

    #[test]
    fn an_ordinary_query_passes() {
        admit("PREFIX p: <https://w3id.org/procos/ontology#> SELECT ?r WHERE { ?r a p:Requirement . FILTER(?r != p:insert || 1 < 2) } LIMIT 5").unwrap();
        admit("SELECT ?service ?load WHERE { ?service <http://x/delete> 'DROP # {{{' } # SERVICE").unwrap();
    }

    #[test]
    fn words_that_write_or_leave_are_refused() {
        for query in [
            "SELECT * { SERVICE <http://localhost/> { ?s ?p ?o } }",
            "INSERT DATA { <a:a> <a:b> <a:c> }",
            "delete where { ?s ?p ?o }",
            "LOAD <file:///etc/passwd>",
            "DROP ALL",
        ] {
            assert!(refused(query).contains("not allowed"), "{query}");
        }
    }

    #[test]
    fn deep_wide_and_long_queries_are_refused() {
        let nested = format!("SELECT * {}{}", "{".repeat(1_000), "}".repeat(1_000));
        assert!(refused(&nested).contains("deeper"));
        let unions = format!("SELECT * {{ {{}} {} }}", "UNION {}".repeat(7_000));
        assert!(refused(&unions).contains("more than 500"));
        assert!(refused(&" ".repeat(MAX_QUERY_BYTES + 1)).contains("bytes"));
        let bangs = format!("SELECT * {{ FILTER({}true) }}", "!".repeat(20_000));
        assert!(refused(&bangs).contains("operators"));
    }

    #[test]
    fn products_of_values_are_refused() {
        let block = |v: &str| format!("VALUES ?{v} {{ {} }}", "1 ".repeat(700));
        let query = format!("SELECT (COUNT(*) AS ?n) {{ {} {} {} }}", block("a"), block("b"), block("c"));
        assert!(refused(&query).contains("multiply"));
        admit(&format!("SELECT * {{ {} {} }}", block("a"), block("b"))).unwrap();
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_guard(query in "\\PC{0,200}") {
            let _ = admit(&query);
        }

        #[test]
        fn no_mixture_of_its_tokens_breaks_the_guard(
            parts in proptest::collection::vec(prop_oneof![
                Just("{"), Just("}"), Just("\""), Just("'''"), Just("<"), Just(">"), Just("VALUES"), Just("?x"),
                Just("#"), Just("\n"), Just("\\"), Just("|"), Just(" ")
            ], 0..60)
        ) {
            let _ = admit(&parts.concat());
        }
    }
}
