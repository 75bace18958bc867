import { Component, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Route, Routes, useLocation, useNavigationType } from "react-router";
import { languages, setLanguage, type Language } from "../shared/i18n";
import { Away } from "../shared/ui/away";
import { ShoppingBag, User } from "../shared/ui/icons";
import { Browse } from "./pages/browse";
import { Home } from "./pages/home";
import { Item } from "./pages/item";
import { Empty, Failure } from "./parts";
import { SearchBox } from "./search_box";
import { CartDrawerContext, reach, useCart, useSession, useShop } from "./shop";

// What a first visit does not need comes when it is asked for.
const Checkout = lazy(() => import("./pages/checkout"));
const OrderPage = lazy(() => import("./pages/order"));
const Account = lazy(() => import("./pages/account"));
const Auth = lazy(() => import("./pages/auth"));
const CartDrawer = lazy(() => import("./cart_drawer").then(({ CartDrawer: drawer }) => ({ default: drawer })));

export function App() {
  const [cartOpen, setCartOpen] = useState(false);
  const { t } = useTranslation();
  const [cartWanted, setCartWanted] = useState(false);
  useEffect(() => {
    if (cartOpen) setCartWanted(true);
  }, [cartOpen]);
  const { pathname, search } = useLocation();
  const moved = useNavigationType();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // A new page begins at its top, for the eye and for the screen reader.
  useEffect(() => {
    setCartOpen(false);
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  // Another category or another search is another list, and begins at its top, too. Filters replace the address instead.
  useEffect(() => {
    if (moved === "PUSH") window.scrollTo(0, 0);
  }, [search, moved]);

  return (
    <CartDrawerContext value={setCartOpen}>
      <SkipLink />
      <Header openCart={() => setCartOpen(true)} />
      <main ref={main} id="main" tabIndex={-1} className="page min-h-[70vh] pb-20 pt-6 outline-none sm:pt-10">
        <Fence key={pathname}>
          <Suspense fallback={<PageSkeleton />}>
            <Routes>
              <Route path="/" element={<Home />} />
              <Route path="/browse" element={<Browse />} />
              <Route path="/item/:id" element={<Item />} />
              <Route path="/checkout" element={<Checkout />} />
              <Route path="/order/:id" element={<OrderPage />} />
              <Route path="/account" element={<Account />} />
              <Route path="/account/profile" element={<Account />} />
              <Route path="/sign-in" element={<Auth kind="sign-in" />} />
              <Route path="/join" element={<Auth kind="join" />} />
              <Route path="/reset" element={<Auth kind="reset" />} />
              <Route path="*" element={<NotFound />} />
            </Routes>
          </Suspense>
        </Fence>
      </main>
      <Footer />
      <Away reach={reach} text={t("problem.away")} />
      {/* Fetched once somebody opens it, and there from then on: it closes with a movement. */}
      {cartWanted && (
        <Suspense fallback={null}>
          <CartDrawer open={cartOpen} onOpenChange={setCartOpen} />
        </Suspense>
      )}
    </CartDrawerContext>
  );
}

// A page that throws takes nothing else with it.
class Fence extends Component<{ children: ReactNode }, { why: unknown }> {
  state = { why: null as unknown };
  static getDerivedStateFromError = (why: unknown) => ({ why });
  render() {
    return this.state.why ? <Failure why={this.state.why} again={() => location.reload()} /> : this.props.children;
  }
}

function SkipLink() {
  const { t } = useTranslation();
  return (
    <a href="#main" className="sr-only focus:not-sr-only focus:fixed focus:left-4 focus:top-4 focus:z-50 focus:rounded-md focus:bg-card focus:px-4 focus:py-3 focus:shadow-lg">
      {t("shop.skip")}
    </a>
  );
}

export function Mark({ className = "size-7" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} fill="currentColor" aria-hidden="true">
      <path d="M4 10.5 16 3.500l12 7V12.500H4zM6.500 15h3v9h-3zm8 0h3v9h-3zm8 0h3v9h-3zM4 26h24v2.800H4z" />
    </svg>
  );
}

function Header({ openCart }: { openCart: () => void }) {
  const { t } = useTranslation();
  const { data: shop } = useShop();
  const { data: cart } = useCart();
  const state = useSession();
  const known = state.status === "open" && state.person.role !== "guest";
  const units = cart?.units ?? 0;
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-paper/95 backdrop-blur-sm">
      <div className="page grid grid-cols-[auto_1fr_auto] items-center gap-x-4 gap-y-2 py-3 md:gap-x-8">
        <Link to="/" className="flex items-center gap-2.5 text-pine">
          <Mark />
          <span className="display text-[1.7rem] leading-none text-ink">{shop?.name ?? "Stoa"}</span>
        </Link>
        <div className="col-span-3 row-start-2 md:col-span-1 md:col-start-2 md:row-start-1 md:max-w-xl md:justify-self-center md:w-full">
          <SearchBox />
        </div>
        <div className="col-start-3 flex items-center justify-self-end">
          <Link
            to={known ? "/account" : "/sign-in"}
            className="flex h-11 items-center gap-2 rounded-md px-3 hover:bg-sand"
            aria-label={known ? t("shop.account") : t("shop.signIn")}
          >
            <User size={20} aria-hidden="true" />
            <span className="hidden lg:inline">{known ? state.person.first_name || t("shop.account") : t("shop.signIn")}</span>
          </Link>
          <button
            type="button"
            onClick={openCart}
            className="relative flex h-11 items-center gap-2 rounded-md px-3 hover:bg-sand"
            aria-label={t("shop.cartCount", { count: units })}
            data-testid="open-cart"
          >
            <ShoppingBag size={20} aria-hidden="true" />
            <span className="hidden lg:inline">{t("shop.cart")}</span>
            {units > 0 && (
              <span className="grid h-5 min-w-5 place-items-center rounded-full bg-pine px-1 text-xs font-semibold tabular-nums text-white" aria-hidden="true">
                {units > 99 ? "99+" : units}
              </span>
            )}
          </button>
        </div>
      </div>
      <nav aria-label={t("shop.menu")} className="page">
        <ul className="-mx-2 flex gap-1 overflow-x-auto pb-1 [scrollbar-width:none]">
          <li>
            <CategoryLink to="/browse" end label={t("shop.everything")} />
          </li>
          {(shop?.categories ?? []).slice(0, 12).map((category) => (
            <li key={category}>
              <CategoryLink to={`/browse?category=${encodeURIComponent(category)}`} label={category} />
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

function CategoryLink({ to, label }: { to: string; label: string; end?: boolean }) {
  const { pathname, search } = useLocation();
  const wanted = new URLSearchParams(to.split("?")[1]).get("category");
  const here = pathname === "/browse" && new URLSearchParams(search).get("category") === wanted;
  return (
    <NavLink
      to={to}
      aria-current={here ? "page" : undefined}
      className={`flex h-10 items-center whitespace-nowrap border-b-2 px-2 text-[0.94rem] ${here ? "border-pine font-medium" : "border-transparent text-soft hover:text-ink"}`}
    >
      {label}
    </NavLink>
  );
}

function Footer() {
  const { t, i18n } = useTranslation();
  return (
    <footer className="border-t border-line bg-sand/60">
      <div className="page flex flex-wrap items-center justify-between gap-x-10 gap-y-4 py-8 text-sm text-soft">
        <p className="max-w-sm">{t("shop.footer")}</p>
        <div className="flex flex-wrap items-center gap-x-6 gap-y-2">
          <a className="py-2 underline-offset-4 hover:underline" href="/docs">
            {t("shop.forDevelopers")}
          </a>
          <a className="py-2 underline-offset-4 hover:underline" href="/console">
            {t("shop.forOperators")}
          </a>
          <label className="flex items-center gap-2">
            <span>{t("shop.language")}</span>
            <select
              className="h-10 rounded-md border border-line-strong bg-card px-2 text-ink"
              value={i18n.language}
              onChange={(event) => void setLanguage(event.target.value as Language)}
            >
              {Object.entries(languages).map(([code, name]) => (
                <option key={code} value={code} lang={code}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
      </div>
    </footer>
  );
}

function PageSkeleton() {
  return (
    <div aria-busy="true">
      <div className="skeleton h-10 w-64 max-w-full" />
      <div className="skeleton mt-8 h-64" />
    </div>
  );
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty page title={t("problem.notFound")} lead={t("problem.notFoundLead")}>
      <Link className="button button-main" to="/">
        {t("item.back")}
      </Link>
    </Empty>
  );
}
