// The statuses an order can have and the ways between them, with where this one is: along the page where there is room,
// down it on small screens.
import type { OrderStatus } from "../api/client";
import { words } from "../shared/format";
import { moves } from "./order_states";

type Layout = {
  name: string;
  width: number;
  height: number;
  half: { w: number; h: number }; // of a box
  places: Record<OrderStatus, readonly [x: number, y: number]>;
  // The one way that goes around the others.
  around: string;
  className: string;
};

const wide: Layout = {
  name: "wide",
  width: 700,
  height: 176,
  half: { w: 58, h: 17 },
  places: {
    pending: [64, 40],
    awaiting_payment: [214, 40],
    paid: [364, 40],
    shipped: [500, 40],
    delivered: [636, 40],
    payment_failed: [214, 126],
    cancelling: [364, 126],
    cancelled: [500, 126],
    refunded: [636, 126],
  },
  around: "M64 57 V166 H500 V148",
  className: "w-full max-lg:hidden",
};

const narrow: Layout = {
  name: "narrow",
  width: 316,
  height: 330,
  half: { w: 58, h: 17 },
  places: {
    pending: [62, 22],
    awaiting_payment: [62, 94],
    paid: [62, 166],
    shipped: [62, 238],
    delivered: [62, 310],
    payment_failed: [238, 94],
    cancelling: [238, 166],
    cancelled: [238, 238],
    refunded: [238, 310],
  },
  around: "M120 22 H311 V238 H302",
  className: "mx-auto w-full max-w-md lg:hidden",
};

function path({ places, half, around }: Layout, from: OrderStatus, to: OrderStatus): string {
  if (from === "pending" && to === "cancelled") return around;
  const [ax, ay] = places[from];
  const [bx, by] = places[to];
  const [right, down] = [Math.sign(bx - ax), Math.sign(by - ay)];
  // From the corner of one to the corner of the other, so that it meets neither of their straight ways.
  if (right && down) return `M${ax + right * 36} ${ay + down * half.h} L${bx - right * 42} ${by - down * (half.h + 5)}`;
  const bothWays = moves.some((each) => each.from === to && each.to === from);
  const aside = bothWays ? (right + down > 0 ? -8 : 8) : 0;
  return right ? `M${ax + right * half.w} ${ay + aside} H${bx - right * (half.w + 6)}` : `M${ax + aside} ${ay + down * half.h} V${by - down * (half.h + 6)}`;
}

export function StateGraph({ status }: { status: OrderStatus }) {
  return [wide, narrow].map((layout) => <Graph key={layout.name} layout={layout} status={status} />);
}

function Graph({ layout, status }: { layout: Layout; status: OrderStatus }) {
  const { name, width, height, half, places } = layout;
  const open = new Set(moves.filter((each) => each.from === status).map((each) => each.to));
  const next = [...open].map(words).join(", ");
  return (
    <svg viewBox={`0 0 ${width} ${height}`} className={layout.className} role="img" aria-label={`The order is ${words(status)}. ${next ? `It may become ${next}.` : "This is its end."}`}>
      <defs>
        {["line", "pine"].map((tone) => (
          <marker key={tone} id={`${name}-${tone}`} viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 0 8 4 0 8z" className={tone === "pine" ? "fill-pine" : "fill-line-strong"} />
          </marker>
        ))}
      </defs>
      {moves.map(({ from, to }) => {
        const live = from === status;
        return (
          <path
            key={`${from}-${to}`}
            d={path(layout, from, to)}
            fill="none"
            strokeWidth={live ? 2 : 1.2}
            className={live ? "stroke-pine" : "stroke-line-strong opacity-60"}
            markerEnd={`url(#${name}-${live ? "pine" : "line"})`}
          />
        );
      })}
      {(Object.keys(places) as OrderStatus[]).map((each) => {
        const [x, y] = places[each];
        const here = each === status;
        return (
          <g key={each}>
            <rect
              x={x - half.w}
              y={y - half.h}
              width={half.w * 2}
              height={half.h * 2}
              rx="8"
              className={here ? "fill-pine stroke-pine" : open.has(each) ? "fill-pine-wash stroke-pine" : "fill-card stroke-line-strong"}
              strokeWidth="1.2"
            />
            <text x={x} y={y + 4} textAnchor="middle" className={`text-[12px] ${here ? "fill-on-pine font-semibold" : open.has(each) ? "fill-pine-deep" : "fill-soft"}`}>
              {words(each)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
