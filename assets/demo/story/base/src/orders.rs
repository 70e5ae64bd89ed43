//! From a cart to an order.

use crate::http::{Client, Error, Method, Request, Response};

/// One kind of tea in a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub count: u32,
    /// In the smallest unit of the currency: cents, or yen (円).
    pub price: u64,
}

/// What a customer is about to pay for.
#[derive(Clone, Debug, Default)]
pub struct Cart {
    pub items: Vec<Item>,
    pub currency: String,
}

impl Cart {
    /// The sum, in the smallest unit.
    pub fn total(&self) -> u64 {
        self.items
            .iter()
            .map(|item| item.price * u64::from(item.count))
            .sum()
    }
}

/// Asks the payment server to take the money.
pub fn place(client: &Client, cart: &Cart) -> Result<Response, Error> {
    client.send(Request {
        method: Method::Post,
        path: "/orders".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: format!(
            r#"{{"total":{},"currency":"{}"}}"#,
            cart.total(),
            cart.currency
        ),
    })
}

/// Asks for the state of an order.
pub fn status(client: &Client, id: u64) -> Result<Response, Error> {
    client.send(Request {
        method: Method::Get,
        path: format!("/orders/{id}"),
        headers: Vec::new(),
        body: String::new(),
    })
}
