// A product's picture. One without gets a drawing made of its own name: always the same, never an empty box.
import { useState } from "react";

const grounds = ["#e9efe2", "#fbe9e3", "#e2edf4", "#fdf3d8", "#e8eaf4", "#f3e7f0", "#e1f1ee", "#f4efe6"];
const shapes = ["#6f8f5f", "#c65b3c", "#3f7fa3", "#d9a93b", "#4f5b93", "#8a4f7d", "#2f8577", "#a98a5a"];

export function seedOf(text: string): number {
  let hash = 2166136261;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 16777619);
  return hash >>> 0;
}

// Browsers load what is of this origin or https; anything else would only be a line in the console.
function loadable(url: string | undefined): string | null {
  if (!url) return null;
  if (url.startsWith("/") && !url.startsWith("//")) return url;
  return url.startsWith("https://") ? url : null;
}

export function Drawing({ name, className = "" }: { name: string; className?: string }) {
  const seed = seedOf(name);
  const hue = seed % grounds.length;
  const second = (hue + 1 + ((seed >>> 5) % (shapes.length - 1))) % shapes.length;
  const lean = ((seed >>> 9) % 40) - 20;
  const round = 20 + ((seed >>> 14) % 40);
  return (
    <svg viewBox="0 0 300 300" className={className} aria-hidden="true" focusable="false">
      <rect width="300" height="300" fill={grounds[hue]} />
      <path d="M0 225Q150 178 300 225V300H0z" fill={shapes[hue]} opacity=".22" />
      <ellipse cx="150" cy="238" rx="82" ry="9" opacity=".13" />
      <rect x="92" y="110" width="116" height="124" rx={round} fill={shapes[hue]} />
      <rect
        x="118"
        y="70"
        width="64"
        height="64"
        rx={round / 2}
        fill={shapes[second]}
        transform={`rotate(${lean} 150 102)`}
      />
      <path d="M112 210c0-34 6-56 22-72" fill="none" stroke="#fff" strokeWidth="7" strokeLinecap="round" opacity=".4" />
    </svg>
  );
}

export type Shown = {
  name: string;
  image_url?: string;
  images?: { status: string; variants: { size: number; width: number; content_type: string; url: string }[] }[];
};

// The sizes of one picture in one format, as `srcset` wants them.
function sizesOf(variants: NonNullable<Shown["images"]>[number]["variants"], type: string): string {
  const all = variants.filter((each) => each.content_type === type && loadable(each.url));
  return [...new Map(all.map((each) => [each.width, `${each.url} ${each.width}w`])).values()].join(", ");
}

// `sizes` says how wide it will be drawn, as in the attribute of that name. `at` is which picture of the product.
export function Picture({
  product,
  className = "",
  eager = false,
  sizes = "300px",
  at = 0,
}: {
  product: Shown;
  className?: string;
  eager?: boolean;
  sizes?: string;
  at?: number;
}) {
  const [broken, setBroken] = useState("");
  const uploaded = (product.images ?? []).filter((each) => each.status === "ready")[at]?.variants;
  const largest = uploaded?.findLast((each) => each.content_type === "image/jpeg")?.url;
  const url = loadable(largest ?? product.image_url);
  if (!url || broken === url) return <Drawing name={product.name} className={`aspect-square ${className}`} />;
  return (
    <picture className="contents">
      {/* Hidden: in a row with gaps it would take one. */}
      {largest && <source className="hidden" type="image/webp" srcSet={sizesOf(uploaded!, "image/webp")} sizes={sizes} />}
      <img
        src={url}
        srcSet={largest && sizesOf(uploaded!, "image/jpeg")}
        sizes={largest && sizes}
        alt=""
        width={300}
        height={300}
        loading={eager ? "eager" : "lazy"}
        decoding="async"
        onError={() => setBroken(url)}
        className={`aspect-square object-cover ${className}`}
      />
    </picture>
  );
}
