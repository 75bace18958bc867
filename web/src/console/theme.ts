// Dark or light: the system's wish until somebody chooses.
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";
const remembered = "stoa.console.theme";
const listeners = new Set<() => void>();

const current = (): Theme => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");

function show(theme: Theme) {
  document.documentElement.dataset.theme = theme;
  for (const each of listeners) each();
}

export function startTheme() {
  const chosen = localStorage.getItem(remembered);
  const system = matchMedia("(prefers-color-scheme: dark)");
  show(chosen === "dark" || chosen === "light" ? chosen : system.matches ? "dark" : "light");
  system.addEventListener("change", () => {
    if (!localStorage.getItem(remembered)) show(system.matches ? "dark" : "light");
  });
}

export function choose(theme: Theme) {
  localStorage.setItem(remembered, theme);
  show(theme);
}

export const useTheme = () =>
  useSyncExternalStore((told) => {
    listeners.add(told);
    return () => void listeners.delete(told);
  }, current);
