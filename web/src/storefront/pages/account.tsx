import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { Link, Navigate, NavLink, useLocation, useNavigate } from "react-router";
import { ask, type Schemas } from "../../api/client";
import { day, orderNumber } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Busy, Empty, Failure, Field, LinePicture, Notice, StatusBadge, Title } from "../parts";
import { api, queries, session, useExplain, useMoney, useSession } from "../shop";

export default function Account() {
  const { t } = useTranslation();
  const state = useSession();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  if (state.status === "none") return <Navigate to={`/sign-in?then=${pathname}`} replace />;
  if (state.status === "unknown") return <div className="skeleton h-64" aria-busy="true" />;
  const guest = state.person.role === "guest";
  const tab = "flex min-h-11 items-center border-b-2 px-1";
  return (
    <>
      <Title>{t("account.title")}</Title>
      <div className="mx-auto max-w-4xl">
        <div className="flex flex-wrap items-end justify-between gap-4">
          <h1 className="display text-4xl sm:text-5xl">{t("account.title")}</h1>
          {!guest && (
            <button
              type="button"
              className="button button-plain"
              onClick={async () => {
                await session.logout();
                queries.clear();
                void navigate("/");
              }}
            >
              {t("account.signOut")}
            </button>
          )}
        </div>
        {guest ? (
          <div className="mt-6 flex flex-wrap items-center justify-between gap-4 rounded-box bg-pine-wash px-5 py-4 text-pine-deep">
            <p className="max-w-lg">{t("account.guestLead")}</p>
            <Link to="/join?then=/account" className="button button-main">
              {t("auth.join")}
            </Link>
          </div>
        ) : (
          <nav className="mt-6 flex gap-6 border-b border-line" aria-label={t("account.title")}>
            <NavLink end to="/account" className={({ isActive }) => `${tab} ${isActive ? "border-pine font-medium" : "border-transparent text-soft"}`}>
              {t("account.orders")}
            </NavLink>
            <NavLink to="/account/profile" className={({ isActive }) => `${tab} ${isActive ? "border-pine font-medium" : "border-transparent text-soft"}`}>
              {t("account.profile")}
            </NavLink>
          </nav>
        )}
        {pathname.endsWith("/profile") && !guest ? <Profile /> : <Orders />}
      </div>
    </>
  );
}

function Orders() {
  const { t, i18n } = useTranslation();
  const money = useMoney();
  const list = useInfiniteQuery({
    queryKey: ["orders"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/api/v1/orders", { params: { query: { limit: 10, cursor: pageParam } } })),
    getNextPageParam: (last) => last.next_cursor,
  });
  if (list.isPending)
    return (
      <div className="mt-6 space-y-3" aria-busy="true">
        {[1, 2, 3].map((n) => (
          <div key={n} className="skeleton h-24" />
        ))}
      </div>
    );
  if (list.isError) return <Failure why={list.error} again={() => void list.refetch()} />;
  const orders = list.data.pages.flatMap((each) => each.orders);
  if (orders.length === 0)
    return (
      <Empty title={t("account.noOrders")} lead={t("account.noOrdersLead")}>
        <Link to="/browse" className="button button-plain">
          {t("home.browse")}
        </Link>
      </Empty>
    );
  return (
    <>
      <ul className="mt-6 space-y-3">
        {orders.map((order) => (
          <li key={order.id}>
            <Link to={`/order/${order.id}`} className="grid items-center gap-x-6 gap-y-3 rounded-box border border-line bg-card p-4 hover:border-line-strong sm:grid-cols-[1fr_auto_auto]">
              <span className="flex min-w-0 items-center gap-4">
                <span className="flex -space-x-3">
                  {order.items.slice(0, 3).map((line) => (
                    <span key={line.product_id} className="w-12 overflow-hidden rounded-lg border-2 border-card">
                      <LinePicture id={line.product_id} name={line.name} />
                    </span>
                  ))}
                </span>
                <span className="min-w-0">
                  <span className="block font-medium">{t("order.title", { number: orderNumber(order.id) })}</span>
                  <span className="block text-sm text-soft">{day(order.created_at, i18n.language)}</span>
                </span>
              </span>
              <span className="justify-self-start">
                <StatusBadge status={order.status} />
              </span>
              <span className="font-medium tabular-nums sm:w-24 sm:text-right">{money(order.total_amount, order.currency)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="mt-6 text-center">
          <button type="button" className="button button-plain" {...working(list.isFetchingNextPage)} onClick={() => void list.fetchNextPage()}>
            {t("account.more")}
          </button>
        </div>
      )}
    </>
  );
}

function Profile() {
  const { data, isError, error, refetch } = useQuery({ queryKey: ["me"], queryFn: () => ask(api.GET("/api/v1/users/me")) });
  if (isError) return <Failure why={error} again={() => void refetch()} />;
  if (!data) return <div className="skeleton mt-6 h-64" aria-busy="true" />;
  return <ProfileForm key={data.id} user={data} />;
}

function ProfileForm({ user }: { user: Schemas["user"] }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const client = useQueryClient();
  const { register, handleSubmit } = useForm({ defaultValues: { first_name: user.first_name, last_name: user.last_name, phone: user.phone ?? "" } });
  const save = useMutation({
    mutationFn: ({ phone, ...names }: { first_name: string; last_name: string; phone: string }) => ask(api.PUT("/api/v1/users/me", { body: { ...names, ...(phone ? { phone } : {}) } })),
    onSuccess: (after) => client.setQueryData(["me"], after),
  });
  const [token, setToken] = useState("");
  const send = useMutation({ mutationFn: () => ask(api.POST("/api/v1/auth/verify-email/request")) });
  const verify = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/auth/verify-email", { body: { token: token.trim() } })),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <div className="mt-6 max-w-xl space-y-6">
      {!user.email_verified && (
        <div className="rounded-box bg-amber-wash px-5 py-4 text-amber">
          <p>{t("account.unverified")}</p>
          {!send.isSuccess ? (
            <button type="button" className="mt-1 min-h-11 font-medium underline underline-offset-4" onClick={() => send.mutate()}>
              {t("account.verifySend")}
            </button>
          ) : (
            <form
              className="mt-3 space-y-3 text-ink"
              onSubmit={(event) => {
                event.preventDefault();
                verify.mutate();
              }}
            >
              <p className="text-amber">{t("account.verifySent")}</p>
              <Field autoFocus label={t("account.token")} value={token} onChange={(event) => setToken(event.target.value)} problem={verify.isError ? explain(verify.error) : undefined} />
              <button type="submit" className="button button-plain">
                {t("account.verify")}
              </button>
            </form>
          )}
        </div>
      )}
      <form className="space-y-4" onSubmit={handleSubmit((given) => save.mutate(given))}>
        <Field label={t("checkout.email")} value={user.email ?? ""} readOnly disabled />
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("account.firstName")} autoComplete="given-name" required {...register("first_name")} />
          <Field label={t("account.lastName")} autoComplete="family-name" required {...register("last_name")} />
        </div>
        <Field label={t("account.phone")} type="tel" autoComplete="tel" {...register("phone")} />
        {save.isError && <Notice>{explain(save.error)}</Notice>}
        {save.isSuccess && <Notice tone="calm">{t("account.saved")}</Notice>}
        <button type="submit" className="button button-main" {...working(save.isPending)}>
          {save.isPending && <Busy />}
          {t("account.save")}
        </button>
      </form>
    </div>
  );
}
