import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { ask } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { working } from "../../shared/ui/focus";
import { Busy, Field, Notice, Title } from "../parts";
import { api, session, useExplain } from "../shop";

export default function Auth({ kind }: { kind: "sign-in" | "join" | "reset" }) {
  const [parameters] = useSearchParams();
  const asked = parameters.get("then") ?? "";
  // Only to pages of this shop: an address from elsewhere must not carry people away.
  const then = /^\/(?![/\\])/.test(asked) ? asked : "/account";
  return (
    <div className="mx-auto max-w-md pt-4">
      {kind === "sign-in" ? <SignIn key="in" then={then} /> : kind === "join" ? <Join key="join" then={then} /> : <Reset key="reset" />}
    </div>
  );
}

function Head({ title, lead }: { title: string; lead: string }) {
  return (
    <>
      <Title>{title}</Title>
      <h1 className="display text-4xl">{title}</h1>
      <p className="mt-2 text-soft">{lead}</p>
    </>
  );
}

const fieldsOf = (event: FormEvent<HTMLFormElement>) => {
  event.preventDefault();
  return Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
};

function SignIn({ then }: { then: string }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const navigate = useNavigate();
  const signIn = useMutation({
    mutationFn: ({ email, password }: Record<string, string>) => session.login(email!.trim(), password!),
    onSuccess: () => navigate(then, { replace: true }),
  });
  return (
    <>
      <Head title={t("auth.signInTitle")} lead={t("auth.signInLead")} />
      <form className="mt-8 space-y-4" onSubmit={(event) => signIn.mutate(fieldsOf(event))}>
        <Field name="email" type="email" required label={t("checkout.email")} autoComplete="username" />
        <Field name="password" type="password" required label={t("auth.password")} autoComplete="current-password" />
        {signIn.isError && <Notice>{explain(signIn.error)}</Notice>}
        <button type="submit" className="button button-main w-full" {...working(signIn.isPending)}>
          {signIn.isPending && <Busy />}
          {t("auth.signIn")}
        </button>
      </form>
      <div className="mt-6 flex flex-wrap justify-between gap-3 text-sm">
        <span>
          {t("auth.noAccount")}{" "}
          <Link className="font-medium underline underline-offset-4" to={`/join?then=${encodeURIComponent(then)}`}>
            {t("auth.join")}
          </Link>
        </span>
        <Link className="underline underline-offset-4" to="/reset">
          {t("auth.forgot")}
        </Link>
      </div>
    </>
  );
}

function Join({ then }: { then: string }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const navigate = useNavigate();
  const join = useMutation({
    mutationFn: ({ email, password, first_name, last_name }: Record<string, string>) =>
      session.register({ email: email!.trim(), password: password!, first_name: first_name!.trim(), last_name: last_name!.trim() }),
    onSuccess: () => navigate(then, { replace: true }),
  });
  const field = (name: string) => (join.error instanceof ApiProblem ? join.error.fields.find((each) => each.pointer === `/${name}`)?.detail : undefined);
  const told = join.error instanceof ApiProblem && join.error.fields.length > 0;
  return (
    <>
      <Head title={t("auth.joinTitle")} lead={t("auth.joinLead")} />
      <form className="mt-8 space-y-4" onSubmit={(event) => join.mutate(fieldsOf(event))}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field name="first_name" required maxLength={100} label={t("account.firstName")} autoComplete="given-name" problem={field("first_name")} />
          <Field name="last_name" required maxLength={100} label={t("account.lastName")} autoComplete="family-name" problem={field("last_name")} />
        </div>
        <Field name="email" type="email" required label={t("checkout.email")} autoComplete="username" problem={field("email")} />
        <Field name="password" type="password" required minLength={8} label={t("auth.password")} hint={t("auth.passwordHint")} autoComplete="new-password" problem={field("password")} />
        {join.isError && !told && <Notice>{explain(join.error)}</Notice>}
        <button type="submit" className="button button-main w-full" {...working(join.isPending)}>
          {join.isPending && <Busy />}
          {t("auth.join")}
        </button>
      </form>
      <p className="mt-6 text-sm">
        {t("auth.hasAccount")}{" "}
        <Link className="font-medium underline underline-offset-4" to={`/sign-in?then=${encodeURIComponent(then)}`}>
          {t("auth.signIn")}
        </Link>
      </p>
    </>
  );
}

function Reset() {
  const { t } = useTranslation();
  const explain = useExplain();
  // A message's link carries its token (setting reset_url).
  const given = useSearchParams()[0].get("token") ?? "";
  const [sent, setSent] = useState(given !== "");
  const send = useMutation({
    mutationFn: ({ email }: Record<string, string>) => ask(api.POST("/api/v1/auth/password-reset", { body: { email: email!.trim() } })),
    onSuccess: () => setSent(true),
  });
  const set = useMutation({
    mutationFn: ({ token, new_password }: Record<string, string>) => ask(api.POST("/api/v1/auth/password-reset/confirm", { body: { token: token!.trim(), new_password: new_password! } })),
  });
  const failed = send.error ?? set.error;
  return (
    <>
      <Head title={t("auth.resetTitle")} lead={given ? "" : sent ? t("auth.sent") : t("auth.resetLead")} />
      {set.isSuccess ? (
        <div className="mt-8 space-y-4">
          <Notice tone="calm">{t("auth.done")}</Notice>
          <Link to="/sign-in" className="button button-main w-full">
            {t("auth.signIn")}
          </Link>
        </div>
      ) : (
        <form key={String(sent)} className="mt-8 space-y-4" onSubmit={(event) => (sent ? set : send).mutate(fieldsOf(event))}>
          {sent ? (
            <>
              <Field name="token" required autoFocus={!given} defaultValue={given} label={t("account.token")} autoComplete="one-time-code" />
              <Field name="new_password" type="password" required minLength={8} label={t("auth.newPassword")} hint={t("auth.passwordHint")} autoComplete="new-password" />
            </>
          ) : (
            <Field name="email" type="email" required label={t("checkout.email")} autoComplete="username" />
          )}
          {failed && <Notice>{explain(failed)}</Notice>}
          <button type="submit" className="button button-main w-full" {...working(send.isPending || set.isPending)}>
            {(send.isPending || set.isPending) && <Busy />}
            {sent ? t("auth.set") : t("auth.send")}
          </button>
        </form>
      )}
    </>
  );
}
