// A shop of its own for each file of tests, and pages that tell of everything that went wrong in them.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test as base, expect, type Page } from "@playwright/test";

export { expect };

export const ada = { email: "ada@example.com", password: "demo-Ada-2026" };
export const grace = { email: "grace@example.com", password: "demo-Grace-2026" };

export class Shop {
  url = "";
  operator = { email: "operator@example.com", password: "" };
  #process: ChildProcess | undefined;
  readonly folder = mkdtempSync(join(tmpdir(), "stoa-web-"));
  #flags: string[] = [];

  async start(...flags: string[]): Promise<this> {
    this.#flags = flags;
    const program = process.env.STOA_TEST_BINARY ?? "../build/release/stoa";
    const address = ["--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    this.#process = spawn(program, ["serve", "--demo", "--data-dir", this.folder, ...address, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process.stderr!.resume();
    await new Promise<void>((ready, failed) => {
      this.#process!.once("exit", (code) => failed(new Error(`the shop ended with ${code}`)));
      createInterface({ input: this.#process!.stdout! }).on("line", (line) => {
        this.url = /ready at (http:\S+)/.exec(line)?.[1] ?? this.url;
        this.operator.password = /^Operator:\s+\S+ \/ (\S+)/.exec(line)?.[1] ?? this.operator.password; // of the first start
        if (line.startsWith("API:")) ready(); // the last line
      });
    });
    return this;
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  // What may only be done to a shop that stands still.
  async whileStopped(work: () => void): Promise<void> {
    await this.#end();
    work();
    await this.start(...this.#flags);
  }

  async #end(): Promise<void> {
    const shop = this.#process!;
    shop.removeAllListeners("exit");
    const gone = new Promise((done) => shop.once("exit", done));
    shop.kill("SIGTERM");
    await gone;
  }

  async token(who: { email: string; password: string } = this.operator): Promise<string> {
    return (await this.ask("POST", "/api/v1/auth/login", who)).token;
  }

  // Answers of many shapes are looked at.
  async ask(method: string, path: string, body?: unknown, token?: string, headers: Record<string, string> = {}): Promise<any> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async addProduct(more: object = {}) {
    const n = Math.random().toString(36).slice(2, 8);
    return this.ask("POST", "/api/v1/products", { sku: `T-${n}`, name: `Test lamp ${n}`, description: "For tests.", category: "Light", price: 12.5, currency: "USD", stock: 10, ...more }, await this.token());
  }

  async orders() {
    return (await this.ask("GET", "/api/v1/orders?limit=100", undefined, await this.token())).orders;
  }
}

type Watched = { violations: string[]; failures: string[] };

export const test = base.extend<{ watched: Watched }, { shop: Shop; shopFlags: string[] }>({
  shopFlags: [[], { option: true, scope: "worker" }],
  shop: [
    async ({ shopFlags }, use) => {
      const shop = await new Shop().start(...shopFlags);
      await use(shop);
      await shop.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ shop }, use) => use(shop.url),
  // Every test fails on a refused script, style or request, and on an exception that nobody caught.
  watched: [
    async ({ context }, use) => {
      const watched: Watched = { violations: [], failures: [] };
      await context.exposeBinding("stoaViolation", (_source, text: string) => void watched.violations.push(text));
      await context.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) =>
          (window as unknown as { stoaViolation: (text: string) => void }).stoaViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
        );
      });
      context.on("weberror", (error) => watched.failures.push(String(error.error())));
      await use(watched);
      expect(watched.violations, "violations of the content security policy").toEqual([]);
      expect(watched.failures, "exceptions in pages").toEqual([]);
    },
    { auto: true },
  ],
});

export async function signIn(page: Page, who: { email: string; password: string }, then = "/account") {
  await page.goto(`/sign-in?then=${encodeURIComponent(then)}`);
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(new RegExp(`${then.replace("?", "\\?")}$`));
}

export async function openConsole(page: Page, shop: Shop, path = "") {
  await page.goto("/console");
  await page.getByLabel("E-mail").fill(shop.operator.email);
  await page.getByLabel("Password").fill(shop.operator.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Home", level: 1 })).toBeVisible();
  if (path) await page.goto(`/console${path}`);
}

export async function addToCart(page: Page, id: string) {
  await page.goto(`/item/${id}`);
  await page.getByRole("button", { name: "Add to cart" }).click();
  await expect(page.getByText("Added to your cart")).toBeVisible();
}

export async function fillCheckout(page: Page, card = "Visa ending 4242") {
  await page.goto("/checkout");
  const email = page.getByLabel("E-mail");
  await expect(email).toBeVisible();
  if (!(await email.inputValue())) await email.fill("zoe@example.com");
  await page.getByLabel("Full name").fill("Zoe Quinn");
  await page.getByLabel("Street and number").fill("1 Stoa Way");
  await page.getByLabel("Postcode").fill("10557");
  await page.getByLabel("City").fill("Athens");
  await page.getByLabel("Country").selectOption("GR");
  await page.getByText(card, { exact: true }).click();
}

export const status = (page: Page) => page.getByTestId("status");
