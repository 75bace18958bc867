// What every page of the console shares.
import { QueryClient, useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { ask, makeApi, must, type Product } from "../api/client";
import { ApiProblem, isPassing } from "../api/problem";
import { Reach } from "../shared/reach";
import { Session } from "../shared/session";

export const session = new Session("console");
export const api = makeApi(session);

export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (failures, why) => isPassing(why) && failures < 3, networkMode: "always", refetchOnReconnect: true },
    mutations: { networkMode: "always" },
  },
});

export const reach = new Reach(queries);

export const useSession = () => useSyncExternalStore(session.subscribe, session.state);

export function explain(why: unknown): string {
  if (isPassing(why)) return "The shop cannot be reached just now. Try again in a moment.";
  if (!(why instanceof ApiProblem)) return "Something went wrong in this page. Reload it.";
  const allowed = why.allowed.length ? ` Possible now: ${why.allowed.join(", ").replaceAll("_", " ")}.` : "";
  if (why.status === 412) return "Somebody changed this meanwhile. Close it, look again, and repeat your change.";
  return why.message + allowed;
}

// Routes that are files or streams have no schema in the API document.
export async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await must(await api.fetch(new Request(location.origin + path, init)));
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const useShop = () =>
  useQuery({ queryKey: ["shop"], queryFn: () => ask(api.GET("/api/v1/shop")), staleTime: 300_000 });

export type DeadLetter = {
  group: string;
  topic: string;
  partition: number;
  offset: number;
  key: string;
  id: string;
  type: string;
  code: string;
  detail: string;
  attempts: number;
  at: string;
  outcome: "waiting" | "applied" | "failed" | "behind" | "given_up";
};
export type RedriveReport = { letters: DeadLetter[]; more: boolean };

export const useDeadLetters = (every_ms = 15_000) =>
  useQuery({
    queryKey: ["dead-letters"],
    queryFn: () => json<RedriveReport>("/api/v1/dead-letters"),
    refetchInterval: every_ms,
  });

export const lowStock = 5;
// More than these are not looked at; the page of the inventory says so.
export const mostProducts = 50_000;
export async function wholeCatalogue(): Promise<Product[]> {
  const all: Product[] = [];
  let cursor: string | undefined;
  do {
    const got = await ask(api.GET("/api/v1/products", { params: { query: { limit: 100, cursor } } }));
    all.push(...got.products);
    cursor = got.next_cursor;
  } while (cursor && all.length < mostProducts);
  return all;
}

// Products run out one by one, so a look at the whole catalogue is cheap to keep for a while, the longer the larger it is.
export const useCatalogue = () =>
  useQuery({
    queryKey: ["catalogue"],
    queryFn: wholeCatalogue,
    refetchInterval: ({ state }) => Math.max(20_000, (state.data?.length ?? 0) * 20),
    staleTime: 10_000,
  });
