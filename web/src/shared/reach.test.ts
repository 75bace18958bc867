import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiProblem, Unreachable } from "../api/problem";
import { Reach } from "./reach";

describe("the shop's reach", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function page(answer: () => Promise<unknown>) {
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: "always" } } });
    const reach = new Reach(queries);
    const leave = new QueryObserver(queries, { queryKey: ["order"], queryFn: answer }).subscribe(() => {});
    return { reach, leave };
  }

  it("ends with a request that fails, and begins again by itself", async () => {
    const answers = [() => Promise.reject(new Unreachable("cut")), () => Promise.reject(new Unreachable("cut")), () => Promise.resolve("here")];
    const { reach } = page(() => answers.shift()!());
    let told = 0;
    reach.subscribe(() => ++told);
    await vi.advanceTimersByTimeAsync(0);
    expect(reach.away()).toBe(true);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(reach.away()).toBe(true);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(reach.away()).toBe(false);
    expect([told, answers.length]).toEqual([2, 0]);
  });

  it("is told also where the request failed before anybody listened", async () => {
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: "always" } } });
    new QueryObserver(queries, { queryKey: ["order"], queryFn: () => Promise.reject(new Unreachable("cut")) }).subscribe(() => {});
    await vi.advanceTimersByTimeAsync(0);
    expect(new Reach(queries).away()).toBe(true);
  });

  it("is not what a refusal is about", async () => {
    const { reach } = page(() => Promise.reject(new ApiProblem(404, { code: "order_not_found" })));
    await vi.advanceTimersByTimeAsync(0);
    expect(reach.away()).toBe(false);
  });

  it("is not asked about for a page that somebody has left", async () => {
    let asked = 0;
    const { reach, leave } = page(() => (++asked, Promise.reject(new Unreachable("cut"))));
    await vi.advanceTimersByTimeAsync(0);
    leave();
    await vi.advanceTimersByTimeAsync(20_000);
    expect([asked, reach.away()]).toEqual([1, false]);
  });
});
