//! Runs of tests: which commands are one, and what they said.

use std::sync::LazyLock;

use regex::Regex;

use super::words::{Join, Simple, Word, all_commands, base, core};
use crate::model::TestOutcome;

/// Whether any command of the line runs tests.
pub fn is_test_run(command: &str) -> bool {
    // Nearly all commands are none, and this word or a runner's name stands in all that are.
    all_commands(command).iter().any(|c| tests(&c.words))
}

/// What a run of tests said. The exit code decides where it is the tests' own; else the words of the
/// output, if they are clear. `None` if the command runs no tests or nothing clear can be known.
pub fn test_outcome(command: &str, exit_code: Option<i32>, output: &str) -> Option<TestOutcome> {
    let all = all_commands(command);
    let last = all.iter().rposition(|c| tests(&c.words))?;
    let runs = all.iter().filter(|c| tests(&c.words)).count();
    let after = &all[last + 1..];
    let in_background = all[last].background;
    // The rest of the tests' own pipe, where its exit code is that of the first to fail.
    let own_pipe = if pipefail(&all) {
        after.iter().take_while(|c| c.join == Join::Pipe).count()
    } else {
        0
    };
    let beyond = &after[own_pipe..];
    let piped = beyond.first().is_some_and(|c| c.join == Join::Pipe);
    // What stands before must have let it run: `a || cargo test` may not have.
    let sure_to_run = all[..=last].iter().all(|c| c.join != Join::Or);
    let only_if_passed = beyond.iter().all(|c| c.join == Join::And);
    let earlier_hidden = runs > 1
        && all[..=last]
            .iter()
            .skip_while(|c| !tests(&c.words))
            .skip(1)
            .any(|c| c.join != Join::And);
    if !in_background && !piped && sure_to_run && !earlier_hidden {
        match exit_code {
            Some(0) if only_if_passed => return Some(TestOutcome::Passed),
            // No tests were found: neither.
            Some(5) if runs_pytest(&all[last].words) => return None,
            Some(code) if code != 0 && beyond.is_empty() => return Some(TestOutcome::Failed),
            _ => {}
        }
    }
    let cut = after.iter().any(|c| {
        c.join == Join::Pipe
            && core(&c.words)
                .first()
                .is_some_and(|w| base(&w.text) == "head")
    });
    said(output, cut)
}

/// What the output says. If only its beginning is there, it can tell of failures but not of success.
fn said(output: &str, cut: bool) -> Option<TestOutcome> {
    static FAILED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?m)test result: FAILED|^\s*(--- )?FAIL(ED)?\b|\bFAILED \(|\bFAILURES!|^Tests:.*\b[1-9]\d* failed",
            r"|\b[1-9]\d* (failed|failing|failures?|errors?)\b|BUILD FAIL(ED|URE)|Test Run Failed|^Failed!",
            r"|^not ok \d|^# fail [1-9]|[1-9]\d* tests? failed|error: could not compile|error: test failed",
            r"|Tests failed|FAIL: "
        ))
        .ok()
    });
    static PASSED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?m)test result: ok|^ok\s+\S+|^\s*PASS(ED)?\b|\b[1-9]\d* (tests? )?(passed|passing)\b|^OK( \(|$)",
            r"|BUILD SUCCESS|^Passed!|100% tests passed|^# pass [1-9]|\b[1-9]\d* examples?, 0 failures"
        ))
        .ok()
    });
    // A few last lines would do for most runners, but not for those that go on after a failure.
    if FAILED.as_ref()?.is_match(output) {
        return Some(TestOutcome::Failed);
    }
    (!cut && PASSED.as_ref()?.is_match(output)).then_some(TestOutcome::Passed)
}

fn pipefail(all: &[Simple]) -> bool {
    all.iter().any(|c| {
        c.words.first().is_some_and(|w| w.text == "set")
            && c.words.iter().any(|w| w.text == "pipefail")
    })
}

fn runs_pytest(words: &[Word]) -> bool {
    core(words)
        .iter()
        .take(3)
        .any(|w| base(&w.text) == "pytest")
}

