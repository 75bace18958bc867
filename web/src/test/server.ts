import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";

// A shop that answers what a test says, and nothing else.
export function fakeShop() {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());
  return server;
}

export const problem = (status: number, code: string) => new Response(JSON.stringify({ status, code, title: code, detail: code }), { status, headers: { "Content-Type": "application/problem+json" } });
