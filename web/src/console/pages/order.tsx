import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { ask, type Order } from "../../api/client";
import { money, orderNumber, when, words } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Panel } from "../../shared/ui/panel";
import { newKey } from "../../storefront/attempt";
import { actionNames, actionsOf, type Action } from "../order_states";
import { Badge, Card, Facts, Failure, Field, Mono, Notice, OrderBadge, Page, Rows, type Tone } from "../parts";
import { Story } from "../order_story";
import { StateGraph } from "../state_graph";
import { api, explain } from "../shop";

const paymentTones: Record<string, Tone> = { succeeded: "good", failed: "bad", review: "warn", processing: "warn", cancelled: "still" };
const mailTones: Record<string, Tone> = { sent: "good", failed: "bad", pending: "warn", skipped: "still" };

export default function OrderPage() {
  const { id = "" } = useParams();
  const details = useQuery({
    queryKey: ["orders", id],
    queryFn: () => ask(api.GET("/api/v1/orders/{id}/details", { params: { path: { id } } })),
    refetchInterval: 2_000,
    staleTime: 0,
  });
  if (details.isError && !details.data) return <Failure why={details.error} again={() => void details.refetch()} />;
  if (!details.data) return <Rows n={8} />;
  const { order, customer, payments = [], notifications = [], missing } = details.data;
  const currency = order.currency;
  const address = order.shipping_address as Record<string, string> | string;
  return (
    <Page title={`Order ${orderNumber(order.id)}`} lead={`Placed ${when(order.created_at)}`} actions={<Actions order={order} />}>
      {missing.length > 0 && (
        <div className="mb-3">
          <Notice tone="warn">Some of this page is missing, since these did not answer: {missing.join(", ")}.</Notice>
        </div>
      )}
      <Card title="Where it stands" aside={<span data-testid="status" data-status={order.status}><OrderBadge status={order.status} /></span>}>
        <StateGraph status={order.status} />
        {order.reason && <p className="mt-2 text-soft">Reason: {words(order.reason)}</p>}
      </Card>
      <div className="mt-3 grid grid-cols-1 items-start gap-3 lg:grid-cols-3">
        <div className="space-y-3 lg:col-span-2">
        <Card title="Items" flush>
          <ul className="divide-y divide-line">
            {order.items.map((line) => (
              <li key={line.product_id} className="flex items-baseline justify-between gap-4 px-4 py-2.5">
                <span className="min-w-0 [overflow-wrap:anywhere]">
                  {line.name} <span className="text-soft">{line.sku}</span>
                  <span className="block text-sm text-soft tabular-nums">
                    {line.quantity} × {money(line.price, currency)}
                  </span>
                </span>
                <span className="tabular-nums">{money(line.line_total, currency)}</span>
              </li>
            ))}
          </ul>
          <div className="border-t border-line p-4">
            <Facts
              of={[
                ["Total", <strong key="t" className="tabular-nums">{money(order.total_amount, currency)}</strong>],
                ["Captured", <span key="c" className="tabular-nums">{money(order.captured_amount, currency)}</span>],
                ["Refunded", <span key="r" className="tabular-nums">{money(order.refunded_amount, currency)}{order.refund_status === "pending" ? " (on its way)" : order.refund_status === "failed" ? " (refused by the provider: settle it by hand)" : ""}</span>],
              ]}
            />
          </div>
        </Card>
        <Card title="Payments" flush>
          {payments.length === 0 ? (
            <p className="p-4 text-soft">None was tried.</p>
          ) : (
            <ul className="divide-y divide-line">
              {payments.map((each) => (
                <li key={each.id} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 py-2.5">
                  <span>
                    Attempt {each.attempt}: <Mono>{each.method}</Mono>
                    <span className="block text-sm text-soft">
                      {when(each.updated_at)}
                      {each.failure_reason ? ` · ${words(each.failure_reason)}` : ""}
                    </span>
                  </span>
                  <span className="flex items-center gap-3">
                    <Badge tone={paymentTones[each.status] ?? "still"}>{words(each.status)}</Badge>
                    <span className="tabular-nums">{money(each.amount, each.currency)}</span>
                  </span>
                  {each.status === "review" && <Review id={each.id} />}
                </li>
              ))}
            </ul>
          )}
        </Card>
        {order.refunds.length > 0 && (
          <Card title="Refunds" flush>
            <ul className="divide-y divide-line">
              {order.refunds.map((each) => (
                <li key={each.n} className="flex flex-wrap items-center justify-between gap-3 px-4 py-2.5">
                  <span>
                    {when(each.requested_at)} · {words(each.reason)}
                    {each.restock ? " · back into stock" : ""}
                  </span>
                  <span className="flex items-center gap-3">
                    <Badge tone={each.status === "succeeded" ? "good" : each.status === "failed" ? "bad" : "warn"}>{each.status}</Badge>
                    <span className="tabular-nums">{money(each.amount, currency)}</span>
                  </span>
                </li>
              ))}
            </ul>
          </Card>
        )}
          <Story order={order} payments={payments} notifications={notifications} />
        </div>
        <div className="space-y-3">
          <Card title="Customer">
            <p className="font-medium [overflow-wrap:anywhere]">{customer?.name || "A guest"}</p>
            <p className="text-soft [overflow-wrap:anywhere]">{customer?.email ?? "No address of mail"}</p>
            <p className="mt-3 whitespace-pre-line text-soft [overflow-wrap:anywhere]">
              {typeof address === "string" ? address : [address.name, address.street, [address.zip, address.city].filter(Boolean).join(" "), address.state, address.country].filter(Boolean).join("\n")}
            </p>
            <Link className="mt-3 inline-block text-pine underline underline-offset-4" to={`/customers?id=${order.user_id}`}>
              All of this customer’s orders
            </Link>
          </Card>
        <Card title="Mail" flush>
          {notifications.length === 0 ? (
            <p className="p-4 text-soft">Nothing was sent yet.</p>
          ) : (
            <ul className="divide-y divide-line">
              {notifications.map((each) => (
                <li key={each.event_id + each.channel} className="flex items-center justify-between gap-3 px-4 py-2.5">
                  <span className="min-w-0 truncate">{each.subject}</span>
                  <Badge tone={mailTones[each.status] ?? "still"}>{each.status}</Badge>
                </li>
              ))}
            </ul>
          )}
        </Card>
          <Card title="Ids">
            <Facts of={[["Order", <Mono key="o">{order.id}</Mono>], ["Reference", order.reference ?? "–"], ["Version", order.version]]} />
          </Card>
        </div>
      </div>
    </Page>
  );
}

