// What visitors look at, for the shop's analytics: sent in small batches, and never at the cost of a page.
import type { Api } from "../api/client";
import { newKey } from "./attempt";

type Viewed = { user_id: string; product_id: string; event_type: string; timestamp: string; metadata: object };

const visitorPlace = "stoa.visitor";
const gather_ms = 800;

// A visitor without a session is counted by a random word that this tab made up.
function visitor(): string {
  let known = sessionStorage.getItem(visitorPlace);
  if (!known) {
    known = `visitor-${newKey()}`;
    sessionStorage.setItem(visitorPlace, known);
  }
  return known;
}

export class Activity {
  #api: Api;
  #waiting: Viewed[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api) {
    this.#api = api;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#send();
    });
  }

  viewed = (product_id: string) => this.#note("PRODUCT_VIEW", product_id);
  addedToCart = (product_id: string, quantity: number) => this.#note("ADD_TO_CART", product_id, { quantity });

  #note(event_type: string, product_id: string, metadata: object = {}) {
    const user_id = this.#api.session.person()?.id ?? visitor();
    this.#waiting.push({ user_id, product_id, event_type, timestamp: new Date().toISOString(), metadata });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), gather_ms);
  }

  #send() {
    clearTimeout(this.#timer);
    const events = this.#waiting.splice(0, 100);
    if (!events.length) return;
    // keepalive: the batch outlives the page. A lost one is lost: nobody waits for it.
    void this.#api
      .fetch("/api/v1/events/batch", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ events }),
        keepalive: true,
      })
      .catch(() => undefined);
  }
}
