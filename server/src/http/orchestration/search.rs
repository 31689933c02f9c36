//! Searching as the API defines it: filters by value or by operator, sorting, and pages by position or cursor.

use std::cmp::Ordering;

use axum::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Problem;

/// Most items that a search looks through; where there are more, the page says so.
pub(super) const ITEMS_MAX: usize = 10_000;
/// Items on a page that does not say how many it wants.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 10_000;
/// Most conditions in a filter.
const CONDITIONS_MAX: usize = 200;

/// What is searched for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    pub(super) filter: Map<String, Value>,
    sort: Vec<SortBy>,
    page: Page,
}

#[derive(Debug, Deserialize)]
struct SortBy {
    field: String,
    #[serde(default)]
    order: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    from: Option<usize>,
    limit: Option<usize>,
    after: Option<String>,
    before: Option<String>,
}

impl Search {
    /// The value of a field that the filter wants to be equal, for those who can look it up.
    pub(super) fn wanted(&self, field: &str) -> Option<&str> {
        match self.filter.get(field)? {
            Value::String(text) => Some(text),
            Value::Object(operators) => operators.get("$eq").and_then(Value::as_str),
            _ => None,
        }
    }

    /// The values of a field that the filter wants to be equal to one of, for those who can look them up.
    pub(super) fn wanted_list(&self, field: &str) -> Vec<&str> {
        if let Some(one) = self.wanted(field) {
            return vec![one];
        }
        let list =
            self.filter.get(field).and_then(|operators| operators.get("$in")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Takes a condition out of the filter, for those who look at it themselves.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.filter.remove(field)
    }

    /// The page of `items` that is asked for. `fields` are those that an item has; `cut` says that there were more
    /// items than a search looks through.
    pub(super) fn answer(
        &self,
        fields: &[&str],
        mut items: Vec<Value>,
        cut: bool,
    ) -> Result<Json<Value>, Problem> {
        check(&self.filter, fields)?;
        items.retain(|item| matches(item, &self.filter));
        self.sort(fields, &mut items)?;
        let total = items.len();
        let (from, until) = self.bounds(total)?;
        let page: Vec<Value> = items.into_iter().skip(from).take(until - from).collect();
        let cursor = |place: usize| (until > from).then(|| STANDARD.encode(place.to_string()));
        let page_of = json!({
            "totalItems": total, "hasMoreTotalItems": cut,
            "startCursor": cursor(from), "endCursor": cursor(until.saturating_sub(1)),
        });
        Ok(Json(json!({"items": page, "page": page_of})))
    }

    fn sort(&self, fields: &[&str], items: &mut [Value]) -> Result<(), Problem> {
        for by in self.sort.iter().rev() {
            if !fields.contains(&by.field.as_str()) {
                return Err(unknown(&by.field, fields));
            }
            let descending = match by.order.as_deref().map(str::to_ascii_uppercase).as_deref() {
                None | Some("ASC") => false,
                Some("DESC") => true,
                Some(other) => {
                    return Err(Problem::invalid(format!("the order {other:?} is not ASC or DESC")));
                }
            };
            items.sort_by(|one, other| {
                let order = compare(&one[&by.field], &other[&by.field]).unwrap_or(Ordering::Equal);
                if descending { order.reverse() } else { order }
            });
        }
        Ok(())
    }

    /// First place, and the one after the last.
    fn bounds(&self, total: usize) -> Result<(usize, usize), Problem> {
        let Page { from, limit, after, before } = &self.page;
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if limit > PAGE_MAX {
            return Err(Problem::invalid(format!("a page has at most {PAGE_MAX} items")));
        }
        if let Some(before) = before {
            let until = place(before)?.min(total);
            return Ok((until.saturating_sub(limit), until));
        }
        let from = match after {
            Some(after) => place(after)?.saturating_add(1),
            None => from.unwrap_or(0),
        };
        let from = from.min(total);
        Ok((from, from.saturating_add(limit).min(total)))
    }
}

/// The place that a cursor holds.
fn place(cursor: &str) -> Result<usize, Problem> {
    let bytes = STANDARD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Problem::invalid(format!("{cursor:?} is not a cursor of this server")))
}

fn unknown(field: &str, fields: &[&str]) -> Problem {
    Problem::invalid(format!("there is no field {field:?}; there are {}", fields.join(", ")))
}

/// A filter on what nothing has, or by an operator that is not known, is refused: it would silently find nothing.
fn check(filter: &Map<String, Value>, fields: &[&str]) -> Result<(), Problem> {
    let mut conditions = 0;
    let alternatives = match filter.get("$or") {
        None => Vec::new(),
        Some(Value::Array(alternatives)) => alternatives.iter().collect(),
        Some(_) => return Err(Problem::invalid("$or is not a list")),
    };
    let mut maps = vec![filter];
    for alternative in alternatives {
        let Value::Object(map) = alternative else { return Err(Problem::invalid("$or holds no objects")) };
        if map.contains_key("$or") {
            return Err(Problem::invalid("$or inside $or is not supported"));
        }
        maps.push(map);
    }
    for (field, wanted) in maps.into_iter().flatten().filter(|(field, _)| *field != "$or") {
        if !fields.contains(&field.as_str()) {
            return Err(unknown(field, fields));
        }
        conditions += check_condition(wanted)?;
    }
    if conditions > CONDITIONS_MAX {
        return Err(Problem::invalid(format!("more than {CONDITIONS_MAX} conditions in a filter")));
    }
    Ok(())
}