/// Arguments with which a runner runs nothing.
const ONLY_LOOKS: [&str; 10] = [
    "--no-run",
    "--help",
    "-h",
    "--version",
    "--collect-only",
    "--co",
    "--list",
    "--list-tests",
    "--listTests",
    "--dry-run",
];

fn tests(words: &[Word]) -> bool {
    let words = core(words);
    let Some((program, args)) = words.split_first() else {
        return false;
    };
    let args: Vec<&str> = args.iter().map(|w| w.text.as_str()).collect();
    if args.iter().any(|a| ONLY_LOOKS.contains(a)) {
        return false;
    }
    let plain = |skip: usize| {
        args.iter()
            .filter(|a| !a.starts_with('-'))
            .nth(skip)
            .copied()
    };
    let first = plain(0);
    match base(&program.text) {
        "cargo" => cargo(&args),
        "go" => first == Some("test") && !args.contains(&"-c") && !args.contains(&"-list"),
        "npm" | "pnpm" | "yarn" | "bun" => package_script(&args),
        "pytest" | "py.test" | "nosetests" | "nose2" | "jest" | "mocha" | "ava" | "rspec"
        | "phpunit" | "pest" | "ctest" | "tox" | "nox" | "bats" | "busted" | "gotestsum"
        | "prove" | "vitest" | "karma" | "cucumber" | "behave" | "trunk-test" => {
            first != Some("list")
        }
        "python" | "python3" | "py" => match args.iter().position(|a| *a == "-m") {
            Some(at) => args.get(at + 1).is_some_and(|m| {
                matches!(
                    *m,
                    "pytest" | "unittest" | "nose2" | "tox" | "nox" | "behave"
                )
            }),
            None => first.is_some_and(|f| base(f) == "manage.py") && plain(1) == Some("test"),
        },
        "node" => args.contains(&"--test"),
        "php" => {
            let script = first.map(base);
            (script == Some("artisan") && plain(1) == Some("test"))
                || matches!(script, Some("phpunit" | "pest"))
        }
        "make" | "gmake" | "just" | "mage" | "rake" | "invoke" | "task" => {
            !args.contains(&"-n") && args.iter().any(|a| is_test_target(a))
        }
        "mise" | "turbo" | "nx" | "moon" | "lerna" | "poe" => {
            let script = match first {
                Some("run" | "r") => plain(1),
                other => other,
            };
            script.is_some_and(is_test_target)
        }
        "mvn" | "mvnw" => {
            let skipped = args
                .iter()
                .any(|a| a.starts_with("-DskipTests") || a.starts_with("-Dmaven.test.skip"));
            let goals = ["test", "verify", "install", "package", "integration-test"];
            !skipped && args.iter().any(|a| goals.contains(a)) && !args.contains(&"-x")
        }
        "gradle" | "gradlew" => {
            let skips = args
                .windows(2)
                .any(|w| w[0] == "-x" && w[1].contains("test"));
            !skips && args.iter().any(|a| is_gradle_task(a))
        }
        "zig" => first == Some("test") || (first == Some("build") && plain(1) == Some("test")),
        "playwright" | "cypress" | "dotnet" | "deno" | "swift" | "mix" | "rails" | "bazel"
        | "bazelisk" | "buck2" | "sbt" | "lein" | "flutter" | "dart" | "stack" | "cabal"
        | "meson" | "composer" | "crystal" | "ng" | "forge" | "wasm-pack" | "elm-test" => {
            matches!(first, Some("test" | "spec"))
                || (base(&program.text) == "cypress" && first == Some("run"))
        }
        "xcodebuild" => args.contains(&"test"),
        "ninja" => args.contains(&"test"),
        _ => false,
    }
}

