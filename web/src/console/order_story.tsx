import { useQuery } from "@tanstack/react-query";
import type { Order, Payment, Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { precise } from "../shared/format";
import { Badge, Card, Failure, Mono, Notice, Rows } from "./parts";
import { json } from "./shop";
import { entriesOf, microseconds, passed, tracesOf, type Entry, type Hold, type OrderStory, type Trace } from "./story";

export function Story({ order, payments, notifications }: { order: Order; payments: Payment[]; notifications: Schemas["notification"][] }) {
  // What was there stays: it is read again when the order has moved.
  const story = useQuery({ queryKey: ["story", order.id, order.version], queryFn: () => json<OrderStory>(`/api/v1/orders/${order.id}/story`), placeholderData: (before) => before, refetchInterval: 5_000 });
  const hold = useQuery({
    queryKey: ["hold", order.id, order.version],
    queryFn: () => json<Hold>(`/api/v1/holds/${order.id}`).catch((why) => {
      if (why instanceof ApiProblem && why.status === 404) return null;
      throw why;
    }),
    placeholderData: (before) => before,
    refetchInterval: 5_000,
  });
  if (story.isError && !story.data) return <Card title="Its whole story"><Failure why={story.error} again={() => void story.refetch()} /></Card>;
  if (!story.data) return <Card title="Its whole story" flush><Rows n={6} /></Card>;
  const entries = entriesOf({ order, story: story.data, hold: hold.data, payments, notifications });
  const traces = tracesOf(story.data.spans);
  return (
    <>
      <Card title="Its whole story" flush aside={<span className="text-sm text-soft">{entries.length} steps in {servicesIn(entries)} services</span>}>
        {!story.data.whole && <div className="p-4"><Notice tone="warn">The log was not searched to its end, or keeps only younger events: some may be missing.</Notice></div>}
        {hold.isError && <div className="p-4"><Notice tone="warn">What was held in stock is missing, since that service did not answer.</Notice></div>}
        <ol className="divide-y divide-line" data-testid="story">
          {entries.map((each, n) => (
            <Step key={each.key} entry={each} since_us={n === 0 ? undefined : microseconds(each.at) - microseconds(entries[0]!.at)} />
          ))}
        </ol>
      </Card>
      <Card title={traces.length > 1 ? "Its traces" : "Its trace"} flush>
        {traces.length === 0 ? (
          <p className="p-4 text-soft">
            {story.data.traced
              ? "No span of it is remembered any more: a process keeps its latest ones (trace_memory), for older ones send traces to a collector (otlp_endpoint)."
              : "This shop remembers no spans: trace_memory is 0."}
          </p>
        ) : (
          traces.map((each) => <TraceView key={each.id} trace={each} />)
        )}
      </Card>
    </>
  );
}

const servicesIn = (entries: Entry[]) => new Set(entries.map((each) => each.service)).size;

function Step({ entry, since_us }: { entry: Entry; since_us: number | undefined }) {
  const { event } = entry;
  return (
    <li className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 px-4 py-2 sm:grid-cols-[8.5rem_7rem_1fr]">
      <span className="text-sm text-soft tabular-nums">
        {precise(entry.at)}
        <span className="block">{since_us === undefined ? "" : `+${passed(since_us)}`}</span>
      </span>
      <span className="max-sm:text-right">
        <Badge tone={entry.tone}>{entry.service}</Badge>
      </span>
      <div className="min-w-0 max-sm:col-span-2">
        <p className="[overflow-wrap:anywhere]">
          <span className="font-medium">{entry.what}</span>
          {entry.note && <span className="text-soft"> · {entry.note}</span>}
        </p>
        {event && (
          <details className="text-sm">
            <summary className="w-fit cursor-pointer text-soft">
              {event.topic}, partition {event.partition}, offset {event.offset}
            </summary>
            <pre className="mt-2 max-h-80 overflow-auto rounded-md bg-sand p-3 font-mono text-[0.8125rem]" tabIndex={0} aria-label={`Payload of ${event.type}`}>
              {JSON.stringify(event.payload, null, 2)}
            </pre>
            {event.trace_id && <p className="mt-1 text-soft">Trace <Mono>{event.trace_id}</Mono></p>}
          </details>
        )}
      </div>
    </li>
  );
}

// How far a row may be indented, so that names stay readable on a phone.
const indents = ["", "pl-3", "pl-6", "pl-9", "pl-12", "pl-14", "pl-16"] as const;

function TraceView({ trace }: { trace: Trace }) {
  return (
    <section className="border-b border-line px-4 py-3 last:border-b-0" aria-label={`Trace of ${trace.name}`} data-testid="trace">
      <p className="flex flex-wrap justify-between gap-x-4 text-sm text-soft">
        <span>
          {precise(trace.started_at)} · {trace.rows.length} spans · {passed(trace.length_us)}
        </span>
        <Mono>{trace.id}</Mono>
      </p>
      <ul className="mt-2 space-y-1.5">
        {trace.rows.map(({ span, depth, group, from_us }) => (
          <li key={span.span_id} className="grid grid-cols-[1fr_auto] items-center gap-x-4 md:grid-cols-[minmax(0,20rem)_1fr_5rem]">
            <span className={`min-w-0 truncate ${indents[Math.min(depth, indents.length - 1)]}`} title={span.name}>
              <span className={span.failure === undefined ? "" : "text-rust"}>{span.name.replace(/^process /, "")}</span> <span className="text-sm text-soft">{group}</span>
            </span>
            <svg viewBox="0 0 1000 10" preserveAspectRatio="none" className="h-2.5 w-full max-md:col-span-2 max-md:row-start-2" aria-hidden="true">
              <rect width="1000" height="10" rx="3" className="fill-sand" />
              <rect x={Math.min(994, (from_us / trace.length_us) * 1000)} width={Math.max(6, (span.duration_us / trace.length_us) * 1000)} height="10" className={span.failure === undefined ? "fill-pine" : "fill-rust"} />
            </svg>
            <span className="text-right text-sm tabular-nums text-soft">{span.failure ? span.failure : passed(span.duration_us)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
