"""19 November, morning: idempotency keys, with Codex. The first of the two main sessions."""

from ..codex import Codex
from ..outputs import doc_tests, left_right, node, panicked, plain, suite

KEY = """//! A key by which the payment server recognises an order that it has already taken.

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
"""

TEST = """//! Every try of one order carries the same key, and no two orders share one.

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
"""

RETRY_TESTS = [
    ("a_503_is_tried_again", True),
    ("a_good_answer_is_taken_at_once", True),
    ("a_refused_connection_is_tried_again", True),
]
UNIT = [("http::retry::tests::pauses_double_up_to_the_longest", True)]
NAME = "the_key_stays_the_same_for_every_try"


def swap(text, *pairs):
    """The text with each old part, there exactly once, replaced by the new one."""
    for old, new in pairs:
        assert text.count(old) == 1, (text.count(old), old)
        text = text.replace(old, new)
    return text


def show(world, name):
    return world.files[name]


def play(world):
    s = Codex(world, "2026-11-19T09:10:02Z", commit="4be1c07d93a2f86e5b10c47a9d3e28f1065bc7a4")
    s.prompt(
        "send an idempotency key with every POST, so that nobody is charged twice when a try is repeated. "
        "and get rid of util.rs while you are there, one function doesn't need a file",
        pause=0,
    )
    s.say("I'll look at the client and at what calls it, then add the key in one place.")
    lines = show(world, "src/http/client.rs").split("\n")
    s.run("sed -n '62,200p' src/http/client.rs", "\n".join(lines[61:]))
    found = world.grep(r"util::|mod util|Method::Post", "src")
    s.run(
        "rg -n 'util::|mod util|Method::Post' src",
        "".join(f"{name}:{number}:{line}\n" for name, number, line in found),
    )
    s.plan(
        "One module for the key, one place that sets it, one test.",
        ("Add src/http/idempotency.rs and use it in Client::send", "in_progress"),
        ("Fold util.rs into client.rs", "pending"),
        ("Test that all tries of an order share a key", "pending"),
    )
    client = show(world, "src/http/client.rs")
    with_key = swap(
        client,
        (
            "use super::retry::{self, Verdict};\nuse super::util;\n",
            "use super::idempotency;\nuse super::retry::{self, Verdict};\n",
        ),
        (
            "        let url = util::join(&self.base, &request.path);\n",
            "        let url = join(&self.base, &request.path);\n",
        ),
        (
            "            let outcome = self.transport.round_trip(&url, &request);\n",
            "            let mut request = request.clone();\n"
            "            idempotency::mark(&mut request);\n"
            "            let outcome = self.transport.round_trip(&url, &request);\n",
        ),
    )
    with_key += (
        "\n/// Joins a base address and a path with exactly one slash.\n"
        "fn join(base: &str, path: &str) -> String {\n"
        '    format!(\n        "{}/{}",\n'
        "        base.trim_end_matches('/'),\n        path.trim_start_matches('/')\n    )\n}\n"
    )
    s.patch(
        {
            "src/http/idempotency.rs": KEY,
            "tests/idempotency.rs": TEST,
            "src/http/mod.rs": swap(
                show(world, "src/http/mod.rs"),
                ("pub mod client;\n", "pub mod client;\npub mod idempotency;\n"),
                ("pub mod retry;\nmod util;\n", "pub mod retry;\n"),
            ),
            "src/http/client.rs": with_key,
            "src/http/util.rs": None,
        }
    )
    words = panicked(
        NAME,
        23877,
        f"tests/idempotency.rs:{world.line_of('tests/idempotency.rs', 'keys[0], keys[1]')}:5",
        left_right('"18e9673b3156127d-5d1b-1"', '"18e9673b315665f0-5d1b-2"'),
    )
    s.run(
        "cargo test",
        plain("Compiling", "shop v0.7.2 (/home/ada/src/shop)")
        + plain("Finished", "`test` profile [unoptimized + debuginfo] target(s) in 1.31s")
        + suite("unittests src/lib.rs (target/debug/deps/shop-501d01419b2215a9)", UNIT)
        + suite(
            "tests/idempotency.rs (target/debug/deps/idempotency-9be03c2f7b6aa871)",
            [(NAME, False)],
            failures=[(NAME, words)],
        )
        + "error: test failed, to rerun pass `--test idempotency`\n",
        code=101,
        seconds=4.2,
    )
    s.say(
        "The test is right and my code is wrong: I mark a *copy* inside the loop, so every try gets a key of its own."
    )
    s.patch(
        {
            "src/http/client.rs": swap(
                show(world, "src/http/client.rs"),
                ("    pub fn send(&self, request: Request)", "    pub fn send(&self, mut request: Request)"),
                (
                    "&request.path);\n        let mut attempt",
                    "&request.path);\n        // Once, before the first try: all tries are the same order.\n"
                    "        idempotency::mark(&mut request);\n        let mut attempt",
                ),
                ("            let mut request = request.clone();\n            idempotency::mark(&mut request);\n", ""),
            )
        }
    )
    green = (
        plain("Compiling", "shop v0.7.2 (/home/ada/src/shop)")
        + plain("Finished", "`test` profile [unoptimized + debuginfo] target(s) in 1.12s")
        + suite("unittests src/lib.rs (target/debug/deps/shop-501d01419b2215a9)", UNIT)
        + suite("tests/idempotency.rs (target/debug/deps/idempotency-9be03c2f7b6aa871)", [(NAME, True)])
        + suite("tests/retry.rs (target/debug/deps/retry-e7c12b3d13387084)", RETRY_TESTS)
        + doc_tests()
    )
    s.run("cargo test", green, seconds=3.9)
    s.plan(
        "Done.",
        ("Add src/http/idempotency.rs and use it in Client::send", "completed"),
        ("Fold util.rs into client.rs", "completed"),
        ("Test that all tries of an order share a key", "completed"),
    )
    s.done(
        "Every `POST` now carries an `idempotency-key` that stays the same over all its tries. `util.rs` is gone; "
        "its one function lives in `client.rs`. All 5 tests pass."
    )

    s.prompt(
        "the web page posts orders too, same thing there 🙏 and the load test is the only file without an underscore in its "
        "name, rename it to load_test.py. it should send a key as well",
        pause=340,
    )
    page = show(world, "web/checkout.ts").split("\n")
    start = next(n for n, line in enumerate(page) if "Sends the order" in line)
    s.run(f"sed -n '{start + 1},{len(page) - 1}p' web/checkout.ts", "\n".join(page[start:]))
    script = show(world, "scripts/loadtest.py").split("\n")[:22]
    line = world.line_of("README.md", "loadtest")
    s.run(
        "sed -n '1,22p' scripts/loadtest.py; rg -n loadtest",
        "\n".join(script) + f"\nREADME.md:{line}:    python3 scripts/loadtest.py --help\n",
    )
    s.patch_fails(
        "web/checkout.ts",
        [
            " export async function placeOrder(",
            "   cart: Cart,",
            "-  post: (body: string) => Promise<{ status: number }>,",
            "+  post: (body: string, key: string) => Promise<{ status: number }>,",
        ],
    )
    s.say("The answer also has an order number; I'll take the lines as they are.")
    s.patch(
        {
            "web/checkout.ts": swap(
                show(world, "web/checkout.ts"),
                (
                    "  post: (body: string) => Promise<{ status: number; order?: number }>,\n",
                    "  post: (body: string, key: string) => Promise<{ status: number; order?: number }>,\n",
                ),
                (
                    '  show({ kind: "waiting", since: Date.now() });\n',
                    "  const key = crypto.randomUUID(); // one order, one key, however often it is sent\n"
                    '  show({ kind: "waiting", since: Date.now() });\n',
                ),
                ("await post(JSON.stringify(cart));", "await post(JSON.stringify(cart), key);"),
            ),
            "web/checkout.test.ts": show(world, "web/checkout.test.ts")
            + '\ntest("an order that is sent again keeps its key", async () => {\n'
            "  const keys: string[] = [];\n"
            "  await placeOrder(\n    cart,\n    async (_body, key) => ({ status: keys.push(key) < 3 ? 503 : 201, order: 8 }),\n"
            "    () => {},\n  );\n"
            "  assert.equal(keys.length, 3);\n  assert.equal(new Set(keys).size, 1);\n});\n",
            "scripts/loadtest.py": (
                "scripts/load_test.py",
                swap(
                    show(world, "scripts/loadtest.py"),
                    ("import urllib.request\n\n", "import urllib.request\nimport uuid\n\n"),
                    (
                        '    request = urllib.request.Request(url + "/orders", data=b\'{"total":1250,"currency":"EUR"}\')\n',
                        "    request = urllib.request.Request(\n"
                        '        url + "/orders",\n'
                        '        data=b\'{"total":1250,"currency":"EUR"}\',\n'
                        '        headers={"idempotency-key": str(uuid.uuid4())},\n'
                        "    )\n",
                    ),
                ),
            ),
            "README.md": swap(show(world, "README.md"), ("scripts/loadtest.py", "scripts/load_test.py")),
        }
    )
    tests = [
        "prices look as they do in the language of the customer",
        "the button says what it costs",
        "an order that is taken is shown as paid",
        "an order that is sent again keeps its key",
    ]
    s.run("npm test", "\n> test\n> node --test web/\n\n" + node([(test, True) for test in tests]), seconds=2.3)
    s.done(
        "The checkout page makes one key for an order and sends it with every try; the load test does so too and is "
        "called `scripts/load_test.py` now. `npm test`: 4 of 4."
    )

    s.prompt("does it hold up? let the load test run for a while", pause=120)
    s.start(
        "python3 scripts/load_test.py https://pay.staging.example --orders 5000 --workers 32",
        "warming up…\n",
        48213,
        seconds=10,
    )
    s.poll(48213, "1 200 of 5 000 orders sent\n", seconds=15)
    s.abort()

    s.prompt(
        "STOP. not staging!! AGENTS.md says so, there are real orders on it. no load test at all, "
        "write the changelog and that's it",
        pause=14,
    )
    s.run("pkill -f load_test.py; sleep 1; pgrep -fl load_test.py", "", code=1, seconds=1.1)
    s.patch(
        {
            "CHANGELOG.md": swap(
                show(world, "CHANGELOG.md"),
                (
                    "- Orders remember the currency they were placed in.\n",
                    "- Orders remember the currency they were placed in.\n"
                    "- Prices look as they do in the language of the customer: ￥1,250, 12,50 €.\n"
                    "- Every order carries an idempotency key: nobody is charged twice.\n",
                ),
            )
        }
    )
    s.done(
        "You are right, I should not have. The load test is stopped: it had sent about 1,200 orders to "
        "staging, each with a key that starts a new order, so **someone should look at them**. "
        "The change log has both changes."
    )
    return [s]
