//! The accept loop: slow callers, full houses, stopping.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{house, house_with, soon};
use crate::http::Limits;

async fn connect(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end, too.
    let _ =
        timeout(soon(), stream.read_to_end(&mut text)).await.expect("the server keeps the connection open");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn who_never_finishes_the_headers_is_let_go() {
    let limits = Limits { header_time: Duration::from_millis(200), ..Limits::default() };
    let address = house_with(limits, false).await.open().await;
    let starts: [&[u8]; 4] =
        [b"", b"P", b"GET /livez HTTP/1.1\r\nHost: loc", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    for start in starts {
        let mut stream = connect(address, start).await;
        let text = rest(&mut stream).await;
        assert!(!text.contains("200 OK"), "{text}");
    }
}

#[tokio::test]
async fn who_never_finishes_the_body_is_told_so() {
    let limits = Limits { body_time: Duration::from_millis(100), ..Limits::default() };
    let address = house_with(limits, false).await.open().await;
    let start = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                  Content-Length: 100\r\nConnection: close\r\n\r\n{";
    let text = rest(&mut connect(address, start).await).await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("HTTP-0004"), "{text}");
}

#[tokio::test]
async fn a_full_house_takes_the_next_caller_once_there_is_room() {
    let limits = Limits { connections: 2, header_time: Duration::from_millis(300), ..Limits::default() };
    let address = house_with(limits, false).await.open().await;
    let idle = [connect(address, b"").await, connect(address, b"").await];
    let mut third =
        connect(address, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 200"));
    drop(idle);
}

#[tokio::test]
async fn stopping_ends_streams_and_idle_connections_and_takes_no_new_ones() {
    let house = house().await;
    let stop = house.site.stop.clone();
    let address = house.open().await;
    let body = r#"{"query": "subscription { endless }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(address, head.as_bytes()).await;
    let mut first = [0; 15];
    timeout(soon(), stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stop.cancel();
    assert!(rest(&mut stream).await.contains("event: complete"));
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(soon(), refused).await.unwrap();
}

fn asked(query: &str) -> String {
    format!(
        "POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{query}",
        query.len()
    )
}

/// A house with a graph of some thousand triples, and a query over it whose answer has no end in sight.
async fn large_house(query_time: Duration) -> (super::House, &'static str) {
    let house = house_with(Limits { query_time, ..Limits::default() }, false).await;
    let requirement = |number: usize| {
        ontology::model::Node::Requirement(ontology::model::Requirement {
            id: format!("R-{number}"),
            text: format!("The pump shall do {number}"),
            ..Default::default()
        })
    };
    let put = (0..400).map(requirement).collect();
    let change = ontology::model::ChangeSet { system: "Pump".into(), put, ..Default::default() };
    house.ontology.commit(change, 0).await.unwrap();
    (house, "SELECT ?a ?d ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_sparql_comes_while_it_is_found_and_is_broken_off_at_the_deadline() {
    let (house, endless) = large_house(Duration::from_secs(2)).await;
    let address = house.open().await;
    let mut stream = connect(address, asked(endless).as_bytes()).await;
    let mut first = [0; 2048];
    timeout(soon(), stream.read_exact(&mut first)).await.unwrap().unwrap();
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(first.starts_with("HTTP/1.1 200") && first.contains("transfer-encoding: chunked"), "{first}");
    assert!(first.contains("{\"head\""), "{first}");
    // Others are answered meanwhile.
    let mut other = connect(address, asked("ASK {}").as_bytes()).await;
    assert!(rest(&mut other).await.contains("\"boolean\":true"));
    let text = rest(&mut stream).await;
    // A whole answer ends with an empty chunk; this one must not look like one.
    assert!(!text.ends_with("0\r\n\r\n"), "{}", &text[text.len().saturating_sub(200)..]);
    let mut whole = connect(address, asked("SELECT * { ?s ?p ?o } LIMIT 2000").as_bytes()).await;
    assert!(rest(&mut whole).await.ends_with("0\r\n\r\n"), "an answer that is whole ends as one");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_ends_the_query() {
    let (house, endless) = large_house(Duration::from_secs(120)).await;
    let ontology = house.ontology.clone();
    let address = house.open().await;
    for _ in 0..2 * ontology::sparql::MAX_CONCURRENT_QUERIES {
        let mut stream = connect(address, asked(endless).as_bytes()).await;
        let mut first = [0; 2048];
        timeout(soon(), stream.read_exact(&mut first)).await.unwrap().unwrap();
        assert!(first.starts_with(b"HTTP/1.1 200"), "queries of those who left hold the slots");
        drop(stream);
        let free = async {
            while ontology.sparql("ASK {}", Default::default()).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(soon(), free).await.expect("a slot is free again");
    }
}
