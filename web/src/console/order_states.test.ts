import { describe, expect, it } from "vitest";
import type { OrderStatus } from "../api/client";
import { actionsOf, moves, type Action } from "./order_states";

const order = (status: OrderStatus, captured_amount = 10, refunded_amount = 0) => ({ status, captured_amount, refunded_amount, refund_status: "none" as const });
const leads: Record<Exclude<Action, "refund">, OrderStatus[]> = { ship: ["shipped"], deliver: ["delivered"], cancel: ["cancelling", "cancelled"] };

describe("what may be done with an order", () => {
  it("is nothing that the table of statuses does not allow", () => {
    for (const status of new Set(moves.map((each) => each.from)))
      for (const action of actionsOf(order(status)))
        if (action !== "refund") expect(moves.some((each) => each.from === status && leads[action].includes(each.to)), `${action} from ${status}`).toBe(true);
  });

  it("is no refund without money to give back", () => {
    expect(actionsOf(order("delivered", 10, 10))).toEqual([]);
    expect(actionsOf(order("shipped", 10, 4))).toContain("refund");
    expect(actionsOf({ ...order("delivered"), refund_status: "pending" })).toEqual([]);
  });

  it("is nothing at an end, nor while the shop itself is moving it", () => {
    for (const status of ["cancelled", "refunded", "cancelling", "pending"] as const) expect(actionsOf(order(status))).toEqual([]);
  });
});
