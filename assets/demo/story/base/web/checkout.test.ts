import assert from "node:assert/strict";
import { test } from "node:test";

import { formatPrice, label, placeOrder, type Cart, type State } from "./checkout.ts";

const cart: Cart = { total: 1250, currency: "EUR", language: "en" };

test("prices have a symbol and two decimals", () => {
  assert.equal(formatPrice(1250, "EUR"), "€12.50");
  assert.equal(formatPrice(5, "USD"), "$0.05");
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
