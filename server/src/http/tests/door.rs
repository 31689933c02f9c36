//! Host and Origin: who is let in.

use axum::http::StatusCode;

use super::{Answer, House, JSON, house, request};

async fn knock(house: &House, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = [JSON].iter().chain(headers).copied().collect();
    house.send(request("POST", "/graphql", &headers, r#"{"query": "{ hello }"}"#)).await
}

#[tokio::test]
async fn only_our_own_names_are_answered() {
    let house = house().await;
    for host in
        ["localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST", "app.localhost", "procos.example:443"]
    {
        assert_eq!(knock(&house, &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
    let foreign = [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8080",
        "192.168.0.1",
        "",
        "a@localhost",
    ];
    for host in foreign {
        let answer = knock(&house, &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}");
        assert_eq!(answer.json()["error"]["code"], "HTTP-0001");
    }
    let answer = house.send(request("GET", "/", &[("host", "evil.example")], "")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "the admin is behind the same door");
}

#[tokio::test]
async fn only_our_own_pages_may_ask() {
    let house = house().await;
    let host = ("host", "localhost:8080");
    for origin in ["http://localhost:8080", "http://LOCALHOST:8080", "https://procos.example"] {
        assert_eq!(knock(&house, &[host, ("origin", origin)]).await.status, StatusCode::OK, "{origin}");
    }
    let foreign =
        ["http://localhost:3000", "http://evil.example", "null", "file://", "http://127.0.0.1:8080", "x"];
    for origin in foreign {
        let answer = knock(&house, &[host, ("origin", origin)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(answer.json()["error"]["code"], "HTTP-0002");
    }
}

#[tokio::test]
async fn what_the_browser_says_about_the_site_counts_for_programs_routes() {
    let house = house().await;
    for site in ["cross-site", "same-site"] {
        let headers = [("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")];
        let answer = house.send(request("GET", "/sparql?query=ASK%7B%7D", &headers, "")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}");
        let followed = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate")];
        assert_eq!(house.send(request("GET", "/", &followed, "")).await.status, StatusCode::OK);
    }
    assert_eq!(knock(&house, &[("sec-fetch-site", "same-origin")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn monitors_may_use_any_name() {
    let house = house().await;
    for path in ["/livez", "/readyz"] {
        let answer = house.send(request("GET", path, &[("host", "pod-7.cluster.local")], "")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
}
