import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ask } from "../../api/client";
import { when } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Panel } from "../../shared/ui/panel";
import { Badge, Card, Empty, Failure, Field, Mono, Notice, Page, Rows } from "../parts";
import { api, explain, session } from "../shop";

// As the shop knows them (POST /api/v1/api-keys names them all when one is wrong).
const scopes = ["products", "orders", "payments", "carts", "users", "notifications"].flatMap((each) => [`${each}:read`, `${each}:write`]).concat(["analytics:read", "imports:read", "gateway:read", "readiness:read", "dead-letters:read", "dead-letters:write", "log:read", "audit:write"]);

export default function Access() {
  return (
    <Page title="Access" lead="Who and what may run the shop.">
      <div className="grid items-start gap-3 lg:grid-cols-2">
        <Keys />
        <Operators />
      </div>
    </Page>
  );
}

function Keys() {
  const client = useQueryClient();
  const keys = useQuery({ queryKey: ["keys"], queryFn: () => ask(api.GET("/api/v1/api-keys")) });
  const [making, setMaking] = useState(false);
  const revoke = useMutation({
    mutationFn: (id: string) => ask(api.DELETE("/api/v1/api-keys/{id}", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["keys"] }),
  });
  const [asking, setAsking] = useState<string | null>(null);
  return (
    <Card
      title="API keys"
      flush
      aside={
        <button type="button" className="button button-plain" onClick={() => setMaking(true)}>
          New key
        </button>
      }
    >
      {revoke.isError && <div className="p-4"><Notice>{explain(revoke.error)}</Notice></div>}
      {keys.isError ? (
        <Failure why={keys.error} again={() => void keys.refetch()} />
      ) : !keys.data ? (
        <Rows n={3} />
      ) : keys.data.api_keys.length === 0 ? (
        <Empty title="No keys">Programs use one instead of a password, and each may do only what its scopes say.</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {keys.data.api_keys.map((each) => (
            <li key={each.id} className="flex items-start justify-between gap-4 px-4 py-3">
              <div className="min-w-0">
                <p className="font-medium [overflow-wrap:anywhere]">{each.name}</p>
                <p className="text-sm text-soft">{when(each.created_at)}</p>
                <p className="mt-1.5 flex flex-wrap gap-1">
                  {each.scopes.map((scope) => (
                    <Badge key={scope}>{scope}</Badge>
                  ))}
                </p>
              </div>
              <button type="button" className="button button-bad" onClick={() => (asking === each.id ? revoke.mutate(each.id) : setAsking(each.id))}>
                {asking === each.id ? "Really revoke" : "Revoke"}
              </button>
            </li>
          ))}
        </ul>
      )}
      <Panel open={making} onOpenChange={setMaking} title="New API key" closeLabel="Close" wide>
        {making && <NewKey />}
      </Panel>
    </Card>
  );
}

function NewKey() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string[]>(["products:read"]);
  const make = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/api-keys", { body: { name: name.trim(), scopes: chosen } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["keys"] }),
  });
  if (make.data)
    return (
      <div className="space-y-4 p-5">
        <Notice tone="good">The key is made. It is shown this once: the shop keeps only its digest.</Notice>
        <p className="rounded-box bg-sand p-4" data-testid="new-key">
          <Mono>{make.data.key}</Mono>
        </p>
        <button type="button" className="button button-main" onClick={() => void navigator.clipboard?.writeText(make.data.key)}>
          Copy
        </button>
      </div>
    );
  return (
    <form
      className="space-y-4 p-5"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <Field label="Name" hint="Which program it is for" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      <fieldset>
        <legend className="mb-2 text-sm font-medium">What it may do</legend>
        <div className="grid gap-x-4 sm:grid-cols-2">
          {scopes.map((scope) => (
            <label key={scope} className="flex min-h-9 items-center gap-3">
              <input type="checkbox" className="size-4 accent-pine" checked={chosen.includes(scope)} onChange={(event) => setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((each) => each !== scope))} />
              <span className="font-mono text-[0.8125rem]">{scope}</span>
            </label>
          ))}
        </div>
      </fieldset>
      {make.isError && <Notice>{explain(make.error)}</Notice>}
      <div className="flex justify-end">
        <button type="submit" className="button button-main" disabled={chosen.length === 0} {...working(make.isPending)}>
          Make the key
        </button>
      </div>
    </form>
  );
}

function Operators() {
  const client = useQueryClient();
  const operators = useQuery({ queryKey: ["users", "admin"], queryFn: () => ask(api.GET("/api/v1/users", { params: { query: { role: "admin", limit: 100 } } })) });
  const [email, setEmail] = useState("");
  const change = useMutation({
    mutationFn: async ({ id, role }: { id: string; role: "admin" | "customer" }) => ask(api.PUT("/api/v1/users/{id}", { params: { path: { id } }, body: { role } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["users"] }),
  });
  const promote = useMutation({
    mutationFn: async () => {
      const wanted = email.trim().toLowerCase();
      for (let cursor: string | undefined, page = 0; page < 50; ++page) {
        const found = await ask(api.GET("/api/v1/users", { params: { query: { role: "customer", limit: 100, cursor } } }));
        const who = found.users.find((each) => each.email?.toLowerCase() === wanted);
        if (who) return change.mutateAsync({ id: who.id, role: "admin" });
        cursor = found.next_cursor;
        if (!cursor) break;
      }
      throw new Error("No customer has this address. Let them make an account in the storefront first.");
    },
    onSuccess: () => setEmail(""),
  });
  const own = session.person()?.id;
  return (
    <Card title="Operators" flush>
      {operators.isError ? (
        <Failure why={operators.error} again={() => void operators.refetch()} />
      ) : !operators.data ? (
        <Rows n={2} />
      ) : (
        <ul className="divide-y divide-line">
          {operators.data.users.map((each) => (
            <li key={each.id} className="flex items-center justify-between gap-4 px-4 py-3">
              <div className="min-w-0">
                <p className="font-medium [overflow-wrap:anywhere]">
                  {each.first_name} {each.last_name} {each.id === own && <Badge tone="calm">you</Badge>}
                </p>
                <p className="truncate text-sm text-soft">{each.email}</p>
              </div>
              {each.id !== own && (
                <button type="button" className="button button-plain" {...working(change.isPending)} onClick={() => change.mutate({ id: each.id, role: "customer" })}>
                  Make a customer
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <form
        className="space-y-3 border-t border-line p-4"
        onSubmit={(event) => {
          event.preventDefault();
          promote.mutate();
        }}
      >
        <Field label="Make a customer an operator" type="email" placeholder="their@address" required value={email} onChange={(event) => setEmail(event.target.value)} />
        {promote.isError && <Notice>{promote.error instanceof Error && promote.error.name === "Error" ? promote.error.message : explain(promote.error)}</Notice>}
        {change.isError && !promote.isError && <Notice>{explain(change.error)}</Notice>}
        <button type="submit" className="button button-plain" {...working(promote.isPending)}>
          Give access
        </button>
      </form>
    </Card>
  );
}
