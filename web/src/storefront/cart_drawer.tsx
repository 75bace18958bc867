import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { working } from "../shared/ui/focus";
import { Panel } from "../shared/ui/panel";
import { Failure, LinePicture, Notice, Quantity } from "./parts";
import { useCart, useCartChange, useExplain, useMoney } from "./shop";

export function CartDrawer({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const { t } = useTranslation();
  const money = useMoney();
  const cart = useCart();
  const has = (cart.data?.items.length ?? 0) > 0;
  return (
    <Panel open={open} onOpenChange={onOpenChange} side="right" title={t("cart.title")} closeLabel={t("cart.close")}>
      {cart.isError ? (
        <div className="p-5">
          <Failure why={cart.error} again={() => void cart.refetch()} />
        </div>
      ) : !has ? (
        <div className="m-auto px-8 py-16 text-center">
          <p className="display text-2xl">{t("cart.empty")}</p>
          <p className="mt-2 text-soft">{t("cart.emptyLead")}</p>
          <Link to="/browse" className="button button-plain mt-6" onClick={() => onOpenChange(false)}>
            {t("home.browse")}
          </Link>
        </div>
      ) : (
        <>
          <div className="flex-1 px-5 py-2">
            <CartLines />
          </div>
          <div className="sticky bottom-0 border-t border-line bg-card px-5 pb-[max(1.25rem,env(safe-area-inset-bottom))] pt-4">
            <p className="flex justify-between text-lg">
              <span>{t("cart.subtotal")}</span>
              <strong className="font-semibold tabular-nums">{money(cart.data!.total_amount, cart.data!.currency)}</strong>
            </p>
            <Link to="/checkout" className="button button-main mt-4 w-full" onClick={() => onOpenChange(false)}>
              {t("cart.checkout")}
            </Link>
          </div>
        </>
      )}
    </Panel>
  );
}

// The lines, to change; beside each what has become of it.
export function CartLines() {
  const { t } = useTranslation();
  const cart = useCart();
  const { set } = useCartChange();
  const explain = useExplain();
  return (
    <>
      {set.isError && (
        <div className="py-2">
          <Notice>{explain(set.error)}</Notice>
        </div>
      )}
      <ul className="divide-y divide-line outline-none" aria-label={t("cart.title")} tabIndex={-1}>
        {(cart.data?.items ?? []).map((line) => (
          <Line
            key={line.product_id}
            line={line}
            currency={cart.data!.currency}
            change={cart.data!.changes.find((each) => each.product_id === line.product_id && each.what === "price_changed")}
            busy={set.isPending}
            onChange={(quantity) => set.mutate({ product_id: line.product_id, quantity })}
          />
        ))}
      </ul>
    </>
  );
}

function Line(props: {
  line: Schemas["cart_line"];
  currency: string;
  change?: Schemas["cart_change"];
  busy: boolean;
  onChange: (quantity: number) => void;
}) {
  const { t } = useTranslation();
  const money = useMoney();
  const { line, currency, change, busy, onChange } = props;
  return (
    <li className="grid grid-cols-[4.5rem_1fr] gap-4 py-4">
      <Link to={`/item/${line.product_id}`} tabIndex={-1} aria-hidden="true">
        <LinePicture id={line.product_id} name={line.name} />
      </Link>
      <div className="min-w-0">
        <div className="flex items-baseline justify-between gap-3">
          <Link to={`/item/${line.product_id}`} className="min-w-0 font-medium [overflow-wrap:anywhere] hover:underline">
            {line.name}
          </Link>
          <span className="tabular-nums">{money(line.line_total, currency)}</span>
        </div>
        {line.quantity > 1 && <p className="text-sm text-soft">{t("cart.each", { price: money(line.price, currency) })}</p>}
        {line.problem && (
          <p className="mt-1 text-sm text-rust" role="status">
            {t(`cart.problem.${line.problem}`, { count: line.available })}{" "}
            {line.problem === "less_available" && (
              <button type="button" className="font-medium underline underline-offset-4" onClick={() => onChange(line.available)}>
                {t("cart.takeLeft", { count: line.available })}
              </button>
            )}
          </p>
        )}
        {change && (
          <p className="mt-1 text-sm text-amber" role="status">
            {t("cart.priceChanged", { before: money(change.before ?? 0, currency), now: money(change.now ?? line.price, currency) })}
          </p>
        )}
        <div className="mt-2 flex items-center justify-between">
          <Quantity value={line.quantity} most={Math.max(line.available, 1)} name={line.name} disabled={busy} onChange={onChange} />
          <button
            type="button"
            className="min-h-11 px-2 text-sm text-soft underline underline-offset-4 hover:text-ink"
            aria-label={t("cart.removeNamed", { name: line.name })}
            {...working(busy)}
            onClick={() => onChange(0)}
          >
            {t("cart.remove")}
          </button>
        </div>
      </div>
    </li>
  );
}
