"""19 November, late: one run of `codex exec` in code mode, which finds what Friday is about."""

from ..codex import Codex
from .thursday import swap


def play(world):
    s = Codex(
        world,
        "2026-11-19T17:32:20Z",
        version="0.146.0",
        originator="codex_exec",
        source="exec",
        model="gpt-5.6-sol",
        commit="9d40e6b2c1f75a83e04b6d92f18c3a7e5b60d4f9",
    )
    s.prompt(
        "Compare docs/retry.md with what src/http/retry.rs really does and correct the document.",
        pause=0,
        policy="never",
    )
    s.script(
        "const [doc, code] = await Promise.all([\n"
        '  tools.exec_command({ cmd: "cat docs/retry.md" }),\n'
        '  tools.exec_command({ cmd: "cat src/http/retry.rs" }),\n'
        "]);\ntext(doc.output);\ntext(code.output);\n",
        [world.files["docs/retry.md"], world.files["src/http/retry.rs"]],
        seconds=0.4,
    )
    s.script(
        'const r = await tools.exec_command({ cmd: "rg -n deadline src web" });\ntext(`exit ${r.exit_code}\\n${r.output}`);\n',
        ["exit 1\n"],
        seconds=0.3,
    )
    s.script(
        "const patch = PATCH;\nconst r = await tools.apply_patch(patch);\ntext(r);\n",
        ["Success. Updated the following files:\nM /home/ada/src/shop/docs/retry.md\n"],
        seconds=0.5,
        files={
            "docs/retry.md": swap(
                world.files["docs/retry.md"],
                ("| 429, 502, 503, 504 | yes |\n", "| 429, 502, 503, 504 | yes, **without an end** |\n"),
                (
                    "Requests are not tried again when the caller has a deadline and it is over.\n(Nobody sets one yet.)\n",
                    "There are no deadlines.\n",
                ),
            )
        },
    )
    s.done(
        "`docs/retry.md` promised a deadline that is nowhere in the code, and did not say that 429 and 5xx answers are "
        "tried again **without an end**. Both are corrected. The second one looks like a bug in `judge`, which I left alone."
    )
    return [s]
