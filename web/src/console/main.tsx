import "../styles/console.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./app";
import { queries, session } from "./shop";
import { startTheme } from "./theme";

startTheme();
addEventListener("keydown", () => void import("../shared/ui/keep_focus").then(({ keepFocus }) => keepFocus(document)), { once: true });
void session.token().catch(() => undefined);
createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <BrowserRouter basename="/console" useTransitions={false}>
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
