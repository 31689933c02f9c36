//! Cuts a FEEL text into tokens.

use crate::expression::ExpressionError;

/// A token and the bytes it covers.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Number(f64),
    Text(String),
    /// A name or keyword.
    Word(String),
    /// A name in backticks: never a keyword.
    Quoted(String),
    /// `@"…"`.
    Temporal(String),
    Symbol(&'static str),
    End,
}

/// Longest first, so that `**` is not read as two `*`.
const SYMBOLS: [&str; 24] = [
    "**", "..", "<=", ">=", "!=", "->", "+", "-", "*", "/", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",",
    ":", ".", "?", "|",
];

/// The tokens of a text, ending with [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(char) = text[at..].chars().next() {
        let rest = &text[at..];
        if char.is_whitespace() || char == '\u{feff}' {
            at += char.len_utf8();
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").ok_or_else(|| ExpressionError::syntax("comment has no end", at))? + 2;
        } else {
            let (kind, length) = token(rest, at)?;
            tokens.push(Token { kind, start: at, end: at + length });
            at += length;
        }
    }
    tokens.push(Token { kind: TokenKind::End, start: text.len(), end: text.len() });
    Ok(tokens)
}

/// The token at the start of a text, and its length in bytes.
fn token(rest: &str, at: usize) -> Result<(TokenKind, usize), ExpressionError> {
    let Some(char) = rest.chars().next() else { return Ok((TokenKind::End, 0)) };
    if char == '"' {
        let (text, length) = quoted_text(rest, at)?;
        return Ok((TokenKind::Text(text), length));
    }
    if rest.starts_with("@\"") {
        let (text, length) = quoted_text(&rest[1..], at + 1)?;
        return Ok((TokenKind::Temporal(text), length + 1));
    }
    if char == '`' {
        let end =
            rest[1..].find('`').ok_or_else(|| ExpressionError::syntax("name in backticks has no end", at))?;
        return Ok((TokenKind::Quoted(rest[1..=end].to_owned()), end + 2));
    }
    let decimal = char == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit());
    if char.is_ascii_digit() || decimal {
        return number(rest, at);
    }
    if starts_name(char) {
        let length = rest.find(|next| !continues_name(next)).unwrap_or(rest.len());
        return Ok((TokenKind::Word(rest[..length].to_owned()), length));
    }
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((TokenKind::Symbol(symbol), symbol.len())),
        None if char == '\'' => {
            Err(ExpressionError::syntax("a text is written in double quotes in FEEL", at))
        }
        None => Err(ExpressionError::syntax(format!("unexpected character '{}'", char.escape_default()), at)),
    }
}

fn starts_name(char: char) -> bool {
    char.is_alphabetic() || char == '_' || char == '$' || u32::from(char) >= 0x1_0000
}

fn continues_name(char: char) -> bool {
    starts_name(char) || char.is_numeric() || ('\u{300}'..='\u{36f}').contains(&char)
}

fn number(rest: &str, at: usize) -> Result<(TokenKind, usize), ExpressionError> {
    let digits = |from: usize| {
        rest[from..].find(|char: char| !char.is_ascii_digit()).map_or(rest.len(), |length| from + length)
    };
    let mut end = digits(0);
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|char: char| char.is_ascii_digit()) {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if rest[end + 1 + sign..].starts_with(|char: char| char.is_ascii_digit()) {
            end = digits(end + 1 + sign);
        }
    }
    match rest[..end].parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((TokenKind::Number(number), end)),
        _ => Err(ExpressionError::syntax("number is out of range", at)),
    }
}

/// A text in double quotes at the start of `rest`, unescaped, and its length with the quotes.
fn quoted_text(rest: &str, at: usize) -> Result<(String, usize), ExpressionError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((place, char)) = chars.next() {
        match char {
            '"' => return Ok((text, place + 1)),
            '\\' => {
                let Some((_, escaped)) = chars.next() else { break };
                let digits = match escaped {
                    'u' => 4,
                    'U' => 6,
                    other => {
                        push_escape(&mut text, other);
                        continue;
                    }
                };
                let (char, used) = unicode_escape(&rest[place..], digits).ok_or_else(|| {
                    ExpressionError::syntax("unicode escape is not a character", at + place)
                })?;
                text.push(char);
                // The escapes are ASCII: as many characters as bytes, two of which are taken already.
                chars.nth(used - 3);
            }
            other => text.push(other),
        }
    }
    Err(ExpressionError::syntax("text has no end", at))
}

/// An unknown escape is kept as written, so that patterns need no second backslash.
fn push_escape(text: &mut String, escaped: char) {
    match escaped {
        'n' => text.push('\n'),
        't' => text.push('\t'),
        'r' => text.push('\r'),
        '"' | '\\' | '\'' => text.push(escaped),
        other => text.extend(['\\', other]),
    }
}

/// The character of `\uXXXX` (also as a pair of surrogates) or `\UXXXXXX`, and the bytes used.
fn unicode_escape(text: &str, digits: usize) -> Option<(char, usize)> {
    let unit = |from: usize| u32::from_str_radix(text.get(from..from + digits)?, 16).ok();
    let first = unit(2)?;
    if (0xd800..0xdc00).contains(&first) {
        let second = text.get(2 + digits..).filter(|rest| rest.starts_with("\\u")).and(unit(4 + digits))?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        return Some((char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)?, 4 + 2 * digits));
    }
    Some((char::from_u32(first)?, 2 + digits))
}
