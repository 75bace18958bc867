import "../styles/console.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { keepFocus } from "../shared/ui/focus";
import { App } from "./app";
import { queries, session } from "./shop";
import { startTheme } from "./theme";

startTheme();
keepFocus(document);
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
