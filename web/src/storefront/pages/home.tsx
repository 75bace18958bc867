import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ask, type Product } from "../../api/client";
import { Picture } from "../../shared/picture";
import { ChevronRight } from "../../shared/ui/icons";
import { Failure, GridSkeleton, gridClass, ProductCard } from "../parts";
import { api, useShop } from "../shop";

// One look at the catalogue serves the whole page.
const looked = 100;

export function Home() {
  const { t } = useTranslation();
  const { data: shop } = useShop();
  const catalogue = useQuery({
    queryKey: ["home"],
    queryFn: () => ask(api.GET("/api/v1/products", { params: { query: { limit: looked } } })),
    staleTime: 60_000,
  });
  const products = catalogue.data?.products ?? [];
  const heroes = pick(products);
  const last = products.filter((each) => each.stock > 0 && each.stock <= 5).slice(0, 4);
  const arrived = products.filter((each) => each.stock > 5).slice(0, 8);
  const categories = (shop?.categories ?? []).slice(0, 8);

  return (
    <>
      <title>{shop?.name ?? "Stoa"}</title>
      <section className="grid items-center gap-8 pb-14 md:grid-cols-[1fr_1.05fr] md:gap-14 md:pb-20">
        <div className="max-w-xl">
          <h1 className="display text-[clamp(2.6rem,7vw,4.6rem)]">{t("home.title")}</h1>
          <p className="mt-5 max-w-md text-lg leading-relaxed text-soft">{t("home.lead")}</p>
          <Link to="/browse" className="button button-main mt-8 px-6">
            {t("home.browse")}
          </Link>
        </div>
        <div className="grid grid-cols-3 gap-3 sm:gap-4" aria-hidden={heroes.length === 0}>
          {heroes.length
            ? heroes.map((product, n) => (
                <Link key={product.id} to={`/item/${product.id}`} aria-label={product.name} className={`overflow-hidden rounded-box ${n === 0 ? "sm:col-span-2 sm:row-span-2" : ""}`}>
                  <Picture product={product} eager sizes="(min-width: 768px) 50vw, 100vw" className="w-full transition duration-500 ease-calm hover:scale-[1.03]" />
                </Link>
              ))
            : Array.from({ length: 6 }, (_, n) => <div key={n} className={`skeleton aspect-square ${n === 0 ? "sm:col-span-2 sm:row-span-2" : ""}`} />)}
        </div>
      </section>

      {categories.length > 0 && (
        <section aria-labelledby="home-categories" className="border-y border-line py-10">
          <h2 id="home-categories" className="display text-3xl">
            {t("home.categories")}
          </h2>
          <ul className="mt-6 grid grid-cols-2 gap-3 sm:grid-cols-4 lg:grid-cols-8">
            {categories.map((category) => {
              const face = products.find((each) => each.category === category);
              return (
                <li key={category}>
                  <Link to={`/browse?category=${encodeURIComponent(category)}`} className="group block rounded-box">
                    <span className="block overflow-hidden rounded-box bg-sand">
                      {face ? <Picture product={face} sizes="(min-width: 1024px) 25vw, 50vw" className="w-full transition duration-500 ease-calm group-hover:scale-[1.04]" /> : <span className="skeleton block aspect-square" />}
                    </span>
                    <span className="mt-2 block font-medium group-hover:underline group-hover:underline-offset-4">{category}</span>
                  </Link>
                </li>
              );
            })}
          </ul>
        </section>
      )}

      {catalogue.isError && <Failure why={catalogue.error} again={() => void catalogue.refetch()} />}
      <Shelf id="home-new" title={t("home.new")}>
        {catalogue.isPending ? <GridSkeleton /> : <Grid products={arrived} />}
      </Shelf>
      {last.length > 0 && (
        <Shelf id="home-last" title={t("home.last")} lead={t("home.lastLead")}>
          <Grid products={last} />
        </Shelf>
      )}
    </>
  );
}

function Shelf({ id, title, lead, children }: { id: string; title: string; lead?: string; children: React.ReactNode }) {
  const { t } = useTranslation();
  return (
    <section aria-labelledby={id} className="pt-14">
      <div className="mb-6 flex items-end justify-between gap-4">
        <div>
          <h2 id={id} className="display text-3xl">
            {title}
          </h2>
          {lead && <p className="mt-1 text-soft">{lead}</p>}
        </div>
        <Link to="/browse" className="flex min-h-11 items-center gap-1 whitespace-nowrap font-medium text-pine hover:underline hover:underline-offset-4" aria-label={`${t("home.seeAll")}: ${title}`}>
          {t("home.seeAll")} <ChevronRight size={18} aria-hidden="true" />
        </Link>
      </div>
      {children}
    </section>
  );
}

function Grid({ products }: { products: Product[] }) {
  return (
    <ul className={gridClass}>
      {products.map((product) => (
        <li key={product.id}>
          <ProductCard product={product} />
        </li>
      ))}
    </ul>
  );
}

// Six, each of another category where there are so many: the oldest of each, which is what a shop is known for.
function pick(products: Product[]): Product[] {
  const seen = new Set<string>();
  const oldest = [...products].reverse().filter((each) => each.stock > 0);
  const varied = oldest.filter((each) => !seen.has(each.category) && seen.add(each.category));
  const rest = oldest.filter((each) => !varied.includes(each));
  return [...varied, ...rest].slice(0, 6);
}