/// How many conditions it is; an operator that is not known is refused.
pub(super) fn check_condition(wanted: &Value) -> Result<usize, Problem> {
    let Value::Object(operators) = wanted else { return Ok(1) };
    for (operator, operand) in operators {
        let fits = match operator.as_str() {
            "$eq" | "$neq" | "$gt" | "$gte" | "$lt" | "$lte" => !operand.is_array() && !operand.is_object(),
            "$exists" => operand.is_boolean(),
            "$in" | "$notIn" => operand.as_array().is_some_and(|list| list.len() <= CONDITIONS_MAX),
            "$like" => operand.is_string(),
            _ => return Err(Problem::invalid(format!("the operator {operator} is not known"))),
        };
        if !fits {
            return Err(Problem::invalid(format!("{operand} does not fit the operator {operator}")));
        }
    }
    Ok(operators.len())
}

fn matches(item: &Value, filter: &Map<String, Value>) -> bool {
    filter.iter().all(|(field, wanted)| match (field.as_str(), wanted) {
        ("$or", Value::Array(alternatives)) => {
            alternatives.iter().filter_map(Value::as_object).any(|alternative| matches(item, alternative))
        }
        _ => fits(&item[field], wanted),
    })
}

/// Whether a value is as a condition wants it.
pub(super) fn fits(found: &Value, wanted: &Value) -> bool {
    let Value::Object(operators) = wanted else { return equal(found, wanted) };
    operators.iter().all(|(operator, operand)| {
        let ordered = |wanted: &[Ordering]| compare(found, operand).is_some_and(|it| wanted.contains(&it));
        let listed = || operand.as_array().is_some_and(|list| list.iter().any(|one| equal(found, one)));
        match operator.as_str() {
            "$eq" => equal(found, operand),
            "$neq" => !equal(found, operand),
            "$exists" => operand.as_bool() == Some(!found.is_null()),
            "$in" => listed(),
            "$notIn" => !listed(),
            "$like" => found.as_str().zip(operand.as_str()).is_some_and(|(text, like)| is_like(text, like)),
            "$gt" => ordered(&[Ordering::Greater]),
            "$gte" => ordered(&[Ordering::Greater, Ordering::Equal]),
            "$lt" => ordered(&[Ordering::Less]),
            "$lte" => ordered(&[Ordering::Less, Ordering::Equal]),
            _ => false,
        }
    })
}

/// States are compared without case, as the API allows it on the way in.
fn equal(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => {
            found == wanted
                || (is_state(found) && found.eq_ignore_ascii_case(wanted))
                || instants(found, wanted).is_some_and(|(found, wanted)| found == wanted)
        }
        _ => found == wanted,
    }
}

fn is_state(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn compare(found: &Value, wanted: &Value) -> Option<Ordering> {
    match (found, wanted) {
        (Value::Number(found), Value::Number(wanted)) => found.as_f64()?.partial_cmp(&wanted.as_f64()?),
        (Value::Bool(found), Value::Bool(wanted)) => Some(found.cmp(wanted)),
        (Value::String(found), Value::String(wanted)) => {
            if let Some((found, wanted)) = instants(found, wanted) {
                return Some(found.cmp(&wanted));
            }
            // Keys are numbers that are written as text.
            match (found.parse::<i64>(), wanted.parse::<i64>()) {
                (Ok(found), Ok(wanted)) => Some(found.cmp(&wanted)),
                _ => Some(found.cmp(wanted)),
            }
        }
        _ => None,
    }
}

fn instants(one: &str, other: &str) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    Some((one.parse().ok()?, other.parse().ok()?))
}

/// `*` stands for any characters, `?` for one, and `\` takes away the meaning of what follows it.
fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        parts.push(match character {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Exactly(characters.next().unwrap_or('\\')),
            other => Part::Exactly(other),
        });
    }
    // The last `*` seen, and how much it has taken: on a mismatch it takes one more.
    let (mut at, mut part, mut star) = (0, 0, None);
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                star = Some((part, at));
                part += 1;
            }
            Some(Part::One) => (at, part) = (at + 1, part + 1),
            Some(Part::Exactly(wanted)) if *wanted == text[at] => (at, part) = (at + 1, part + 1),
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, part) = (taken + 1, place + 1);
            }
        }
    }
    parts[part..].iter().all(|part| matches!(part, Part::Any))
}

enum Part {
    Any,
    One,
    Exactly(char),
}
