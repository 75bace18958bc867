// Who uses this browser. The access token lives in memory only; what outlives a reload is a cookie that scripts cannot
// read and that goes to /session alone. Tabs share the cookie, so they renew one at a time and tell each other.
import { problemOf, Unreachable } from "../api/problem";

export type Person = {
  id: string;
  email?: string;
  first_name: string;
  last_name: string;
  role: "guest" | "customer" | "admin";
};
type Opened = Person & { token: string; expires_in: number };

// unknown: the cookie has not been asked yet.
export type SessionState = { status: "unknown" } | { status: "none" } | { status: "open"; person: Person };

const renewBefore_ms = 30_000;

export class Session {
  #place: "shop" | "console";
  #leaving: string;
  #token: string | null = null;
  #expires_at = 0;
  #state: SessionState = { status: "unknown" };
  #listeners = new Set<() => void>();
  #renewing: Promise<string | null> | null = null;
  #tabs: BroadcastChannel | null = null;

  constructor(place: "shop" | "console") {
    this.#place = place;
    this.#leaving = `stoa.leaving.${place}`;
    if (typeof BroadcastChannel === "undefined") return;
    this.#tabs = new BroadcastChannel(`stoa-session-${place}`);
    // Another tab signed in or out: this tab's token may be somebody else's.
    this.#tabs.onmessage = () => {
      this.#token = null;
      void this.renew(null).catch(() => undefined);
    };
  }

  state = (): SessionState => this.#state;
  person = (): Person | null => (this.#state.status === "open" ? this.#state.person : null);
  subscribe = (told: () => void) => {
    this.#listeners.add(told);
    return () => void this.#listeners.delete(told);
  };

  // Null: nobody is signed in. Renews in time.
  async token(): Promise<string | null> {
    if (this.#state.status === "none") return null;
    if (this.#token && Date.now() < this.#expires_at - renewBefore_ms) return this.#token;
    return this.renew(this.#token);
  }

  // A new token in place of `stale`; where another caller has already got one, that.
  renew(stale: string | null): Promise<string | null> {
    if (stale && this.#token && this.#token !== stale) return Promise.resolve(this.#token);
    this.#renewing ??= this.#alone(() => this.#refresh()).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  // A guest's session where there is none: a cart needs somebody to belong to.
  async ensureSomebody(): Promise<Person> {
    if (!(await this.token()))
      await this.#alone(async () => {
        // Another tab may have become a guest meanwhile.
        if (!(await this.#refresh())) this.#open(await this.#post<Opened>("guest", {}), true);
      });
    const person = this.person();
    if (!person) throw new Unreachable(undefined);
    return person;
  }

  login = (email: string, password: string) => this.#signIn("login", { email, password });
  register = (who: { email: string; password: string; first_name: string; last_name: string }) =>
    this.#signIn("register", who);

  async logout(): Promise<void> {
    const token = this.#token ?? (await this.token().catch(() => null));
    this.#close();
    this.#tabs?.postMessage("changed");
    // Where the line is cut the cookie stays, and would open the session again with the next page: it goes before that.
    if (token) await this.#post("logout", {}, token).catch((why: unknown) => why instanceof Unreachable && localStorage.setItem(this.#leaving, "yes"));
  }

  async #signIn(name: "login" | "register", body: object): Promise<Person> {
    // The guest's token goes along: the cart and what was ordered become the account's.
    const before = await this.token().catch(() => null);
    const opened = await this.#post<Opened>(name, body, before);
    localStorage.removeItem(this.#leaving);
    this.#open(opened, true);
    return opened;
  }

  async #refresh(): Promise<string | null> {
    try {
      if (localStorage.getItem(this.#leaving)) {
        await this.#post("logout", {}).catch((why: unknown) => {
          if (why instanceof Unreachable) throw why; // an answer takes the cookie, whatever it says
        });
        localStorage.removeItem(this.#leaving);
      }
      const opened = await this.#post<Opened | undefined>("refresh", {});
      if (opened) this.#open(opened, false);
      else this.#close(); // no cookie: a first visit
      return this.#token;
    } catch (why) {
      if (why instanceof Error && "status" in why && why.status === 401) {
        this.#close();
        return null;
      }
      throw why;
    }
  }

  async #post<T>(name: string, body: object, token: string | null = null): Promise<T> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    let answer: Response;
    try {
      answer = await fetch(`/session/${this.#place}/${name}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        credentials: "same-origin",
        keepalive: name === "logout",
      });
    } catch (why) {
      throw new Unreachable(why);
    }
    if (!answer.ok) throw await problemOf(answer);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  // Locks are there in secure contexts only; elsewhere the shop forgives a renewal that came twice.
  #alone<T>(work: () => Promise<T>): Promise<T> {
    if (typeof navigator === "undefined" || !navigator.locks) return work();
    return navigator.locks.request(`stoa-session-${this.#place}`, work) as Promise<T>;
  }

  #open({ token, expires_in, ...person }: Opened, tell: boolean) {
    this.#token = token;
    this.#expires_at = Date.now() + expires_in * 1000;
    this.#become({ status: "open", person });
    if (tell) this.#tabs?.postMessage("changed");
  }

  #close() {
    this.#token = null;
    this.#become({ status: "none" });
  }

  #become(next: SessionState) {
    const same = JSON.stringify(next) === JSON.stringify(this.#state);
    if (same) return;
    this.#state = next;
    for (const each of this.#listeners) each();
  }
}
