// Documents that an operator uploads are what customers save.
import { readFile } from "node:fs/promises";
import { expect, openConsole, test } from "./shop";

const manual = { name: "Bedienungsanleitung für Lampe.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\nhow to hold a lamp\n%%EOF\n") };

test("documents are uploaded, saved by customers, and taken away", async ({ page, shop, browser }) => {
  const lamp = await shop.addProduct({ name: "Documented lamp" });
  await openConsole(page, shop, "/products");
  await page.getByLabel("Search products").fill("documented");
  await page.getByRole("button", { name: "Edit Documented lamp" }).click();
  const documents = page.getByTestId("document");
  await page.getByLabel("Document files").setInputFiles([manual, { ...manual, name: "sheet.pdf" }]);
  await expect(documents).toHaveCount(2);
  await expect(documents.first()).toContainText(`${manual.buffer.length} B`);
  if (process.env.STOA_TEST_SCREENS) await page.getByLabel("Documents", { exact: true }).screenshot({ path: `${process.env.STOA_TEST_SCREENS}/console-documents.png` });

  const customer = await browser.newPage({ baseURL: shop.url, viewport: { width: 1200, height: 900 } });
  await customer.goto(`/item/${lamp.id}`);
  const saved = customer.waitForEvent("download");
  await customer.getByRole("link", { name: manual.name }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toBe(manual.name);
  expect(await readFile(await download.path())).toEqual(manual.buffer);
  if (process.env.STOA_TEST_SCREENS) await customer.screenshot({ path: `${process.env.STOA_TEST_SCREENS}/item-documents.png` });
  await customer.close();

  await page.getByRole("button", { name: "sheet.pdf: delete" }).click();
  await expect(documents).toHaveCount(1);
  expect((await shop.ask("GET", `/api/v1/products/${lamp.id}/documents`)).documents).toHaveLength(1);
});

test("what is no document is refused with a reason, and those before it stay", async ({ page, shop }) => {
  const lamp = await shop.addProduct({ name: "Refused lamp" });
  await openConsole(page, shop, "/products");
  await page.getByLabel("Search products").fill("refused lamp");
  await page.getByRole("button", { name: "Edit Refused lamp" }).click();
  await page.getByLabel("Document files").setInputFiles([manual, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("plain words") }]);
  await expect(page.getByRole("alert")).toContainText("notes.txt: send the document itself");
  await expect(page.getByTestId("document")).toHaveCount(1);
  // Slashes are no part of a file's name anywhere.
  const answer = await page.request.post(`/api/v1/products/${lamp.id}/documents?name=..%2Fmanual.pdf`, { data: manual.buffer, headers: { Authorization: `Bearer ${await shop.token()}` } });
  expect(answer.status()).toBe(422);
});