function Review({ id }: { id: string }) {
  const client = useQueryClient();
  const decide = useMutation({
    mutationFn: (approve: boolean) => ask(api.POST("/api/v1/payments/{id}/review", { params: { path: { id } }, body: { approve } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["orders"] }),
  });
  return (
    <span className="flex w-full items-center justify-end gap-2">
      {decide.isError && <span className="text-rust">{explain(decide.error)}</span>}
      <button type="button" className="button button-plain" onClick={() => decide.mutate(false)}>
        Refuse
      </button>
      <button type="button" className="button button-main" onClick={() => decide.mutate(true)}>
        Approve
      </button>
    </span>
  );
}

function Actions({ order }: { order: Order }) {
  const [asked, setAsked] = useState<Action | null>(null);
  return (
    <>
      {actionsOf(order).map((each) => (
        <button key={each} type="button" className={`button ${each === "ship" || each === "deliver" ? "button-main" : each === "cancel" ? "button-bad" : "button-plain"}`} onClick={() => setAsked(each)}>
          {actionNames[each]}
        </button>
      ))}
      <Panel open={asked !== null} onOpenChange={(open) => !open && setAsked(null)} title={asked ? actionNames[asked] : ""} closeLabel="Close">
        {asked && <Act key={asked} action={asked} order={order} done={() => setAsked(null)} />}
      </Panel>
    </>
  );
}

const explanations: Record<Action, string> = {
  ship: "The parcel has left. The customer is told by mail; after this the order can be refunded, not cancelled.",
  deliver: "The parcel has arrived. The customer is told by mail.",
  cancel: "What was reserved returns to stock. What was paid goes back to the customer.",
  refund: "Money goes back to the customer. A part leaves the order as it is; the whole makes it refunded.",
};

function Act({ action, order, done }: { action: Action; order: Order; done: () => void }) {
  const client = useQueryClient();
  // One key as long as this is open: pressed twice, it is one refund.
  const [key] = useState(newKey);
  const left = order.captured_amount - order.refunded_amount;
  const [amount, setAmount] = useState(left.toFixed(2));
  const [reason, setReason] = useState("");
  const [restock, setRestock] = useState(false);
  const act = useMutation({
    mutationFn: async () => {
      const params = { path: { id: order.id } };
      const why = reason.trim() ? { reason: reason.trim() } : {};
      if (action === "ship") return ask(api.POST("/api/v1/orders/{id}/ship", { params }));
      if (action === "deliver") return ask(api.POST("/api/v1/orders/{id}/deliver", { params }));
      if (action === "cancel") return ask(api.PUT("/api/v1/orders/{id}/cancel", { params, body: why }));
      return ask(
        api.POST("/api/v1/orders/{id}/refund", {
          params: { ...params, header: { "Idempotency-Key": key } },
          body: { amount: Number(amount), restock, ...why },
        }),
      );
    },
    onSuccess: done,
    onSettled: () => client.invalidateQueries({ queryKey: ["orders"] }),
  });
  return (
    <form
      className="space-y-4 p-5"
      onSubmit={(event) => {
        event.preventDefault();
        act.mutate();
      }}
    >
      <p className="text-soft">{explanations[action]}</p>
      {action === "refund" && (
        <>
          <Field label={`Amount in ${order.currency}`} inputMode="decimal" pattern="\d+([.]\d+)?" value={amount} onChange={(event) => setAmount(event.target.value)} hint={`At most ${money(left, order.currency)}`} required />
          <label className="flex min-h-10 items-center gap-3">
            <input type="checkbox" className="size-4 accent-pine" checked={restock} onChange={(event) => setRestock(event.target.checked)} />
            The goods came back and can be sold again
          </label>
        </>
      )}
      {(action === "refund" || action === "cancel") && <Field label="Reason" value={reason} maxLength={200} onChange={(event) => setReason(event.target.value)} />}
      {act.isError && <Notice>{explain(act.error)}</Notice>}
      <div className="flex justify-end gap-2">
        <button type="button" className="button button-plain" onClick={done}>
          Not now
        </button>
        <button type="submit" className={`button ${action === "cancel" ? "button-bad" : "button-main"}`} {...working(act.isPending)}>
          {act.isPending ? "Working…" : actionNames[action]}
        </button>
      </div>
    </form>
  );
}
