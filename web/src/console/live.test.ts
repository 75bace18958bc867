import { describe, expect, it } from "vitest";
import { hourOf, series, take, type Minute } from "./live";

const start = "2026-01-01T10:00:00.000000Z";
const at_s = Date.parse(start) / 1000;
const pushed = (order_count: number, total_revenue: number) => ({ pipeline: "orders_by_minute", currency: "EUR", window_start: start, order_count, total_revenue });

describe("live minutes", () => {
  it("hold the last word of a window, not the sum of all", () => {
    let minutes = new Map<number, Minute>();
    minutes = take(minutes, pushed(1, 10), "EUR");
    minutes = take(minutes, pushed(2, 25), "EUR");
    minutes = take(minutes, { pipeline: "captured_by_minute", currency: "EUR", window_start: start, captured_revenue: 10 }, "EUR");
    minutes = take(minutes, { pipeline: "viewers_by_minute", window_start: start, viewers: 7 }, "EUR");
    expect(minutes.get(at_s)).toMatchObject({ orders: 2, revenue: 25, captured: 10, viewers: 7 });
  });

  it("pass over other currencies and other pipelines", () => {
    const none = new Map<number, Minute>();
    expect(take(none, { ...pushed(1, 1), currency: "USD" }, "EUR")).toBe(none);
    expect(take(none, { ...pushed(1, 1), pipeline: "top_products" }, "EUR")).toBe(none);
  });

  it("are an hour's only while they lie in it", () => {
    const minutes = take(take(new Map<number, Minute>(), pushed(3, 9), "EUR"), { ...pushed(2, 5), window_start: "2026-01-01T08:00:00Z" }, "EUR");
    expect(hourOf(minutes, at_s + 600)).toMatchObject({ orders: 3, revenue: 9 });
    expect(hourOf(minutes, at_s + 4 * 3_600)).toMatchObject({ orders: 0, revenue: 0 });
  });

  it("show a nought where nothing was ordered", () => {
    const { at_s: times, bars } = series(take(new Map(), pushed(3, 9), "EUR"), at_s + 130, 180);
    expect(times).toEqual([at_s - 60, at_s, at_s + 60, at_s + 120]);
    expect(bars).toEqual([0, 3, 0, 0]);
  });
});
