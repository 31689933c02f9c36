//! `/api/voice`: a recording becomes text. Nothing is done with the text: whoever spoke sees it, corrects it, and then
//! asks for what they want with it. The recording is not kept.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use llm::{AUDIO_LIMIT_BYTES, Audio};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use trail::{NewEvent, Trail};

use super::{Limits, Refusal};

/// Recordings that are read or transcribed at once; each may be large.
const VOICES_MAX: usize = 4;

/// What the handler needs.
#[derive(Clone)]
pub(super) struct Ear {
    model: Option<Arc<dyn llm::Model>>,
    trail: Arc<dyn Trail>,
    limits: Limits,
    slots: Arc<Semaphore>,
}

impl Ear {
    pub(super) fn new(model: Option<Arc<dyn llm::Model>>, trail: Arc<dyn Trail>, limits: Limits) -> Self {
        Self { model, trail, limits, slots: Arc::new(Semaphore::new(VOICES_MAX)) }
    }
}

/// How it was spoken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// ISO 639-1 code of the language, where known.
    language: Option<String>,
}

/// The text spoken in the recording that is the body.
pub(super) async fn transcribe(
    State(ear): State<Ear>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let Query(asked) = asked.map_err(|error| wrong(error.body_text()))?;
    if let Some(language) = &asked.language
        && !(language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase()))
    {
        return Err(wrong(format!("{language:?} is no language code of two letters")));
    }
    let model = ear.model.as_ref().ok_or_else(nobody_listens)?;
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let file_name = file_name(media.unwrap_or_default())?.to_owned();
    let Ok(_slot) = ear.slots.try_acquire() else { return Err(Refusal::busy("recordings")) };

    let limit = ear.limits.body_bytes.min(AUDIO_LIMIT_BYTES);
    let body = tokio::time::timeout(ear.limits.body_time, to_bytes(request.into_body(), limit)).await;
    let slow_body = |_| Refusal::slow(StatusCode::REQUEST_TIMEOUT, "the recording");
    let bytes = body.map_err(slow_body)?.map_err(|_| Refusal::large(limit))?;
    let size = bytes.len();
    let began = Instant::now();
    let heard = model.transcribe(Audio { file_name, bytes, language: asked.language });
    let heard = tokio::time::timeout(ear.limits.operation_time, heard).await;
    let slow = |_| Refusal::slow(StatusCode::GATEWAY_TIMEOUT, "the transcription");
    let transcript = heard.map_err(slow)?.map_err(|error| failed(&error))?;

    let event = NewEvent {
        subject: Some(format!("model:{}", transcript.model)),
        data: json!({
            "bytes": size, "characters": transcript.text.chars().count(),
            "milliseconds": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }),
        ..NewEvent::new("voice.transcribed", jiff::Timestamp::now().as_millisecond())
    };
    if let Err(error) = ear.trail.append(vec![event]).await {
        tracing::warn!(%error, "a transcription is not in the trail");
    }
    Ok(Json(json!({"text": transcript.text, "model": transcript.model})))
}

/// A file name for a recording of this media type: endpoints tell the format by its ending.
fn file_name(media: &str) -> Result<&'static str, Refusal> {
    let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "audio/webm" | "video/webm" => Ok("voice.webm"),
        "audio/ogg" | "application/ogg" => Ok("voice.ogg"),
        "audio/mp4" | "audio/x-m4a" | "audio/m4a" => Ok("voice.m4a"),
        "audio/mpeg" | "audio/mp3" => Ok("voice.mp3"),
        "audio/wav" | "audio/x-wav" | "audio/wave" => Ok("voice.wav"),
        "audio/flac" | "audio/x-flac" => Ok("voice.flac"),
        _ => {
            let message = format!("a recording is not read from {kind:?}");
            let hint = "send audio/webm, ogg, mp4, mpeg, wav or flac as the body";
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP-0008", message, hint))
        }
    }
}

fn wrong(message: String) -> Refusal {
    let hint = "POST the recording as the body; ?language=en names the language spoken";
    Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0008", message, hint)
}

fn nobody_listens() -> Refusal {
    let error = llm::Error::Missing("speech");
    let hint = "set model.transcription_model (PROCOS_MODEL_TRANSCRIPTION); writing works without it";
    Refusal::new(StatusCode::NOT_IMPLEMENTED, error.code(), error, hint)
}

fn failed(error: &llm::Error) -> Refusal {
    let status = match error {
        llm::Error::Request(_) => StatusCode::UNPROCESSABLE_ENTITY,
        llm::Error::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    Refusal::new(status, error.code(), error, error.hint())
}
