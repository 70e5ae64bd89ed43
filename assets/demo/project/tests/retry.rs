//! The client against a server that misbehaves.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use shop::http::{Client, Error, Method, Request, Response, Transport};

/// Gives the answers of a script, one for each try.
struct Scripted {
    answers: Mutex<Vec<Result<u16, Error>>>,
    tries: AtomicU32,
}

impl Scripted {
    fn new(answers: &[Result<u16, Error>]) -> Arc<Scripted> {
        let mut answers = answers.to_vec();
        answers.reverse();
        Arc::new(Scripted {
            answers: Mutex::new(answers),
            tries: AtomicU32::new(0),
        })
    }

    fn tries(&self) -> u32 {
        self.tries.load(Ordering::SeqCst)
    }
}

impl Transport for Scripted {
    fn round_trip(&self, _url: &str, _request: &Request) -> Result<Response, Error> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop().expect("no more tries");
        answer.map(|status| Response {
            status,
            body: String::new(),
        })
    }
}

fn get(path: &str) -> Request {
    Request {
        method: Method::Get,
        path: path.to_owned(),
        headers: Vec::new(),
        body: String::new(),
    }
}

#[test]
fn a_good_answer_is_taken_at_once() {
    let server = Scripted::new(&[Ok(200)]);
    let client = Client::new("http://pay.test", server.clone()).without_pauses();
    assert_eq!(client.send(get("/orders/1")).unwrap().status, 200);
    assert_eq!(server.tries(), 1);
}

#[test]
fn a_refused_connection_is_tried_again() {
    let server = Scripted::new(&[Err(Error::Refused), Err(Error::Refused), Ok(200)]);
    let client = Client::new("http://pay.test", server.clone()).without_pauses();
    assert_eq!(client.send(get("/orders/1")).unwrap().status, 200);
    assert_eq!(server.tries(), 3);
}

#[test]
fn a_503_is_tried_again() {
    let server = Scripted::new(&[Ok(503), Ok(503), Ok(200)]);
    let client = Client::new("http://pay.test", server.clone()).without_pauses();
    assert_eq!(client.send(get("/orders/1")).unwrap().status, 200);
    assert_eq!(server.tries(), 3);
}

#[test]
fn a_server_that_stays_down_is_given_up_after_five_tries() {
    let down: Vec<_> = (0..20).map(|_| Ok(503)).collect();
    let server = Scripted::new(&down);
    let client = Client::new("http://pay.test", server.clone()).without_pauses();
    assert_eq!(client.send(get("/orders/1")).unwrap().status, 503);
    assert_eq!(server.tries(), 5);
}
