import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { ask } from "../../api/client";
import { count } from "../../shared/format";
import { working } from "../../shared/ui/focus";
import { SlidersHorizontal } from "../../shared/ui/icons";
import { Panel } from "../../shared/ui/panel";
import { Empty, Failure, GridSkeleton, gridClass, ProductCard, Title } from "../parts";
import { api, useMoney, useShop } from "../shop";

const page = 24;
const priceSteps = [0, 20, 40, 80];
const sorts = ["newest", "price", "-price", "name"] as const;
const sortNames = { newest: "browse.newest", price: "browse.priceUp", "-price": "browse.priceDown", name: "browse.name" };

export function Browse() {
  const { t, i18n } = useTranslation();
  const { data: shop } = useShop();
  const [parameters, setParameters] = useSearchParams();
  const [filtersOpen, setFiltersOpen] = useState(false);
  const q = parameters.get("q")?.trim() ?? "";
  const category = parameters.get("category") ?? undefined;
  const min_price = number(parameters.get("min"));
  const max_price = number(parameters.get("max"));
  const in_stock = parameters.get("stock") === "in" ? true : undefined;
  const asked = parameters.get("sort");
  const sort = sorts.find((each) => each === asked) ?? "newest";
  const filters = { category, min_price, max_price, in_stock };

  const list = useInfiniteQuery({
    queryKey: ["browse", q, sort, filters],
    initialPageParam: { skip: 0, cursor: undefined as string | undefined },
    // Search is ranked and pages by number; a list goes on where the page before ended, whatever is new meanwhile.
    queryFn: async ({ pageParam, signal }) => {
      if (q) {
        const found = await ask(
          api.GET("/api/v1/products/search", { params: { query: { q, ...filters, limit: page, skip: pageParam.skip } }, signal }),
        );
        return { products: found.results, total: found.total, next: undefined as string | undefined };
      }
      const listed = await ask(
        api.GET("/api/v1/products", { params: { query: { ...filters, sort, limit: page, cursor: pageParam.cursor } }, signal }),
      );
      return { products: listed.products, total: listed.total, next: listed.next_cursor };
    },
    getNextPageParam: (last, all) => {
      const shown = all.reduce((sum, each) => sum + each.products.length, 0);
      if (shown >= last.total || last.products.length === 0) return undefined;
      return q || last.next ? { skip: shown, cursor: last.next } : undefined;
    },
    placeholderData: keepPreviousData,
  });
  const products = list.data?.pages.flatMap((each) => each.products) ?? [];
  const total = list.data?.pages[0]?.total ?? 0;
  const active = [category, min_price ?? max_price, in_stock].filter((each) => each !== undefined).length;

  const change = (values: Record<string, string | undefined>) =>
    setParameters(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(values)) value === undefined ? after.delete(name) : after.set(name, value);
        return after;
      },
      { replace: true, preventScrollReset: true },
    );
  const clear = () => change({ category: undefined, min: undefined, max: undefined, stock: undefined });
  const title = q ? t("browse.for", { q }) : (category ?? t("browse.title"));
  const facets = <Facets {...filters} categories={shop?.categories ?? []} currency={shop?.currency ?? "USD"} change={change} />;

  return (
    <>
      <Title>{title}</Title>
      <h1 className="display text-4xl [overflow-wrap:anywhere] sm:text-5xl">{title}</h1>
      <div className="mt-3 flex flex-wrap items-center justify-between gap-3 border-b border-line pb-4">
        <p className="text-soft" role="status" aria-live="polite">
          {list.isPending ? " " : t("browse.results", { count: total, formatted: count(total, i18n.language) })}
        </p>
        <div className="flex items-center gap-3">
          <button type="button" className="button button-plain px-4 lg:hidden" onClick={() => setFiltersOpen(true)}>
            <SlidersHorizontal size={17} aria-hidden="true" /> {t("browse.filters")}
            {active > 0 && <span className="grid size-5 place-items-center rounded-full bg-pine text-xs text-white">{active}</span>}
          </button>
          {!q && (
            <label className="flex items-center gap-2 text-sm">
              <span className="sr-only sm:not-sr-only sm:text-soft">{t("browse.sort")}</span>
              <select className="h-11 max-w-44 rounded-lg border border-line-strong bg-card px-3" value={sort} onChange={(event) => change({ sort: event.target.value })}>
                {sorts.map((each) => (
                  <option key={each} value={each}>
                    {t(sortNames[each])}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
      </div>

      <div className="mt-8 lg:grid lg:grid-cols-[13rem_1fr] lg:gap-12">
        <aside className="hidden lg:block" aria-label={t("browse.filters")}>
          <div className="sticky top-36">
            {facets}
            {active > 0 && (
              <button type="button" className="mt-6 min-h-11 text-sm underline underline-offset-4" onClick={clear}>
                {t("browse.clear")}
              </button>
            )}
          </div>
        </aside>
        <section aria-busy={list.isFetching} aria-label={title}>
          {list.isPending ? (
            <GridSkeleton />
          ) : list.isError ? (
            <Failure why={list.error} again={() => void list.refetch()} />
          ) : products.length === 0 ? (
            <Empty title={t("browse.none")} lead={t("browse.noneLead")}>
              {active > 0 && (
                <button type="button" className="button button-plain" onClick={clear}>
                  {t("browse.clear")}
                </button>
              )}
            </Empty>
          ) : (
            <>
              <h2 className="sr-only">{t("browse.results", { count: list.data.pages[0]?.total ?? products.length })}</h2>
              <ul className={`${gridClass} lg:grid-cols-3 xl:grid-cols-3`}>
                {products.map((product, n) => (
                  <li key={product.id}>
                    <ProductCard product={product} eager={n < 6} />
                  </li>
                ))}
              </ul>
              {list.hasNextPage && (
                <div className="mt-12 text-center">
                  <button type="button" className="button button-plain" {...working(list.isFetchingNextPage)} onClick={() => void list.fetchNextPage()}>
                    {t("browse.more")}
                  </button>
                </div>
              )}
            </>
          )}
        </section>
      </div>
      <Panel open={filtersOpen} onOpenChange={setFiltersOpen} side="right" title={t("browse.filters")} closeLabel={t("cart.close")}>
        <div className="px-5 py-5">{facets}</div>
        <div className="sticky bottom-0 mt-auto flex gap-3 border-t border-line bg-card p-5">
          <button type="button" className="button button-plain flex-1" onClick={clear}>
            {t("browse.clear")}
          </button>
          <button type="button" className="button button-main flex-1" onClick={() => setFiltersOpen(false)}>
            {t("browse.results", { count: total, formatted: count(total, i18n.language) })}
          </button>
        </div>
      </Panel>
    </>
  );
}

type Change = (values: Record<string, string | undefined>) => void;
function Facets(props: { category?: string; min_price?: number; max_price?: number; in_stock?: boolean; categories: string[]; currency: string; change: Change }) {
  const { t } = useTranslation();
  const money = useMoney();
  const { category, min_price, max_price, change, currency } = props;
  const price = (amount: number) => money(amount, currency).replace(/[.,]00(?=\D*$)/, "");
  const bands = priceSteps.map((from, n) => ({ from, to: priceSteps[n + 1] }));
  return (
    <div className="space-y-8">
      <fieldset>
        <legend className="mb-2 font-semibold">{t("browse.category")}</legend>
        <Choice checked={!category} onChange={() => change({ category: undefined })} label={t("shop.everything")} name="category" />
        {props.categories.map((each) => (
          <Choice key={each} checked={category === each} onChange={() => change({ category: each })} label={each} name="category" />
        ))}
      </fieldset>
      <fieldset>
        <legend className="mb-2 font-semibold">{t("browse.price")}</legend>
        <Choice checked={min_price === undefined && max_price === undefined} onChange={() => change({ min: undefined, max: undefined })} label={t("browse.anyPrice")} name="price" />
        {bands.map(({ from, to }) => (
          <Choice
            key={from}
            name="price"
            checked={(min_price ?? 0) === from && max_price === to && (min_price !== undefined || max_price !== undefined)}
            onChange={() => change({ min: from ? String(from) : undefined, max: to === undefined ? undefined : String(to) })}
            label={
              !from ? t("browse.under", { to: price(to ?? 0) }) : to === undefined ? t("browse.over", { from: price(from) }) : t("browse.between", { from: price(from), to: price(to) })
            }
          />
        ))}
      </fieldset>
      <label className="flex min-h-11 items-center gap-3">
        <input type="checkbox" className="size-4 accent-pine" checked={props.in_stock ?? false} onChange={(event) => change({ stock: event.target.checked ? "in" : undefined })} />
        {t("browse.inStock")}
      </label>
    </div>
  );
}

function Choice(props: { name: string; checked: boolean; label: string; onChange: () => void }) {
  return (
    <label className="flex min-h-9 cursor-pointer items-center gap-3 text-soft has-checked:font-medium has-checked:text-ink hover:text-ink">
      <input type="radio" name={props.name} className="size-4 accent-pine" checked={props.checked} onChange={props.onChange} />
      {props.label}
    </label>
  );
}

function number(text: string | null): number | undefined {
  const value = text ? Number(text) : Number.NaN;
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
