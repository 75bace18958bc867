import { useMutation } from "@tanstack/react-query";
import {
  Activity,
  Boxes,
  ChartColumn,
  HeartPulse,
  House,
  KeyRound,
  LogOut,
  Mail,
  Menu,
  Moon,
  ReceiptText,
  Sun,
  Tags,
  Users,
  X,
} from "lucide-react";
import { Component, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { NavLink, Route, Routes, useLocation } from "react-router";
import { Away } from "../shared/ui/away";
import { working } from "../shared/ui/focus";
import { Badge, Empty, Failure, Field, Notice, Rows } from "./parts";
import { explain, queries, reach, session, useDeadLetters, useSession, useShop } from "./shop";
import { choose, useTheme } from "./theme";

const Home = lazy(() => import("./pages/home"));
const Orders = lazy(() => import("./pages/orders"));
const OrderPage = lazy(() => import("./pages/order"));
const Products = lazy(() => import("./pages/products"));
const Inventory = lazy(() => import("./pages/inventory"));
const Customers = lazy(() => import("./pages/customers"));
const Events = lazy(() => import("./pages/events"));
const Mailbox = lazy(() => import("./pages/mailbox"));
const Analytics = lazy(() => import("./pages/analytics"));
const Access = lazy(() => import("./pages/access"));
const Health = lazy(() => import("./pages/health"));

export function App() {
  const state = useSession();
  if (state.status === "unknown") return <Splash />;
  if (state.status === "none") return <SignIn />;
  if (state.person.role !== "admin") return <NotAnOperator email={state.person.email ?? ""} />;
  return <Frame />;
}

function Splash() {
  return (
    <main className="grid min-h-dvh place-items-center" aria-busy="true">
      <Brand />
    </main>
  );
}

function Brand() {
  const { data: shop } = useShop();
  return (
    <span className="flex items-center gap-2.5">
      <svg viewBox="0 0 32 32" className="size-6 text-pine" fill="currentColor" aria-hidden="true">
        <path d="M4 10.500 16 3.500l12 7V12.500H4zM6.500 15h3v9h-3zm8 0h3v9h-3zm8 0h3v9h-3zM4 26h24v2.800H4z" />
      </svg>
      <span className="text-lg font-semibold tracking-tight">{shop?.name ?? "Stoa"}</span>
    </span>
  );
}

function SignIn() {
  const signIn = useMutation({
    mutationFn: async ({ email, password }: Record<string, string>) => {
      queries.clear();
      await session.login(email!.trim(), password!);
    },
  });
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <title>Sign in · Console</title>
      <div className="card w-full max-w-sm p-6 sm:p-8">
        <Brand />
        <h1 className="mt-6 text-2xl font-semibold tracking-tight">Operator console</h1>
        <p className="mt-1 text-soft">Sign in with an operator’s account. The shop prints one when it first starts; <code className="font-mono text-sm">stoa operator</code> makes more.</p>
        <form
          className="mt-6 space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            signIn.mutate(Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>);
          }}
        >
          <Field name="email" type="email" label="E-mail" autoComplete="username" required />
          <Field name="password" type="password" label="Password" autoComplete="current-password" required />
          {signIn.isError && <Notice>{explain(signIn.error)}</Notice>}
          <button type="submit" className="button button-main w-full" {...working(signIn.isPending)}>
            {signIn.isPending ? "Signing in…" : "Sign in"}
          </button>
        </form>
      </div>
    </main>
  );
}

function NotAnOperator({ email }: { email: string }) {
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <title>No access · Console</title>
      <div className="card max-w-md p-8">
        <h1 className="text-xl font-semibold">This account does not run the shop</h1>
        <p className="mt-2 text-soft [overflow-wrap:anywhere]">{email} is a customer. An operator can change that under Access.</p>
        <div className="mt-6 flex gap-3">
          <button type="button" className="button button-main" onClick={() => void session.logout()}>
            Sign in as somebody else
          </button>
          <a href="/" className="button button-plain">
            To the shop
          </a>
        </div>
      </div>
    </main>
  );
}

const rooms = [
  ["/", "Home", House],
  ["/orders", "Orders", ReceiptText],
  ["/products", "Products", Tags],
  ["/inventory", "Inventory", Boxes],
  ["/customers", "Customers", Users],
  ["/analytics", "Analytics", ChartColumn],
  ["/events", "Events", Activity],
  ["/mailbox", "Mailbox", Mail],
  ["/access", "Access", KeyRound],
  ["/health", "Health", HeartPulse],
] as const;

