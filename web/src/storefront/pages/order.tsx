import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useParams } from "react-router";
import { ask, must, type Order, type Payment } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { clock, orderNumber, when } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Check } from "../../shared/ui/icons";
import { Panel } from "../../shared/ui/panel";
import { newKey } from "../attempt";
import { Busy, Cards, Empty, Failure, LinePicture, Notice, StatusBadge, Title } from "../parts";
import { api, useExplain, useMoney, useSession } from "../shop";

const moving = ["pending", "awaiting_payment", "cancelling"];
const over = ["delivered", "cancelled", "refunded"];

// While money or goods are on their way the page looks again: fast where seconds count.
export function lookAgain_ms(order: Order | undefined): number | false {
  if (!order) return 1_000;
  if (moving.includes(order.status) || order.refund_status === "pending") return 700;
  if (over.includes(order.status)) return 30_000;
  return 4_000;
}

export default function OrderPage() {
  const { t, i18n } = useTranslation();
  const money = useMoney();
  const { id = "" } = useParams();
  const session = useSession();
  const client = useQueryClient();
  const fresh = Boolean((useLocation().state as { fresh?: boolean } | null)?.fresh);
  const order = useQuery({
    queryKey: ["order", id],
    queryFn: () => ask(api.GET("/api/v1/orders/{id}", { params: { path: { id } } })),
    enabled: session.status !== "unknown",
    staleTime: 0,
    refetchInterval: (query) => (query.state.error ? 5_000 : lookAgain_ms(query.state.data)),
  });
  const payments = useQuery({
    queryKey: ["order", id, "payments", order.data?.version],
    queryFn: () => ask(api.GET("/api/v1/payments", { params: { query: { order_id: id } } })),
    enabled: Boolean(order.data),
    placeholderData: (before) => before,
  });
  const status = order.data?.status;
  // What is paid leaves the cart.
  useEffect(() => {
    if (status === "paid") void client.invalidateQueries({ queryKey: ["cart"] });
  }, [status, client]);

  const away = session.status === "none" || (order.error instanceof ApiProblem && [401, 403, 404, 422].includes(order.error.status));
  if (away && !order.data)
    return (
      <Empty page title={t("order.missing")} lead={t("order.missingLead")}>
        <Link className="button button-main" to={`/sign-in?then=/order/${id}`}>
          {t("shop.signIn")}
        </Link>
      </Empty>
    );
  if (order.isError && !order.data) return <Failure why={order.error} again={() => void order.refetch()} />;
  if (!order.data)
    return (
      <div aria-busy="true">
        <div className="skeleton h-12 w-80 max-w-full" />
        <div className="skeleton mt-8 h-40" />
      </div>
    );
  const it = order.data;
  const until = it.payment_due_at ? clock(it.payment_due_at, i18n.language) : "";
  return (
    <>
      <Title>{t("order.title", { number: orderNumber(it.id) })}</Title>
      <div className="mx-auto max-w-4xl">
        <p className="text-soft">
          {t("order.title", { number: orderNumber(it.id) })} · {t("order.placed", { when: when(it.created_at, i18n.language) })}
        </p>
        <div className="mt-2 flex flex-wrap items-center gap-4">
          <h1 className="display text-4xl sm:text-5xl">{fresh && !["payment_failed", "cancelled", "cancelling"].includes(it.status) ? t("order.thanks") : t(`order.status.${it.status}`, { defaultValue: it.status })}</h1>
          <span aria-live="polite" data-testid="status" data-status={it.status}>
            <StatusBadge status={it.status} />
          </span>
        </div>
        <p className="mt-3 max-w-xl text-lg text-soft">{t(`order.lead.${it.status}`, { until, defaultValue: "" })}</p>
        {it.refund_status === "pending" && <p className="mt-2 text-amber">{t("order.refundPending")}</p>}

        <Progress order={it} payments={payments.data?.payments ?? []} />
        {it.status === "payment_failed" && <PayAgain order={it} last={payments.data?.payments.at(-1)} />}

        <div className="mt-10 grid gap-10 md:grid-cols-[1.5fr_1fr]">
          <section aria-labelledby="items">
            <h2 id="items" className="text-xl font-semibold">
              {t("order.items")}
            </h2>
            <ul className="mt-2 divide-y divide-line">
              {it.items.map((line) => (
                <li key={line.product_id} className="grid grid-cols-[3.5rem_1fr_auto] items-center gap-4 py-3">
                  <LinePicture id={line.product_id} name={line.name} />
                  <span className="min-w-0 [overflow-wrap:anywhere]">
                    <Link to={`/item/${line.product_id}`} className="font-medium hover:underline">
                      {line.name}
                    </Link>
                    <span className="block text-sm text-soft tabular-nums">
                      {line.quantity} × {money(line.price, it.currency)}
                    </span>
                  </span>
                  <span className="tabular-nums">{money(line.line_total, it.currency)}</span>
                </li>
              ))}
            </ul>
            <dl className="border-t border-line pt-3">
              <div className="flex justify-between text-lg font-semibold">
                <dt>{t("cart.subtotal")}</dt>
                <dd className="tabular-nums">{money(it.total_amount, it.currency)}</dd>
              </div>
              {it.refunded_amount > 0 && (
                <div className="mt-1 flex justify-between text-soft">
                  <dt>{t("order.refunded")}</dt>
                  <dd className="tabular-nums">−{money(it.refunded_amount, it.currency)}</dd>
                </div>
              )}
            </dl>
          </section>
          <div className="space-y-8">
            <section aria-labelledby="goes-to">
              <h2 id="goes-to" className="text-xl font-semibold">
                {t("order.deliverTo")}
              </h2>
              <Address of={it.shipping_address} language={i18n.language} />
            </section>
            {(payments.data?.payments.length ?? 0) > 0 && (
              <section aria-labelledby="payments">
                <h2 id="payments" className="text-xl font-semibold">
                  {t("order.payments")}
                </h2>
                <ul className="mt-2 space-y-2">
                  {payments.data!.payments.map((each) => (
                    <li key={each.id} className="text-soft">
                      <span className="text-ink">
                        {t(`order.payment.${each.status}`, { defaultValue: each.status })}, {money(each.amount, each.currency)}
                      </span>
                      <span className="block text-sm">
                        {t(`checkout.cards.${each.method}.name`, { defaultValue: each.method })}, {clock(each.updated_at, i18n.language)}
                      </span>
                    </li>
                  ))}
                </ul>
              </section>
            )}
            <Actions order={it} />
          </div>
        </div>
      </div>
    </>
  );
}

