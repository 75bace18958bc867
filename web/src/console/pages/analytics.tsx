import { useQuery } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { ask } from "../../api/client";
import { compactMoney, count, money, when, words } from "../../shared/format";
import { LiveChart } from "../chart";
import { Bar, Card, Choose, Empty, Failure, Page, Rows } from "../parts";
import { api, useCatalogue, useShop } from "../shop";
import { useTheme } from "../theme";

const periods = [
  ["minute", "Minute"],
  ["hour", "Hour"],
  ["day", "Day"],
] as const;
type Period = (typeof periods)[number][0];
const seconds: Record<Period, number> = { minute: 60, hour: 3_600, day: 86_400 };
const shown: Record<Period, number> = { minute: 60, hour: 48, day: 30 };

export default function Analytics() {
  const [per, setPer] = useState<Period>("minute");
  return (
    <Page title="Analytics" lead="By event time: what came late is counted where it belongs." actions={<Choose label="Per" value={per} options={periods} onChange={setPer} />}>
      <div className="grid gap-3 lg:grid-cols-2">
        <OrdersCard per={per} />
        <Payments />
        <Top />
        <FunnelHours />
      </div>
    </Page>
  );
}

function OrdersCard({ per }: { per: Period }) {
  const theme = useTheme();
  const { data: shop } = useShop();
  const currency = shop?.currency ?? "USD";
  const windows = useQuery({
    queryKey: ["analytics", "orders", per],
    queryFn: () => ask(api.GET("/api/v1/analytics/orders", { params: { query: { per, live: true, limit: shown[per] } } })),
    refetchInterval: 5_000,
  });
  const rows = useMemo(() => (windows.data?.windows ?? []).filter((each) => each.currency === currency), [windows.data, currency]);
  const data = useMemo(() => {
    const sorted = [...rows].reverse();
    return {
      at_s: sorted.map((each) => Math.floor(new Date(each.window_start).getTime() / 1000)),
      bars: sorted.map((each) => each.order_count),
      line: sorted.map((each) => each.total_revenue),
    };
  }, [rows]);
  const lineText = useMemo(() => (value: number) => compactMoney(value, currency), [currency]);
  return (
    <Card title={`Orders and revenue per ${per}`} className="lg:col-span-2">
      <State of={windows} empty={rows.length === 0}>
        <LiveChart data={data} span_s={seconds[per] * shown[per]} theme={theme} barsName="Orders" lineName="Revenue" lineText={lineText} label={`Orders per ${per}`} />
        <div className="mt-4 max-h-72 overflow-auto" tabIndex={0} role="region" aria-label="Windows">
          <table className="w-full min-w-[34rem] text-left tabular-nums">
            <thead className="sticky top-0 bg-card text-sm text-soft">
              <tr>
                {["From", "Orders", "Items", "Buyers", "Average", "Revenue"].map((each, n) => (
                  <th key={each} scope="col" className={`whitespace-nowrap py-2 font-normal ${n ? "pl-4 text-right" : ""}`}>
                    {each}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line border-t border-line">
              {rows.map((each) => (
                <tr key={each.window_start}>
                  <td className="whitespace-nowrap py-2">
                    {when(each.window_start)} {each.provisional && <span className="text-soft">(still open)</span>}
                  </td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.order_count)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.total_items)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.unique_users)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{money(each.average_order_value, currency)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{money(each.total_revenue, currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </State>
    </Card>
  );
}

function State({ of, empty, children }: { of: { isError: boolean; isPending: boolean; error: unknown; refetch: () => unknown }; empty: boolean; children: ReactNode }) {
  if (of.isError && empty) return <Failure why={of.error} again={() => void of.refetch()} />;
  if (of.isPending) return <Rows n={4} />;
  if (empty) return <Empty title="Nothing to show yet">It fills as people buy.</Empty>;
  return children;
}

function Payments() {
  const windows = useQuery({
    queryKey: ["analytics", "payments"],
    queryFn: () => ask(api.GET("/api/v1/analytics/payments", { params: { query: { by: "status", live: true, limit: 60 } } })),
    refetchInterval: 5_000,
  });
  const sums = new Map<string, { n: number; amount: number; currency: string }>();
  for (const each of windows.data?.windows ?? []) {
    const key = each.status ?? "all";
    const sum = sums.get(key) ?? { n: 0, amount: 0, currency: each.currency };
    sums.set(key, { ...sum, n: sum.n + each.payment_count, amount: sum.amount + each.total_amount });
  }
  const most = Math.max(1, ...[...sums.values()].map((each) => each.n));
  return (
    <Card title="Payments, lately, by outcome">
      <State of={windows} empty={sums.size === 0}>
        <ul className="space-y-4">
          {[...sums].map(([status, { n, amount, currency }]) => (
            <li key={status}>
              <p className="mb-1.5 flex justify-between gap-3">
                <span>{words(status)}</span>
                <span className="tabular-nums">
                  {count(n)} <span className="text-soft">· {money(amount, currency)}</span>
                </span>
              </p>
              <Bar share={n / most} tone={/fail|declin/.test(status) ? "bad" : "good"} label={`${words(status)}: ${n}`} />
            </li>
          ))}
        </ul>
      </State>
    </Card>
  );
}

function Top() {
  const windows = useQuery({
    queryKey: ["analytics", "top"],
    queryFn: () => ask(api.GET("/api/v1/analytics/top-products", { params: { query: { live: true, limit: 1 } } })),
    refetchInterval: 5_000,
  });
  const { data: catalogue } = useCatalogue();
  const names = new Map((catalogue ?? []).map((each) => [each.id, each.name]));
  const top = (windows.data?.windows[0]?.products ?? []).slice(0, 8);
  const most = Math.max(1, ...top.map((each) => each.events));
  return (
    <Card title="Most looked at">
      <State of={windows} empty={top.length === 0}>
        <ol className="space-y-3">
          {top.map((each) => (
            <li key={each.id}>
              <p className="mb-1 flex justify-between gap-3">
                <span className="min-w-0 truncate">{names.get(each.id) ?? each.id}</span>
                <span className="tabular-nums">{count(each.events)}</span>
              </p>
              <Bar share={each.events / most} label={`${names.get(each.id) ?? each.id}: ${each.events}`} />
            </li>
          ))}
        </ol>
      </State>
    </Card>
  );
}

function FunnelHours() {
  const windows = useQuery({
    queryKey: ["analytics", "funnel"],
    queryFn: () => ask(api.GET("/api/v1/analytics/funnel", { params: { query: { live: true, limit: 24 } } })),
    refetchInterval: 5_000,
  });
  const rows = windows.data?.windows ?? [];
  return (
    <Card title="From looking to paying, by hour" className="lg:col-span-2">
      <State of={windows} empty={rows.length === 0}>
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Hours">
          <table className="w-full min-w-[34rem] text-left tabular-nums">
            <thead className="text-sm text-soft">
              <tr>
                {["Hour", "Looked", "Into a cart", "Ordered", "Paid", "Paid of those who looked"].map((each, n) => (
                  <th key={each} scope="col" className={`whitespace-nowrap py-2 font-normal ${n ? "pl-4 text-right" : ""}`}>
                    {each}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line border-t border-line">
              {rows.map((each) => (
                <tr key={each.window_start}>
                  <td className="whitespace-nowrap py-2">{when(each.window_start)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.viewed)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.added_to_cart)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.ordered)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{count(each.paid)}</td>
                  <td className="whitespace-nowrap pl-4 text-right">{each.viewed ? `${Math.round((each.paid / each.viewed) * 100)} %` : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </State>
    </Card>
  );
}
