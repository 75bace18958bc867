// The page as it is before its script has come: what is largest on it is in the HTML, with the rules that it needs, so that a
// slow network shows it with the first answer. Writes dist/first/home.<language>.html, and item.html, whose {{…}} the shop fills in
// (src/apps/stoa/first_views.cpp). The markup repeats what React puts in its place, class by class.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import Beasties from "beasties";

// Scripts wait for what is seen first: the styles, and a product's picture.
const page = readFileSync("dist/index.html", "utf8").replace(/<(script type="module"|link rel="modulepreload")/g, '<$1 fetchpriority="low"');
const words = (language) => JSON.parse(readFileSync(`src/shared/locales/${language}.json`, "utf8"));
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const header = `<header class="sticky top-0 z-30 border-b border-line bg-paper/95 backdrop-blur-sm"><div class="page grid grid-cols-[auto_1fr_auto] items-center gap-x-4 gap-y-2 py-3 md:gap-x-8"><span class="flex h-11 items-center gap-2.5 text-pine"><svg viewBox="0 0 32 32" class="size-7" fill="currentColor" aria-hidden="true"><path d="M4 10.5 16 3.500l12 7V12.500H4zM6.500 15h3v9h-3zm8 0h3v9h-3zm8 0h3v9h-3zM4 26h24v2.800H4z"/></svg></span><div class="field col-span-3 row-start-2 md:col-span-1 md:col-start-2 md:row-start-1 md:max-w-xl md:justify-self-center md:w-full"></div></div><div class="page"><div class="h-10 pb-1"></div></div></header>`;
const main = (content) => `${header}<main class="page min-h-[70vh] pb-20 pt-6 outline-none sm:pt-10">${content}</main>`;
const skeletons = Array.from({ length: 6 }, (_, n) => `<div class="skeleton aspect-square ${n === 0 ? "sm:col-span-2 sm:row-span-2" : ""}"></div>`).join("");

const home = ({ home: { title, lead, browse } }) =>
  main(
    `<section class="grid items-center gap-8 pb-14 md:grid-cols-[1fr_1.05fr] md:gap-14 md:pb-20"><div class="max-w-xl"><h1 class="display text-[clamp(2.6rem,7vw,4.6rem)]">${escaped(title)}</h1><p class="mt-5 max-w-md text-lg leading-relaxed text-soft">${escaped(lead)}</p><a href="/browse" class="button button-main mt-8 px-6">${escaped(browse)}</a></div><div class="grid grid-cols-3 gap-3 sm:gap-4" aria-hidden="true">${skeletons}</div></section>`,
  );
const item = main(
  `<div class="grid gap-8 md:grid-cols-2 md:gap-14"><div class="overflow-hidden rounded-box bg-sand md:sticky md:top-36 md:self-start">{{picture}}</div><div class="md:pt-4"><p class="text-soft">{{category}}</p><h1 class="display mt-2 text-4xl [overflow-wrap:anywhere] sm:text-5xl">{{name}}</h1><p class="mt-4 text-2xl">&nbsp;</p><p class="mt-6 max-w-prose whitespace-pre-line text-lg leading-relaxed text-soft [overflow-wrap:anywhere]">{{description}}</p></div></div>`,
);

const empty = '<div id="app"></div>';
const filled = (content, more = "") => {
  if (!page.includes(empty)) throw new Error(`index.html has no ${empty}`);
  return page.replace(empty, () => `<div id="app">${content}</div>${more}`);
};

// The whole style sheet comes at the end of the body, after what is seen first. The policy of the page allows the one <style>
// by its digest (src/apps/stoa/web_pages.cpp).
const styles = new Beasties({ path: "dist", publicPath: "/", preload: "body", fonts: false, logLevel: "warn" });
async function write(name, html) {
  const styled = (await styles.process(html)).replace(" data-beasties-container", "");
  if (styled.split("<style>").length !== 2) throw new Error(`${name} should have one <style>`);
  writeFileSync(`dist/first/${name}.html`, styled);
}

mkdirSync("dist/first", { recursive: true });
for (const language of ["en", "de"]) await write(`home.${language}`, filled(home(words(language))).replace('<html lang="en">', `<html lang="${language}">`));
// A block of data is no script: the policy of the page lets it be.
const known = '<script type="application/json" id="known-item">{{json}}</script>';
await write("item", filled(item, known).replace("<title>Stoa</title>", "<title>{{name}}</title>"));
