// Parts that several pages are made of.
import { useQuery } from "@tanstack/react-query";
import { useId, type ComponentProps, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ask, type OrderStatus, type Product } from "../api/client";
import { Picture } from "../shared/picture";
import { Minus, Plus } from "../shared/ui/icons";
import { api, useExplain, useMoney, useShop } from "./shop";

const few = 5;

export function Stock({ stock }: { stock: number }) {
  const { t } = useTranslation();
  if (stock <= 0) return <span className="text-rust">{t("item.out")}</span>;
  if (stock <= few) return <span className="text-amber">{t("item.few", { count: stock })}</span>;
  return <span className="text-pine">{t("item.inStock")}</span>;
}

export function ProductCard({ product, eager }: { product: Product; eager?: boolean }) {
  const { t } = useTranslation();
  const money = useMoney();
  return (
    <Link to={`/item/${product.id}`} className="group block rounded-box">
      <div className="relative overflow-hidden rounded-box bg-sand">
        <Picture
          product={product}
          eager={eager}
          sizes="(min-width: 1024px) 25vw, (min-width: 768px) 33vw, 50vw"
          className={`w-full transition duration-500 ease-calm group-hover:scale-[1.035] ${product.stock <= 0 ? "opacity-55" : ""}`}
        />
        {product.stock <= few && (
          <span className="absolute left-2.5 top-2.5 rounded-full bg-card/95 px-2.5 py-1 text-xs font-medium">
            {product.stock <= 0 ? t("item.out") : t("item.few", { count: product.stock })}
          </span>
        )}
      </div>
      <div className="mt-3 flex items-baseline justify-between gap-3">
        <h3 className="min-w-0 font-medium leading-snug [overflow-wrap:anywhere] group-hover:underline group-hover:underline-offset-4">
          {product.name}
        </h3>
        <p className="tabular-nums">{money(product.price, product.currency)}</p>
      </div>
      <p className="mt-0.5 text-sm text-soft">{product.category}</p>
    </Link>
  );
}

export const gridClass = "grid grid-cols-2 gap-x-4 gap-y-8 sm:gap-x-6 md:grid-cols-3 lg:grid-cols-4 lg:gap-y-10";

export function GridSkeleton({ count = 8 }: { count?: number }) {
  return (
    <div className={gridClass} aria-hidden="true">
      {Array.from({ length: count }, (_, n) => (
        <div key={n}>
          <div className="skeleton aspect-square" />
          <div className="skeleton mt-3 h-4 w-3/4" />
          <div className="skeleton mt-2 h-3 w-1/3" />
        </div>
      ))}
    </div>
  );
}

export function Quantity(props: { value: number; most?: number; name?: string; disabled?: boolean; onChange: (n: number) => void }) {
  const { t } = useTranslation();
  const label = props.name ? `${props.name}: ` : "";
  const step = "grid size-11 place-items-center text-soft hover:text-ink aria-disabled:opacity-35";
  // Not `disabled`: that would take the focus from who presses it by keyboard.
  const fewest = props.disabled || props.value <= 1;
  const most = props.disabled || (props.most !== undefined && props.value >= props.most);
  return (
    <div className="inline-flex items-center rounded-lg border border-line-strong bg-card" role="group" aria-label={`${label}${t("item.quantity")}`}>
      <button type="button" className={step} aria-disabled={fewest} onClick={() => !fewest && props.onChange(props.value - 1)} aria-label={`${label}${t("item.less")}`}>
        <Minus size={16} />
      </button>
      <output className="min-w-7 text-center tabular-nums">{props.value}</output>
      <button
        type="button"
        className={step}
        aria-disabled={most}
        onClick={() => !most && props.onChange(props.value + 1)}
        aria-label={`${label}${t("item.more")}`}
      >
        <Plus size={16} />
      </button>
    </div>
  );
}

export function Field({ label, hint, problem, ...input }: { label: string; hint?: string; problem?: string } & ComponentProps<"input">) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <input id={id} className="field" aria-invalid={problem ? true : undefined} aria-describedby={described || undefined} {...input} />
      {hint && (
        <p id={`${id}-hint`} className="mt-1.5 text-sm text-soft">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="mt-1.5 text-sm text-rust">
          {problem}
        </p>
      )}
    </div>
  );
}

