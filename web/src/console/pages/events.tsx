import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ask } from "../../api/client";
import { ago, clock, count, when, words } from "../../shared/format";
import { follow, type StreamState } from "../../shared/server_events";
import { Badge, Card, Empty, Failure, Mono, Notice, Page, Rows, type Tone } from "../parts";
import { api, explain, json, useDeadLetters, type DeadLetter, type RedriveReport } from "../shop";

const kept = 200;
type Seen = { n: number; at: string; event: string; pipeline: string; data: Record<string, unknown> };

export default function Events() {
  return (
    <Page title="Events" lead="What the log carries, how far it is read, and what could not be applied.">
      <div className="grid gap-3">
        <DeadLetters />
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
  const all = letters.data?.letters ?? [];
  const done = redrive.data?.letters ?? [];
  const applied = done.filter((each) => each.outcome === "applied").length;
  return (
    <Card
      title="Dead letters"
      flush
      aside={
        all.length > 0 && (
          <button type="button" className="button button-plain" disabled={redrive.isPending} onClick={() => redrive.mutate({})}>
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
                <button type="button" className="button button-plain" disabled={redrive.isPending} onClick={() => redrive.mutate({ id: each.id })}>
                  Apply
                </button>
                <button type="button" className="button button-bad" disabled={redrive.isPending} onClick={() => redrive.mutate({ id: each.id, give_up: true })}>
                  Forget
                </button>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
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
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Topics">
          <table className="w-full min-w-[36rem] text-left">
            <thead className="text-sm text-soft">
              <tr>
                {["Topic", "Partitions", "Events", "Late", "Bad", "Complete up to"].map((each, n) => (
                  <th key={each} scope="col" className={`px-4 py-2 font-normal ${n > 0 && n < 5 ? "text-right" : ""}`}>
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
                  <td className="px-4 text-soft">{sum.mark ? when(sum.mark) : "–"}</td>
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
