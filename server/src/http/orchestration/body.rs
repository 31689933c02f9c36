//! The body of a request: within its size, within its time, of the expected shape.

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::{Cluster, Problem};

/// Largest JSON body.
const JSON_BYTES_MAX: usize = 8 * 1024 * 1024;

impl Cluster {
    /// The JSON body; an empty one is an empty object, as clients send it where nothing is needed.
    pub(super) async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T, Problem> {
        let body = self.bytes(request, JSON_BYTES_MAX).await?;
        let body: &[u8] = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { &body };
        serde_json::from_slice(body)
            .map_err(|error| Problem::invalid(format!("the body does not fit: {error}")))
    }

    /// The bytes of the body.
    pub(super) async fn bytes(&self, request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
        let body = to_bytes(request.into_body(), bytes_max);
        let slow =
            |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "DEADLINE_EXCEEDED", "the body took too long");
        let large = |_| {
            let detail = format!("the body is larger than {bytes_max} bytes, or was cut off");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "INVALID_ARGUMENT", detail)
        };
        tokio::time::timeout(self.limits.body_time, body).await.map_err(slow)?.map_err(large)
    }
}
