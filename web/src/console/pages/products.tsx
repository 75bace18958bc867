import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { DisplayColumnDef } from "@tanstack/react-table";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { useForm } from "react-hook-form";
import { ask, must, type Product } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { count, money } from "../../shared/format";
import { Picture } from "../../shared/picture";
import { working } from "../../shared/ui/focus";
import { Panel } from "../../shared/ui/panel";
import { newKey } from "../../storefront/attempt";
import { DataTable, useMore } from "../data_table";
import { Badge, Bar, Card, Empty, Failure, Field, Notice, Page, Rows } from "../parts";
import { ProductDocuments } from "../product_documents";
import { ProductPictures } from "../product_pictures";
import { api, explain, json, lowStock, useShop } from "../shop";

const columns: DisplayColumnDef<Product>[] = [
  {
    id: "name",
    header: "Product",
    cell: ({ row }) => (
      <span className="flex items-center gap-3">
        <Picture product={row.original} sizes="36px" className="size-9 shrink-0 rounded-md" />
        <span className="truncate">{row.original.name}</span>
      </span>
    ),
    meta: { width: "minmax(7rem,2.2fr)", narrow: "minmax(0,1fr)" },
  },
  { id: "sku", header: "Number", cell: ({ row }) => <span className="text-soft">{row.original.sku}</span>, meta: { width: "minmax(6rem,1fr)" } },
  { id: "category", header: "Category", cell: ({ row }) => row.original.category, meta: { width: "minmax(6rem,1fr)" } },
  {
    id: "stock",
    header: "Stock",
    cell: ({ row }) => <Badge tone={row.original.stock <= 0 ? "bad" : row.original.stock <= lowStock ? "warn" : "still"}>{row.original.stock}</Badge>,
    meta: { width: "5rem", right: true, narrow: "3.6rem" },
  },
  { id: "price", header: "Price", cell: ({ row }) => money(row.original.price, row.original.currency), meta: { width: "6.5rem", right: true, narrow: "5rem" } },
];

export default function Products() {
  const [text, setText] = useState("");
  const q = useDeferredValue(text.trim());
  const [edited, setEdited] = useState<Product | "new" | null>(null);
  const [importing, setImporting] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ["products", q],
    initialPageParam: { skip: 0, cursor: undefined as string | undefined },
    queryFn: async ({ pageParam, signal }) => {
      if (!q) {
        const { products, total, next_cursor } = await ask(api.GET("/api/v1/products", { params: { query: { limit: 100, cursor: pageParam.cursor } }, signal }));
        return { products, total, next: next_cursor };
      }
      const { results, total } = await ask(api.GET("/api/v1/products/search", { params: { query: { q, limit: 100, skip: pageParam.skip } }, signal }));
      return { products: results, total, next: undefined };
    },
    getNextPageParam: (last, all) => {
      const shown = all.reduce((sum, each) => sum + each.products.length, 0);
      return shown < last.total && last.products.length ? { skip: shown, cursor: last.next } : undefined;
    },
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => [...new Map((list.data?.pages ?? []).flatMap((each) => each.products).map((each) => [each.id, each])).values()], [list.data]);
  const more = useMore(list);
  return (
    <Page
      title="Products"
      lead={list.data ? `${count(list.data.pages[0]?.total ?? 0)} ${q ? "found" : "in the catalogue"}` : " "}
      actions={
        <>
          <Export />
          <button type="button" className="button button-plain" onClick={() => setImporting(true)}>
            Import CSV
          </button>
          <button type="button" className="button button-main" onClick={() => setEdited("new")}>
            New product
          </button>
        </>
      }
    >
      <input type="search" className="field mb-3 max-w-md" placeholder="Search names and descriptions" aria-label="Search products" value={text} maxLength={200} onChange={(event) => setText(event.target.value)} />
      <Card flush>
        {list.isPending ? (
          <Rows n={10} />
        ) : list.isError && !rows.length ? (
          <Failure why={list.error} again={() => void list.refetch()} />
        ) : rows.length === 0 ? (
          <Empty title={q ? "Nothing is called that" : "The catalogue is empty"}>{q ? "A shorter word finds more." : "Make a product, or import a CSV file."}</Empty>
        ) : (
          <DataTable label="Products" rows={rows} columns={columns} idOf={(each) => each.id} onOpen={setEdited} openLabel={(each) => `Edit ${each.name}`} more={more} />
        )}
      </Card>
      <Panel open={edited !== null} onOpenChange={(open) => !open && setEdited(null)} side="right" title={edited === "new" ? "New product" : "Edit product"} closeLabel="Close">
        {edited && <Editor key={edited === "new" ? "new" : edited.id} known={edited === "new" ? null : edited} done={() => setEdited(null)} />}
      </Panel>
      <Panel open={importing} onOpenChange={setImporting} title="Import a catalogue" closeLabel="Close" wide>
        <Import />
      </Panel>
    </Page>
  );
}

