"""18 November: yen have no decimals. A rewound attempt, an edit by hand, a refused push."""

from ..claude import Claude
from ..outputs import node
from ..world import moment

TESTS = [
    "prices have a symbol and two decimals",
    "the button says what it costs",
    "an order that is taken is shown as paid",
]


def play(world):
    s = Claude(world, "b84d2e06-1f3a-4f67-8c25-c07e91ad4b38", "2.1.62", moment("2026-11-18T10:41:07Z"))
    s.prompt("prices look odd on the checkout page of our 日本 shop, where are they formatted?", pause=0)
    s.grep("formatPrice|toFixed", "web")
    s.done(
        "In `formatPrice` in `web/checkout.ts`: it puts a symbol in front and always shows two decimals, for yen as well. "
        "`label` is its only caller."
    )
    here = s.parent

    # The first way, taken back with a rewind (code and conversation).
    s.prompt("customers in 日本 see ¥12.50 for a tea that costs 1250 円. drop the decimals for yen")
    s.read("web/checkout.ts")
    old = "  return symbols[currency] + (amount / 100).toFixed(2);\n"
    first = '  if (currency === "JPY") {\n    return "¥" + amount;\n  }\n' + old
    s.edit("web/checkout.ts", old, first)
    s.done("Yen are now shown without decimals: `¥1250`. A special case in `formatPrice` was enough.")
    s.wait(70)
    world.by_hand(s.now, "web/checkout.ts", first, old, who="rewound")
    s.rewind(here)

    # The same, asked better.
    s.prompt(
        "customers in 日本 see ¥12.50 for a tea that costs 1250 円. no special case please: use Intl.NumberFormat, it knows "
        "how many decimals each currency has, and where the symbol goes (12,50 € in German!)",
        pause=20,
    )
    s.read("web/checkout.test.ts")
    s.say("`Intl.NumberFormat` needs the language as well, so `formatPrice` gets a third argument.")
    s.edit(
        "web/checkout.ts",
        'const symbols: Record<Currency, string> = { EUR: "€", USD: "$", JPY: "¥" };\n\n'
        "/** A price as people read it. */\n"
        "export function formatPrice(amount: number, currency: Currency): string {\n" + old + "}\n",
        "/** A price as people of that language read it. */\n"
        "export function formatPrice(amount: number, currency: Currency, language: Language): string {\n"
        '  const format = new Intl.NumberFormat(language, { style: "currency", currency });\n'
        "  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;\n"
        "  return format.format(amount / 10 ** digits);\n}\n",
    )
    s.edit(
        "web/checkout.ts",
        "formatPrice(cart.total, cart.currency)}",
        "formatPrice(cart.total, cart.currency, cart.language)}",
    )
    s.bash(
        "npm test",
        "Run the tests of the checkout page",
        "\n> test\n> node --test web/\n\n"
        + node(
            [
                (
                    TESTS[0],
                    False,
                    "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n+ actual - expected\n\n"
                    "+ '12,50\u00a0€'\n- '€12.50'\n\n    at TestContext.<anonymous> (web/checkout.test.ts:9:10)",
                ),
                (TESTS[1], True),
                (TESTS[2], True),
            ]
        ),
        code=1,
        seconds=2.4,
    )
    s.say(
        "The test still calls it with two arguments, and without a language the prices are written as this machine is set: in "
        "German. I'll name the language, and add cases for yen and German."
    )
    s.edit(
        "web/checkout.test.ts",
        'test("prices have a symbol and two decimals", () => {\n'
        '  assert.equal(formatPrice(1250, "EUR"), "€12.50");\n'
        '  assert.equal(formatPrice(5, "USD"), "$0.05");\n});\n',
        'test("prices look as they do in the language of the customer", () => {\n'
        '  assert.equal(formatPrice(1250, "EUR", "en"), "€12.50");\n'
        '  assert.equal(formatPrice(1250, "EUR", "de"), "12,50\\u00a0€");\n'
        '  assert.equal(formatPrice(5, "USD", "en"), "$0.05");\n'
        '  assert.equal(formatPrice(1250, "JPY", "ja"), "￥1,250");\n});\n',
    )
    renamed = ["prices look as they do in the language of the customer", *TESTS[1:]]
    s.bash(
        "npm test",
        "Run the tests of the checkout page",
        "\n> test\n> node --test web/\n\n" + node([(test, True) for test in renamed]),
        seconds=2.2,
    )
    s.done("Fixed: `￥1,250` in Japanese, `12,50 €` in German, `€12.50` in English. All three tests pass.")

    # Ada rewords the button by hand; no record tells of it until the next edit finds it.
    s.wait(160)
    world.by_hand(
        s.now,
        "web/checkout.ts",
        'ja: { pay: "支払う", wait: "少々お待ちください…"',
        'ja: { pay: "お支払い", wait: "少々お待ちください…"',
    )
    s.prompt("put the date of the change into the file header too, then push", pause=60)
    s.edit(
        "web/checkout.ts",
        "// The page on which customers pay.\n",
        "// The page on which customers pay.\n// Prices follow the customer's language since November 2026.\n",
    )
    s.bash_denied(
        'git commit -am "Show prices as the customer\'s language does" && git push',
        "Commit and push",
        "commit only, I push myself after lunch",
    )
    s.bash(
        'git commit -qam "Show prices as the customer\'s language does" && git log --oneline -1',
        "Commit",
        "4be1c07 Show prices as the customer's language does\n",
        seconds=0.4,
    )
    s.done("Committed as `4be1c07`, not pushed.")
    return [s]
