//! `procos transcribe`: a recording and an endpoint that speaks OpenAI's protocol.

use llm::scripted::{Reply, ScriptedServer};
use serde_json::json;

use crate::procos::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_written_out_as_text_by_an_endpoint_of_its_own() {
    let server =
        ScriptedServer::replying(vec![Reply::Json(json!({"text": "ship the order"}))]).await.unwrap();
    let place = Place::empty();
    let recording = place.file("idea.webm", "RIFF");
    let mut command = place.command(&["transcribe", &recording, "--language", "en"]);
    command.env("PROCOS_MODEL_TRANSCRIPTION", "ear").env("PROCOS_SPEECH_BASE_URL", server.base_url());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ship the order\n", "{output:?}");
    assert_eq!(server.received()[0].path, "/audio/transcriptions");
    assert!(!place.path("procos-data").exists(), "a question about a recording makes no data directory");
}

#[test]
fn without_an_endpoint_it_says_what_to_set() {
    let place = Place::empty();
    let recording = place.file("idea.webm", "RIFF");
    let ended = place.procos(&["transcribe", &recording]);
    assert_eq!((ended.code, ended.error_code().as_str()), (2, "LLM-0009"));
    let mut command = place.command(&["transcribe", &recording]);
    let output = command.env("PROCOS_MODEL_TRANSCRIPTION", "ear").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("speech.base_url"), "{output:?}");
}
