// Pictures that an operator uploads are what customers see.
import { deflateSync } from "node:zlib";
import { expect, openConsole, test } from "./shop";

// A PNG of one colour, made by hand: a chunk is its length, name, data and checksum.
function png(width: number, height: number, rgb: [number, number, number]): Buffer {
  const table = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  const chunk = (name: string, data: Buffer) => {
    const named = Buffer.concat([Buffer.from(name), data]);
    const sum = named.reduce((crc, byte) => table[(crc ^ byte) & 255]! ^ (crc >>> 8), 0xffffffff) ^ 0xffffffff;
    const out = Buffer.alloc(named.length + 8);
    out.writeUInt32BE(data.length, 0);
    named.copy(out, 4);
    out.writeUInt32BE(sum >>> 0, named.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.concat(Array.from({ length: width }, () => Buffer.from(rgb)))]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", head), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}
const file = (name: string, buffer: Buffer) => ({ name, mimeType: "image/png", buffer });
const red = file("red.png", png(900, 900, [200, 60, 40]));
const blue = file("blue.png", png(1200, 800, [40, 90, 200]));

test("pictures are uploaded, put in order, shown in the storefront in their sizes, and taken away", async ({ page, shop, browser }) => {
  const lamp = await shop.addProduct({ name: "Pictured lamp" });
  await openConsole(page, shop, "/products");
  await page.getByLabel("Search products").fill("pictured");
  await page.getByRole("button", { name: "Edit Pictured lamp" }).click();
  const pictures = page.getByTestId("picture");
  await page.getByLabel("Picture files").setInputFiles([red, blue]);
  await expect(pictures).toHaveCount(2);
  for (const n of [0, 1]) await expect(pictures.nth(n)).toHaveAttribute("data-status", "ready");
  if (process.env.STOA_TEST_SCREENS) await page.screenshot({ path: `${process.env.STOA_TEST_SCREENS}/console-pictures.png` });

  const sources = () => pictures.getByRole("presentation").evaluateAll((all) => all.map((each) => (each as HTMLImageElement).src));
  const [first, second] = await sources();
  await page.getByRole("button", { name: "Picture 2: earlier" }).click();
  await expect.poll(sources).toEqual([second, first]);

  // Uploading gave the product another version: what is edited beside it is saved all the same.
  await page.getByLabel("Price in USD").fill("77");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("table", { name: "Products" })).toContainText("$77.00");

  const customer = await browser.newPage({ baseURL: shop.url, viewport: { width: 1200, height: 900 } });
  await customer.goto(`/item/${lamp.id}`);
  const large = customer.getByRole("main").locator("picture img").first();
  await expect(large).toHaveAttribute("srcset", /150w.*400w.*800w/);
  const loaded = () => large.evaluate((each) => [(each as HTMLImageElement).currentSrc, (each as HTMLImageElement).naturalWidth] as const);
  await expect.poll(async () => (await loaded())[1]).toBeGreaterThan(0);
  const [source] = await loaded();
  expect(source).toMatch(/\/api\/v1\/pictures\/.*\/800-[^/]+\.webp$/);
  if (process.env.STOA_TEST_SCREENS) await customer.screenshot({ path: `${process.env.STOA_TEST_SCREENS}/item-pictures.png` });
  await customer.getByRole("button", { name: "Picture 2 of 2" }).click();
  await expect.poll(async () => (await loaded())[0]).not.toBe(source);
  await customer.goto("/browse?q=pictured");
  await expect(customer.getByRole("main").locator("picture img").first()).toHaveAttribute("srcset", /\.jpg 150w/);
  await customer.close();

  await page.getByRole("button", { name: "Edit Pictured lamp" }).click();
  await page.getByRole("button", { name: "Picture 2: delete" }).click();
  await expect(pictures).toHaveCount(1);
  expect((await shop.ask("GET", `/api/v1/products/${lamp.id}`)).images).toHaveLength(1);
});

test("a picture is dropped onto its product, and what is none is refused with a reason", async ({ page, shop }) => {
  await shop.addProduct({ name: "Dropped lamp" });
  await openConsole(page, shop, "/products");
  await page.getByLabel("Search products").fill("dropped");
  await page.getByRole("button", { name: "Edit Dropped lamp" }).click();
  const drop = async (name: string, bytes: Buffer) => {
    const what = await page.evaluateHandle(
      ({ name, bytes }) => {
        const moved = new DataTransfer();
        moved.items.add(new File([Uint8Array.from(bytes)], name));
        return moved;
      },
      { name, bytes: [...bytes] },
    );
    await page.getByTestId("drop-picture-files").dispatchEvent("drop", { dataTransfer: what });
  };
  const pictures = page.getByTestId("picture");
  await drop("blue.png", png(300, 200, [40, 90, 200]));
  await expect(pictures).toHaveAttribute("data-status", "ready");
  await drop("notes.png", Buffer.from("no picture at all"));
  await expect(page.getByRole("alert")).toContainText("notes.png: send the picture itself");
  await expect(pictures).toHaveCount(1);
  // A picture by its first bytes, and none by what follows: it is taken, and refused when it is looked at.
  await drop("cut.png", red.buffer.subarray(0, 200));
  await expect(pictures).toHaveCount(2);
  await expect(pictures.nth(1)).toHaveAttribute("data-status", "refused");
  await expect(pictures.nth(1)).toContainText("cannot be read");
});

test("a file that is too large is refused before any of it is sent, and those before it stay", async ({ page, shop }) => {
  await shop.addProduct({ name: "Enormous lamp" });
  await openConsole(page, shop, "/products");
  await page.getByLabel("Search products").fill("enormous lamp");
  await page.getByRole("button", { name: "Edit Enormous lamp" }).click();
  const sent: string[] = [];
  page.on("request", (one) => one.method() === "POST" && one.url().includes("/images") && sent.push(one.url()));
  await page.getByLabel("Picture files").setInputFiles([red, file("poster.png", Buffer.concat([red.buffer, Buffer.alloc(20 * 1024 * 1024)]))]);
  await expect(page.getByRole("alert")).toContainText("poster.png: the file has more than 20 MB");
  await expect(page.getByTestId("picture")).toHaveCount(1);
  expect(sent).toHaveLength(1);
});
