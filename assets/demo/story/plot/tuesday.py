"""3 November: a question, nothing is changed. Its full reads make the texts of that day known."""

from ..claude import Claude
from ..world import moment


def play(world):
    s = Claude(world, "3f1c7a52-90d4-4c1e-a6b8-5d2e8f70c913", "2.1.49", moment("2026-11-03T15:20:41Z"))
    s.prompt(
        "which of our requests are sent again when something goes wrong, and how often? no changes please, I only want to know",
        pause=0,
    )
    s.say("I'll read the client and the module that decides about another try.")
    with s.parallel():
        s.read("src/http/client.rs")
        s.read("src/http/retry.rs")
    s.grep(r"\.send\(", "src")
    s.done(
        "Two kinds, decided in `src/http/retry.rs`:\n\n"
        "| what went wrong | sent again |\n|---|---|\n"
        "| connection refused or reset | up to 3 times (`MAX_ERRORS`) |\n"
        "| answer 429, 502, 503 or 504 | yes |\n\n"
        "Between the tries it waits 100 ms, 200 ms, 400 ms and so on, 10 s at most. Both callers in `src/orders.rs` go "
        "through the same `Client::send`, so **orders are sent again as well as questions about them**."
    )
    s.prompt("orders too? can a customer then be charged twice??", pause=95)
    s.read("src/orders.rs")
    s.done(
        "Yes, it can happen. `place` sends a `POST /orders`. If the server takes the order and the connection is reset "
        "before its answer arrives, the client sees `Error::Reset` and posts the same order again; nothing in the "
        "request lets the server notice.\n\nThe usual remedy is an *idempotency key*: a header that is the same for "
        "every try of one order. I have changed nothing."
    )
    return [s]
