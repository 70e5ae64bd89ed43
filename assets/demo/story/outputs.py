"""What commands print in the story."""

from .texts import hunks

GREEN, RED, BLUE, BOLD, OFF = "\x1b[1m\x1b[92m", "\x1b[1m\x1b[91m", "\x1b[1m\x1b[94m", "\x1b[1m", "\x1b[0m"


def coloured(verb, rest):
    """A line of cargo's progress."""
    return f"{GREEN}{verb:>12}{OFF} {rest}\n"


def plain(verb, rest):
    return f"{verb:>12} {rest}\n"


def suite(name, tests, failures=(), colour=False):
    """One test binary. `tests` are (name, passed); `failures` are (name, words). Cargo's own line may be coloured."""
    good = sum(passed for _, passed in tests)
    out = (coloured if colour else plain)("Running", name)
    out += f"\nrunning {len(tests)} test{'' if len(tests) == 1 else 's'}\n"
    out += "".join(f"test {test} ... {'ok' if passed else 'FAILED'}\n" for test, passed in tests)
    if failures:
        out += "\nfailures:\n\n"
        out += "".join(f"---- {test} stdout ----\n{words}\n\n" for test, words in failures)
        out += "\nfailures:\n" + "".join(f"    {test}\n" for test, _ in failures)
    return out + verdict(good, len(tests) - good)


def verdict(passed, failed):
    word = "FAILED" if failed else "ok"
    out = f"\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; "
    return out + "finished in 0.00s\n\n"


def doc_tests():
    return "   Doc-tests shop\n\nrunning 0 tests\n" + verdict(0, 0)


def panicked(test, thread, place, message):
    return (
        f"\nthread '{test}' ({thread}) panicked at {place}:\n{message}\n"
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


def diff_stat(before, after):
    """`git diff --stat` between two trees."""
    rows = []
    for name in sorted(name for name in after if before.get(name) != after[name]):
        found = [line for *_, lines in hunks(before.get(name, ""), after[name], 0) for line in lines]
        rows.append((name, sum(line[0] == "+" for line in found), sum(line[0] == "-" for line in found)))
    wide, most = max(len(name) for name, _, _ in rows), max(a + d for _, a, d in rows)
    out = ""
    for name, added, removed in rows:
        plus, minus = (n * min(most, 52) // most for n in (added, removed))
        out += f" {name:<{wide}} | {added + removed:>{len(str(most))}} {'+' * plus}{'-' * minus}\n"
    added, removed = sum(a for _, a, _ in rows), sum(d for _, _, d in rows)
    return out + f" {len(rows)} files changed, {added} insertions(+), {removed} deletions(-)\n"


def clippy(files, version, target):
    """`cargo clippy --test … --color always`: one warning for each `unwrap()` in that test."""
    out, warn = coloured("Checking", f"shop v{version} (/home/ada/src/shop)"), "\x1b[1m\x1b[33m"
    name = f"tests/{target}.rs"
    count = 0
    for number, line in enumerate(files[name].split("\n"), 1):
        end = line.find(".unwrap()")
        if end < 0:
            continue
        count += 1
        start = max(line.rfind(mark, 0, end) + len(mark) if mark in line[:end] else 0 for mark in ("= ", "eq!("))
        start = start or len(line) - len(line.lstrip())
        gutter, bar = " " * len(str(number)), f"{BLUE}|{OFF}"
        out += f"{warn}warning{OFF}{BOLD}: used `unwrap()` on a `Result` value{OFF}\n"
        out += f"{gutter}{BLUE}--> {OFF}{name}:{number}:{start + 1}\n{gutter} {bar}\n"
        out += f"{BLUE}{number}{OFF} {bar} {line}\n"
        out += f"{gutter} {bar} {' ' * start}{warn}{'^' * (end + len('.unwrap()') - start)}{OFF}\n{gutter} {bar}\n"
        out += f"{gutter} {BLUE}= {OFF}{BOLD}note{OFF}: if this value is an `Err`, it will panic\n"
        out += f"{gutter} {BLUE}= {OFF}{BOLD}help{OFF}: consider using `expect()` to provide a better panic message\n\n"
    out += f'{warn}warning{OFF}{BOLD}:{OFF} `shop` (test "{target}") generated {count} warnings\n'
    return out + coloured("Finished", "`dev` profile [unoptimized + debuginfo] target(s) in 0.49s")


def error(code, words, place, number, source, column, width, label):
    """One of rustc's errors."""
    gutter = " " * len(str(number))
    mark = " " * (column - 1) + "^" * width
    return (
        f"{RED}error[{code}]{OFF}{BOLD}: {words}{OFF}\n"
        f"{gutter}{BLUE}--> {OFF}{place}\n"
        f"{gutter} {BLUE}|{OFF}\n"
        f"{BLUE}{number}{OFF} {BLUE}|{OFF} {source}\n"
        f"{gutter} {BLUE}|{OFF} {RED}{mark} {label}{OFF}\n\n"
    )