fn cargo(args: &[&str]) -> bool {
    let mut rest = args.iter().copied();
    let mut sub = None;
    while let Some(arg) = rest.next() {
        match arg {
            "-C" | "--config" | "-Z" | "--color" => {
                rest.next();
            }
            _ if arg.starts_with('-') || arg.starts_with('+') => {}
            _ => {
                sub = Some(arg);
                break;
            }
        }
    }
    match sub {
        Some("test" | "t" | "tarpaulin" | "llvm-cov" | "hack-test") => true,
        Some("nextest") => matches!(rest.next(), Some("run" | "r")),
        Some("miri" | "insta" | "hack") => rest.any(|a| a == "test"),
        _ => false,
    }
}

/// `npm test`, `pnpm -r run test:unit`, `yarn workspace x test`, `bun test`.
fn package_script(args: &[&str]) -> bool {
    const VALUED: [&str; 10] = [
        "-C",
        "--dir",
        "--prefix",
        "--cwd",
        "-w",
        "--workspace",
        "-F",
        "--filter",
        "--config",
        "--loglevel",
    ];
    let mut rest = args.iter().copied();
    while let Some(arg) = rest.next() {
        match arg {
            // For pnpm `-w` stands alone; a script's name behind it is then still found.
            "-w" if rest.clone().next().is_some_and(is_script) => {}
            _ if VALUED.contains(&arg) => {
                rest.next();
            }
            _ if arg.starts_with('-') => {}
            "run" | "run-script" | "rum" | "recursive" | "workspaces" | "foreach" => {}
            "workspace" => {
                rest.next();
            }
            "t" | "tst" => return true,
            _ => return is_script(arg),
        }
    }
    false
}

fn is_script(name: &str) -> bool {
    is_test_target(name) && name != "check"
        || matches!(name, "vitest" | "jest" | "mocha" | "ava" | "playwright")
}

fn is_test_target(target: &str) -> bool {
    let rest = match target
        .strip_prefix("test")
        .or_else(|| target.strip_prefix("spec"))
    {
        Some(rest) => rest.strip_prefix('s').unwrap_or(rest),
        None => {
            return matches!(target, "check" | "e2e" | "unittest")
                || target.ends_with("-test")
                || target.ends_with(":test")
                || target.ends_with("-tests")
                || target.ends_with(":e2e");
        }
    };
    rest.is_empty() || rest.starts_with([':', '-', '_', '.'])
}

fn is_gradle_task(task: &str) -> bool {
    let name = task.rsplit(':').next().unwrap_or(task);
    let unit = name.starts_with("test") && !name.starts_with("testClasses");
    matches!(name, "check" | "build") || unit || name.ends_with("Test") || name.ends_with("Tests")
}

#[cfg(test)]
mod tests_of_tests {
    use super::*;

    #[test]
    fn runs_of_tests_are_known() {
        for command in [
            "cargo test",
            "cd x && cargo test --all -- --nocapture",
            "cargo +nightly nextest run -E 'test(a)'",
            "RUST_BACKTRACE=1 cargo t foo",
            "go test ./... -race",
            "timeout 60 pytest -q",
            "timeout -k 5 60s pytest",
            "python -m pytest tests",
            "python3 -m unittest discover",
            "python manage.py test",
            "npm test",
            "npm run test:unit -- --watch=false",
            "npm --prefix web test",
            "pnpm -r test",
            "pnpm --filter @a/b run test",
            "pnpm --filter api exec jest --config a",
            "yarn workspace a test",
            "yarn jest",
            "bun test",
            "npx vitest run",
            "npx --yes jest",
            "env CI=1 npx jest",
            "uv run pytest",
            "uv run --with x pytest",
            "poetry run pytest",
            "bundle exec rspec",
            "vendor/bin/phpunit",
            "mvn -q test",
            "./gradlew :app:test",
            "dotnet test",
            "ctest --output-on-failure",
            "make test",
            "make -j4 check",
            "just test-all",
            "tox -e py311",
            "deno test -A",
            "swift test",
            "zig test a.zig",
            "zig build test",
            "mix test",
            "node --test",
            "echo start; cargo test 2>&1 | tail -5",
            "cargo build && (cd a; go test)",
            "bash -lc 'cargo test'",
            "mise run test:ci",
            "make lint || make test",
        ] {
            assert!(is_test_run(command), "{command}");
        }
    }

