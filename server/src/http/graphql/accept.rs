//! Which media type an answer has, by the Accept header.

use axum::http::{HeaderMap, StatusCode, header};

use crate::http::Refusal;

/// Most media ranges that are looked at.
const RANGES_MAX: usize = 32;

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status tells what happened.
    GraphqlResponse,
    /// `application/json`: the older way, 200 for every well-formed request.
    Json,
    /// `text/event-stream`.
    EventStream,
}

/// What the caller takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Liked best.
    pub(super) media: Media,
    /// Whether events are taken at all.
    pub(super) events: bool,
}

impl Accepted {
    /// Highest quality first; among equals the GraphQL media type, then the one named first.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Ok(Self { media: Media::Json, events: false });
        }
        let mut best: Option<(f32, Media)> = None;
        let mut events = false;
        for (range, quality) in ranges {
            let media = match range.as_str() {
                "application/graphql-response+json" => Media::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Media::Json,
                "text/event-stream" => Media::EventStream,
                _ => continue,
            };
            if quality <= 0.0 {
                continue;
            }
            events |= media == Media::EventStream;
            let better = best.is_none_or(|(most, _)| {
                quality > most || (quality >= most && media == Media::GraphqlResponse)
            });
            if better {
                best = Some((quality, media));
            }
        }
        match best {
            Some((_, media)) => Ok(Self { media, events }),
            None => {
                let hint = "accept application/graphql-response+json, application/json or text/event-stream";
                let message = "no media type that is accepted can be written";
                Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "HTTP-0009", message, hint))
            }
        }
    }
}

/// The media ranges of Accept in lower case without parameters, with their quality, in their order.
pub(in crate::http) fn ranges(headers: &HeaderMap) -> Vec<(String, f32)> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().filter(|media| !media.is_empty())?.to_ascii_lowercase();
            let quality = parts
                .filter_map(|parameter| parameter.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .map_or(1.0, |(_, quality)| quality.trim().parse().unwrap_or(0.0));
            Some((media, quality))
        })
        .take(RANGES_MAX)
        .collect()
}
