//! Signed requests against a server that checks the signature, by its own reading of what AWS publishes.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::quick;
use crate::scripted::{Received, Reply, ScriptedServer};
use crate::{Audio, AwsKeys, ChatRequest, Config, Error, Message, Model, ModelClient, Secret};

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn noon() -> SystemTime {
    // 2015-08-30T12:36:00Z, the time of AWS's own examples.
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The signature of a request without a query.
fn signature(
    method: &str,
    path: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
    scope: &str,
) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{}", hex::encode(Sha256::digest(body)));
    let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", headers["x-amz-date"]);
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    hex::encode(mac(&key, &to_sign))
}

/// Whether a request is signed as AWS wants it; gives the names of what is signed.
fn check(received: &Received) -> Result<Vec<String>, String> {
    let header = received.authorization.clone().ok_or("it is not signed")?;
    let fields = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("another scheme")?;
    let field = |name: &str| {
        let found = fields.split(", ").find_map(|field| field.strip_prefix(&format!("{name}=")));
        found.map(str::to_owned).ok_or(format!("no {name}"))
    };
    let credential = field("Credential")?;
    let scope = credential.strip_prefix(&format!("{KEY}/")).ok_or("another key")?;
    let signed: Vec<String> = field("SignedHeaders")?.split(';').map(str::to_owned).collect();
    let value = |name: &String| received.headers.get(name.as_str()).and_then(|value| value.to_str().ok());
    let headers =
        signed.iter().map(|name| (name.clone(), value(name).unwrap_or_default().to_owned())).collect();
    let path = format!("/v1{}", received.path);
    let expected = signature(&received.method, &path, &headers, &received.body, scope);
    if expected == field("Signature")? { Ok(signed) } else { Err(format!("it should be {expected}")) }
}

fn keys(region: &str) -> Option<AwsKeys> {
    Some(AwsKeys {
        region: region.to_owned(),
        access_key_id: KEY.to_owned(),
        secret_access_key: Secret::new(SECRET),
        session_token: Secret::new("session"),
        ..AwsKeys::default()
    })
}

#[test]
fn the_check_itself_agrees_with_the_published_example() {
    // `get-vanilla` of AWS's test suite for Signature Version 4.
    let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(
        signature("GET", "/", &headers, b"", "20150830/us-east-1/service/aws4_request"),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
}

#[tokio::test]
async fn every_attempt_is_signed_and_a_server_that_checks_takes_it() {
    let server = ScriptedServer::start(|received| match check(received) {
        Err(problem) => Reply::Status(403, Vec::new(), json!({"message": problem}).to_string()),
        Ok(_) if received.number == 0 => Reply::Status(503, Vec::new(), "{}".to_owned()),
        Ok(_) => Reply::Text("hi".to_owned()),
    })
    .await
    .unwrap();
    let config = Config { api_key: Secret::default(), aws: keys("eu-central-1"), ..quick(&server) };
    let client = ModelClient::with_clock(config.clone(), noon).unwrap();
    let request = ChatRequest::new(vec![Message::user("grüß \"dich\"")]);
    let answer = client.chat(request.clone()).await.unwrap();
    assert_eq!((answer.requests, answer.samples[0].content.text()), (2, "hi".to_owned()));
    let received = server.received();
    let signed = check(&received[1]).unwrap();
    for name in ["content-type", "host", "x-amz-date", "x-amz-security-token"] {
        assert!(signed.contains(&name.to_owned()), "{signed:?}");
    }
    let header = received[1].authorization.clone().unwrap();
    assert!(header.contains("/20150830/eu-central-1/bedrock/aws4_request"), "{header}");
    assert_eq!(received[1].headers["x-amz-security-token"], "session");

    // Another secret is another signature: the server refuses, and nothing secret is told.
    let other = AwsKeys { secret_access_key: Secret::new("another-secret"), ..keys("eu-central-1").unwrap() };
    let client = ModelClient::with_clock(Config { aws: Some(other), ..config }, noon).unwrap();
    let error = client.chat(request).await.unwrap_err();
    assert!(matches!(&error, Error::Refused { status: 403, .. }), "{error}");
    let told = format!("{error:?} {:?}", client.config);
    assert!(!told.contains("another-secret") && !told.contains("session\""), "{told}");
}

#[tokio::test]
async fn what_cannot_be_signed_is_said_before_anything_is_sent() {
    let server = ScriptedServer::replying(vec![Reply::Hang]).await.unwrap();
    let config = Config { api_key: Secret::default(), aws: keys("eu-central-1"), ..quick(&server) };
    let client = ModelClient::with_clock(config.clone(), noon).unwrap();
    let audio = Audio { file_name: "a.webm".to_owned(), bytes: vec![1].into(), language: None };
    let error = client.transcribe(audio).await.unwrap_err();
    assert!(error.to_string().contains("cannot be signed"), "{error}");
    assert!(server.received().is_empty());

    let refused = |config: Config, says: &str| {
        let error = ModelClient::with_clock(config, noon).err().unwrap().to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(Config { aws: keys(""), ..config.clone() }, "aws.region is missing");
    refused(Config { aws: Some(AwsKeys::default()), ..config.clone() }, "access_key_id");
    refused(Config { api_key: Secret::new("sk"), ..config.clone() }, "keep one");
    assert!(ModelClient::new(config.clone()).is_err(), "without a clock nothing can be signed");
    for (host, scope) in [
        ("https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1", "us-west-2/bedrock"),
        ("https://bedrock-mantle.us-east-2.api.aws/openai/v1", "us-east-2/bedrock-mantle"),
    ] {
        let config = Config { base_url: host.to_owned(), aws: keys(""), ..config.clone() };
        let signer = crate::signature::Signer::of(&config, noon).unwrap().unwrap();
        let mut request =
            reqwest::Client::new().post(format!("{host}/chat/completions")).body("{}").build().unwrap();
        signer.sign(&mut request).unwrap();
        let header = request.headers()["authorization"].to_str().unwrap().to_owned();
        assert!(header.contains(&format!("/{scope}/aws4_request")), "{header}");
    }
}
