// What every page of the storefront shares: the API, the session, the cart, the words.
import { QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { ask, makeApi, type Cart, type Product } from "../api/client";
import { ApiProblem, isPassing } from "../api/problem";
import { money } from "../shared/format";
import { Reach } from "../shared/reach";
import { Session } from "../shared/session";
import { Activity } from "./activity";
import { wishedAgain } from "./attempt";

export const session = new Session("shop");
export const api = makeApi(session);
export const activity = new Activity(api);

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, why) => isPassing(why) && failures < 3,
      // Offline is told by a request that fails; a browser's word for it is too often wrong.
      networkMode: "always",
      refetchOnReconnect: true,
    },
    mutations: { networkMode: "always" },
  },
});
export const reach = new Reach(queries);

export function useSession() {
  return useSyncExternalStore(session.subscribe, session.state);
}

export function useMoney() {
  const { i18n } = useTranslation();
  return (amount: number, currency: string) => money(amount, currency, i18n.language);
}

export const CartDrawerContext = createContext<(open: boolean) => void>(() => undefined);
export const useCartDrawer = () => useContext(CartDrawerContext);

export function useShop() {
  return useQuery({
    queryKey: ["shop"],
    queryFn: () => ask(api.GET("/api/v1/shop")),
    staleTime: 5 * 60_000,
  });
}

const emptyCart = (currency = "USD"): Cart => ({ items: [], total_amount: 0, currency, units: 0, changes: [] });

export function useCart() {
  const state = useSession();
  return useQuery({
    queryKey: ["cart"],
    // A visitor has no cart yet, and gets a session only with the first thing they put into one.
    queryFn: async () => ((await session.token()) ? ask(api.GET("/api/v1/cart")) : emptyCart()),
    enabled: state.status !== "unknown",
    staleTime: 5_000,
  });
}

// Cart changes show what the shop made of them: each answer is the whole cart.
export function useCartChange() {
  const client = useQueryClient();
  const settle = (cart: Cart) => client.setQueryData(["cart"], cart);
  const add = useMutation({
    mutationFn: async ({ product, quantity }: { product: Product; quantity: number }) => {
      await session.ensureSomebody();
      return ask(api.POST("/api/v1/cart/items", { body: { product_id: product.id, quantity } }));
    },
    onSuccess: (cart, { product, quantity }) => {
      settle(cart);
      wishedAgain();
      activity.addedToCart(product.id, quantity);
    },
  });
  const set = useMutation({
    mutationFn: async ({ product_id, quantity }: { product_id: string; quantity: number }) => {
      if (quantity > 0)
        return ask(
          api.PUT("/api/v1/cart/items/{product_id}", { params: { path: { product_id } }, body: { quantity } }),
        );
      await ask(api.DELETE("/api/v1/cart/items/{product_id}", { params: { path: { product_id } } })).catch((why) => {
        if (!(why instanceof ApiProblem && why.status === 404)) throw why; // another tab was faster
      });
      return ask(api.GET("/api/v1/cart"));
    },
    onSuccess: settle,
  });
  return { add, set };
}

// What to say of a failure. The shop's own words where they are for people, ours where they are for programs.
export function useExplain() {
  const { t } = useTranslation();
  return (why: unknown): string => {
    if (isPassing(why)) return t("problem.unreachable");
    if (why instanceof ApiProblem) {
      const known = t(`problem.${why.code}`, { defaultValue: "" });
      return known || why.message;
    }
    return t("problem.unknown");
  };
}
