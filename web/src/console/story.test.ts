import { expect, test } from "vitest";
import type { Order } from "../api/client";
import { entriesOf, microseconds, passed, tracesOf, type LoggedEvent, type StorySpan } from "./story";

const event = (type: string, topic: string, occurred_at: string, payload = {}): LoggedEvent => ({ id: `${type}${occurred_at}`, topic, partition: 0, offset: 1, key: "o", type, version: 1, occurred_at, payload });
const span = (span_id: string, started_at: string, duration_us: number, parent_id?: string, group?: string): StorySpan => ({
  trace_id: "t", span_id, parent_id, name: `span ${span_id}`, kind: group ? "consumer" : "server", started_at, duration_us,
  attributes: group ? [{ key: "messaging.consumer.group.name", value: group }] : [],
});

test("what all services did stands in one list by time", () => {
  const entries = entriesOf({
    order: { items: [{ product_id: "p", name: "Bowl" }] } as unknown as Order,
    story: {
      order_id: "o", whole: true, traced: true, spans: [],
      events: [event("order.created", "orders", "2026-01-01T00:00:00.100000Z"), event("payment.failed", "payment.failed", "2026-01-01T00:00:00.300000Z", { attempt: 1, reason: "card_declined" }), event("payment.requested", "payment.requested", "2026-01-01T00:00:00.100001Z")],
    },
    hold: { order_id: "o", status: "returned", created_at: "2026-01-01T00:00:00.050000Z", updated_at: "2026-01-01T00:00:09Z", due_at: "2026-01-01T00:15:00Z", lines: [{ product_id: "p", quantity: 2 }], movements: [{ product_id: "p", delta: -2, reason: "sold", reference: "o", created_at: "2026-01-01T00:00:01Z" }, { product_id: "p", delta: 2, reason: "returned", reference: "o", created_at: "2026-01-01T00:00:09Z" }] },
    payments: [],
    notifications: [],
  });
  expect(entries.map((each) => `${each.service}: ${each.what}`)).toEqual(["stock: units held", "order: order.created", "order: payment.requested", "payment: payment.failed", "stock: sold −2", "stock: returned +2"]);
  expect(entries[0]!.note).toBe("2 × Bowl");
  expect(entries[3]!.note).toBe("attempt 1, card declined");
});

test("a trace is a tree, and what it hangs on may be another process's", () => {
  const [trace] = tracesOf([span("a", "2026-01-01T00:00:00.000010Z", 500, "elsewhere"), span("c", "2026-01-01T00:00:00.000900Z", 50, "b", "product"), span("b", "2026-01-01T00:00:00.000300Z", 100, "a", "payment")]);
  expect(trace!.rows.map((row) => [row.span.span_id, row.depth, row.group, row.from_us])).toEqual([["a", 0, "request", 0], ["b", 1, "payment", 290], ["c", 2, "product", 890]]);
  expect(trace!.length_us).toBe(940);
  expect(trace!.name).toBe("span a");
});

test("microseconds survive, and lengths are short to read", () => {
  expect(microseconds("2026-01-01T00:00:00.000300Z") - microseconds("2026-01-01T00:00:00Z")).toBe(300);
  expect([passed(900), passed(1_500), passed(15_400), passed(2_500_000)]).toEqual(["900 µs", "1.5 ms", "15 ms", "2.5 s"]);
});
