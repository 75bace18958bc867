import { describe, expect, it } from "vitest";
import { ApiProblem, isPassing, problemOf, Unreachable } from "./problem";

describe("a failure that the shop tells", () => {
  it("keeps code, detail and fields of the document", async () => {
    const body = { code: "out_of_stock", detail: "2 available", errors: [{ pointer: "/items/0", code: "out_of_stock", detail: "2 available", available: 2 }] };
    const problem = await problemOf(new Response(JSON.stringify(body), { status: 409 }));
    expect(problem).toMatchObject({ status: 409, code: "out_of_stock", message: "2 available" });
    expect(problem.fields[0]?.available).toBe(2);
  });

  it.each(["", "<html>", "[1", "0", "null"])("is still a failure where the answer is no document: %s", async (text) => {
    const problem = await problemOf(new Response(text, { status: 502 }));
    expect(problem).toMatchObject({ status: 502, code: "unknown" });
    expect(problem.message).toContain("502");
  });

  it("may pass by itself only where repeating is safe", () => {
    expect(isPassing(new Unreachable("reset"))).toBe(true);
    for (const status of [429, 502, 503, 504]) expect(isPassing(new ApiProblem(status, {}))).toBe(true);
    for (const status of [400, 401, 404, 409, 422, 500]) expect(isPassing(new ApiProblem(status, {}))).toBe(false);
    expect(isPassing(new TypeError("a bug"))).toBe(false);
  });
});
