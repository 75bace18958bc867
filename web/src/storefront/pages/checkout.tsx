import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { z } from "zod/mini";
import { ask, type Cart } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { working } from "../../shared/ui/focus";
import { contentOf, forget, lastAttempt } from "../attempt";
import { CartLines } from "../cart_drawer";
import { patiently, placeOrder, type Waiting } from "../order_placement";
import { Busy, Cards, Empty, Failure, Field, Notice, Title } from "../parts";
import { api, session, useCart, useExplain, useMoney, useSession } from "../shop";

const text = (most: number) => z.string().check(z.trim(), z.minLength(1, "required"), z.maxLength(most, "required"));
const form = z.object({
  email: z.string().check(z.trim(), z.email("emailInvalid")),
  name: text(200),
  street: text(200),
  city: text(100),
  zip: z.string().check(z.trim(), z.maxLength(20, "required")),
  country: z.string().check(z.minLength(2, "required")),
});
type Form = z.infer<typeof form>;

const countries = ["AT", "AU", "BE", "CA", "CH", "CY", "DE", "DK", "ES", "FI", "FR", "GB", "GR", "IE", "IT", "JP", "NL", "NO", "PL", "PT", "SE", "US"];
const draftPlace = "stoa.address";
const none: Form = { email: "", name: "", street: "", city: "", zip: "", country: "" };

// What was typed survives a reload of this tab, and no longer.
function draft(): Form {
  try {
    return { ...none, ...JSON.parse(sessionStorage.getItem(draftPlace) ?? "{}") };
  } catch {
    return none;
  }
}

export default function Checkout() {
  const { t } = useTranslation();
  const state = useSession();
  const cart = useCart();
  const back = useOrderOf(cart.data);
  if (cart.isError && !cart.data) return <Failure why={cart.error} again={() => void cart.refetch()} />;
  if (!cart.data || state.status === "unknown" || back === "looking")
    return (
      <div aria-busy="true" className="grid gap-12 lg:grid-cols-2">
        <div className="skeleton h-96" />
        <div className="skeleton h-72" />
      </div>
    );
  if (cart.data.items.length === 0 || state.status === "none")
    return (
      <>
        <Title>{t("checkout.title")}</Title>
        <Empty page title={t("cart.empty")} lead={t("cart.emptyLead")}>
          <Link to="/browse" className="button button-main">
            {t("home.browse")}
          </Link>
        </Empty>
      </>
    );
  return <CheckoutForm cart={cart.data} />;
}

// Whoever comes back to a cart that is ordered already (by the back button, or in another tab) goes on to that order.
function useOrderOf(cart: Cart | undefined): "looking" | "none" {
  const navigate = useNavigate();
  const state = useSession();
  const person = state.status === "open" ? state.person.id : undefined;
  const known = person ? lastAttempt(person) : null;
  const order = cart && known?.order && known.cart === contentOf(cart) ? known.order : undefined;
  const { data, isError } = useQuery({
    queryKey: ["order", order],
    queryFn: () => ask(api.GET("/api/v1/orders/{id}", { params: { path: { id: order! } } })),
    enabled: Boolean(order),
  });
  // What was paid leaves the cart at once: a cart that is still so later was filled again, on another device.
  const justPaid = data?.status === "paid" && Date.now() - new Date(data.updated_at).getTime() < 10_000;
  const open = data && (justPaid || ["pending", "awaiting_payment", "payment_failed", "cancelling"].includes(data.status));
  useEffect(() => {
    if (data && open) void navigate(`/order/${data.id}`, { replace: true });
    else if (data && known) forget(known);
  });
  return order && !isError && (!data || open) ? "looking" : "none";
}

