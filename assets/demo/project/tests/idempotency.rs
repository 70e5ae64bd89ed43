//! Every try of one order carries the same key, and no two orders share one.

use std::sync::{Arc, Mutex};

use shop::http::{Client, Error, Request, Response, Transport};
use shop::orders::{self, Cart};

/// Resets the first connection, then takes the order; remembers the keys that it saw.
#[derive(Default)]
struct Forgetful {
    keys: Mutex<Vec<String>>,
}

impl Transport for Forgetful {
    fn round_trip(&self, _url: &str, request: &Request) -> Result<Response, Error> {
        let mut keys = self.keys.lock().unwrap();
        let key = request
            .headers
            .iter()
            .find(|(name, _)| name == "idempotency-key")
            .map(|(_, key)| key.clone());
        keys.push(key.expect("an order has a key"));
        if keys.len() % 2 == 1 {
            return Err(Error::Reset);
        }
        Ok(Response {
            status: 201,
            body: String::new(),
        })
    }
}

#[test]
fn the_key_stays_the_same_for_every_try() {
    let server = Arc::new(Forgetful::default());
    let client = Client::new("http://pay.test", server.clone()).without_pauses();
    orders::place(&client, &Cart::default()).unwrap();
    orders::place(&client, &Cart::default()).unwrap();
    let keys = server.keys.lock().unwrap();
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[2], keys[3]);
    assert_ne!(keys[0], keys[2]);
}