type Form = { sku: string; name: string; description: string; category: string; price: string; stock: string; image_url: string };

// The version that was read goes along: what somebody else changed meanwhile is not overwritten.
function Editor({ known, done }: { known: Product | null; done: () => void }) {
  const client = useQueryClient();
  const { data: shop } = useShop();
  const fresh = useQuery({
    queryKey: ["products", "one", known?.id],
    queryFn: () => ask(api.GET("/api/v1/products/{id}", { params: { path: { id: known!.id } } })),
    enabled: Boolean(known),
    staleTime: 0,
    gcTime: 0,
  });
  const product = known ? fresh.data : null;
  if (known && fresh.isError) return <Failure why={fresh.error} again={() => void fresh.refetch()} />;
  if (known && !product) return <Rows />;
  return <EditorForm product={product ?? null} currency={product?.currency ?? shop?.currency ?? "USD"} done={() => (void client.invalidateQueries(), done())} />;
}

// What this form shows. Pictures are changed beside it, which gives the product another version, too.
const formOf = ({ sku, name, description, category, price, currency, image_url, is_active }: Product) => JSON.stringify([sku, name, description, category, price, currency, image_url, is_active]);

async function versionNow(read: Product): Promise<number> {
  const now = await ask(api.GET("/api/v1/products/{id}", { params: { path: { id: read.id } } }));
  return formOf(now) === formOf(read) ? now.version : read.version;
}

