"""Differences between two texts, and applying them. Made by one half of the generator, proved by the other."""

import difflib


def split(text):
    """The lines of a text without their ends; a text that ends its last line has no empty last one."""
    lines = text.split("\n")
    if lines[-1] != "":
        raise ValueError("a text of the story must end with a newline")
    return lines[:-1]


def hunks(before, after, context):
    """The hunks of a unified diff: (old start, old lines, new start, new lines, marked lines), from 1, 0 if empty."""
    a, b = split(before) if before else [], split(after) if after else []
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    found = []
    for group in matcher.get_grouped_opcodes(context):
        lines = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [" " + line for line in a[i1:i2]]
            else:
                lines += ["-" + line for line in a[i1:i2]]
                lines += ["+" + line for line in b[j1:j2]]
        i1, i2, j1, j2 = group[0][1], group[-1][2], group[0][3], group[-1][4]
        found.append((i1 + (i2 > i1), i2 - i1, j1 + (j2 > j1), j2 - j1, lines))
    return found


def structured_patch(before, after):
    """As Claude Code records it: three lines of context."""
    keys = ("oldStart", "oldLines", "newStart", "newLines", "lines")
    return [dict(zip(keys, hunk)) for hunk in hunks(before, after, 3)]


def unified_diff(before, after):
    """As Codex records it: one line of context, no file header."""

    def span(start, count):
        return str(start) if count == 1 else f"{start},{count}"

    out = []
    for old, old_count, new, new_count, lines in hunks(before, after, 1):
        out.append(f"@@ -{span(old, old_count)} +{span(new, new_count)} @@")
        out += lines
    return "".join(line + "\n" for line in out)


def apply_hunks(before, found):
    """The text after these hunks; raises unless every line that they name stands exactly where they say."""
    a = split(before) if before else []
    out, at = [], 0
    for old, old_count, new, new_count, lines in found:
        start = old - 1 if old_count else old
        out += a[at:start]
        at = start
        if len(out) != (new - 1 if new_count else new):
            raise ValueError(f"a hunk does not begin at line {new}")
        seen = [0, 0]
        for line in lines:
            mark, text = line[0], line[1:]
            if mark in " -":
                if at >= len(a) or a[at] != text:
                    raise ValueError(f"line {at + 1} is not {text!r}")
                at += 1
                seen[0] += 1
            if mark in " +":
                out.append(text)
                seen[1] += 1
        if seen != [old_count, new_count]:
            raise ValueError("a hunk has other lengths than its head says")
    out += a[at:]
    return "".join(line + "\n" for line in out)


def apply_structured(before, patch):
    """Applies a `structuredPatch`."""
    keys = ("oldStart", "oldLines", "newStart", "newLines", "lines")
    return apply_hunks(before, [tuple(hunk[key] for key in keys) for hunk in patch])


def apply_unified(before, diff):
    """Applies a `unified_diff`."""

    def span(text):
        start, _, count = text[1:].partition(",")
        return int(start), int(count or 1)

    found = []
    for line in split(diff) if diff else []:
        if line.startswith("@@ "):
            old, new = line.split(" ")[1:3]
            found.append((*span(old), *span(new), []))
        else:
            found[-1][4].append(line)
    return apply_hunks(before, found)


def replace(before, old, new, every=False):
    """What the Edit tool does; raises unless `old` is there, and there once if not every one is meant."""
    count = before.count(old)
    if count == 0 or (count > 1 and not every) or old == new:
        raise ValueError(f"{count} places for {old!r}")
    return before.replace(old, new) if every else before.replace(old, new, 1)
