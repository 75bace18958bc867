// One order's story: what every service did about it, as one list by time, and its traces as trees.
import type { Order, Payment, Schemas } from "../api/client";
import { words } from "../shared/format";
import type { Tone } from "./parts";

export type LoggedEvent = {
  id: string;
  topic: string;
  partition: number;
  offset: number;
  key: string;
  type: string;
  version: number;
  occurred_at: string;
  trace_id?: string;
  span_id?: string;
  payload: Record<string, unknown>;
};
export type StorySpan = {
  trace_id: string;
  span_id: string;
  parent_id?: string;
  name: string;
  kind: string;
  started_at: string;
  duration_us: number;
  failure?: string;
  attributes: { key: string; value: string }[];
};
export type OrderStory = { order_id: string; events: LoggedEvent[]; whole: boolean; traced: boolean; spans: StorySpan[] };
export type Hold = Schemas["hold_report"];
type Notification = Schemas["notification"];

export const services = ["order", "stock", "payment", "notification"] as const;
export type Service = (typeof services)[number];
export type Entry = { key: string; at: string; service: Service; what: string; note?: string; tone: Tone; event?: LoggedEvent };

// Who publishes it: orders ask for payments, payments answer.
const asked = new Set(["payment.requested", "payment.close_requested", "refund.requested"]);
const publisher = (topic: string): Service => (topic === "orders" || asked.has(topic) ? "order" : "payment");

const eventTone = (type: string): Tone =>
  /failed|dead/.test(type) ? "bad" : /cancelled|closed|refund/.test(type) ? "warn" : /paid|succeeded|shipped|delivered/.test(type) ? "good" : "calm";

function eventNote({ payload, type }: LoggedEvent): string | undefined {
  const parts = [
    payload.attempt !== undefined && type.startsWith("payment") ? `attempt ${String(payload.attempt)}` : "",
    typeof payload.reason === "string" ? words(payload.reason) : "",
  ].filter(Boolean);
  return parts.join(", ") || undefined;
}

export function entriesOf(from: { order: Order; story?: OrderStory; hold?: Hold | null; payments: Payment[]; notifications: Notification[] }): Entry[] {
  const out: Entry[] = [];
  const names = new Map(from.order.items.map((line) => [line.product_id, line.name]));
  const named = (id: string) => names.get(id) ?? id;
  for (const event of from.story?.events ?? [])
    out.push({ key: event.id, at: event.occurred_at, service: publisher(event.topic), what: event.type, note: eventNote(event), tone: eventTone(event.type), event });
  if (from.hold) {
    const { status, lines } = from.hold;
    out.push({
      key: "hold",
      at: from.hold.created_at,
      service: "stock",
      what: status === "refused" ? "refused to hold units" : lines.length ? "units held" : "nothing held",
      note: lines.map((line) => `${line.quantity} × ${named(line.product_id)}`).join(", ") || undefined,
      tone: status === "refused" ? "bad" : "calm",
    });
    if (status === "released") out.push({ key: "released", at: from.hold.updated_at, service: "stock", what: "units released", tone: "warn" });
    for (const each of from.hold.movements)
      out.push({
        key: `${each.product_id}-${each.reason}`,
        at: each.created_at,
        service: "stock",
        what: `${words(each.reason)} ${each.delta > 0 ? "+" : "−"}${Math.abs(each.delta)}`,
        note: named(each.product_id),
        tone: each.reason === "returned" ? "warn" : "good",
      });
  }
  for (const each of from.payments)
    out.push({ key: each.id, at: each.created_at, service: "payment", what: `attempt ${each.attempt} begun`, note: each.method, tone: "calm" });
  for (const each of from.notifications)
    out.push({
      key: `${each.event_id}-${each.channel}`,
      at: each.sent_at ?? each.created_at,
      service: "notification",
      what: `${each.channel} ${words(each.status)}`,
      note: each.reason ? words(each.reason) : each.subject,
      tone: each.status === "sent" ? "good" : each.status === "failed" ? "bad" : "still",
    });
  return out.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

export type TraceRow = { span: StorySpan; depth: number; group: string; from_us: number };
export type Trace = { id: string; name: string; started_at: string; length_us: number; rows: TraceRow[] };

// Times come with microseconds, which Date cuts off.
export function microseconds(at: string): number {
  const fraction = /\.(\d{1,6})/.exec(at)?.[1] ?? "0";
  return Math.floor(Date.parse(at) / 1000) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}

export function tracesOf(spans: StorySpan[]): Trace[] {
  const traces = new Map<string, StorySpan[]>();
  for (const each of spans) traces.set(each.trace_id, [...(traces.get(each.trace_id) ?? []), each]);
  return [...traces].map(([id, all]) => {
    const known = new Set(all.map((each) => each.span_id));
    const begin = Math.min(...all.map((each) => microseconds(each.started_at)));
    const rows: TraceRow[] = [];
    const add = (parent: string | undefined, depth: number) => {
      for (const span of all) {
        const above = span.parent_id && known.has(span.parent_id) ? span.parent_id : undefined;
        if (above !== parent) continue;
        const group = span.attributes.find((each) => each.key === "messaging.consumer.group.name")?.value ?? (span.kind === "server" ? "request" : span.kind);
        rows.push({ span, depth, group, from_us: microseconds(span.started_at) - begin });
        add(span.span_id, depth + 1);
      }
    };
    add(undefined, 0);
    const length_us = Math.max(1, ...rows.map((row) => row.from_us + row.span.duration_us));
    return { id, name: rows[0]!.span.name, started_at: rows[0]!.span.started_at, length_us, rows };
  });
}

export const passed = (us: number) => (us < 1_000 ? `${us} µs` : us < 1_000_000 ? `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms` : `${(us / 1_000_000).toFixed(1)} s`);
