import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { ask, type Order } from "../../api/client";
import { compactMoney, count, money, orderNumber } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { newKey } from "../../storefront/attempt";
import { LiveChart } from "../chart";
import { useLive } from "../live";
import { Badge, Bar, Card, Empty, Failure, OrderBadge, Page, Rows, Tabs } from "../parts";
import { api, explain, lowStock, queries, useCatalogue, useDeadLetters, useShop } from "../shop";
import { useTheme } from "../theme";

const spans = [
  ["900", "15 minutes"],
  ["1800", "30 minutes"],
  ["3600", "An hour"],
] as const;

export default function Home() {
  const { data: shop } = useShop();
  const currency = shop?.currency ?? "USD";
  const theme = useTheme();
  const [span, setSpan] = useState<(typeof spans)[number][0]>("1800");
  const live = useLive(currency, Number(span));
  const lineText = useMemo(() => (value: number) => compactMoney(value, currency), [currency]);
  return (
    <Page title="Home" lead="What happens in the shop, as it happens." actions={<TestOrder />}>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure name="Orders this minute" value={count(live.minute.orders)} note={`${count(live.hour.orders)} in an hour`} testId="orders-minute" />
        <Figure name="Revenue this minute" value={money(live.minute.revenue, currency)} note={`${money(live.hour.revenue, currency)} in an hour`} testId="revenue-minute" />
        <Figure name="Captured this minute" value={money(live.minute.captured, currency)} note={`${money(live.hour.captured, currency)} in an hour`} />
        <Viewers now={live.minute.viewers} buyers={live.minute.buyers} />
      </div>
      <div className="mt-3 grid grid-cols-1 gap-3 lg:grid-cols-3">
        <Card
          title="Orders and revenue, by minute"
          className="lg:col-span-2"
          aside={
            <div className="flex items-center gap-3">
              <span data-testid="stream" data-state={live.state}>
                <Badge tone={live.state === "live" ? "good" : "warn"}>{live.state === "live" ? "Live" : "Connecting"}</Badge>
              </span>
              <div className="max-sm:hidden">
                <Tabs label="Time shown" value={span} options={spans} onChange={setSpan} />
              </div>
            </div>
          }
        >
          <LiveChart data={live.data} span_s={Number(span)} theme={theme} barsName="Orders" lineName="Revenue" lineText={lineText} label={`Orders by minute. This minute: ${live.minute.orders}.`} />
          <p className="mt-2 flex gap-5 text-sm text-soft">
            <span className="flex items-center gap-2">
              <span className="size-3 rounded-sm bg-pine" aria-hidden="true" /> Orders, left scale
            </span>
            <span className="flex items-center gap-2">
              <span className="h-0.5 w-4 bg-amber" aria-hidden="true" /> Revenue, right scale
            </span>
          </p>
        </Card>
        <Funnel />
        <Latest />
        <div className="space-y-3">
          <LowStock />
          <Attention />
        </div>
      </div>
      <FirstSteps />
    </Page>
  );
}

function Figure(props: { name: string; value: string; note: string; testId?: string }) {
  return (
    <div className="card min-w-0 px-4 py-3.5 [overflow-wrap:anywhere]">
      <p className="text-sm text-soft">{props.name}</p>
      <p className="mt-1 text-2xl font-semibold tracking-tight tabular-nums" data-testid={props.testId}>
        {props.value}
      </p>
      <p className="mt-0.5 text-sm text-soft tabular-nums">{props.note}</p>
    </div>
  );
}

const useFunnel = () =>
  useQuery({
    queryKey: ["funnel"],
    // The latest window there is may be of another hour, or another day.
    queryFn: async () => {
      const { windows } = await ask(api.GET("/api/v1/analytics/funnel", { params: { query: { live: true, limit: 1 } } }));
      return windows.find((each) => new Date(each.window_end).getTime() > Date.now()) ?? null;
    },
    refetchInterval: 5_000,
  });

function Viewers({ now, buyers }: { now: number; buyers: number }) {
  const { data } = useFunnel();
  const viewed = data?.viewed ?? 0;
  return <Figure name="Viewers this minute" value={count(now)} note={`${count(buyers)} ordered; ${count(viewed)} looked this hour`} testId="viewers-minute" />;
}

