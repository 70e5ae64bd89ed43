//! A key by which the payment server recognises an order that it has already taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::client::{Method, Request};

/// The header that carries it.
pub const HEADER: &str = "idempotency-key";

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A key that no other request has.
fn fresh() -> String {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{nanos:x}-{:x}-{number:x}", std::process::id())
}

/// Gives a request that changes something a key, unless it has one.
pub fn mark(request: &mut Request) {
    let has_one = request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(HEADER));
    if request.method == Method::Post && !has_one {
        request.headers.push((HEADER.to_owned(), fresh()));
    }
}
