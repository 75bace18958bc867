// Parts that several pages are made of.
import { useId, type ComponentProps, type ReactNode } from "react";
import type { OrderStatus } from "../api/client";
import { words } from "../shared/format";
import { explain } from "./shop";

export function Page(props: { title: string; lead?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <>
      <title>{`${props.title} · Console`}</title>
      <header className="mb-6 flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1 className="text-2xl font-semibold tracking-tight">{props.title}</h1>
          {props.lead && <p className="mt-0.5 text-soft">{props.lead}</p>}
        </div>
        {props.actions && <div className="flex flex-wrap gap-2">{props.actions}</div>}
      </header>
      {props.children}
    </>
  );
}

export function Card(props: { title?: string; aside?: ReactNode; className?: string; flush?: boolean; children: ReactNode }) {
  const id = useId();
  return (
    <section className={`card min-w-0 ${props.className ?? ""}`} aria-labelledby={props.title ? id : undefined}>
      {props.title && (
        <header className="flex min-h-12 items-center justify-between gap-3 border-b border-line px-4 py-1.5">
          <h2 id={id} className="font-semibold">
            {props.title}
          </h2>
          {props.aside}
        </header>
      )}
      <div className={props.flush ? "" : "p-4"}>{props.children}</div>
    </section>
  );
}

const tones = {
  good: "bg-pine-wash text-pine-deep",
  calm: "bg-sky-wash text-sky",
  warn: "bg-amber-wash text-amber",
  bad: "bg-rust-wash text-rust",
  still: "bg-sand text-soft",
} as const;
export type Tone = keyof typeof tones;

export function Badge({ tone = "still", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`inline-flex items-center whitespace-nowrap rounded-full px-2 py-0.5 text-[0.8125rem] font-medium ${tones[tone]}`}>{children}</span>;
}

export const orderTones: Record<OrderStatus, Tone> = {
  pending: "still",
  awaiting_payment: "warn",
  payment_failed: "bad",
  cancelling: "warn",
  paid: "good",
  shipped: "calm",
  delivered: "calm",
  cancelled: "still",
  refunded: "still",
};
export const OrderBadge = ({ status }: { status: OrderStatus }) => <Badge tone={orderTones[status]}>{words(status)}</Badge>;

export function Notice({ tone = "bad", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <div role={tone === "bad" ? "alert" : "status"} className={`rounded-box px-4 py-2.5 [overflow-wrap:anywhere] ${tones[tone]}`}>
      {children}
    </div>
  );
}

export function Failure({ why, again }: { why: unknown; again?: () => void }) {
  return (
    <div role="alert" className="px-4 py-10 text-center">
      <p className="font-semibold">This could not be loaded</p>
      <p className="mx-auto mt-1 max-w-md text-soft">{explain(why)}</p>
      {again && (
        <button type="button" className="button button-plain mt-4" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="px-6 py-12 text-center">
      <p className="font-medium">{title}</p>
      {children && <div className="mx-auto mt-1 max-w-md text-soft">{children}</div>}
    </div>
  );
}

export function Rows({ n = 6 }: { n?: number }) {
  return (
    <div className="space-y-3 p-4" aria-busy="true">
      {Array.from({ length: n }, (_, k) => (
        <div key={k} className="skeleton h-6" />
      ))}
    </div>
  );
}

export function Field({ label, hint, problem, ...input }: { label: string; hint?: string; problem?: string } & ComponentProps<"input">) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <input id={id} className="field" aria-invalid={problem ? true : undefined} aria-describedby={described || undefined} {...input} />
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-sm text-soft">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="mt-1 text-sm text-rust">
          {problem}
        </p>
      )}
    </div>
  );
}

export function Choose<T extends string>(props: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void }) {
  return (
    <label className="flex items-center gap-2 text-sm">
      <span className="text-soft">{props.label}</span>
      <select className="field w-auto" value={props.value} onChange={(event) => props.onChange(event.target.value as T)}>
        {props.options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Tabs<T extends string>(props: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void }) {
  return (
    <div role="group" aria-label={props.label} className="flex max-w-full gap-1 overflow-x-auto rounded-lg bg-sand p-1">
      {props.options.map(([value, name]) => (
        <button
          key={value}
          type="button"
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
          className={`min-h-9 whitespace-nowrap rounded-md px-3 text-sm ${props.value === value ? "bg-card font-medium shadow-sm" : "text-soft hover:text-ink"}`}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

export function Bar({ share, tone = "good", label }: { share: number; tone?: "good" | "warn" | "bad"; label: string }) {
  const fill = { good: "fill-pine", warn: "fill-amber", bad: "fill-rust" }[tone];
  return (
    <svg viewBox="0 0 100 6" preserveAspectRatio="none" className="h-1.5 w-full rounded-full" role="img" aria-label={label}>
      <rect width="100" height="6" className="fill-sand" />
      <rect width={Math.max(0, Math.min(1, share)) * 100} height="6" className={fill} />
    </svg>
  );
}

export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5">
      {of.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 text-right [overflow-wrap:anywhere]">{value ?? "–"}</dd>
        </div>
      ))}
    </dl>
  );
}

export const Mono = ({ children }: { children: ReactNode }) => <code className="font-mono text-[0.8125rem] [overflow-wrap:anywhere]">{children}</code>;
