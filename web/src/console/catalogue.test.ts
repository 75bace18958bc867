import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";
import { fakeShop } from "../test/server";
import { wholeCatalogue } from "./shop";

const server = fakeShop();
const at = (path: string) => `${location.origin}${path}`;
const native = globalThis.fetch;
globalThis.fetch = (input, init) => native(typeof input === "string" && input.startsWith("/") ? at(input) : input, init);

it("a catalogue of thousands is looked at to its end: what runs out may be the oldest of it", async () => {
  server.use(
    http.post(at("/session/console/refresh"), () => new HttpResponse(null, { status: 204 })),
    http.get(at("/api/v1/products"), ({ request }) => {
      const page = Number(new URL(request.url).searchParams.get("cursor") ?? 0);
      const products = Array.from({ length: 100 }, (_, n) => ({ id: `${page}-${n}` }));
      return HttpResponse.json({ products, total: 4_000, ...(page < 39 ? { next_cursor: String(page + 1) } : {}) });
    }),
  );
  const all = await wholeCatalogue();
  expect(new Set(all.map((each) => each.id)).size).toBe(4_000);
  expect(all.at(-1)?.id).toBe("39-99");
});