function EditorForm({ product, currency, done }: { product: Product | null; currency: string; done: () => void }) {
  const [key] = useState(newKey);
  const [asking, setAsking] = useState(false);
  const { register, handleSubmit } = useForm<Form>({
    defaultValues: {
      sku: product?.sku ?? "",
      name: product?.name ?? "",
      description: product?.description ?? "",
      category: product?.category ?? "",
      price: product ? product.price.toFixed(2) : "",
      stock: product ? String(product.stock) : "0",
      image_url: product?.image_url ?? "",
    },
  });
  const save = useMutation({
    mutationFn: async (given: Form) => {
      const { stock, price, image_url, ...rest } = given;
      const body = { ...rest, price: Number(price), currency, ...(image_url || product?.image_url ? { image_url } : {}) };
      if (!product) return ask(api.POST("/api/v1/products", { params: { header: { "Idempotency-Key": key } }, body: { ...body, stock: Number(stock) } }));
      return ask(
        api.PUT("/api/v1/products/{id}", {
          params: { path: { id: product.id }, header: { "If-Match": `"${await versionNow(product)}"` } },
          body,
        }),
      );
    },
    onSuccess: done,
  });
  const remove = useMutation({
    mutationFn: async () => ask(api.DELETE("/api/v1/products/{id}", { params: { path: { id: product!.id }, header: { "If-Match": `"${await versionNow(product!)}"` } } })),
    onSuccess: done,
  });
  const failed = save.error ?? remove.error;
  const field = (name: string) => (save.error instanceof ApiProblem ? save.error.fields.find((each) => each.pointer === `/${name}`)?.detail : undefined);
  return (
    <form className="flex flex-1 flex-col" onSubmit={handleSubmit((given) => save.mutate(given))}>
      <div className="flex-1 space-y-4 p-5">
        {product && <p className="text-sm text-soft">Version {product.version}. Stock is changed under Inventory, where each change has its reason.</p>}
        <Field label="Name" required maxLength={200} problem={field("name")} {...register("name")} />
        <div className="grid grid-cols-2 gap-4">
          <Field label="Item number" required maxLength={64} problem={field("sku")} {...register("sku")} />
          <Field label="Category" maxLength={100} problem={field("category")} {...register("category")} />
        </div>
        <div>
          <label htmlFor="description" className="mb-1 block text-sm font-medium">
            Description
          </label>
          <textarea id="description" rows={5} className="field" {...register("description")} />
        </div>
        <div className="grid grid-cols-2 gap-4">
          <Field label={`Price in ${currency}`} inputMode="decimal" pattern="\d+([.]\d+)?" required problem={field("price")} {...register("price")} />
          {!product && <Field label="Stock" inputMode="numeric" pattern="\d+" required problem={field("stock")} {...register("stock")} />}
        </div>
        {product && <ProductPictures product={product} />}
        <Field label="Address of a picture elsewhere" hint={`https://…, or a path of this shop: shown where there is no uploaded picture. ${product ? "" : "Pictures are uploaded once the product is saved."}`} problem={field("image_url")} {...register("image_url")} />
        {product && <ProductDocuments product_id={product.id} />}
        {failed && <Notice>{explain(failed)}</Notice>}
      </div>
      <div className="sticky bottom-0 flex items-center justify-between gap-2 border-t border-line bg-card p-4">
        {product ? (
          <button type="button" className="button button-bad" {...working(remove.isPending)} onClick={() => (asking ? remove.mutate() : setAsking(true))}>
            {asking ? "Really delete" : "Delete"}
          </button>
        ) : (
          <span />
        )}
        <button type="submit" className="button button-main" {...working(save.isPending)}>
          {save.isPending ? "Saving…" : "Save"}
        </button>
      </div>
    </form>
  );
}

function Export() {
  const run = useMutation({
    mutationFn: async () => {
      const answer = await must(await api.fetch(new Request(`${location.origin}/api/v1/products/export`)));
      const url = URL.createObjectURL(await answer.blob());
      Object.assign(document.createElement("a"), { href: url, download: "products.csv" }).click();
      URL.revokeObjectURL(url);
    },
  });
  return (
    <button type="button" className="button button-plain" {...working(run.isPending)} onClick={() => run.mutate()} title={run.isError ? explain(run.error) : undefined}>
      {run.isPending ? "Exporting…" : run.isError ? "Export failed: again" : "Export"}
    </button>
  );
}

type Report = {
  id: string;
  file_bytes: number;
  read_bytes: number;
  dry_run: boolean;
  status: "queued" | "running" | "done" | "failed";
  rows: number;
  created: number;
  updated: number;
  unchanged: number;
  bad: number;
  unknown_columns: string[];
  errors: { row: number; line: number; column: string; code: string; detail: string }[];
  failure?: string;
};

