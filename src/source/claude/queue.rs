//! The queue of texts typed while the agent works.
//!
//! Reports of background tasks go through the same queue, and the records that take something out do not
//! say what. So the kinds of what is in the queue are remembered. Measured: a person's text leaves before
//! any report that waits longer.

use super::record::Record;
use super::user;
use crate::source::{Body, ParseState};

const NAME: &str = "queue";

/// What a `queue-operation` record says.
pub(super) fn operation(record: &Record<'_>, state: &mut ParseState) -> Vec<Body> {
    let mut queue = state.get(NAME).unwrap_or_default().to_owned();
    let bodies = match record.operation.str() {
        "enqueue" => {
            let text = record.content.joined();
            if user::is_report(&text) || text.is_empty() {
                queue.push('r');
                vec![Body::Ignored]
            } else {
                queue.push('p');
                vec![Body::Queued { text }]
            }
        }
        "dequeue" => take(&mut queue, false),
        "remove" => take(&mut queue, true),
        // The person takes everything back into the prompt's box; what is sent from there is a prompt.
        "popAll" => {
            let waiting = queue.chars().filter(|c| *c == 'p').count();
            queue.clear();
            let mut all = vec![Body::Ignored; usize::from(waiting == 0)];
            all.resize(waiting.max(1), Body::Unqueued { injected: false });
            all
        }
        other => vec![Body::Unknown {
            record: format!("queue-operation/{other}"),
        }],
    };
    if queue.is_empty() {
        state.unset(NAME);
    } else {
        state.set(NAME, &queue);
    }
    bodies
}

fn take(queue: &mut String, injected: bool) -> Vec<Body> {
    match queue.find('p') {
        Some(at) => {
            queue.remove(at);
            vec![Body::Unqueued { injected }]
        }
        None => {
            queue.pop();
            vec![Body::Ignored]
        }
    }
}
