//! What was really worked, to the microsecond: on a machine that others use too, the wall says mostly how much they do.

use std::fs;
use std::time::Duration;

/// What all threads of this process have worked.
pub fn of_process() -> Duration {
    settle();
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    threads
        .map(|t| worked(&t.path().join("schedstat").to_string_lossy()))
        .sum()
}

/// What this thread has worked.
pub fn of_thread() -> Duration {
    settle();
    worked("/proc/thread-self/schedstat")
}

/// The system counts when a thread lets go of its processor.
fn settle() {
    std::thread::yield_now();
}

fn worked(file: &str) -> Duration {
    let text = fs::read_to_string(file).unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}
