import { useMutation, useQuery } from "@tanstack/react-query";
import { ApiProblem } from "../../api/problem";
import { count, words } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Badge, Card, Failure, Mono, Notice, Page, Rows } from "../parts";
import { explain, json, useDeadLetters } from "../shop";

type Readiness = { status: string; dependencies: Record<string, string>; parts?: Record<string, { status: string; dependencies: Record<string, string> }> };
type Audit = Record<string, number> & { clean: boolean; broken: number; findings: { rule: number; name: string; subject: string; what: string }[] };

const stands = (all: Readiness) => [all, ...Object.values(all.parts ?? {})].every((each) => each.status === "ready");

const looked: readonly (readonly [string, string])[] = [
  ["products", "Products"],
  ["orders", "Orders"],
  ["payments", "Payments"],
  ["events", "Events"],
  ["carts", "Carts"],
  ["notifications", "Messages"],
  ["idempotency_keys", "Idempotency keys"],
  ["in_flight", "Orders under way"],
];

export default function Health() {
  return (
    <Page title="Health" lead="Whether the shop stands, and whether all adds up.">
      <div className="grid items-start gap-3 lg:grid-cols-[1fr_1.6fr]">
        <Dependencies />
        <AuditCard />
      </div>
    </Page>
  );
}

function Dependencies() {
  const ready = useQuery({ queryKey: ["readiness"], queryFn: () => json<Readiness>("/api/v1/readiness"), refetchInterval: 3_000 });
  const letters = useDeadLetters();
  return (
    <Card title="What it stands on" flush aside={ready.data && <Badge tone={stands(ready.data) ? "good" : "bad"}>{stands(ready.data) ? "ready" : "not ready"}</Badge>}>
      {ready.isError && !ready.data ? (
        <Failure why={ready.error} again={() => void ready.refetch()} />
      ) : !ready.data ? (
        <Rows n={3} />
      ) : (
        <ul className="divide-y divide-line">
          {Object.entries(ready.data.dependencies).map(([name, state]) => (
            <Stands key={name} name={name} state={state} />
          ))}
          {Object.entries(ready.data.parts ?? {}).map(([part, { status, dependencies }]) => (
            <Stands key={part} name={`the ${part} service`} state={status === "ready" ? status : Object.entries(dependencies).filter(([, state]) => state !== "ready").map(([name, state]) => `${name}: ${state}`).join("; ")} />
          ))}
          <li className="flex min-h-11 items-center justify-between gap-3 px-4 py-2">
            <span>dead letters</span>
            <Badge tone={(letters.data?.letters.length ?? 0) > 0 ? "bad" : "good"}>{letters.data ? letters.data.letters.length : "unknown"}</Badge>
          </li>
        </ul>
      )}
    </Card>
  );
}

function Stands({ name, state }: { name: string; state: string }) {
  return (
    <li className="flex min-h-11 items-center justify-between gap-3 px-4 py-2">
      <span>{words(name)}</span>
      {state === "ready" ? <Badge tone="good">ready</Badge> : <span className="text-right text-rust [overflow-wrap:anywhere]">{state}</span>}
    </li>
  );
}

function AuditCard() {
  const audit = useMutation({ mutationFn: () => json<Audit>("/api/v1/audit", { method: "POST" }) });
  const report = audit.data;
  return (
    <Card
      title="Audit"
      aside={
        <button type="button" className="button button-main" {...working(audit.isPending)} onClick={() => audit.mutate()}>
          {audit.isPending ? "Checking…" : report ? "Check again" : "Check now"}
        </button>
      }
    >
      <p className="text-soft">One moment of the shop is read while it goes on selling: stock is the sum of its movements, money adds up to the cent, every change has its event, and each event was applied once.</p>
      {audit.isError && <div className="mt-4"><Notice>{audit.error instanceof ApiProblem && audit.error.status === 404 ? "A shop of several processes is audited from outside: `stoa audit --config FILE`, as the operations page describes." : explain(audit.error)}</Notice></div>}
      {report && (
        <div className="mt-4 space-y-4" data-testid="audit" data-clean={report.clean}>
          <Notice tone={report.clean ? "good" : "bad"}>{report.clean ? "Clean: every rule holds." : `${count(report.broken)} findings. Keep a backup; nothing is repaired by itself.`}</Notice>
          <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
            {looked.map(([key, name]) => (
              <div key={key} className="rounded-box bg-sand px-3 py-2">
                <dt className="text-sm text-soft">{name}</dt>
                <dd className="text-lg font-semibold tabular-nums">{count(report[key] ?? 0)}</dd>
              </div>
            ))}
          </dl>
          {report.findings.length > 0 && (
            <ul className="divide-y divide-line rounded-box border border-line">
              {report.findings.slice(0, 100).map((each, n) => (
                <li key={n} className="px-4 py-2.5">
                  <p className="font-medium">
                    {each.rule}. {words(each.name)}
                  </p>
                  <p className="text-soft [overflow-wrap:anywhere]">
                    {each.what} <Mono>{each.subject}</Mono>
                  </p>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </Card>
  );
}
