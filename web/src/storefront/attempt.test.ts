import { beforeEach, describe, expect, it } from "vitest";
import type { Cart } from "../api/client";
import { attemptFor, bodyOf, forget, lastAttempt, ordered, wishedAgain } from "./attempt";

const cart = (...lines: [string, number, number][]) =>
  ({ items: lines.map(([product_id, quantity, price]) => ({ product_id, quantity, price })) }) as unknown as Cart;
const lamp = cart(["lamp", 1, 12.5]);

describe("an attempt to order a cart", () => {
  beforeEach(() => localStorage.clear());

  it("has one key for one cart, however often it is asked for", () => {
    const first = attemptFor("ann", lamp);
    expect(attemptFor("ann", lamp)).toEqual(first);
    expect(attemptFor("ann", cart(["lamp", 1, 12.5])).key).toBe(first.key);
  });

  it("does not depend on the order of the lines", () => {
    const first = attemptFor("ann", cart(["lamp", 1, 12.5], ["vase", 2, 3]));
    expect(attemptFor("ann", cart(["vase", 2, 3], ["lamp", 1, 12.5])).key).toBe(first.key);
  });

  it.each([
    ["another quantity", cart(["lamp", 2, 12.5])],
    ["another price", cart(["lamp", 1, 11])],
    ["another product", cart(["vase", 1, 12.5])],
  ])("is another one for %s", (_what, changed) => {
    expect(attemptFor("ann", changed).key).not.toBe(attemptFor("ann", lamp).key);
  });

  it("is never another person's", () => {
    const hers = attemptFor("ann", lamp);
    expect(attemptFor("bob", lamp).key).not.toBe(hers.key);
    expect(lastAttempt("ann")).toBeNull();
  });

  it("repeats the body that was sent first: another body under the key would be refused", () => {
    const attempt = attemptFor("ann", lamp);
    expect(bodyOf(attempt, '{"street":"first"}')).toBe('{"street":"first"}');
    expect(bodyOf(attempt, '{"street":"second"}')).toBe('{"street":"first"}');
  });

  it("remembers its order until something more is wished for", () => {
    const attempt = attemptFor("ann", lamp);
    ordered(attempt, "order-1");
    expect(lastAttempt("ann")?.order).toBe("order-1");
    wishedAgain();
    expect(attemptFor("ann", lamp).key).not.toBe(attempt.key);
  });

  it("stays while its outcome is unknown, whatever is wished for meanwhile", () => {
    const attempt = attemptFor("ann", lamp);
    wishedAgain();
    expect(attemptFor("ann", lamp).key).toBe(attempt.key);
  });

  it("ends when the shop has refused it, and only it", () => {
    const old = attemptFor("ann", lamp);
    const fresh = attemptFor("ann", cart(["vase", 1, 3]));
    forget(old);
    expect(lastAttempt("ann")?.key).toBe(fresh.key);
    forget(fresh);
    expect(lastAttempt("ann")).toBeNull();
  });

  it.each(["{", "null", '{"key":1}', "[]", '"text"'])("begins anew where what is kept is unreadable: %s", (kept) => {
    localStorage.setItem("stoa.checkout", kept);
    expect(attemptFor("ann", lamp).key).toMatch(/^[0-9a-f-]{32,36}$/);
  });
});
