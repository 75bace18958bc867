// The statuses an order can have and the ways between them, with where this one is.
import { useEffect, useRef } from "react";
import type { OrderStatus } from "../api/client";
import { words } from "../shared/format";
import { moves } from "./order_states";

const places: Record<OrderStatus, [x: number, y: number]> = {
  pending: [64, 40],
  awaiting_payment: [214, 40],
  paid: [364, 40],
  shipped: [500, 40],
  delivered: [636, 40],
  payment_failed: [214, 126],
  cancelling: [364, 126],
  cancelled: [500, 126],
  refunded: [636, 126],
};
const half = { w: 58, h: 17 };

function path(from: OrderStatus, to: OrderStatus): string {
  const [ax, ay] = places[from];
  const [bx, by] = places[to];
  if (from === "pending" && to === "cancelled") return `M${ax} ${ay + half.h} V166 H${bx} V${by + half.h + 5}`;
  if (from === "shipped" && to === "refunded") return `M${ax + 30} ${ay + half.h} L${bx - 36} ${by - half.h - 5}`;
  if (from === "paid" && to === "cancelled") return `M${ax + 34} ${ay + half.h} L${bx - 40} ${by - half.h - 5}`;
  if (from === "awaiting_payment" && to === "cancelling") return `M${ax + 40} ${ay + half.h} L${bx - 44} ${by - half.h - 5}`;
  if (ay === by) return bx > ax ? `M${ax + half.w} ${ay} H${bx - half.w - 6}` : `M${ax - half.w} ${ay} H${bx + half.w + 6}`;
  const twoWays = (from === "awaiting_payment" && to === "payment_failed") || (from === "payment_failed" && to === "awaiting_payment");
  const shift = twoWays ? (by > ay ? -10 : 10) : 0;
  return by > ay ? `M${ax + shift} ${ay + half.h} V${by - half.h - 6}` : `M${ax + shift} ${ay - half.h} V${by + half.h + 6}`;
}

export function StateGraph({ status }: { status: OrderStatus }) {
  const open = new Set(moves.filter((each) => each.from === status).map((each) => each.to));
  const next = [...open].map(words).join(", ");
  const frame = useRef<HTMLDivElement>(null);
  // Where it does not fit, the state it is in is what is seen.
  useEffect(() => {
    const { scrollWidth, clientWidth } = frame.current!;
    frame.current!.scrollLeft = (places[status][0] / 700) * scrollWidth - clientWidth / 2;
  }, [status]);
  return (
    // Wider than a small screen: reached by the keyboard, too.
    <div ref={frame} className="overflow-x-auto" tabIndex={0} role="group" aria-label="States of the order">
      <svg viewBox="0 0 700 176" className="w-full min-w-[36rem]" role="img" aria-label={`The order is ${words(status)}. ${next ? `It may become ${next}.` : "This is its end."}`}>
        <defs>
          {["line", "pine"].map((tone) => (
            <marker key={tone} id={`arrow-${tone}`} viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0 8 4 0 8z" className={tone === "pine" ? "fill-pine" : "fill-line-strong"} />
            </marker>
          ))}
        </defs>
        {moves.map(({ from, to }) => {
          const live = from === status;
          return (
            <path
              key={`${from}-${to}`}
              d={path(from, to)}
              fill="none"
              strokeWidth={live ? 2 : 1.2}
              className={live ? "stroke-pine" : "stroke-line-strong opacity-60"}
              markerEnd={`url(#arrow-${live ? "pine" : "line"})`}
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
    </div>
  );
}
