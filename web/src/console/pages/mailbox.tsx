import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { ask, type Schemas } from "../../api/client";
import { ago, when, words } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Badge, Card, Empty, Facts, Failure, Notice, Page, Rows, Tabs, type Tone } from "../parts";
import { api, explain } from "../shop";

type Mail = Schemas["notification"];
const filters = [
  ["", "All"],
  ["sent", "Sent"],
  ["pending", "Waiting"],
  ["skipped", "Skipped"],
  ["failed", "Failed"],
] as const;
const tones: Record<Mail["status"], Tone> = { sent: "good", pending: "warn", skipped: "still", failed: "bad" };
const keyOf = (mail: Mail) => `${mail.event_id} ${mail.channel}`;

export default function Mailbox() {
  const [status, setStatus] = useState<(typeof filters)[number][0]>("");
  const [chosen, setChosen] = useState<string | null>(null);
  const list = useInfiniteQuery({
    queryKey: ["mail", status],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/api/v1/notifications", { params: { query: { limit: 50, cursor: pageParam, ...(status ? { status } : {}) } } })),
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) === 1 ? 5_000 : false),
  });
  const mails = useMemo(() => (list.data?.pages ?? []).flatMap((each) => each.notifications), [list.data]);
  const open = mails.find((each) => keyOf(each) === chosen) ?? null;
  return (
    <Page title="Mailbox" lead="Every message the shop has sent, or would have.">
      <div className="mb-3">
        <Tabs label="Status" value={status} options={filters} onChange={setStatus} />
      </div>
      <div className="grid items-start gap-3 lg:grid-cols-[22rem_1fr]">
        <Card flush className={open ? "max-lg:hidden" : ""}>
          {list.isPending ? (
            <Rows n={8} />
          ) : list.isError && !mails.length ? (
            <Failure why={list.error} again={() => void list.refetch()} />
          ) : mails.length === 0 ? (
            <Empty title="No messages">Orders write them as they go.</Empty>
          ) : (
            <>
              <ul className="max-h-[70vh] divide-y divide-line overflow-y-auto" tabIndex={0} aria-label="Messages">
                {mails.map((each) => (
                  <li key={keyOf(each)}>
                    <button type="button" aria-pressed={keyOf(each) === chosen} onClick={() => setChosen(keyOf(each))} className="block w-full px-4 py-2.5 text-left hover:bg-sand aria-pressed:bg-pine-wash">
                      <span className="flex justify-between gap-3">
                        <span className="min-w-0 truncate font-medium">{each.subject}</span>
                        <Badge tone={tones[each.status]}>{each.status}</Badge>
                      </span>
                      <span className="flex justify-between gap-3 text-sm text-soft">
                        <span className="min-w-0 truncate">{each.to ?? "no address"}</span>
                        <span className="whitespace-nowrap">{ago(each.created_at)}</span>
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
              {list.hasNextPage && (
                <button type="button" className="button w-full border-t border-line hover:bg-sand" {...working(list.isFetchingNextPage)} onClick={() => void list.fetchNextPage()}>
                  Older
                </button>
              )}
            </>
          )}
        </Card>
        {open ? <Message key={keyOf(open)} mail={open} back={() => setChosen(null)} /> : <div className="card max-lg:hidden"><Empty title="Choose a message" /></div>}
      </div>
    </Page>
  );
}

function Message({ mail, back }: { mail: Mail; back: () => void }) {
  const client = useQueryClient();
  const resend = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/notifications/{event_id}/resend", { params: { path: { event_id: mail.event_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["mail"] }),
  });
  return (
    <Card
      title={mail.subject}
      aside={
        <span className="flex gap-2">
          <button type="button" className="button button-plain lg:hidden" onClick={back}>
            Back
          </button>
          <button type="button" className="button button-plain" {...working(resend.isPending)} onClick={() => resend.mutate()}>
            Send again
          </button>
        </span>
      }
    >
      {resend.isError && <div className="mb-3"><Notice>{explain(resend.error)}</Notice></div>}
      {resend.isSuccess && <div className="mb-3"><Notice tone="good">It goes out again in a moment.</Notice></div>}
      <Facts
        of={[
          ["To", mail.to ?? "–"],
          ["Status", <Badge key="s" tone={tones[mail.status]}>{mail.status}</Badge>],
          ["Why", mail.reason ? words(mail.reason) : words(mail.event_type)],
          ["Written", when(mail.created_at)],
          ...(mail.sent_at ? [["Sent", when(mail.sent_at)] as const] : []),
          ...(mail.last_error ? [["Last failure", mail.last_error] as const] : []),
          ...(mail.order_id ? [["Order", <Link key="o" className="text-pine underline underline-offset-4" to={`/orders/${mail.order_id}`}>Open</Link>] as const] : []),
        ]}
      />
      <pre className="mt-5 whitespace-pre-wrap rounded-box bg-sand p-4 font-sans leading-relaxed [overflow-wrap:anywhere]">{mail.body ?? "The text is kept with the message as it was sent."}</pre>
    </Card>
  );
}
