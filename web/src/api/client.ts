// The API, typed by its own document. One client an app: it sends the session's token, and a second time with a fresh
// one where the first was refused.
import createClient from "openapi-fetch";
import type { Session } from "../shared/session";
import { ApiProblem, problemOf, Unreachable } from "./problem";
import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];
export type Product = Schemas["product"];
export type Cart = Schemas["cart"];
export type Order = Schemas["order"];
export type OrderStatus = Schemas["order_status"];
export type Payment = Schemas["payment"];

export function authorizedFetch(session: Session) {
  return async (input: Request | string, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const send = async (token: string | null) => {
      const each = request.clone();
      if (token) each.headers.set("Authorization", `Bearer ${token}`);
      try {
        return await fetch(each);
      } catch (why) {
        if (why instanceof DOMException && why.name === "AbortError") throw why;
        throw new Unreachable(why);
      }
    };
    const token = await session.token();
    const answer = await send(token);
    if (answer.status !== 401 || !token) return answer;
    const fresh = await session.renew(token);
    return fresh ? send(fresh) : answer;
  };
}

export type Api = ReturnType<typeof makeApi>;

export function makeApi(session: Session) {
  const fetcher = authorizedFetch(session);
  const client = createClient<paths>({
    baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin,
    fetch: fetcher,
  });
  return { ...client, session, fetch: fetcher };
}

// The answer's data, or what went wrong as an exception, which is what queries and mutations work with.
export async function ask<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ApiProblem(response.status, (error ?? {}) as object);
  return data as NonNullable<T>;
}

export async function must(answer: Response): Promise<Response> {
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}
