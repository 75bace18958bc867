// Orders and money by minute, as they happen: what is there when the page opens, and then the stream.
import { useEffect, useMemo, useState } from "react";
import { ask, type Schemas } from "../api/client";
import { follow, type StreamState } from "../shared/server_events";
import type { Series } from "./chart";
import { api } from "./shop";

export type Minute = { at_s: number; orders: number; revenue: number; captured: number; buyers: number; viewers: number };
type Pushed = {
  pipeline: string;
  window_start: string;
  currency?: string;
  order_count?: number;
  total_revenue?: number;
  unique_users?: number;
  captured_revenue?: number;
  viewers?: number;
};

const keep_s = 60 * 60;
const at = (time: string) => Math.floor(new Date(time).getTime() / 1000);
const blank = (at_s: number): Minute => ({ at_s, orders: 0, revenue: 0, captured: 0, buyers: 0, viewers: 0 });

// What a window of each pipeline says of its minute.
const tells: Record<string, (pushed: Pushed) => Partial<Minute>> = {
  orders_by_minute: (of) => ({ orders: of.order_count ?? 0, revenue: of.total_revenue ?? 0, buyers: of.unique_users ?? 0 }),
  captured_by_minute: (of) => ({ captured: of.captured_revenue ?? 0 }),
  viewers_by_minute: (of) => ({ viewers: of.viewers ?? 0 }),
};

// A window is told as a whole each time, so the last word counts and nothing is added up twice.
export function take(minutes: Map<number, Minute>, pushed: Pushed, currency: string): Map<number, Minute> {
  if (pushed.currency && pushed.currency !== currency) return minutes;
  const told = tells[pushed.pipeline];
  if (!told) return minutes;
  const at_s = at(pushed.window_start);
  const before = minutes.get(at_s) ?? blank(at_s);
  const next = new Map(minutes);
  next.set(at_s, { ...before, ...told(pushed) });
  for (const each of next.keys()) if (each < at_s - keep_s) next.delete(each);
  return next;
}

// A row a minute up to now; a minute without orders is a nought and not a gap.
export function series(minutes: Map<number, Minute>, now_s: number, span_s: number): Series {
  const end = Math.floor(now_s / 60) * 60;
  const out: Series = { at_s: [], bars: [], line: [] };
  for (let each = end - span_s; each <= end; each += 60) {
    const minute = minutes.get(each);
    out.at_s.push(each);
    out.bars.push(minute?.orders ?? 0);
    out.line.push(minute?.revenue ?? 0);
  }
  return out;
}

// The figures of the last hour: minutes stay in the map until newer ones come, and a quiet shop is told its latest windows, however old.
export function hourOf(minutes: Map<number, Minute>, now_s: number): Minute {
  return [...minutes.values()]
    .filter((each) => each.at_s > now_s - keep_s)
    .reduce((sum, each) => ({ ...sum, orders: sum.orders + each.orders, revenue: sum.revenue + each.revenue, captured: sum.captured + each.captured }), blank(0));
}

export function useLive(currency: string, span_s: number) {
  const [minutes, setMinutes] = useState(new Map<number, Minute>());
  const [state, setState] = useState<StreamState>("connecting");
  const [now_s, setNow] = useState(() => Date.now() / 1000);

  useEffect(() => {
    let gone = false;
    const fill = async () => {
      const query = { live: true, limit: 60 };
      const [orders, money, views] = await Promise.all([
        ask(api.GET("/api/v1/analytics/orders", { params: { query } })),
        ask(api.GET("/api/v1/analytics/captured", { params: { query } })),
        ask(api.GET("/api/v1/analytics/viewers", { params: { query } })),
      ]);
      if (gone) return;
      const rows: Pushed[] = [
        ...orders.windows.map((each: Schemas["order_window"]) => ({ ...each, pipeline: "orders_by_minute" })),
        ...money.windows.map((each: Schemas["captured_window"]) => ({ ...each, pipeline: "captured_by_minute" })),
        ...views.windows.map((each: Schemas["viewer_window"]) => ({ ...each, pipeline: "viewers_by_minute" })),
      ];
      setMinutes((before) => rows.reduce((all, each) => take(all, each, currency), before));
    };
    const stop = follow(
      (last, signal) =>
        api.fetch(new Request(`${location.origin}/api/v1/analytics/live`, { headers: last ? { "Last-Event-ID": last } : {}, signal })),
      {
        event: ({ data }) => {
          const pushed = JSON.parse(data) as Pushed;
          setNow(Date.now() / 1000);
          setMinutes((before) => take(before, pushed, currency));
        },
        state: (now) => {
          setState(now);
          // What happened while nobody listened.
          if (now === "live") void fill().catch(() => undefined);
        },
      },
    );
    const tick = setInterval(() => setNow(Date.now() / 1000), 5_000);
    return () => {
      gone = true;
      stop();
      clearInterval(tick);
    };
  }, [currency]);

  const data = useMemo(() => series(minutes, now_s, span_s), [minutes, now_s, span_s]);
  const minute = minutes.get(Math.floor(now_s / 60) * 60) ?? blank(0);
  const hour = useMemo(() => hourOf(minutes, now_s), [minutes, now_s]);
  return { data, minute, hour, state };
}