function Funnel() {
  const { data: window, isError, error, refetch } = useFunnel();
  const steps = window
    ? ([
        ["Looked at a product", window.viewed],
        ["Put it into a cart", window.added_to_cart],
        ["Ordered", window.ordered],
        ["Paid", window.paid],
      ] as const)
    : [];
  const most = Math.max(1, ...steps.map(([, n]) => n));
  return (
    <Card title="This hour, by people">
      {isError ? (
        <Failure why={error} again={() => void refetch()} />
      ) : window === undefined ? (
        <Rows n={4} />
      ) : !window ? (
        <Empty title="Nobody yet">People appear here as soon as they look at a product.</Empty>
      ) : (
        <ol className="space-y-4">
          {steps.map(([name, n]) => (
            <li key={name}>
              <p className="mb-1.5 flex justify-between">
                <span>{name}</span>
                <span className="font-medium tabular-nums">{count(n)}</span>
              </p>
              <Bar share={n / most} label={`${name}: ${n}`} />
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Latest() {
  const list = useQuery({
    queryKey: ["orders", "latest"],
    queryFn: () => ask(api.GET("/api/v1/orders", { params: { query: { limit: 7 } } })),
    refetchInterval: 2_000,
  });
  return (
    <Card title="Latest orders" flush className="lg:col-span-2" aside={<Link to="/orders" className="text-pine hover:underline">All orders</Link>}>
      {list.isError ? (
        <Failure why={list.error} again={() => void list.refetch()} />
      ) : !list.data ? (
        <Rows />
      ) : list.data.orders.length === 0 ? (
        <Empty title="No orders yet">Place a test order, and see it come in.</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {list.data.orders.map((order) => (
            <li key={order.id}>
              <Link to={`/orders/${order.id}`} className="grid min-h-12 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-4 py-1.5 hover:bg-sand sm:grid-cols-[minmax(0,1fr)_auto_auto]">
                <span className="truncate">
                  <span className="font-medium">{orderNumber(order.id)}</span>
                  <span className="ml-3 text-soft">{order.items.map((each) => each.name).join(", ")}</span>
                </span>
                <span className="max-sm:row-start-2">
                  <OrderBadge status={order.status} />
                </span>
                <span className="min-w-20 text-right tabular-nums max-sm:row-span-2">{money(order.total_amount, order.currency)}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function LowStock() {
  const { data, isError, error, refetch } = useCatalogue();
  const low = (data ?? []).filter((each) => each.stock <= lowStock).sort((a, b) => a.stock - b.stock);
  return (
    <Card title="Low stock" flush aside={<Link to="/inventory?show=low" className="text-pine hover:underline">{low.length ? `All ${low.length}` : "Inventory"}</Link>}>
      {isError ? (
        <Failure why={error} again={() => void refetch()} />
      ) : !data ? (
        <Rows n={3} />
      ) : low.length === 0 ? (
        <p className="p-4 text-soft">Everything is well stocked.</p>
      ) : (
        <ul className="divide-y divide-line">
          {low.slice(0, 5).map((each) => (
            <li key={each.id} className="flex min-h-11 items-center justify-between gap-3 px-4 py-1.5">
              <span className="min-w-0 truncate">{each.name}</span>
              <Badge tone={each.stock > 0 ? "warn" : "bad"}>{each.stock > 0 ? `${each.stock} left` : "sold out"}</Badge>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Attention() {
  const letters = useDeadLetters(5_000);
  const stuck = useQuery({
    queryKey: ["orders", "stuck"],
    queryFn: () => ask(api.GET("/api/v1/orders", { params: { query: { stuck: true, limit: 1 } } })),
    refetchInterval: 10_000,
  });
  const dead = letters.data?.letters.length;
  const waiting = stuck.data?.total;
  return (
    <Card title="Needs a person">
      {letters.isError ? (
        <p className="text-soft">{explain(letters.error)}</p>
      ) : dead === undefined ? (
        <div className="skeleton h-6" />
      ) : dead > 0 ? (
        <p>
          <Badge tone="bad">{dead}</Badge> <Link to="/events" className="ml-1 text-pine underline underline-offset-4">events could not be applied</Link>
        </p>
      ) : (
        <p className="text-soft">No dead letters: every event has been applied.</p>
      )}
      <div className="mt-2" data-testid="stuck" data-orders={waiting}>
        {stuck.isError ? (
          <p className="text-soft">{explain(stuck.error)}</p>
        ) : waiting === undefined ? (
          <div className="skeleton h-6" />
        ) : waiting > 0 ? (
          <p>
            <Badge tone="bad">{waiting}</Badge> <Link to="/orders?status=stuck" className="ml-1 text-pine underline underline-offset-4">{waiting === 1 ? "order is stuck" : "orders are stuck"}</Link>
          </p>
        ) : (
          <p className="text-soft">No order is stuck: each that waits has its deadline before it.</p>
        )}
      </div>
    </Card>
  );
}

// An order like a customer's, by a guest of its own: it runs through stock, payment and mail, and shows above.
export async function placeTestOrder(): Promise<Order> {
  const guest = await ask(api.POST("/api/v1/auth/guest", { body: {} }));
  const { products } = await ask(api.GET("/api/v1/products", { params: { query: { in_stock: true, limit: 20 } } }));
  const product = products[Math.floor(Math.random() * products.length)];
  if (!product) throw new Error("nothing is in stock");
  const answer = await fetch("/api/v1/orders", {
    method: "POST",
    headers: { Authorization: `Bearer ${guest.token}`, "Content-Type": "application/json", "Idempotency-Key": newKey() },
    body: JSON.stringify({
      items: [{ product_id: product.id, quantity: 1 }],
      shipping_address: { name: "Test order", street: "1 Stoa Way", city: "Athens", country: "GR" },
      payment_method: "tok_ok",
      reference: "console-test",
    }),
  });
  const body: unknown = await answer.json();
  if (!answer.ok) throw new Error((body as { detail?: string }).detail ?? "the order was refused");
  return body as Order;
}

function TestOrder() {
  const place = useMutation({
    mutationFn: placeTestOrder,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["orders"] }),
  });
  return (
    <>
      <div className="self-center empty:hidden" aria-live="polite">
        {place.isSuccess && (
          <Link to={`/orders/${place.data.id}`} className="text-pine underline underline-offset-4" data-testid="test-order">
            Order {orderNumber(place.data.id)}
          </Link>
        )}
        {place.isError && <span className="text-rust">{place.error instanceof Error ? place.error.message : explain(place.error)}</span>}
      </div>
      <button type="button" className="button button-main" {...working(place.isPending)} onClick={() => place.mutate()}>
        {place.isPending ? "Placing…" : "Place a test order"}
      </button>
    </>
  );
}

const dismissed = "stoa.console.first-steps";
function FirstSteps() {
  const [hidden, setHidden] = useState(() => localStorage.getItem(dismissed) === "done");
  if (hidden) return null;
  return (
    <Card
      title="First steps"
      className="mt-3"
      aside={
        <button
          type="button"
          className="min-h-9 px-2 text-soft hover:text-ink"
          onClick={() => {
            localStorage.setItem(dismissed, "done");
            setHidden(true);
          }}
        >
          Hide
        </button>
      }
    >
      <ol className="grid gap-4 md:grid-cols-3">
        <li>
          <p className="font-medium">See an order come in</p>
          <p className="text-soft">Place a test order above. It is in the chart within a second, and in the mailbox soon after.</p>
        </li>
        <li>
          <p className="font-medium">
            <Link to="/products" className="text-pine underline underline-offset-4">
              Bring your own catalogue
            </Link>
          </p>
          <p className="text-soft">A CSV file, tried first without changing anything.</p>
        </li>
        <li>
          <p className="font-medium">
            <Link to="/health" className="text-pine underline underline-offset-4">
              Ask whether all adds up
            </Link>
          </p>
          <p className="text-soft">The audit checks stock, money and events of the running shop.</p>
        </li>
      </ol>
    </Card>
  );
}