function Import() {
  const client = useQueryClient();
  const chooser = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [started, setStarted] = useState<string | null>(null);
  const start = useMutation({
    mutationFn: (dry_run: boolean) => json<Report>(`/api/v1/products/import${dry_run ? "?dry_run=true" : ""}`, { method: "POST", headers: { "Content-Type": "text/csv" }, body: file }),
    onSuccess: (report) => setStarted(report.id),
  });
  const progress = useQuery({
    queryKey: ["import", started],
    queryFn: async () => {
      const now = await json<Report>(`/api/v1/imports/${started}`);
      if (now.status === "done" && !now.dry_run) void client.invalidateQueries({ queryKey: ["products"] });
      return now;
    },
    enabled: Boolean(started),
    refetchInterval: (query) => (query.state.data && ["done", "failed"].includes(query.state.data.status) ? false : 300),
  });
  // What the upload was answered stands until the first look at how far it is.
  const report = started ? (progress.data ?? start.data) : undefined;
  const over = report?.status === "done" || report?.status === "failed";
  const busy = start.isPending || (Boolean(started) && !over && !progress.isError);
  return (
    <div className="space-y-4 p-5">
      <p className="text-soft">
        A CSV file with the columns <code className="font-mono text-sm">sku, name, description, price, currency, category, stock, image_url</code>. A known item number is updated, a new one is added. Bad rows are told and left out.
      </p>
      <div className="flex flex-wrap items-center gap-3">
        <input
          ref={chooser}
          type="file"
          accept=".csv,text/csv"
          className="sr-only"
          aria-label="CSV file"
          onChange={(event) => {
            setFile(event.target.files?.[0] ?? null);
            setStarted(null);
            start.reset();
          }}
        />
        <button type="button" className="button button-plain" onClick={() => chooser.current?.click()}>
          Choose a file
        </button>
        <span className="min-w-0 truncate text-soft">{file ? `${file.name}, ${count(Math.ceil(file.size / 1024))} kB` : "None chosen"}</span>
      </div>
      {start.isError && <Notice>{explain(start.error)}</Notice>}
      {progress.isError && <Notice>{explain(progress.error)}</Notice>}
      {report && (
        <div className="space-y-3" data-testid="import-report" data-status={report.status} data-dry-run={report.dry_run}>
          {!over && <Bar share={report.file_bytes ? report.read_bytes / report.file_bytes : 0} label="Progress of the import" />}
          {over && (
            <Notice tone={report.status === "failed" ? "bad" : report.bad ? "warn" : "good"}>
              {report.status === "failed" ? (report.failure ?? "The import failed.") : report.dry_run ? "This is what would happen; nothing has changed." : "The catalogue is up to date."}
            </Notice>
          )}
          {(report.status !== "failed" || report.rows > 0) && <dl className="grid grid-cols-2 gap-3 sm:grid-cols-5">
            {(
              [
                ["Rows", report.rows],
                [report.dry_run ? "Would be new" : "New", report.created],
                [report.dry_run ? "Would change" : "Changed", report.updated],
                ["Unchanged", report.unchanged],
                ["Bad", report.bad],
              ] as const
            ).map(([name, n]) => (
              <div key={name} className="rounded-box bg-sand px-3 py-2">
                <dt className="text-sm text-soft">{name}</dt>
                <dd className="text-lg font-semibold tabular-nums">{count(n)}</dd>
              </div>
            ))}
          </dl>}
          {report.unknown_columns.length > 0 && <p className="text-soft">Columns that were passed over: {report.unknown_columns.join(", ")}.</p>}
          {report.errors.length > 0 && (
            <ul className="max-h-56 divide-y divide-line overflow-y-auto rounded-box border border-line" aria-label={report.status === "failed" ? "What is wrong" : "Bad rows"} tabIndex={0}>
              {report.errors.slice(0, 200).map((each) => (
                <li key={`${each.row}-${each.column}-${each.code}`} className="px-3 py-2">
                  <span className="text-soft">{each.line > 0 ? `Line ${each.line}` : "The first line"}</span> {each.column && <code className="font-mono text-sm">{each.column}</code>} {each.detail}
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <button type="button" className="button button-plain" disabled={!file} {...working(busy)} onClick={() => start.mutate(true)}>
          Try it first
        </button>
        <button type="button" className="button button-main" disabled={!file} {...working(busy)} onClick={() => start.mutate(false)}>
          {busy ? "Importing…" : "Import"}
        </button>
      </div>
    </div>
  );
}
