import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ask } from "../../api/client";
import { Link, useNavigate } from "react-router";
import { ago, clock, count, orderNumber, precise, when, words } from "../../shared/format";
import { follow, type StreamState } from "../../shared/server_events";
import { working } from "../../shared/ui/focus";
import { Badge, Card, Empty, Failure, Mono, Notice, Page, Rows, type Tone } from "../parts";
import type { LoggedEvent } from "../story";
import { api, explain, json, useDeadLetters, type DeadLetter, type RedriveReport } from "../shop";

const kept = 200;
type Seen = { n: number; at: string; event: string; pipeline: string; data: Record<string, unknown> };

export default function Events() {
  return (
    <Page title="Events" lead="What the log carries, how far it is read, and what could not be applied." actions={<FindOrder />}>
      <div className="grid grid-cols-1 gap-3">
        <DeadLetters />
        <Topics />
        <Sources />
        <Tail />
      </div>
    </Page>
  );
}

const outcomes: Record<DeadLetter["outcome"], Tone> = { waiting: "warn", applied: "good", failed: "bad", behind: "warn", given_up: "still" };

function DeadLetters() {
  const client = useQueryClient();
  const letters = useDeadLetters(5_000);
  const redrive = useMutation({
    mutationFn: (wanted: { id?: string; give_up?: boolean }) =>
      json<RedriveReport>("/api/v1/dead-letters/redrive", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wanted) }),
    onSettled: () => client.invalidateQueries({ queryKey: ["dead-letters"] }),
  });
  const [asking, setAsking] = useState<string | null>(null);
  const all = letters.data?.letters ?? [];
  const done = redrive.data?.letters ?? [];
  const applied = done.filter((each) => each.outcome === "applied").length;
  return (
    <Card
      title="Dead letters"
      flush
      aside={
        all.length > 0 && (
          <button type="button" className="button button-plain" {...working(redrive.isPending)} onClick={() => redrive.mutate({})}>
            Apply all once more
          </button>
        )
      }
    >
      {redrive.isError && <div className="p-4"><Notice>{explain(redrive.error)}</Notice></div>}
      {redrive.isSuccess && (
        <div className="p-4">
          <Notice tone={applied === done.length ? "good" : "warn"}>
            {applied} of {done.length} applied.
          </Notice>
        </div>
      )}
      {letters.isError ? (
        <Failure why={letters.error} again={() => void letters.refetch()} />
      ) : !letters.data ? (
        <Rows n={2} />
      ) : all.length === 0 ? (
        <p className="p-4 text-soft">None. An event that cannot be applied waits here, with its cause, until somebody has mended that.</p>
      ) : (
        <ul className="divide-y divide-line">
          {all.map((each) => (
            <li key={`${each.group}-${each.id}`} className="grid gap-x-4 gap-y-1 px-4 py-3 md:grid-cols-[1fr_auto]">
              <div className="min-w-0">
                <p>
                  <span className="font-medium">{each.type}</span> <span className="text-soft">for {each.group}, {each.attempts} attempts, {ago(each.at)}</span> <Badge tone={outcomes[each.outcome]}>{words(each.outcome)}</Badge>
                </p>
                <p className="text-rust [overflow-wrap:anywhere]">
                  {words(each.code)}: {each.detail}
                </p>
                <p className="text-sm text-soft">
                  {each.topic}, partition {each.partition}, offset {each.offset}, key <Mono>{each.key}</Mono>
                </p>
              </div>
              <div className="flex gap-2">
                <button type="button" className="button button-plain" {...working(redrive.isPending)} onClick={() => redrive.mutate({ id: each.id })}>
                  Apply
                </button>
                <button type="button" className="button button-bad" {...working(redrive.isPending)} onClick={() => (asking === each.id ? redrive.mutate({ id: each.id, give_up: true }) : setAsking(each.id))}>
                  {asking === each.id ? "Really forget" : "Forget"}
                </button>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

// An order's page tells its story across services.
function FindOrder() {
  const go = useNavigate();
  return (
    <form
      role="search"
      className="flex gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        const id = String(new FormData(event.currentTarget).get("order")).trim();
        if (id) void go(`/orders/${encodeURIComponent(id)}`);
      }}
    >
      <input name="order" className="field min-w-0 sm:w-80" aria-label="Id of an order" placeholder="Id of an order" autoComplete="off" />
      <button type="submit" className="button button-plain">
        Its story
      </button>
    </form>
  );
}

type Topic = { topic: string; partitions: number; events: number; groups: { group: string; behind: number }[] };

function Topics() {
  const log = useQuery({ queryKey: ["log"], queryFn: () => json<{ topics: Topic[] }>("/api/v1/log"), refetchInterval: 3_000 });
  const [chosen, setChosen] = useState("orders");
  return (
    <Card title="Topics" flush>
      {log.isError && !log.data ? (
        <Failure why={log.error} again={() => void log.refetch()} />
      ) : !log.data ? (
        <Rows n={4} />
      ) : (
        <div className="grid grid-cols-1 lg:grid-cols-[20rem_1fr]">
          <ul className="max-h-112 divide-y divide-line overflow-y-auto border-line max-lg:max-h-56 max-lg:border-b lg:border-r" aria-label="Topics">
            {log.data.topics.map((each) => {
              const behind = Math.max(0, ...each.groups.map((group) => group.behind));
              return (
                <li key={each.topic}>
                  <button
                    type="button"
                    aria-pressed={each.topic === chosen}
                    onClick={() => setChosen(each.topic)}
                    className={`flex min-h-11 w-full items-center justify-between gap-3 px-4 py-2 text-left ${each.topic === chosen ? "bg-pine-wash font-medium text-pine-deep" : "hover:bg-sand"}`}
                  >
                    <span className="min-w-0 [overflow-wrap:anywhere]">{each.topic}</span>
                    <span className="flex items-center gap-2 text-sm tabular-nums">
                      {behind > 0 && <Badge tone="warn">{count(behind)} behind</Badge>}
                      {count(each.events)}
                    </span>
                  </button>
                </li>
              );
            })}
          </ul>
          <TopicTail key={chosen} topic={chosen} groups={log.data.topics.find((each) => each.topic === chosen)?.groups ?? []} />
        </div>
      )}
    </Card>
  );
}

const ofOrder = (topic: string) => topic === "orders" || topic.startsWith("payment.") || topic.startsWith("refund.");

function TopicTail({ topic, groups }: { topic: string; groups: Topic["groups"] }) {
  const tail = useQuery({
    queryKey: ["log", topic],
    queryFn: () => json<{ events: LoggedEvent[] }>(`/api/v1/log/${encodeURIComponent(topic)}?limit=100`),
    refetchInterval: 1_000,
  });
  if (tail.isError && !tail.data) return <Failure why={tail.error} again={() => void tail.refetch()} />;
  if (!tail.data) return <Rows n={4} />;
  return (
    <div className="min-w-0">
      <p className="border-b border-line px-4 py-2 text-sm text-soft">
        {groups.length ? `Read by ${groups.map((each) => (each.behind ? `${each.group} (${count(each.behind)} behind)` : each.group)).join(", ")}` : "No group reads it."}
      </p>
      {tail.data.events.length === 0 ? (
        <Empty title="Nothing yet">The next event of this topic shows here at once.</Empty>
      ) : (
        <ol className="h-80 divide-y divide-line overflow-y-auto lg:h-104" tabIndex={0} aria-label={`Latest events of ${topic}`} data-testid="tail">
          {tail.data.events.map((each) => (
            <li key={`${each.partition}-${each.offset}`} className="px-4 py-2">
              <p className="flex flex-wrap items-baseline gap-x-3">
                <span className="text-sm text-soft tabular-nums">{precise(each.occurred_at)}</span>
                <span className="font-medium">{each.type}</span>
                {ofOrder(topic) ? (
                  <Link className="text-pine underline underline-offset-4" to={`/orders/${each.key}`}>
                    {orderNumber(each.key)}
                  </Link>
                ) : (
                  <Mono>{each.key}</Mono>
                )}
                <span className="text-sm text-soft tabular-nums">
                  {each.partition}:{each.offset}
                </span>
              </p>
              <details className="text-sm">
                <summary className="w-fit cursor-pointer text-soft">Payload</summary>
                <pre className="mt-1 overflow-auto rounded-md bg-sand p-3 font-mono text-[0.8125rem]">{JSON.stringify(each.payload, null, 2)}</pre>
              </details>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Sources() {
  const sources = useQuery({ queryKey: ["sources"], queryFn: () => ask(api.GET("/api/v1/analytics/sources")), refetchInterval: 3_000 });
  const topics = new Map<string, { partitions: number; events: number; late: number; bad: number; mark: string }>();
  for (const each of sources.data?.sources ?? []) {
    const sum = topics.get(each.topic) ?? { partitions: 0, events: 0, late: 0, bad: 0, mark: "" };
    topics.set(each.topic, {
      partitions: sum.partitions + 1,
      events: sum.events + each.events,
      late: sum.late + each.late,
      bad: sum.bad + each.bad,
      mark: each.mark && (!sum.mark || each.mark < sum.mark) ? each.mark : sum.mark,
    });
  }
  return (
    <Card title="Topics that analytics reads" flush>
      {sources.isError ? (
        <Failure why={sources.error} again={() => void sources.refetch()} />
      ) : !sources.data ? (
        <Rows n={3} />
      ) : (
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Progress of analytics">
          <table className="w-full min-w-[36rem] text-left">
            <thead className="text-sm text-soft">
              <tr>
                {["Topic", "Partitions", "Events", "Late", "Bad", "Complete up to"].map((each, n) => (
                  <th key={each} scope="col" className={`whitespace-nowrap px-4 py-2 font-normal ${n > 0 && n < 5 ? "text-right" : ""}`}>
                    {each}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="divide-y divide-line border-t border-line">
              {[...topics].map(([topic, sum]) => (
                <tr key={topic}>
                  <th scope="row" className="px-4 py-2.5 font-medium">
                    {topic}
                  </th>
                  <td className="px-4 text-right tabular-nums">{sum.partitions}</td>
                  <td className="px-4 text-right tabular-nums">{count(sum.events)}</td>
                  <td className="px-4 text-right tabular-nums">{count(sum.late)}</td>
                  <td className="px-4 text-right tabular-nums">{sum.bad ? <Badge tone="bad">{sum.bad}</Badge> : 0}</td>
                  <td className="whitespace-nowrap px-4 text-soft">{sum.mark ? when(sum.mark) : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function Tail() {
  const [seen, setSeen] = useState<Seen[]>([]);
  const [state, setState] = useState<StreamState>("connecting");
  const [paused, setPaused] = useState(false);
  const held = useRef(false);
  held.current = paused;
  useEffect(() => {
    let n = 0;
    return follow(
      (last, signal) => api.fetch(new Request(`${location.origin}/api/v1/analytics/live`, { headers: last ? { "Last-Event-ID": last } : {}, signal })),
      {
        event: ({ event, data }) => {
          if (held.current) return;
          const { pipeline = "", ...rest } = JSON.parse(data) as Record<string, unknown>;
          setSeen((before) => [{ n: ++n, at: new Date().toISOString(), event, pipeline: String(pipeline), data: rest }, ...before].slice(0, kept));
        },
        state: setState,
      },
    );
  }, []);
  return (
    <Card
      title="Windows as they come"
      flush
      aside={
        <span className="flex items-center gap-3">
          <Badge tone={state === "live" ? "good" : "warn"}>{state === "live" ? "Live" : "Connecting"}</Badge>
          <button type="button" className="button button-plain min-h-9" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? "Go on" : "Pause"}
          </button>
        </span>
      }
    >
      {seen.length === 0 ? (
        <Empty title="Nothing has happened yet">Each order and each payment shows here at once.</Empty>
      ) : (
        <ol className="h-80 divide-y divide-line overflow-y-auto" tabIndex={0} aria-label="Events, newest first">
          {seen.map((each) => (
            <li key={each.n} className="grid gap-x-4 px-4 py-2 sm:grid-cols-[5rem_12rem_1fr]">
              <span className="text-soft tabular-nums">{clock(each.at)}</span>
              <span>
                {words(each.pipeline)} {each.event !== "provisional" && <Badge tone="good">closed</Badge>}
              </span>
              <Mono>
                {Object.entries(each.data)
                  .filter(([name]) => !name.startsWith("window_"))
                  .map(([name, value]) => `${name} ${String(value)}`)
                  .join("  ")}
              </Mono>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
