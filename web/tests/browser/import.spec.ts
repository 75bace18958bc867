// A catalogue from a file: a real shop's, with its progress; and one that cannot be read at all.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, openConsole, test } from "./shop";

const folder = process.env.STOA_ONLINE_RETAIL || "../../shared/data/online-retail";

async function open(page: Page, file: string | { name: string; mimeType: string; buffer: Buffer }) {
  await page.getByRole("button", { name: "Import CSV" }).click();
  await page.getByLabel("CSV file").setInputFiles(file);
}

// What the report went through, from the press on: its states, and how far its bar was.
const watch = (page: Page) =>
  page.getByRole("dialog").evaluate((dialog) => {
    const seen: string[] = [], shares = new Set<string>();
    const note = () => {
      const report = dialog.querySelector<HTMLElement>("[data-testid=import-report]");
      if (!report) return;
      const now = `${report.dataset.dryRun === "true" ? "dry" : "real"} ${report.dataset.status}`;
      if (seen.at(-1) !== now) seen.push(now);
      const bar = report.querySelector("[aria-label='Progress of the import'] rect:last-child");
      if (bar) shares.add(bar.getAttribute("width")!);
    };
    new MutationObserver(note).observe(dialog, { subtree: true, childList: true, attributes: true });
    (window as unknown as { watched: () => unknown }).watched = () => ({ seen, shares: [...shares] });
  });
type Watched = { seen: string[]; shares: string[] };
const watched = (page: Page) => page.evaluate(() => (window as unknown as { watched: () => unknown }).watched()) as Promise<Watched>;

test("a real shop's catalogue is tried, imported with its progress seen, and found", async ({ page, shop }) => {
  const file = join(folder, "products.csv");
  test.skip(!existsSync(file), `no real catalogue: ${file} is not there (STOA_ONLINE_RETAIL names the folder)`);
  const rows = readFileSync(file, "utf8").trim().split("\n").length - 1;
  expect(rows).toBeGreaterThan(3_000);
  const before = (await shop.ask("GET", "/api/v1/products?limit=1")).total;
  await openConsole(page, shop, "/products");
  // The shop's own columns: without a currency, which is the shop's, and with a stock by another name.
  await open(page, file);
  await watch(page);
  const report = page.getByTestId("import-report");
  await page.getByRole("button", { name: "Try it first" }).click();
  await expect(report).toHaveAttribute("data-status", "done", { timeout: 30_000 });
  await expect(report).toContainText("nothing has changed");
  const figure = (name: string) => report.getByRole("definition").nth(["Rows", "New", "Changed", "Unchanged", "Bad"].indexOf(name));
  await expect(figure("Rows")).toHaveText(rows.toLocaleString("en-US"));
  await expect(figure("New")).toHaveText(rows.toLocaleString("en-US"));
  expect((await shop.ask("GET", "/api/v1/products?limit=1")).total).toBe(before);
  await page.getByRole("dialog").getByRole("button", { name: "Import", exact: true }).click();
  await expect(report).toContainText("The catalogue is up to date.", { timeout: 30_000 });
  await expect(figure("Bad")).toHaveText("0");
  expect((await shop.ask("GET", "/api/v1/products?limit=1")).total).toBe(before + rows);
  const { seen, shares } = await watched(page);
  console.log(`states of the import: ${JSON.stringify(seen)}, progress: ${JSON.stringify(shares)}`);
  expect(seen.filter((each) => /^real (queued|running)$/.test(each)).length).toBeGreaterThan(0);
  expect(shares.length).toBeGreaterThan(0);
  await page.keyboard.press("Escape");
  await page.getByLabel("Search products").fill("groovy cactus");
  await expect(page.getByRole("table", { name: "Products" })).toContainText("GROOVY CACTUS INFLATABLE");
  await page.goto("/browse?q=groovy cactus");
  await expect(page.getByRole("main").getByRole("listitem").first()).toContainText("GROOVY CACTUS INFLATABLE");
});

test("a file that is no catalogue is told what it lacks, and no figures of nothing", async ({ page, shop }) => {
  await openConsole(page, shop, "/products");
  await open(page, { name: "notes.csv", mimeType: "text/csv", buffer: Buffer.from("colour,weight\nred,3\n") });
  await page.getByRole("button", { name: "Try it first" }).click();
  const report = page.getByTestId("import-report");
  await expect(report).toHaveAttribute("data-status", "failed");
  await expect(report.getByRole("alert")).toBeVisible();
  await expect(report.getByRole("list", { name: "What is wrong" })).toContainText("name");
  await expect(report.getByRole("definition")).toHaveCount(0);
});
