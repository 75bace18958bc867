// Search that answers while one types: a combobox (WAI-ARIA) over the shop's own ranked search.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { ask } from "../api/client";
import { Picture } from "../shared/picture";
import { Search } from "../shared/ui/icons";
import { api, useMoney } from "./shop";

const shown = 5;

// Up and down go round over the results and the box itself, which is -1.
export const nextOf = (now: number, step: number, results: number) =>
  ((now + 1 + step + results + 1) % (results + 1)) - 1;

export function SearchBox() {
  const { t } = useTranslation();
  const money = useMoney();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [parameters] = useSearchParams();
  const asked = parameters.get("q") ?? "";
  const [text, setText] = useState(asked);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const box = useRef<HTMLInputElement>(null);
  const list = useId();
  const q = useDeferredValue(text.trim());
  const { data } = useQuery({
    queryKey: ["suggest", q],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/products/search", { params: { query: { q, limit: shown } }, signal })),
    enabled: open && q.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const found = open && q ? (data?.results ?? []) : [];
  const total = data?.total ?? 0;

  useEffect(() => setOpen(false), [pathname]);
  // Over a list stands what it was searched for, whichever way one came to it.
  useEffect(() => {
    if (pathname === "/browse") setText(asked);
  }, [pathname, asked]);
  // "/" begins a search wherever nothing else is being typed.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      box.current?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const goAll = () => {
    setOpen(false);
    void navigate(q ? `/browse?q=${encodeURIComponent(text.trim())}` : "/browse");
  };
  const goTo = (id: string) => {
    setOpen(false);
    void navigate(`/item/${id}`);
  };

  return (
    <form
      role="search"
      className="relative w-full"
      onSubmit={(event) => {
        event.preventDefault();
        const chosen = found[at];
        if (chosen) goTo(chosen.id);
        else goAll();
      }}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <Search size={18} className="pointer-events-none absolute left-3.5 top-1/2 -translate-y-1/2 text-soft" aria-hidden="true" />
      <input
        ref={box}
        type="search"
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 && found[at] ? `${list}-${at}` : undefined}
        aria-label={t("shop.search")}
        placeholder={t("shop.searchPlaceholder")}
        value={text}
        maxLength={200}
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="search"
        className="h-11 w-full rounded-full border border-transparent bg-sand pl-10 pr-4 placeholder:text-soft focus:border-line-strong focus:bg-card"
        onFocus={() => setOpen(true)}
        onChange={(event) => {
          setText(event.target.value);
          setAt(-1);
          setOpen(true);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") setOpen(false);
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          const step = event.key === "ArrowDown" ? 1 : -1;
          setAt((now) => nextOf(now, step, found.length));
        }}
      />
      <div hidden={found.length === 0} className="absolute inset-x-0 top-full z-30 mt-2 min-w-72 animate-fade overflow-hidden rounded-box border border-line bg-card shadow-xl">
        <div id={list} role="listbox" aria-label={t("shop.search")}>
        {found.map((product, n) => (
          <div
            key={product.id}
            id={`${list}-${n}`}
            role="option"
            aria-selected={n === at}
            className="flex cursor-pointer items-center gap-3 px-3 py-2 hover:bg-sand aria-selected:bg-sand"
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => goTo(product.id)}
          >
            <Picture product={product} sizes="44px" className="size-11 rounded-md" />
            <span className="min-w-0 flex-1 truncate">{product.name}</span>
            <span className="text-sm tabular-nums text-soft">{money(product.price, product.currency)}</span>
          </div>
        ))}
        </div>
        {total > shown && (
          <button type="button" tabIndex={-1} className="block w-full border-t border-line px-3 py-2.5 text-left text-sm font-medium text-pine hover:bg-sand" onPointerDown={(event) => event.preventDefault()} onClick={goAll}>
            {t("browse.suggest", { count: total })}
          </button>
        )}
      </div>
    </form>
  );
}
