import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { DisplayColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import { Link, useSearchParams } from "react-router";
import { ask, type Schemas } from "../../api/client";
import { count, money, orderNumber, when } from "../../shared/format";
import { Panel } from "../../shared/ui/panel";
import { DataTable, useMore } from "../data_table";
import { Badge, Card, Empty, Facts, Failure, Mono, OrderBadge, Page, Rows } from "../parts";
import { api } from "../shop";

type Customer = Schemas["customer"];
const columns: DisplayColumnDef<Customer>[] = [
  { id: "name", header: "Name", cell: ({ row }) => row.original.name || "Without a name", meta: { width: "minmax(8rem,1.4fr)", narrow: "minmax(0,1fr)" } },
  { id: "email", header: "E-mail", cell: ({ row }) => row.original.email ?? "–", meta: { width: "minmax(10rem,1.6fr)", narrow: "minmax(0,1.4fr)" } },
  { id: "phone", header: "Phone", cell: ({ row }) => row.original.phone ?? "–", meta: { width: "minmax(5rem,1fr)" } },
  { id: "since", header: "Since", cell: ({ row }) => <span className="text-soft">{when(row.original.created_at)}</span>, meta: { width: "minmax(8.5rem,11.5rem)" } },
];

export default function Customers() {
  const [parameters, setParameters] = useSearchParams();
  const id = parameters.get("id");
  const list = useInfiniteQuery({
    queryKey: ["customers"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/api/v1/customers", { params: { query: { limit: 100, cursor: pageParam } } })),
    getNextPageParam: (last) => last.next_cursor,
  });
  const rows = useMemo(() => (list.data?.pages ?? []).flatMap((each) => each.customers), [list.data]);
  const more = useMore(list);
  return (
    <Page title="Customers" lead={list.data ? `${count(list.data.pages[0]?.total ?? 0)} with an account` : " "}>
      <Card flush>
        {list.isPending ? (
          <Rows n={8} />
        ) : list.isError && !rows.length ? (
          <Failure why={list.error} again={() => void list.refetch()} />
        ) : rows.length === 0 ? (
          <Empty title="No customers yet">Whoever makes an account in the storefront appears here.</Empty>
        ) : (
          <DataTable label="Customers" rows={rows} columns={columns} idOf={(each) => each.id} onOpen={(each) => setParameters({ id: each.id })} openLabel={(each) => `Customer ${each.name}`} more={more} />
        )}
      </Card>
      <Panel open={id !== null} onOpenChange={(open) => !open && setParameters({})} side="right" title="Customer" closeLabel="Close">
        {id && <Detail key={id} id={id} />}
      </Panel>
    </Page>
  );
}

// A user's record, since guests order, too.
function Detail({ id }: { id: string }) {
  const user = useQuery({ queryKey: ["user", id], queryFn: () => ask(api.GET("/api/v1/users/{id}", { params: { path: { id } } })) });
  const orders = useQuery({ queryKey: ["orders", "of", id], queryFn: () => ask(api.GET("/api/v1/orders", { params: { query: { user_id: id, limit: 50 } } })) });
  if (user.isError) return <Failure why={user.error} again={() => void user.refetch()} />;
  if (!user.data) return <Rows />;
  const who = user.data;
  return (
    <div className="space-y-6 p-5">
      <Facts
        of={[
          ["Name", who.name || [who.first_name, who.last_name].filter(Boolean).join(" ") || "–"],
          ["E-mail", who.email ? <span key="e">{who.email} {who.email_verified ? <Badge tone="good">confirmed</Badge> : <Badge>not confirmed</Badge>}</span> : "–"],
          ["Phone", who.phone ?? "–"],
          ["Role", who.role],
          ["Since", when(who.created_at)],
          ["Id", <Mono key="i">{who.id}</Mono>],
        ]}
      />
      <section aria-labelledby="of">
        <h3 id="of" className="font-semibold">
          Orders{orders.data ? `, ${count(orders.data.total)}` : ""}
        </h3>
        {orders.isError ? (
          <Failure why={orders.error} />
        ) : (
          <ul className="mt-2 divide-y divide-line">
            {(orders.data?.orders ?? []).map((each) => (
              <li key={each.id}>
                <Link to={`/orders/${each.id}`} className="flex min-h-11 items-center justify-between gap-3 hover:bg-sand">
                  <span>
                    <span className="font-medium">{orderNumber(each.id)}</span> <span className="text-soft">{when(each.created_at)}</span>
                  </span>
                  <span className="flex items-center gap-3">
                    <OrderBadge status={each.status} />
                    <span className="tabular-nums">{money(each.total_amount, each.currency)}</span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}
