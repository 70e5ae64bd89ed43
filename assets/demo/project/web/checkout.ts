// The page on which customers pay.
// Prices follow the customer's language since November 2026.

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

const maxTries = 5;
const firstPause = 200; // ms, doubles with every try

const texts: Record<Language, { pay: string; wait: string; paid: string; busy: string }> = {
  en: {
    pay: "Pay",
    wait: "One moment…",
    paid: "Thank you! 🍵",
    busy: "Our till is very busy 🫖 Please try again in a few minutes.",
  },
  de: {
    pay: "Bezahlen",
    wait: "Einen Moment…",
    paid: "Vielen Dank! 🍵",
    busy: "Unsere Kasse ist überlastet. Bitte versuchen Sie es in ein paar Minuten noch einmal.",
  },
  ja: {
    pay: "お支払い",
    wait: "少々お待ちください…",
    paid: "ありがとうございます！🍵",
    busy: "ただいま混み合っております。数分後にもう一度お試しください。",
  },
};

/** A price as people of that language read it. */
export function formatPrice(amount: number, currency: Currency, language: Language): string {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

/** The words on the button. */
export function label(cart: Cart, state: State): string {
  const text = texts[cart.language];
  switch (state.kind) {
    case "idle":
      return `${text.pay} ${formatPrice(cart.total, cart.currency, cart.language)}`;
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
  post: (body: string, key: string) => Promise<{ status: number; order?: number }>,
  show: (state: State) => void,
  sleep: (ms: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
): Promise<State> {
  const key = crypto.randomUUID(); // one order, one key, however often it is sent
  show({ kind: "waiting", since: Date.now() });
  let state: State = { kind: "failed", message: texts[cart.language].busy };
  for (let attempt = 1; attempt <= maxTries; attempt++) {
    const answer = await post(JSON.stringify(cart), key);
    if (answer.status === 201 && answer.order !== undefined) {
      state = { kind: "paid", order: answer.order };
      break;
    }
    if (answer.status !== 503) {
      state = { kind: "failed", message: `error ${answer.status}` };
      break;
    }
    if (attempt < maxTries) {
      await sleep(firstPause * 2 ** (attempt - 1));
    }
  }
  show(state);
  return state;
}
