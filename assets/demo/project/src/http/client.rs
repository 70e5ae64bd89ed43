//! A small HTTP client on top of a [`Transport`], so that tests need no network.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::idempotency;
use super::retry::{Policy, Verdict};

/// How a request acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub body: String,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    Refused,
    Reset,
    BadAddress(String),
}

impl Error {
    /// Whether it may go away by itself.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Error::Refused | Error::Reset)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused => write!(f, "connection refused"),
            Error::Reset => write!(f, "connection reset"),
            Error::BadAddress(address) => write!(f, "not an address: {address}"),
        }
    }
}

impl std::error::Error for Error {}

/// Carries one request to the server and its answer back.
pub trait Transport: Send + Sync {
    fn round_trip(&self, url: &str, request: &Request) -> Result<Response, Error>;
}

/// Sends requests, and sends them again when that may help.
pub struct Client {
    base: String,
    transport: Arc<dyn Transport>,
    sleep: fn(Duration),
    policy: Policy,
}

impl Client {
    pub fn new(base: &str, transport: Arc<dyn Transport>) -> Client {
        Client {
            base: base.to_owned(),
            transport,
            sleep: thread::sleep,
            policy: Policy::default(),
        }
    }

    /// For tests: does not wait between tries.
    pub fn without_pauses(mut self) -> Client {
        self.sleep = |_| {};
        self
    }

    /// Sends a request until there is an answer.
    pub fn send(&self, mut request: Request) -> Result<Response, Error> {
        let url = join(&self.base, &request.path);
        // Once, before the first try: all tries are the same order.
        idempotency::mark(&mut request);
        let mut attempt = 0;
        loop {
            let outcome = self.transport.round_trip(&url, &request);
            match self.policy.judge(attempt, &outcome) {
                Verdict::Done => return outcome,
                Verdict::GiveUp => {
                    log::warn!("gave up on {url} after {} tries: {outcome:?}", attempt + 1);
                    return outcome;
                }
                Verdict::Again(pause) => {
                    (self.sleep)(pause);
                    attempt += 1;
                }
            }
        }
    }
}

/// Joins a base address and a path with exactly one slash.
fn join(base: &str, path: &str) -> String {
    format!(
        "{}/{}",
        base.trim_end_matches('/'),
        path.trim_start_matches('/')
    )
}