export function Notice({ tone = "bad", children }: { tone?: "bad" | "calm" | "warn"; children: ReactNode }) {
  const tones = { bad: "bg-rust-wash text-rust", calm: "bg-pine-wash text-pine-deep", warn: "bg-amber-wash text-amber" };
  return (
    <div role={tone === "bad" ? "alert" : "status"} className={`rounded-box px-4 py-3 ${tones[tone]}`}>
      {children}
    </div>
  );
}

export function Failure({ why, again }: { why: unknown; again?: () => void }) {
  const { t } = useTranslation();
  const explain = useExplain();
  return (
    <div role="alert" className="rounded-box border border-line bg-card px-6 py-10 text-center">
      <h2 className="text-lg font-semibold">{t("problem.title")}</h2>
      <p className="mx-auto mt-1 max-w-md text-soft">{explain(why)}</p>
      {again && (
        <button type="button" className="button button-plain mt-5" onClick={again}>
          {t("problem.again")}
        </button>
      )}
    </div>
  );
}

// `page`: there is nothing else on it, so its words are the page's heading.
export function Empty({ title, lead, page, children }: { title: string; lead: string; page?: boolean; children?: ReactNode }) {
  const Heading = page ? "h1" : "h2";
  return (
    <div className="mx-auto max-w-md py-16 text-center">
      <svg viewBox="0 0 96 72" className="mx-auto h-16 text-line-strong" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
        <path d="M8 24 48 6l40 18v5H8zM16 29v30M32 29v30M48 29v30M64 29v30M80 29v30M8 59h80v7H8z" strokeLinejoin="round" />
      </svg>
      <Heading className="display mt-5 text-2xl">{title}</Heading>
      <p className="mt-2 text-soft">{lead}</p>
      {children && <div className="mt-6 flex justify-center gap-3">{children}</div>}
    </div>
  );
}

const statusTones: Record<OrderStatus, string> = {
  pending: "bg-sand text-soft",
  awaiting_payment: "bg-amber-wash text-amber",
  payment_failed: "bg-rust-wash text-rust",
  cancelling: "bg-sand text-soft",
  paid: "bg-pine-wash text-pine-deep",
  shipped: "bg-pine-wash text-pine-deep",
  delivered: "bg-pine-wash text-pine-deep",
  cancelled: "bg-sand text-soft",
  refunded: "bg-sand text-soft",
};
export function StatusBadge({ status }: { status: OrderStatus }) {
  const { t } = useTranslation();
  return (
    <span className={`inline-block rounded-full px-2.5 py-1 text-sm font-medium ${statusTones[status] ?? ""}`}>{t(`order.status.${status}`, { defaultValue: status })}</span>
  );
}

export function Busy() {
  return <span className="size-4 animate-spin rounded-full border-2 border-current border-r-transparent" aria-hidden="true" />;
}

// The title of the page, for the tab and for who hears it.
export function Title({ children }: { children: string }) {
  const { data: shop } = useShop();
  return <title>{`${children} · ${shop?.name ?? "Stoa"}`}</title>;
}

export const testCards = [
  "tok_ok",
  "tok_declined",
  "tok_insufficient_funds",
  "tok_expired_card",
  "tok_slow",
  "tok_timeout_after_capture",
] as const;

export function Cards({ value, onChange }: { value: string; onChange: (token: string) => void }) {
  const { t } = useTranslation();
  const group = useId();
  return (
    <fieldset>
      <legend className="sr-only">{t("checkout.payment")}</legend>
      <div className="divide-y divide-line overflow-hidden rounded-box border border-line-strong bg-card">
        {testCards.map((token) => (
          <label key={token} className="flex min-h-14 cursor-pointer items-center gap-3 px-4 py-2 has-checked:bg-pine-wash">
            <input type="radio" name={group} value={token} checked={value === token} onChange={() => onChange(token)} className="size-4 shrink-0 accent-pine" />
            <span className="min-w-0 flex-1">
              <span className="block font-medium">{t(`checkout.cards.${token}.name`)}</span>
              <span className="block text-sm text-soft">{t(`checkout.cards.${token}.hint`)}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

// A line of a cart or an order names its product and has no picture of its own.
export function LinePicture({ id, name }: { id: string; name: string }) {
  const { data } = useQuery({
    queryKey: ["picture", id],
    queryFn: () => ask(api.GET("/api/v1/products/{id}", { params: { path: { id } } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return <Picture product={{ name, image_url: data?.image_url, images: data?.images }} sizes="80px" className="w-full rounded-lg" />;
}
