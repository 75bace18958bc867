import "../styles/storefront.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { startI18n } from "../shared/i18n";
import { App } from "./app";
import { queries, session } from "./shop";

// Another person, another cart and other orders: nothing of the one before is shown to them.
let person: string | undefined;
session.subscribe(() => {
  const now = session.person()?.id;
  if (now === person) return;
  person = now;
  void queries.invalidateQueries({ predicate: ({ queryKey }) => ["cart", "order", "orders", "me"].includes(String(queryKey[0])) });
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
