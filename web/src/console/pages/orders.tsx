import { useInfiniteQuery } from "@tanstack/react-query";
import type { DisplayColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { ask, type Order } from "../../api/client";
import { count, money, orderNumber, when, words } from "../../shared/format";
import { DataTable, useMore } from "../data_table";
import { Card, Empty, Failure, OrderBadge, Page, Rows, Tabs } from "../parts";
import { api } from "../shop";

const filters = [
  ["", "All"],
  ["paid", "To ship"],
  ["shipped", "Shipped"],
  ["delivered", "Delivered"],
  ["awaiting_payment", "Awaiting payment"],
  ["payment_failed", "Declined"],
  ["cancelling", "Cancelling"],
  ["cancelled", "Cancelled"],
  ["refunded", "Refunded"],
  ["stuck", "Stuck"],
] as const;

const columns: DisplayColumnDef<Order>[] = [
  { id: "number", header: "Order", cell: ({ row }) => orderNumber(row.original.id), meta: { width: "minmax(5.5rem,8rem)", narrow: "6.2rem" } },
  { id: "placed", header: "Placed", cell: ({ row }) => <span className="text-soft">{when(row.original.created_at)}</span>, meta: { width: "minmax(8.5rem,11.5rem)" } },
  { id: "items", header: "Items", cell: ({ row }) => row.original.items.map((each) => `${each.quantity > 1 ? `${each.quantity} × ` : ""}${each.name}`).join(", "), meta: { width: "minmax(4rem,1fr)" } },
  { id: "status", header: "Status", cell: ({ row }) => <OrderBadge status={row.original.status} />, meta: { width: "minmax(7.5rem,9.5rem)", narrow: "minmax(0,1fr)" } },
  { id: "total", header: "Total", cell: ({ row }) => money(row.original.total_amount, row.original.currency), meta: { width: "minmax(5rem,7rem)", right: true, narrow: "5.8rem" } },
];

const isShort = ({ state }: { state: { data?: { pages: unknown[] } } }) => (state.data?.pages.length ?? 1) === 1;

export default function Orders() {
  const [parameters, setParameters] = useSearchParams();
  const navigate = useNavigate();
  const status = parameters.get("status") ?? "";
  const list = useInfiniteQuery({
    queryKey: ["orders", "list", status],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      ask(api.GET("/api/v1/orders", { params: { query: { limit: 100, cursor: pageParam, ...(status === "stuck" ? { stuck: true } : status ? { status } : {}) } } })),
    getNextPageParam: (last) => last.next_cursor,
    // A long list stays as it is while one reads it: to look again would fetch each of its pages, one after another.
    refetchInterval: (query) => (isShort(query) ? 5_000 : false),
    refetchOnMount: (query) => isShort(query) || query.state.isInvalidated,
    refetchOnWindowFocus: isShort,
    refetchOnReconnect: isShort,
  });
  // An order that changed between two pages is in both; it counts once.
  const rows = useMemo(() => [...new Map((list.data?.pages ?? []).flatMap((each) => each.orders).map((each) => [each.id, each])).values()], [list.data]);
  const total = list.data?.pages[0]?.total;
  const more = useMore(list);
  return (
    <Page title="Orders" lead={total === undefined ? " " : `${count(total)} ${status ? words(status) : "in all"}`}>
      <div className="mb-3">
        <Tabs label="Status" value={status as (typeof filters)[number][0]} options={filters} onChange={(value) => setParameters(value ? { status: value } : {}, { replace: true })} />
      </div>
      <Card flush>
        {list.isPending ? (
          <Rows n={10} />
        ) : list.isError && !rows.length ? (
          <Failure why={list.error} again={() => void list.refetch()} />
        ) : rows.length === 0 ? (
          <Empty title="No orders here">{status === "stuck" ? "An order whose deadline passed a minute ago, or that has been on its way to its end for longer, appears here." : status ? "Orders with this status appear here." : "Place a test order from the home page."}</Empty>
        ) : (
          <DataTable label="Orders" rows={rows} columns={columns} idOf={(each) => each.id} onOpen={(each) => void navigate(`/orders/${each.id}`)} openLabel={(each) => `Order ${orderNumber(each.id)}`} more={more} />
        )}
      </Card>
    </Page>
  );
}
