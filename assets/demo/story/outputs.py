"""What commands print in the story."""

GREEN, RED, BLUE, BOLD, OFF = "\x1b[1m\x1b[32m", "\x1b[1m\x1b[31m", "\x1b[1m\x1b[94m", "\x1b[1m", "\x1b[0m"


def coloured(verb, rest):
    """A line of cargo's progress."""
    return f"{GREEN}{verb:>12}{OFF} {rest}\n"


def plain(verb, rest):
    return f"{verb:>12} {rest}\n"


def suite(name, tests, filtered=0, failures=(), took="0.00", colour=False):
    """One test binary. `tests` are (name, passed); `failures` are (name, words)."""
    ok, failed = ("\x1b[32mok\x1b[0m", "\x1b[31mFAILED\x1b[0m") if colour else ("ok", "FAILED")
    line = coloured if colour else plain
    good = sum(passed for _, passed in tests)
    out = line("Running", name)
    out += f"\nrunning {len(tests)} test{'' if len(tests) == 1 else 's'}\n"
    out += "".join(f"test {test} ... {ok if passed else failed}\n" for test, passed in tests)
    if failures:
        out += "\nfailures:\n\n"
        out += "".join(f"---- {test} stdout ----\n{words}\n\n" for test, words in failures)
        out += "\nfailures:\n" + "".join(f"    {test}\n" for test, _ in failures)
    verdict = failed if good < len(tests) else ok
    out += f"\ntest result: {verdict}. {good} passed; {len(tests) - good} failed; 0 ignored; 0 measured; "
    out += f"{filtered} filtered out; finished in {took}s\n\n"
    return out


def panicked(test, place, message):
    return (
        f"\nthread '{test}' panicked at {place}:\n{message}\n"
        "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"
    )


def left_right(left, right):
    return f"assertion `left == right` failed\n  left: {left}\n right: {right}"


def node(tests):
    """`node --test`: (name, passed, words of the failure)."""
    out, failed = "", [t for t in tests if not t[1]]
    for name, passed, *words in tests:
        out += f"{'✔' if passed else '✖'} {name} ({len(name) % 7 / 10 + 0.3:.4f}ms)\n"
        if not passed:
            out += "".join(f"  {line}\n" for line in words[0].split("\n"))
    out += f"ℹ tests {len(tests)}\nℹ suites 0\nℹ pass {len(tests) - len(failed)}\nℹ fail {len(failed)}\n"
    out += "ℹ cancelled 0\nℹ skipped 0\nℹ todo 0\nℹ duration_ms 61.8811\n"
    return out


def error(code, words, place, number, source, column, width, label):
    """One of rustc's errors."""
    gutter = " " * len(str(number))
    mark = " " * (column - 1) + "^" * width
    return (
        f"{RED}error[{code}]{OFF}{BOLD}: {words}{OFF}\n"
        f"{gutter}{BLUE}--> {OFF}{place}\n"
        f"{gutter} {BLUE}|{OFF}\n"
        f"{BLUE}{number} |{OFF} {source}\n"
        f"{gutter} {BLUE}|{OFF} {RED}{mark} {label}{OFF}\n\n"
    )
