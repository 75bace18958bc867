import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import { makeApi, ask } from "../api/client";
import { fakeShop, problem } from "../test/server";
import { Session } from "./session";

const server = fakeShop();
const at = (path: string) => `${location.origin}${path}`;
const opened = (token: string, expires_in = 600) => HttpResponse.json({ id: "u1", first_name: "Ada", last_name: "", role: "customer", token, expires_in });

// Node's fetch wants whole addresses, which a page need not give.
const native = globalThis.fetch;
globalThis.fetch = (input, init) => native(typeof input === "string" && input.startsWith("/") ? at(input) : input, init);

describe("a session", () => {
  it("asks once for however many wait", async () => {
    let asked = 0;
    server.use(http.post(at("/session/shop/refresh"), () => (++asked, opened("t1"))));
    const session = new Session("shop");
    expect(await Promise.all([session.token(), session.token(), session.renew(null)])).toEqual(["t1", "t1", "t1"]);
    expect(asked).toBe(1);
    expect(session.person()?.first_name).toBe("Ada");
  });

  it("is nobody's where there is no cookie, and does not ask again", async () => {
    let asked = 0;
    server.use(http.post(at("/session/shop/refresh"), () => (++asked, new HttpResponse(null, { status: 204 }))));
    const session = new Session("shop");
    expect(await session.token()).toBeNull();
    expect(await session.token()).toBeNull();
    expect(asked).toBe(1);
    expect(session.state().status).toBe("none");
  });

  it("stays unknown while the shop is away, so that nobody is signed out by a cut line", async () => {
    server.use(http.post(at("/session/shop/refresh"), () => HttpResponse.error()));
    const session = new Session("shop");
    await expect(session.token()).rejects.toThrow("cannot be reached");
    expect(session.state().status).toBe("unknown");
  });

  it("renews a token that was refused, and sends the request once more", async () => {
    let n = 0;
    const sent: string[] = [];
    server.use(
      http.post(at("/session/shop/refresh"), () => opened(`t${++n}`)),
      http.get(at("/api/v1/cart"), ({ request }) => {
        sent.push(request.headers.get("authorization") ?? "");
        return sent.length === 1 ? problem(401, "not_signed_in") : HttpResponse.json({ items: [] });
      }),
    );
    await ask(makeApi(new Session("shop")).GET("/api/v1/cart"));
    expect(sent).toEqual(["Bearer t1", "Bearer t2"]);
  });

  it("that was left while the line was cut is not there again with the next page", async () => {
    let cookie = true, cut = false;
    server.use(
      http.post(at("/session/shop/refresh"), () => (cookie ? opened("t1") : new HttpResponse(null, { status: 204 }))),
      http.post(at("/session/shop/logout"), () => {
        if (cut) return HttpResponse.error();
        cookie = false;
        return problem(401, "not_signed_in"); // it takes the cookie all the same
      }),
    );
    const session = new Session("shop");
    await session.token();
    cut = true;
    await session.logout();
    expect(session.state().status).toBe("none");
    await expect(new Session("shop").token()).rejects.toThrow("cannot be reached");
    cut = false;
    const next = new Session("shop");
    expect(await next.token()).toBeNull();
    expect(next.state().status).toBe("none");
  });

  it("renews before the token ends", async () => {
    let n = 0;
    server.use(http.post(at("/session/shop/refresh"), () => opened(`t${++n}`, 20)));
    const session = new Session("shop");
    expect([await session.token(), await session.token()]).toEqual(["t1", "t2"]);
  });
});
