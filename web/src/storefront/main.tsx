import "../styles/storefront.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { startI18n } from "../shared/i18n";
import type { Person } from "../shared/session";
import { App } from "./app";
import { queries, session } from "./shop";

// Another person, another cart and other orders: nothing of the one before is shown to them.
let person: Person | null = null;
const personal = { predicate: ({ queryKey }: { queryKey: readonly unknown[] }) => ["cart", "order", "orders", "me"].includes(String(queryKey[0])) };
session.subscribe(() => {
  const [before, now] = [person, session.person()];
  if (before?.id === now?.id) return;
  person = now;
  // A guest who signs in takes the cart along; what was a customer's is gone at once, and not only looked at again.
  void (before && before.role !== "guest" ? queries.resetQueries(personal) : queries.invalidateQueries(personal));
});
void session.token().catch(() => undefined);

addEventListener("keydown", () => void import("../shared/ui/keep_focus").then(({ keepFocus }) => keepFocus(document)), { once: true });
void startI18n().then(() => {
  createRoot(document.getElementById("app")!).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        {/* No transitions: what a choice in the address shows (a filter, a page) is seen at the press, not after the render. */}
        <BrowserRouter useTransitions={false}>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </StrictMode>,
  );
});
