// Whether the shop is there, told by what the page asks it for anyway. While it is not, what failed is asked for again, so that
// the page goes on by itself.
import type { Query, QueryClient } from "@tanstack/react-query";
import { ApiProblem, Unreachable } from "../api/problem";

const again_ms = 4_000;
const isAway = (why: unknown) => why instanceof Unreachable || (why instanceof ApiProblem && [502, 503, 504].includes(why.status));
const failing = ({ state }: Query) => isAway(state.error) || isAway(state.fetchFailureReason);

const wanted = { type: "active", predicate: failing } as const;

export class Reach {
  #away = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #heard = new Set<() => void>();

  constructor(private readonly queries: QueryClient) {
    if (this.#failing().length) this.#set(true);
    queries.getQueryCache().subscribe((event) => {
      if (event.type !== "updated") return;
      if (event.action.type === "success") this.#set(false);
      else if ((event.action.type === "failed" || event.action.type === "error") && isAway(event.action.error)) this.#set(true);
    });
  }

  away = () => this.#away;
  subscribe = (heard: () => void) => {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  };

  #set(away: boolean) {
    if (away === this.#away) return;
    this.#away = away;
    clearInterval(this.#timer);
    if (away) this.#timer = setInterval(() => this.#again(), again_ms);
    for (const each of this.#heard) each();
  }
  #failing() {
    return this.queries.getQueryCache().findAll(wanted);
  }
  #again() {
    // Whoever wanted it has left the page.
    if (!this.#failing().length) this.#set(false);
    else void this.queries.refetchQueries(wanted, { cancelRefetch: false });
  }
}
