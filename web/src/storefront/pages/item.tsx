import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { ask, type Product } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { fileSize } from "../../shared/format";
import { Picture } from "../../shared/picture";
import { working } from "../../shared/ui/focus";
import { Check } from "../../shared/ui/icons";
import { Busy, Empty, Failure, gridClass, Notice, ProductCard, Quantity, Stock, Title } from "../parts";
import { activity, api, useCartChange, useCartDrawer, useExplain, useMoney } from "../shop";

// The product that came with the page, where this page was the first (scripts/first_views.mjs).
function knownItem(id: string): Product | undefined {
  const block = document.getElementById("known-item");
  if (!block) return undefined;
  const known = JSON.parse(block.textContent) as Product;
  return known.id === id ? known : undefined;
}

// All of a product's pictures; the one that is chosen, large.
function Gallery({ product }: { product: Product }) {
  const { t } = useTranslation();
  const [at, setAt] = useState(0);
  const many = (product.images ?? []).filter((each) => each.status === "ready").length;
  const shown = Math.min(at, Math.max(many - 1, 0));
  return (
    <>
      <Picture product={product} at={shown} eager sizes="(min-width: 768px) 50vw, 100vw" className="w-full" />
      {many > 1 && (
        <ul className="flex gap-2 overflow-x-auto p-2" aria-label={t("item.pictures")}>
          {Array.from({ length: many }, (_, n) => (
            <li key={n} className="shrink-0">
              <button
                type="button"
                aria-label={t("item.picture", { n: n + 1, of: many })}
                aria-pressed={n === shown}
                onClick={() => setAt(n)}
                className={`block size-16 overflow-hidden rounded-lg border-2 ${n === shown ? "border-pine" : "border-transparent"}`}
              >
                <Picture product={product} at={n} sizes="64px" className="w-full" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

// What can be saved: manuals, data sheets.
function Documents({ product_id }: { product_id: string }) {
  const { t, i18n } = useTranslation();
  const title = useId();
  const list = useQuery({
    queryKey: ["documents", product_id],
    queryFn: () => ask(api.GET("/api/v1/products/{id}/documents", { params: { path: { id: product_id } } })),
    staleTime: 60_000,
  });
  const documents = list.data?.documents ?? [];
  if (documents.length === 0) return null;
  return (
    <section aria-labelledby={title} className="mt-6 border-t border-line pt-4">
      <h2 id={title} className="font-medium">
        {t("item.documents")}
      </h2>
      <ul className="mt-1">
        {documents.map((each) => (
          <li key={each.id}>
            <a href={each.url} className="inline-flex min-h-11 flex-wrap items-center gap-x-3 underline-offset-4 hover:underline">
              <span className="[overflow-wrap:anywhere]">{each.name}</span>
              <span className="text-sm text-soft">{fileSize(each.size_bytes, i18n.language)}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Item() {
  const { t } = useTranslation();
  const money = useMoney();
  const explain = useExplain();
  const { id = "" } = useParams();
  const openCart = useCartDrawer();
  const { add } = useCartChange();
  const [quantity, setQuantity] = useState(1);
  const item = useQuery({
    queryKey: ["item", id],
    queryFn: () => ask(api.GET("/api/v1/products/{id}", { params: { path: { id } } })),
    initialData: () => knownItem(id),
    // Stock is what people look at here.
    refetchInterval: 15_000,
    staleTime: 3_000,
  });
  const product = item.data;
  const related = useQuery({
    queryKey: ["related", id],
    queryFn: () => ask(api.GET("/api/v1/products/{id}/related", { params: { path: { id }, query: { limit: 8 } } })),
    enabled: Boolean(product),
    staleTime: 60_000,
  });
  const known = product?.id;
  useEffect(() => {
    if (known) activity.viewed(known);
  }, [known]);

  if (item.isError && item.error instanceof ApiProblem && [404, 422].includes(item.error.status))
    return (
      <Empty page title={t("item.gone")} lead={t("item.goneLead")}>
        <Link className="button button-main" to="/browse">
          {t("item.back")}
        </Link>
      </Empty>
    );
  if (item.isError && !product) return <Failure why={item.error} again={() => void item.refetch()} />;
  if (!product)
    return (
      <div className="grid gap-8 md:grid-cols-2 md:gap-14" aria-busy="true">
        <div className="skeleton aspect-square" />
        <div className="space-y-4 pt-4">
          <div className="skeleton h-10 w-3/4" />
          <div className="skeleton h-6 w-24" />
          <div className="skeleton h-24" />
        </div>
      </div>
    );

  const { products: beside, bought_together: together } = related.data ?? { products: [], bought_together: 0 };
  const soldOut = product.stock <= 0;
  const wanted = Math.min(quantity, Math.max(product.stock, 1));
  return (
    <>
      <Title>{product.name}</Title>
      <div className="grid gap-8 md:grid-cols-2 md:gap-14">
        <div className="overflow-hidden rounded-box bg-sand md:sticky md:top-36 md:self-start">
          <Gallery key={product.id} product={product} />
        </div>
        <div className="md:pt-4">
          {product.category && (
            <Link to={`/browse?category=${encodeURIComponent(product.category)}`} className="text-soft underline-offset-4 hover:underline">
              {product.category}
            </Link>
          )}
          <h1 className="display mt-2 text-4xl [overflow-wrap:anywhere] sm:text-5xl">{product.name}</h1>
          <p className="mt-4 flex flex-wrap items-baseline gap-x-4 gap-y-1">
            <span className="text-2xl tabular-nums" data-testid="price">
              {money(product.price, product.currency)}
            </span>
            <span className="font-medium" data-testid="stock">
              <Stock stock={product.stock} />
            </span>
          </p>
          <p className="mt-6 max-w-prose whitespace-pre-line text-lg leading-relaxed text-soft [overflow-wrap:anywhere]">{product.description}</p>
          <form
            className="mt-8 flex flex-wrap gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              if (!add.isPending) add.mutate({ product, quantity: wanted });
            }}
          >
            {!soldOut && <Quantity value={wanted} most={product.stock} onChange={setQuantity} />}
            <button type="submit" className="button button-main min-w-44 flex-1 sm:flex-none" disabled={soldOut} {...working(add.isPending)}>
              {add.isPending && <Busy />}
              {soldOut ? t("item.out") : add.isPending ? t("item.adding") : t("item.add")}
            </button>
          </form>
          <div className="mt-4 min-h-14 max-w-md" aria-live="polite">
            {add.isSuccess && (
              <div className="flex animate-rise items-center justify-between gap-3 rounded-box bg-pine-wash px-4 py-2 text-pine-deep">
                <span className="flex items-center gap-2">
                  <Check size={18} aria-hidden="true" /> {t("item.added")}
                </span>
                <button type="button" className="min-h-11 font-medium underline underline-offset-4" onClick={() => openCart(true)}>
                  {t("cart.title")}
                </button>
              </div>
            )}
            {add.isError && <Notice>{explain(add.error)}</Notice>}
          </div>
          <p className="mt-6 border-t border-line pt-4 text-sm text-soft">{t("item.number", { sku: product.sku })}</p>
          <Documents product_id={product.id} />
        </div>
      </div>
      <Shelf title={t("item.together")} products={beside.slice(0, together).slice(0, 4)} />
      <Shelf title={t("item.related", { category: product.category })} products={beside.slice(together).slice(0, 4)} />
    </>
  );
}

function Shelf({ title, products }: { title: string; products: Product[] }) {
  const id = useId();
  if (products.length === 0) return null;
  return (
    <section aria-labelledby={id} className="pt-20">
      <h2 id={id} className="display mb-6 text-3xl">
        {title}
      </h2>
      <ul className={gridClass}>
        {products.map((each) => (
          <li key={each.id}>
            <ProductCard product={each} />
          </li>
        ))}
      </ul>
    </section>
  );
}