function CheckoutForm({ cart }: { cart: Cart }) {
  const { t, i18n } = useTranslation();
  const money = useMoney();
  const explain = useExplain();
  const navigate = useNavigate();
  const client = useQueryClient();
  const person = session.person();
  const [card, setCard] = useState("tok_ok");
  const [waiting, setWaiting] = useState<Waiting>("sending");
  const problem = useRef<HTMLDivElement>(null);
  const known = person?.role === "guest" ? none : { ...none, email: person?.email ?? "", name: [person?.first_name, person?.last_name].filter(Boolean).join(" ") };
  const typed = draft();
  const { register, handleSubmit, formState, watch, setError } = useForm<Form>({
    resolver: zodResolver(form),
    defaultValues: { ...typed, email: typed.email || known.email, name: typed.name || known.name },
  });
  useEffect(() => {
    const { unsubscribe } = watch((values) => sessionStorage.setItem(draftPlace, JSON.stringify(values)));
    return unsubscribe;
  }, [watch]);

  const place = useMutation({
    mutationFn: async (given: Form) => {
      const { email, name, ...address } = given;
      const who = await patiently(async () => {
        const somebody = await session.ensureSomebody();
        // Who the parcel and the mail go to; a guest has no other record of it.
        if (somebody.role === "guest") await ask(api.PUT("/api/v1/users/me", { body: { email, name } }));
        return somebody;
      }, setWaiting);
      const shipping_address = Object.fromEntries(Object.entries({ name, ...address }).filter(([, value]) => value !== ""));
      return placeOrder(api, who.id, cart, { shipping_address, payment_method: card }, setWaiting);
    },
    onSuccess: (id) => {
      sessionStorage.removeItem(draftPlace);
      void client.invalidateQueries({ queryKey: ["cart"] });
      void navigate(`/order/${id}`, { replace: true, state: { fresh: true } });
    },
    onError: (why) => {
      void client.invalidateQueries({ queryKey: ["cart"] });
      if (why instanceof ApiProblem)
        for (const each of why.fields) {
          const name = each.pointer.split("/").at(-1) as keyof Form;
          if (name in none) setError(name, { message: each.detail });
        }
      requestAnimationFrame(() => problem.current?.focus());
    },
  });
  const blocked = cart.items.some((line) => line.problem);
  const say = (name: keyof Form) => {
    const message = formState.errors[name]?.message;
    return message ? t(`checkout.${message}`, { defaultValue: message }) : undefined;
  };
  const regions = new Intl.DisplayNames([i18n.language], { type: "region" });
  const countryProblem = say("country");

  return (
    <>
      <Title>{t("checkout.title")}</Title>
      <h1 className="display text-4xl sm:text-5xl">{t("checkout.title")}</h1>
      <form noValidate onSubmit={handleSubmit((given) => !place.isPending && place.mutate(given))} className="mt-8 grid gap-10 lg:grid-cols-[1fr_25rem] lg:gap-16">
        <div className="max-w-2xl space-y-10">
          <section aria-labelledby="contact" className="space-y-4">
            <div className="flex items-baseline justify-between">
              <h2 id="contact" className="text-xl font-semibold">
                {t("checkout.contact")}
              </h2>
              {person?.role === "guest" && (
                <Link to="/sign-in?then=/checkout" className="text-sm underline underline-offset-4">
                  {t("checkout.haveAccount")}
                </Link>
              )}
            </div>
            <Field label={t("checkout.email")} hint={t("checkout.emailHint")} type="email" autoComplete="email" problem={say("email")} readOnly={person?.role !== "guest" && Boolean(person?.email)} {...register("email")} />
            <Field label={t("checkout.name")} autoComplete="name" maxLength={200} problem={say("name")} {...register("name")} />
          </section>
          <section aria-labelledby="address" className="space-y-4">
            <h2 id="address" className="text-xl font-semibold">
              {t("checkout.address")}
            </h2>
            <Field label={t("checkout.street")} autoComplete="street-address" maxLength={200} problem={say("street")} {...register("street")} />
            <div className="grid gap-4 sm:grid-cols-[1fr_2fr]">
              <Field label={t("checkout.zip")} autoComplete="postal-code" maxLength={20} problem={say("zip")} {...register("zip")} />
              <Field label={t("checkout.city")} autoComplete="address-level2" maxLength={100} problem={say("city")} {...register("city")} />
            </div>
            <div>
              <label htmlFor="country" className="mb-1.5 block text-sm font-medium">
                {t("checkout.country")}
              </label>
              <select id="country" className="field" autoComplete="country" aria-invalid={countryProblem ? true : undefined} aria-describedby={countryProblem ? "country-problem" : undefined} {...register("country")}>
                <option value=""></option>
                {countries
                  .map((code) => [code, regions.of(code) ?? code] as const)
                  .sort(([, a], [, b]) => a.localeCompare(b, i18n.language))
                  .map(([code, name]) => (
                    <option key={code} value={code}>
                      {name}
                    </option>
                  ))}
              </select>
              {countryProblem && (
                <p id="country-problem" className="mt-1.5 text-sm text-rust">
                  {countryProblem}
                </p>
              )}
            </div>
          </section>
          <section aria-labelledby="payment" className="space-y-4">
            <h2 id="payment" className="text-xl font-semibold">
              {t("checkout.payment")}
            </h2>
            <p className="text-soft">{t("checkout.paymentHint")}</p>
            <Cards value={card} onChange={setCard} />
          </section>
        </div>
        <aside aria-labelledby="summary" className="lg:sticky lg:top-36 lg:self-start">
          <div className="rounded-box border border-line bg-card p-5 sm:p-6">
            <h2 id="summary" className="text-xl font-semibold">
              {t("checkout.summary")}
            </h2>
            <CartLines />
            <p className="mt-2 flex justify-between border-t border-line pt-4 text-lg">
              <span>{t("cart.subtotal")}</span>
              <strong className="font-semibold tabular-nums">{money(cart.total_amount, cart.currency)}</strong>
            </p>
            <div ref={problem} tabIndex={-1} className="mt-4 space-y-3 outline-none empty:hidden">
              {blocked && <Notice tone="warn">{t("cart.fix")}</Notice>}
              {place.isError && <Notice>{explain(place.error)}</Notice>}
              {place.isPending && waiting === "offline" && <Notice tone="warn">{t("checkout.waiting")}</Notice>}
            </div>
            <button type="submit" className="button button-main mt-4 min-h-13 w-full text-lg" disabled={blocked} {...working(place.isPending)} data-testid="place-order">
              {place.isPending && <Busy />}
              {place.isPending ? t("checkout.sending") : t("checkout.place", { total: money(cart.total_amount, cart.currency) })}
            </button>
            <p className="mt-3 text-sm text-soft">{t("checkout.safe")}</p>
          </div>
        </aside>
      </form>
    </>
  );
}