function Address({ of, language }: { of: unknown; language: string }) {
  if (typeof of === "string") return <p className="mt-2 whitespace-pre-line text-soft">{of}</p>;
  const { name, street, zip, city, state, country } = (of ?? {}) as Record<string, string | undefined>;
  let land = country;
  try {
    if (country) land = new Intl.DisplayNames([language], { type: "region" }).of(country) ?? country;
  } catch {
    // not a code: shown as it was written
  }
  const lines = [name, street, [zip, city].filter(Boolean).join(" "), state, land].filter(Boolean);
  return (
    <address className="mt-2 not-italic text-soft [overflow-wrap:anywhere]">
      {lines.map((line, n) => (
        <span key={n} className="block">
          {String(line)}
        </span>
      ))}
    </address>
  );
}

const steps = ["placed", "paid", "shipped", "delivered"] as const;
const reached: Partial<Record<Order["status"], number>> = { paid: 1, shipped: 2, delivered: 3 };

function Progress({ order, payments }: { order: Order; payments: Payment[] }) {
  const { t, i18n } = useTranslation();
  if (["cancelled", "refunded", "cancelling"].includes(order.status)) return null;
  const at = reached[order.status] ?? 0;
  const charged = payments.find((each) => each.status === "succeeded");
  const times = [order.created_at, charged?.updated_at, at >= 2 ? order.updated_at : undefined, undefined];
  if (at === 3) [times[2], times[3]] = [undefined, order.updated_at];
  const waiting = order.status === "awaiting_payment" || order.status === "pending";
  return (
    <ol aria-label={t("order.progress")} className="mt-8 grid grid-cols-4 rounded-box border border-line bg-card px-2 py-5 sm:px-6">
      {steps.map((step, n) => {
        const done = n <= at;
        const next = n === at + 1;
        return (
          <li key={step} className="relative flex flex-col items-center text-center" aria-current={n === at ? "step" : undefined}>
            {n > 0 && <span className={`absolute right-1/2 top-4 h-0.5 w-full -translate-y-1/2 ${done ? "bg-pine" : "bg-line"}`} aria-hidden="true" />}
            <span
              className={`relative z-10 grid size-8 place-items-center rounded-full border-2 ${
                done ? "border-pine bg-pine text-white" : next && order.status === "payment_failed" ? "border-rust bg-card" : "border-line bg-card"
              }`}
              aria-hidden="true"
            >
              {done ? <Check size={16} /> : next && waiting ? <span className="size-3 animate-pulse rounded-full bg-pine" /> : null}
            </span>
            <span className={`mt-2 text-sm ${done ? "font-medium" : "text-soft"}`}>{t(`order.steps.${step}`)}</span>
            <span className="text-xs text-soft tabular-nums">{done && times[n] ? clock(times[n]!, i18n.language) : " "}</span>
          </li>
        );
      })}
    </ol>
  );
}

