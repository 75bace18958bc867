// One attempt to order what is in the cart. Its key outlives reloads, tabs and lost answers, so that however often the
// order is sent for the same cart, there is one order. It is no secret: it means nothing without the session.
import type { Cart } from "../api/client";

export type Attempt = {
  key: string; // the Idempotency-Key
  reference: string; // in the order itself, by which it is found again
  person: string;
  cart: string; // what was to be ordered
  body?: string; // as first sent: a repeat must be the same
  order?: string; // once it is there
};

const place = "stoa.checkout";

export const contentOf = (cart: Cart): string =>
  cart.items
    .map((line) => `${line.product_id}:${line.quantity}:${line.price}`)
    .sort()
    .join(" ");

function read(): Attempt | null {
  try {
    const found = JSON.parse(localStorage.getItem(place) ?? "null") as Attempt | null;
    return found && typeof found.key === "string" && typeof found.reference === "string" ? found : null;
  } catch {
    return null;
  }
}
const write = (attempt: Attempt) => localStorage.setItem(place, JSON.stringify(attempt));

export function attemptFor(person: string, cart: Cart): Attempt {
  const known = read();
  const content = contentOf(cart);
  if (known && known.person === person && known.cart === content) return known;
  const fresh: Attempt = { key: newKey(), reference: `web-${newKey()}`, person, cart: content };
  write(fresh);
  return fresh;
}

// The last attempt of this person, whatever their cart holds by now.
export function lastAttempt(person: string): Attempt | null {
  const known = read();
  return known?.person === person ? known : null;
}

// The body that goes with the key: the first one that was sent stands.
export function bodyOf(attempt: Attempt, body: string): string {
  const known = read();
  if (known?.key === attempt.key && known.body) return known.body;
  write({ ...attempt, body });
  return body;
}

export function ordered(attempt: Attempt, order: string) {
  write({ ...attempt, order });
}

// The shop has refused for good (sold out, a price that changed): another try is another attempt.
export function forget(attempt?: Attempt) {
  if (!attempt || read()?.key === attempt.key) localStorage.removeItem(place);
}

// Something more was put into the cart: whatever it holds now is another wish, also if it looks like the last one.
export function wishedAgain() {
  if (read()?.order) localStorage.removeItem(place);
}

export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  // Plain http on another host than this one has no randomUUID.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