    #[test]
    fn other_commands_are_not() {
        for command in [
            "cargo test --no-run",
            "cargo build --tests",
            "cargo nextest list",
            "grep test a",
            "grep -r 'cargo test' .",
            "echo cargo test",
            "ls tests",
            "cat test.txt",
            "git commit -m 'make test pass'",
            "npm run build",
            "npm install jest",
            "pnpm add -D vitest",
            "go build ./...",
            "go test -c ./x",
            "test -f a",
            "make",
            "make latest",
            "npm run testify",
            "pytest --collect-only",
            "cat <<EOF\ncargo test\nEOF",
            "git commit -m \"$(cat <<'EOF'\nsay \"x\n make test\nEOF\n)\"",
            "python test.py",
            "",
        ] {
            assert!(!is_test_run(command), "{command}");
        }
    }

    #[test]
    fn outcomes_come_from_the_exit_code_or_clear_words() {
        use TestOutcome::{Failed, Passed};
        let table: &[(&str, Option<i32>, &str, Option<TestOutcome>)] = &[
            ("cargo test", Some(0), "", Some(Passed)),
            ("cargo test", Some(101), "", Some(Failed)),
            ("cd x && cargo test", Some(101), "", Some(Failed)),
            ("cargo test && echo done", Some(0), "", Some(Passed)),
            (
                "cargo test && git push",
                Some(1),
                "test result: ok. 3 passed; 0 failed",
                Some(Passed),
            ),
            (
                "cargo test | tail -3",
                Some(0),
                "test result: FAILED. 1 passed; 2 failed",
                Some(Failed),
            ),
            (
                "cargo test 2>&1 | tail -3",
                Some(0),
                "test result: ok. 3 passed; 0 failed",
                Some(Passed),
            ),
            (
                "set -o pipefail; cargo test | tail",
                Some(1),
                "",
                Some(Failed),
            ),
            ("cargo test || true", Some(0), "", None),
            (
                "cargo test || true",
                Some(0),
                "error: could not compile `a`",
                Some(Failed),
            ),
            (
                "go test ./...; echo $?",
                Some(0),
                "ok  \texample/a\t0.1s\n0",
                Some(Passed),
            ),
            (
                "go test ./...; echo $?",
                Some(0),
                "ok  \ta\t0.1s\nFAIL\tb\t0.2s\n1",
                Some(Failed),
            ),
            ("go test ./... | head", Some(0), "ok  \ta\t0.1s", None),
            (
                "npm test | tail -4",
                Some(0),
                "Tests: 1 failed, 4 passed, 5 total",
                Some(Failed),
            ),
            (
                "npm test | tail -4",
                Some(0),
                "Tests: 5 passed, 5 total",
                Some(Passed),
            ),
            (
                "pytest | tail -1",
                Some(0),
                "===== 3 passed, 1 xfailed in 0.1s =====",
                Some(Passed),
            ),
            (
                "pytest | tail -1",
                Some(0),
                "===== 1 failed, 2 passed in 0.1s =====",
                Some(Failed),
            ),
            ("pytest", Some(5), "no tests ran", None),
            (
                "cargo test; npm test",
                Some(0),
                "test result: FAILED. 1 failed",
                Some(Failed),
            ),
            ("cargo test; npm test", Some(0), "", None),
            ("cargo test && npm test", Some(0), "", Some(Passed)),
            (
                "cargo test",
                None,
                "test result: ok. 1 passed; 0 failed",
                Some(Passed),
            ),
            ("cargo test", None, "", None),
            ("cargo test &", Some(0), "", None),
            ("make lint || make test", Some(0), "", None),
            ("ls", Some(0), "1 failed", None),
        ];
        for (command, code, output, outcome) in table {
            assert_eq!(
                test_outcome(command, *code, output),
                *outcome,
                "{command} {code:?} {output}"
            );
        }
    }
}
