import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { makeApi, type Cart } from "../api/client";
import { ApiProblem, Unreachable } from "../api/problem";
import { Session } from "../shared/session";
import { fakeShop, problem } from "../test/server";
import { lastAttempt } from "./attempt";
import { patiently, placeOrder } from "./order_placement";

const server = fakeShop();
const at = (path: string) => `${location.origin}${path}`;
const cart: Cart = { items: [{ product_id: "p", quantity: 1, price: 5, sku: "s", name: "n", line_total: 5, available: 3 }], total_amount: 5, currency: "USD", units: 1, changes: [] };
const wanted = { shipping_address: { street: "1", city: "A", country: "GR" }, payment_method: "tok_ok" };
const native = globalThis.fetch;
globalThis.fetch = (input, init) => native(typeof input === "string" && input.startsWith("/") ? at(input) : input, init);

describe("placing an order", () => {
  const api = makeApi(new Session("shop"));
  beforeEach(() => server.use(http.post(at("/session/shop/refresh"), () => HttpResponse.json({ id: "u", first_name: "", last_name: "", role: "guest", token: "t", expires_in: 600 }))));

  it("sends the same key and body again until it is answered", async () => {
    const seen: string[] = [];
    const told: string[] = [];
    server.use(
      http.post(at("/api/v1/cart/checkout"), async ({ request }) => {
        seen.push(`${request.headers.get("idempotency-key")} ${await request.text()}`);
        if (seen.length === 1) return HttpResponse.error();
        return seen.length === 2 ? problem(503, "overloaded") : HttpResponse.json({ id: "o1" }, { status: 201 });
      }),
    );
    expect(await placeOrder(api, "u", cart, wanted, (now) => told.push(now))).toBe("o1");
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(1);
    expect(told).toContain("offline");
    // Asked again for the same cart, nothing more is sent.
    expect(await placeOrder(api, "u", cart, wanted, () => undefined)).toBe("o1");
    expect(seen).toHaveLength(3);
  });

  it("waits for the connection with what comes before the order, and not for a refusal", async () => {
    const told: string[] = [];
    let tries = 0;
    const work = async () => {
      if (++tries === 1) throw new Unreachable(undefined);
      return "done";
    };
    expect(await patiently(work, (now) => told.push(now))).toBe("done");
    expect(told).toEqual(["sending", "offline", "sending"]);
    await expect(patiently(() => Promise.reject(new ApiProblem(422, { detail: "no name" })), () => undefined)).rejects.toThrow("no name");
  });

  it("takes a new key after a refusal, since that one has its answer", async () => {
    const keys: (string | null)[] = [];
    server.use(
      http.post(at("/api/v1/cart/checkout"), ({ request }) => (keys.push(request.headers.get("idempotency-key")), problem(409, "out_of_stock"))),
      http.get(at("/api/v1/orders"), () => HttpResponse.json({ orders: [], total: 0 })),
    );
    for (let n = 0; n < 2; ++n) await expect(placeOrder(api, "u", cart, wanted, () => undefined)).rejects.toThrow("out_of_stock");
    expect(new Set(keys).size).toBe(2);
  });

  it("finds the order that another tab made of this cart", async () => {
    server.use(
      http.post(at("/api/v1/cart/checkout"), () => problem(422, "idempotency_key_reused")),
      http.get(at("/api/v1/orders"), () => HttpResponse.json({ orders: [{ id: "o7", reference: lastAttempt("u")?.reference, status: "paid" }], total: 1 })),
    );
    expect(await placeOrder(api, "u", cart, wanted, () => undefined)).toBe("o7");
  });
});
