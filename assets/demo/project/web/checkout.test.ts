import assert from "node:assert/strict";
import { test } from "node:test";

import { formatPrice, label, placeOrder, type Cart, type State } from "./checkout.ts";

const cart: Cart = { total: 1250, currency: "EUR", language: "en" };

test("prices look as they do in the language of the customer", () => {
  assert.equal(formatPrice(1250, "EUR", "en"), "€12.50");
  assert.equal(formatPrice(1250, "EUR", "de"), "12,50\u00a0€");
  assert.equal(formatPrice(5, "USD", "en"), "$0.05");
  assert.equal(formatPrice(1250, "JPY", "ja"), "￥1,250");
});

test("the button says what it costs", () => {
  assert.equal(label(cart, { kind: "idle" }), "Pay €12.50");
});

test("an order that is taken is shown as paid", async () => {
  const seen: State[] = [];
  const state = await placeOrder(cart, async () => ({ status: 201, order: 7 }), (s) => seen.push(s));
  assert.deepEqual(state, { kind: "paid", order: 7 });
  assert.equal(seen.length, 2);
});

test("an order that is sent again keeps its key", async () => {
  const keys: string[] = [];
  await placeOrder(
    cart,
    async (_body, key) => ({ status: keys.push(key) < 3 ? 503 : 201, order: 8 }),
    () => {},
  );
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
});

test("after five tries people are told to come back later", async () => {
  let tries = 0;
  const busy = { en: /try again/, de: /noch einmal/, ja: /もう一度/ };
  for (const language of ["en", "de", "ja"] as const) {
    tries = 0;
    const post = async () => {
      tries++;
      return { status: 503 };
    };
    const state = await placeOrder({ ...cart, language }, post, () => {}, async () => {});
    assert.equal(tries, 5);
    assert.match(state.kind === "failed" ? state.message : "", busy[language]);
  }
});
