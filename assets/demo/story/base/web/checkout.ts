// The page on which customers pay.

export type Currency = "EUR" | "USD" | "JPY";
export type Language = "en" | "de" | "ja";

export interface Cart {
  total: number; // in the smallest unit: cents, or yen
  currency: Currency;
  language: Language;
}

export type State =
  | { kind: "idle" }
  | { kind: "waiting"; since: number }
  | { kind: "paid"; order: number }
  | { kind: "failed"; message: string };

const texts: Record<Language, { pay: string; wait: string; paid: string }> = {
  en: { pay: "Pay", wait: "One moment…", paid: "Thank you! 🍵" },
  de: { pay: "Bezahlen", wait: "Einen Moment…", paid: "Vielen Dank! 🍵" },
  ja: { pay: "支払う", wait: "少々お待ちください…", paid: "ありがとうございます！🍵" },
};

const symbols: Record<Currency, string> = { EUR: "€", USD: "$", JPY: "¥" };

/** A price as people read it. */
export function formatPrice(amount: number, currency: Currency): string {
  return symbols[currency] + (amount / 100).toFixed(2);
}

/** The words on the button. */
export function label(cart: Cart, state: State): string {
  const text = texts[cart.language];
  switch (state.kind) {
    case "idle":
      return `${text.pay} ${formatPrice(cart.total, cart.currency)}`;
    case "waiting":
      return text.wait;
    case "paid":
      return text.paid;
    case "failed":
      return state.message;
  }
}

/** Sends the order, and again until the server has taken it. */
export async function placeOrder(
  cart: Cart,
  post: (body: string) => Promise<{ status: number; order?: number }>,
  show: (state: State) => void,
): Promise<State> {
  show({ kind: "waiting", since: Date.now() });
  while (true) {
    const answer = await post(JSON.stringify(cart));
    if (answer.status === 503) {
      continue;
    }
    const state: State =
      answer.status === 201 && answer.order !== undefined
        ? { kind: "paid", order: answer.order }
        : { kind: "failed", message: `error ${answer.status}` };
    show(state);
    return state;
  }
}