function PayAgain({ order, last }: { order: Order; last?: Payment }) {
  const { t } = useTranslation();
  const money = useMoney();
  const explain = useExplain();
  const client = useQueryClient();
  const [card, setCard] = useState("tok_ok");
  // One key an attempt: pressed twice, it is one payment.
  const [key] = useState(newKey);
  const pay = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/api/v1/payments", {
          params: { header: { "Idempotency-Key": `${key}-${order.payment_attempt}-${card}` } },
          body: { order_id: order.id, amount: order.total_amount, method: card },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["order", order.id] }),
  });
  const reason = last?.failure_reason;
  return (
    <section aria-labelledby="pay-again" className="mt-8 rounded-box border border-line bg-card p-5 sm:p-6">
      <h2 id="pay-again" className="text-xl font-semibold">
        {t("order.retry")}
      </h2>
      {reason && <p className="mt-1 text-rust">{t(`order.reason.${reason}`, { defaultValue: reason })}</p>}
      <div className="mt-4 max-w-xl">
        <Cards value={card} onChange={setCard} />
        {pay.isError && (
          <div className="mt-3">
            <Notice>{explain(pay.error)}</Notice>
          </div>
        )}
        <button type="button" className="button button-main mt-4 w-full sm:w-auto" {...working(pay.isPending)} onClick={() => pay.mutate()} data-testid="pay-again">
          {pay.isPending && <Busy />}
          {pay.isPending ? t("order.paying") : t("order.pay", { total: money(order.total_amount, order.currency) })}
        </button>
      </div>
    </section>
  );
}

function Actions({ order }: { order: Order }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation({
    mutationFn: () => ask(api.PUT("/api/v1/orders/{id}/cancel", { params: { path: { id: order.id } }, body: { reason: "customer" } })),
    onSuccess: () => setAsking(false),
    onSettled: () => client.invalidateQueries({ queryKey: ["order", order.id] }),
  });
  // The invoice wants the token, which a plain link cannot carry.
  const invoice = useMutation({
    mutationFn: async () => {
      const answer = await must(await api.fetch(new Request(`${location.origin}/api/v1/orders/${order.id}/invoice`)));
      const url = URL.createObjectURL(await answer.blob());
      const link = Object.assign(document.createElement("a"), { href: url, download: `invoice-${order.id.slice(-8)}.txt` });
      link.click();
      URL.revokeObjectURL(url);
    },
  });
  const cancellable = ["awaiting_payment", "payment_failed", "paid"].includes(order.status);
  const invoiced = order.captured_amount > 0;
  if (!cancellable && !invoiced) return null;
  return (
    <div className="flex flex-wrap gap-3">
      {invoiced && (
        <button type="button" className="button button-plain" onClick={() => invoice.mutate()} {...working(invoice.isPending)}>
          {t("order.invoice")}
        </button>
      )}
      {cancellable && (
        <button type="button" className="button button-plain" onClick={() => setAsking(true)}>
          {t("order.cancel")}
        </button>
      )}
      {invoice.isError && <Notice>{explain(invoice.error)}</Notice>}
      <Panel open={asking} onOpenChange={setAsking} title={t("order.cancelAsk")} closeLabel={t("cart.close")} description={order.captured_amount > 0 ? t("order.cancelPaid") : t("order.cancelUnpaid")}>
        <div className="p-5">
          {cancel.isError && <Notice>{explain(cancel.error)}</Notice>}
          <div className="mt-2 flex justify-end gap-3">
            <button type="button" className="button button-plain" onClick={() => setAsking(false)}>
              {t("order.keep")}
            </button>
            <button type="button" className="button bg-rust text-white hover:opacity-90" {...working(cancel.isPending)} onClick={() => cancel.mutate()}>
              {cancel.isPending && <Busy />}
              {t("order.cancel")}
            </button>
          </div>
        </div>
      </Panel>
    </div>
  );
}
