import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { nextOf } from "../storefront/search_box";
import { ago, fileSize, money } from "./format";
import de from "./locales/de.json";
import en from "./locales/en.json";
import { Picture, seedOf } from "./picture";

function keys(of: object, before = ""): string[] {
  return Object.entries(of).flatMap(([key, value]) => (typeof value === "object" ? keys(value, `${before}${key}.`) : [`${before}${key} ${[...String(value).matchAll(/{{\w+}}/g)].map(String).sort()}`]));
}

describe("words and figures", () => {
  it("are there in both languages, with the same values in them", () => {
    expect(keys(de).sort()).toEqual(keys(en).sort());
  });
  it("show amounts as each currency has them", () => {
    expect(money(1234.5, "USD")).toBe("$1,234.50");
    expect(money(1234, "JPY")).toBe("¥1,234");
    expect(money(1234.5, "EUR", "de").replace(/\s/g, " ")).toBe("1.234,50 €");
  });
  it("say how large a file is", () => {
    expect([0, 999, 1_000, 1_536, 999_499, 999_500, 12_345_678].map((bytes) => fileSize(bytes))).toEqual(["0 B", "999 B", "1 kB", "1.54 kB", "999 kB", "1 MB", "12.3 MB"]);
    expect(fileSize(1_536, "de")).toBe("1,54 kB");
  });
  it("say how long ago", () => {
    const now = Date.parse("2026-01-01T10:00:00Z");
    expect(ago("2026-01-01T09:00:00Z", now)).toBe("1 hr. ago");
    expect(ago("2026-01-01T09:59:50Z", now)).toBe("now");
  });
  it("go round the results and the box", () => {
    expect([nextOf(-1, 1, 3), nextOf(2, 1, 3), nextOf(-1, -1, 3), nextOf(0, -1, 3)]).toEqual([0, -1, 2, -1]);
  });
});

describe("a picture", () => {
  const draws = (image_url?: string) => render(<Picture product={{ name: "Jug", image_url }} />).container.innerHTML;
  it("is drawn where there is none, always the same", () => {
    expect(draws()).toContain("<svg");
    expect(draws()).toBe(draws());
    expect(seedOf("Jug")).not.toBe(seedOf("Mug"));
  });
  it("offers its sizes, and the drawing until they are made", () => {
    const variant = (size: number, type: string, width = size) => ({ size, width, content_type: `image/${type}`, url: `/api/v1/pictures/p/i/${size}.${type}` });
    const variants = [150, 400, 800].flatMap((size) => [variant(size, "jpeg", Math.min(size, 300)), variant(size, "webp", Math.min(size, 300))]);
    const made = (status: string) => render(<Picture product={{ name: "Jug", images: [{ status, variants }] }} sizes="50vw" />).container;
    expect(made("processing").querySelector("svg")).not.toBeNull();
    expect(made("refused").querySelector("svg")).not.toBeNull();
    const ready = made("ready");
    expect(ready.querySelector("img")!.getAttribute("src")).toBe("/api/v1/pictures/p/i/800.jpeg");
    // 400 and 800 are the same picture of 300 pixels: it is offered once.
    expect(ready.querySelector("source")!.getAttribute("srcset")).toMatch(/^\S+150\.webp 150w, \S+800\.webp 300w$/);
    expect(ready.querySelector("source")!.getAttribute("sizes")).toBe("50vw");
  });
  it("is loaded from this shop or by https only", () => {
    expect(draws("/images/a.svg")).toContain("<img");
    expect(draws("https://x.example/a.png")).toContain("<img");
    for (const bad of ["javascript:alert(1)", "//x.example/a", "http://x.example/a", "data:text/html,x"]) expect(draws(bad)).not.toContain("<img");
  });
});
