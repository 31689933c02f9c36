//! The same calls against servers of every dialect, each refusing in its own way.

use serde_json::json;

use super::{ask, colour, quick, status};
use crate::scripted::{ScriptedServer, speaking};
use crate::{ChatRequest, Config, Dialect, Error, Model, ModelClient, Overrides, Structured, TokenLimit};

const ALL: [Dialect; 6] =
    [Dialect::OpenAi, Dialect::Ollama, Dialect::Vllm, Dialect::LlamaCpp, Dialect::Bedrock, Dialect::Other];
/// What the model says where nothing keeps it to a form.
const SAYS: &str = "Of course! ```json\n{\"colour\": \"red\"}\n```";

async fn of(dialect: Dialect) -> (ScriptedServer, ModelClient) {
    let server = ScriptedServer::start(move |received| speaking(dialect, received, SAYS)).await.unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    (server, client)
}

#[tokio::test]
async fn three_samples_in_a_form_are_had_from_every_dialect() {
    for dialect in ALL {
        for probed in [false, true] {
            let (server, client) = of(dialect).await;
            if probed {
                client.probe().await;
            }
            let request = ChatRequest {
                samples: 3,
                seed: Some(1),
                temperature: Some(0.7),
                max_tokens: Some(99),
                ..ask().with_schema("colour", colour())
            };
            let answer = client.chat(request).await.unwrap();
            let values: Vec<_> = answer.samples.iter().filter_map(|sample| sample.content.value()).collect();
            assert_eq!(values, vec![&json!({"colour": "red"}); 3], "{dialect}, probed: {probed}");
            let used = server.received().iter().filter(|sent| sent.path != "/models").count();
            assert!(answer.requests >= 1 && used >= 1);
        }
    }
}

#[tokio::test]
async fn what_each_dialect_can_do_is_found_out_by_doing() {
    for dialect in ALL {
        let (server, client) = of(dialect).await;
        let probe = client.probe().await.remove(0);
        let can = probe.capabilities;
        let expected = match dialect {
            Dialect::OpenAi => (Structured::JsonSchema, true, true, TokenLimit::MaxCompletionTokens),
            Dialect::Vllm => (Structured::JsonSchema, true, true, TokenLimit::MaxTokens),
            Dialect::Ollama | Dialect::LlamaCpp => {
                (Structured::JsonSchema, false, true, TokenLimit::MaxTokens)
            }
            Dialect::Bedrock => (Structured::Prompt, false, false, TokenLimit::MaxTokens),
            // It accepts a schema and does not keep to it, which only the answer shows.
            Dialect::Other => (Structured::Prompt, false, true, TokenLimit::MaxTokens),
        };
        assert_eq!((can.structured, can.several, can.seed, can.token_limit), expected, "{dialect}");
        assert!(can.stream, "{dialect} streams");
        assert_eq!(can.stream_usage, dialect != Dialect::Other);
        // Bedrock is told by its host, which a test cannot have.
        let told = if dialect == Dialect::Bedrock { Dialect::Other } else { dialect };
        assert_eq!((probe.dialect, probe.problem), (told, None));
        assert_eq!(probe.notes.iter().any(|note| note.contains("does not list")), dialect == Dialect::Other);
        let asked = server.received().len();
        assert!(asked <= 9, "{dialect} was asked {asked} times");
        client.probe().await;
        assert_eq!(server.received().len(), asked, "what was found is remembered");
    }
}

#[tokio::test]
async fn what_the_configuration_says_is_not_found_out_differently() {
    let server = ScriptedServer::start(|received| speaking(Dialect::Vllm, received, SAYS)).await.unwrap();
    let capabilities = Overrides {
        several: Some(false),
        structured: Some(Structured::Prompt),
        stream: Some(false),
        ..Overrides::default()
    };
    let client = ModelClient::new(Config { capabilities, ..quick(&server) }).unwrap();
    let can = client.probe().await.remove(0).capabilities;
    assert_eq!((can.several, can.structured, can.stream), (false, Structured::Prompt, false));
    assert!(server.received().iter().all(|sent| sent.json["stream"] != true));
}

#[tokio::test]
async fn a_refusal_that_no_other_form_cures_is_told_in_the_words_of_the_endpoint() {
    let of = |dialect: Dialect| async move {
        let server = ScriptedServer::start(move |received| speaking(dialect, received, SAYS)).await.unwrap();
        let client = ModelClient::new(Config { model: "absent".to_owned(), ..quick(&server) }).unwrap();
        client.chat(ask()).await.unwrap_err()
    };
    let ollama = of(Dialect::Ollama).await;
    assert!(
        matches!(&ollama, Error::Refused { status: 404, message, .. } if message.contains("try pulling it first"))
    );
    let vllm = of(Dialect::Vllm).await;
    assert!(
        matches!(&vllm, Error::Refused { message, .. } if message == "The model `absent` does not exist. (code 404)")
    );
}

#[tokio::test]
async fn bedrock_s_throttling_is_waited_out_and_its_bad_key_is_final() {
    let throttled = r#"{"__type":"ThrottlingException","message":"Too many tokens, please wait"}"#;
    let aws = status(429, &[("x-amzn-errortype", "ThrottlingException")], throttled);
    let server = ScriptedServer::replying(vec![aws, super::text()]).await.unwrap();
    assert_eq!(ModelClient::new(quick(&server)).unwrap().chat(ask()).await.unwrap().requests, 2);
    let denied = r#"{"Message":"Invalid API Key format: Must start with pre-defined prefix"}"#;
    let server = ScriptedServer::replying(vec![status(403, &[], denied)]).await.unwrap();
    let error = ModelClient::new(quick(&server)).unwrap().chat(ask()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused { status: 403, message, .. } if message.contains("Invalid API Key")),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_what_a_probe_finds() {
    let config =
        Config { base_url: "http://127.0.0.1:9/v1".to_owned(), model: "m".to_owned(), ..Config::default() };
    let probe = ModelClient::new(config).unwrap().probe().await.remove(0);
    assert!(
        probe.problem.is_some_and(|problem| problem.contains("127.0.0.1:9") && problem.contains("1 times"))
    );
}
