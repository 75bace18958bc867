// Sends the order until there is an answer, with one key and one body.
import type { Api, Cart, Order } from "../api/client";
import { ask } from "../api/client";
import { ApiProblem, isPassing } from "../api/problem";
import { attemptFor, bodyOf, forget, ordered, type Attempt } from "./attempt";

export type Wanted = {
  shipping_address: Record<string, string>;
  payment_method: string;
};
export type Waiting = "sending" | "offline";

const retries_ms = [400, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000];

export async function placeOrder(
  api: Api,
  person: string,
  cart: Cart,
  wanted: Wanted,
  told: (now: Waiting) => void,
): Promise<string> {
  const attempt = attemptFor(person, cart);
  if (attempt.order) return attempt.order;
  const body = bodyOf(attempt, JSON.stringify({ ...wanted, reference: attempt.reference }));
  try {
    const order = await patiently(() => send(api, attempt, body), told);
    ordered(attempt, order.id);
    return order.id;
  } catch (why) {
    const found = await orderOf(api, attempt).catch(() => null);
    if (found) {
      ordered(attempt, found.id);
      return found.id;
    }
    // An answer: what was refused is not sent again under the same key. Silence: it may be.
    if (why instanceof ApiProblem && !isPassing(why)) forget(attempt);
    throw why;
  }
}

// Does what may be done twice until it is answered, or for as long as waiting makes sense.
export async function patiently<T>(work: () => Promise<T>, told: (now: Waiting) => void): Promise<T> {
  for (let tries = 0; ; ++tries)
    try {
      told("sending");
      return await work();
    } catch (why) {
      const busy = why instanceof ApiProblem && why.code === "idempotency_key_in_progress";
      if (!(isPassing(why) || busy) || tries >= retries_ms.length) throw why;
      told("offline");
      await untilOnline(retries_ms[tries]!);
    }
}

const send = (api: Api, attempt: Attempt, body: string) =>
  ask(
    api.POST("/api/v1/cart/checkout", {
      params: { header: { "Idempotency-Key": attempt.key } },
      body: JSON.parse(body) as never,
    }),
  );

// Another tab may have ordered the same cart with another address: that order counts.
async function orderOf(api: Api, attempt: Attempt): Promise<Order | null> {
  const { orders } = await ask(api.GET("/api/v1/orders", { params: { query: { limit: 20 } } }));
  return orders.find((each) => each.reference === attempt.reference && each.status !== "cancelled") ?? null;
}

// Until the connection is back, or for as long as a try deserves.
function untilOnline(longest_ms: number): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      done();
    };
    const timer = setTimeout(end, longest_ms);
    window.addEventListener("online", end);
  });
}
