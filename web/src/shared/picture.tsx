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

export function Picture({
  product,
  className = "",
  eager = false,
}: {
  product: { name: string; image_url?: string };
  className?: string;
  eager?: boolean;
}) {
  const [broken, setBroken] = useState(false);
  const url = loadable(product.image_url);
  if (!url || broken) return <Drawing name={product.name} className={`aspect-square ${className}`} />;
  return (
    <img
      src={url}
      alt=""
      width={300}
      height={300}
      loading={eager ? "eager" : "lazy"}
      decoding="async"
      onError={() => setBroken(true)}
      className={`aspect-square object-cover ${className}`}
    />
  );
}
