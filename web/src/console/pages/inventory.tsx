import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { DisplayColumnDef } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { ask, type Product } from "../../api/client";
import { count, when, words } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { Panel } from "../../shared/ui/panel";
import { newKey } from "../../storefront/attempt";
import { DataTable } from "../data_table";
import { Badge, Card, Empty, Facts, Failure, Field, Notice, Page, Rows, Tabs } from "../parts";
import { api, explain, lowStock, mostProducts, useCatalogue } from "../shop";

const views = [
  ["", "All"],
  ["low", "Low"],
  ["out", "Sold out"],
] as const;

const columns: DisplayColumnDef<Product>[] = [
  { id: "name", header: "Product", cell: ({ row }) => row.original.name, meta: { width: "minmax(7rem,2fr)", narrow: "minmax(0,1fr)" } },
  { id: "sku", header: "Number", cell: ({ row }) => <span className="text-soft">{row.original.sku}</span>, meta: { width: "minmax(5rem,1fr)" } },
  { id: "category", header: "Category", cell: ({ row }) => row.original.category, meta: { width: "minmax(5rem,1fr)" } },
  {
    id: "state",
    header: "State",
    cell: ({ row }) =>
      row.original.stock <= 0 ? <Badge tone="bad">sold out</Badge> : row.original.stock <= lowStock ? <Badge tone="warn">low</Badge> : <Badge tone="good">fine</Badge>,
    meta: { width: "6.5rem", narrow: "5.4rem" },
  },
  { id: "stock", header: "To sell", cell: ({ row }) => count(row.original.stock), meta: { width: "5.5rem", right: true, narrow: "4.2rem" } },
];

export default function Inventory() {
  const [parameters, setParameters] = useSearchParams();
  const show = parameters.get("show") ?? "";
  const catalogue = useCatalogue();
  const [opened, setOpened] = useState<Product | null>(null);
  const rows = useMemo(
    () => (catalogue.data ?? []).filter((each) => (show === "low" ? each.stock > 0 && each.stock <= lowStock : show === "out" ? each.stock <= 0 : true)).sort((a, b) => a.stock - b.stock),
    [catalogue.data, show],
  );
  return (
    <Page title="Inventory" lead="What can be sold, and every change that made it so.">
      <div className="mb-3">
        <Tabs label="Shown" value={show as ""} options={views} onChange={(value) => setParameters(value ? { show: value } : {}, { replace: true })} />
      </div>
      {(catalogue.data?.length ?? 0) >= mostProducts && (
        <div className="mb-3">
          <Notice tone="warn">The catalogue is larger than what is shown here: its newest {count(mostProducts)} products.</Notice>
        </div>
      )}
      <Card flush>
        {catalogue.isPending ? (
          <Rows n={10} />
        ) : catalogue.isError && !rows.length ? (
          <Failure why={catalogue.error} again={() => void catalogue.refetch()} />
        ) : rows.length === 0 ? (
          <Empty title={show ? "Nothing here" : "The catalogue is empty"}>{show === "low" ? `Products with ${lowStock} or fewer appear here.` : show === "out" ? "Nothing is sold out." : "Import a catalogue under Products."}</Empty>
        ) : (
          <DataTable label="Inventory" rows={rows} columns={columns} idOf={(each) => each.id} onOpen={setOpened} openLabel={(each) => `Stock of ${each.name}`} />
        )}
      </Card>
      <Panel open={opened !== null} onOpenChange={(open) => !open && setOpened(null)} side="right" title={opened?.name ?? ""} closeLabel="Close">
        {opened && <Ledger key={opened.id} id={opened.id} />}
      </Panel>
    </Page>
  );
}

function Ledger({ id }: { id: string }) {
  const client = useQueryClient();
  const stock = useQuery({ queryKey: ["stock", id], queryFn: () => ask(api.GET("/api/v1/products/{id}/stock", { params: { path: { id } } })), refetchInterval: 3_000 });
  const [way, setWay] = useState<"delta" | "count">("delta");
  const [n, setN] = useState("");
  const [reference, setReference] = useState("");
  const [key, setKey] = useState(newKey);
  const change = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/api/v1/products/{id}/stock", {
          params: { path: { id }, header: { "Idempotency-Key": key } },
          body: { [way]: Number(n), ...(reference.trim() ? { reference: reference.trim() } : {}) },
        }),
      ),
    onSuccess: () => {
      setN("");
      setReference("");
      setKey(newKey());
      void client.invalidateQueries({ queryKey: ["stock", id] });
      void client.invalidateQueries({ queryKey: ["catalogue"] });
    },
  });
  if (stock.isError && !stock.data) return <Failure why={stock.error} again={() => void stock.refetch()} />;
  if (!stock.data) return <Rows />;
  const { on_hand, reserved, stock: left, movements } = stock.data;
  return (
    <div className="space-y-6 p-5">
      <Facts
        of={[
          ["On the shelf", <span key="h" className="tabular-nums">{count(on_hand)}</span>],
          ["Held for orders", <span key="r" className="tabular-nums">{count(reserved)}</span>],
          ["To sell", <strong key="s" className="tabular-nums" data-testid="to-sell">{count(left)}</strong>],
        ]}
      />
      <form
        className="space-y-3 rounded-box bg-sand p-4"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Tabs label="Kind of change" value={way} options={[["delta", "Received or lost"], ["count", "Counted anew"]] as const} onChange={setWay} />
        <Field label={way === "delta" ? "By how many (minus for lost)" : "How many there are"} inputMode="numeric" pattern={way === "delta" ? "-?\\d+" : "\\d+"} required value={n} onChange={(event) => setN(event.target.value)} />
        <Field label="Reference" hint="A delivery note, or why" maxLength={200} value={reference} onChange={(event) => setReference(event.target.value)} />
        {change.isError && <Notice>{explain(change.error)}</Notice>}
        <button type="submit" className="button button-main w-full" {...working(change.isPending)}>
          {change.isPending ? "Writing it down…" : "Write it down"}
        </button>
      </form>
      <section aria-labelledby="ledger">
        <h3 id="ledger" className="font-semibold">
          Ledger
        </h3>
        <ul className="mt-2 divide-y divide-line">
          {[...movements].reverse().map((each, k) => (
            <li key={`${each.created_at}-${k}`} className="flex items-baseline justify-between gap-3 py-2">
              <span className="min-w-0">
                {words(each.reason)}
                <span className="block truncate text-sm text-soft">
                  {when(each.created_at)} · {each.reference}
                </span>
              </span>
              <span className={`tabular-nums ${each.delta < 0 ? "text-rust" : "text-pine"}`}>{each.delta > 0 ? `+${count(each.delta)}` : count(each.delta)}</span>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