function Frame() {
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[14rem_1fr]">
      <a href="#main" className="sr-only focus:not-sr-only focus:fixed focus:left-3 focus:top-3 focus:z-50 focus:rounded-md focus:bg-card focus:px-4 focus:py-2">
        Skip to content
      </a>
      <header className="sticky top-0 z-30 flex h-14 items-center justify-between border-b border-line bg-card px-4 md:hidden">
        <Brand />
        <button type="button" className="grid size-11 place-items-center rounded-md hover:bg-sand" aria-expanded={open} aria-controls="rooms" aria-label={open ? "Close the menu" : "Open the menu"} onClick={() => setOpen(!open)}>
          {open ? <X /> : <Menu />}
        </button>
      </header>
      <Side open={open} />
      <main ref={main} id="main" tabIndex={-1} className="min-w-0 px-4 pb-16 pt-6 outline-none sm:px-6 lg:px-8">
        <div className="mx-auto max-w-6xl">
          <Fence key={pathname}>
            <Suspense fallback={<Rows />}>
              <Routes>
                <Route path="/" element={<Home />} />
                <Route path="/orders" element={<Orders />} />
                <Route path="/orders/:id" element={<OrderPage />} />
                <Route path="/products" element={<Products />} />
                <Route path="/inventory" element={<Inventory />} />
                <Route path="/customers" element={<Customers />} />
                <Route path="/events" element={<Events />} />
                <Route path="/mailbox" element={<Mailbox />} />
                <Route path="/analytics" element={<Analytics />} />
                <Route path="/access" element={<Access />} />
                <Route path="/health" element={<Health />} />
                <Route path="*" element={<Empty title="There is no such page">The menu shows all there are.</Empty>} />
              </Routes>
            </Suspense>
          </Fence>
        </div>
      </main>
      <Away reach={reach} text="The shop cannot be reached. What you see is from before; it goes on by itself." />
    </div>
  );
}

function Side({ open }: { open: boolean }) {
  const theme = useTheme();
  const { data: letters } = useDeadLetters();
  const dead = letters?.letters.length ?? 0;
  return (
    <aside id="rooms" aria-label="Rooms of the shop" className={`${open ? "fixed inset-x-0 bottom-0 top-14 z-20 flex animate-fade" : "hidden"} flex-col bg-card md:sticky md:top-0 md:flex md:h-dvh md:border-r md:border-line`}>
      <div className="hidden h-16 items-center px-5 md:flex">
        <Brand />
      </div>
      <nav aria-label="Console" className="flex-1 overflow-y-auto px-3 py-3 md:py-0">
        <ul className="space-y-0.5">
          {rooms.map(([to, name, Icon]) => (
            <li key={to}>
              <NavLink
                to={to}
                end={to === "/"}
                className={({ isActive }) => `flex min-h-10 items-center gap-3 rounded-md px-3 max-md:min-h-12 ${isActive ? "bg-pine-wash font-medium text-pine-deep" : "text-soft hover:bg-sand hover:text-ink"}`}
              >
                <Icon size={18} aria-hidden="true" />
                <span className="flex-1">{name}</span>
                {to === "/events" && dead > 0 && <Badge tone="bad">{dead}</Badge>}
              </NavLink>
            </li>
          ))}
        </ul>
      </nav>
      <div className="space-y-0.5 border-t border-line p-3">
        <a href="/" className="flex min-h-10 items-center rounded-md px-3 text-soft hover:bg-sand hover:text-ink">
          Storefront
        </a>
        <a href="/docs" className="flex min-h-10 items-center rounded-md px-3 text-soft hover:bg-sand hover:text-ink">
          API reference
        </a>
        <button type="button" className="flex min-h-10 w-full items-center gap-3 rounded-md px-3 text-soft hover:bg-sand hover:text-ink" onClick={() => choose(theme === "dark" ? "light" : "dark")}>
          {theme === "dark" ? <Sun size={18} aria-hidden="true" /> : <Moon size={18} aria-hidden="true" />}
          {theme === "dark" ? "Light" : "Dark"}
        </button>
        <button
          type="button"
          className="flex min-h-10 w-full items-center gap-3 rounded-md px-3 text-soft hover:bg-sand hover:text-ink"
          onClick={() => {
            void session.logout();
            queries.clear();
          }}
        >
          <LogOut size={18} aria-hidden="true" />
          Sign out
        </button>
      </div>
    </aside>
  );
}

class Fence extends Component<{ children: ReactNode }, { why: unknown }> {
  state = { why: null as unknown };
  static getDerivedStateFromError = (why: unknown) => ({ why });
  render() {
    return this.state.why ? <Failure why={this.state.why} again={() => location.reload()} /> : this.props.children;
  }
}
