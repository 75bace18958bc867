// The table of an order's statuses, as the shop keeps it (docs/life-of-an-order.md), and who may move it.
import type { Order, OrderStatus } from "../api/client";

export type Move = { from: OrderStatus; to: OrderStatus };
export const moves: readonly Move[] = [
  { from: "pending", to: "awaiting_payment" },
  { from: "pending", to: "cancelled" },
  { from: "awaiting_payment", to: "paid" },
  { from: "awaiting_payment", to: "payment_failed" },
  { from: "awaiting_payment", to: "cancelling" },
  { from: "payment_failed", to: "awaiting_payment" },
  { from: "payment_failed", to: "cancelling" },
  { from: "cancelling", to: "cancelled" },
  { from: "cancelling", to: "paid" },
  { from: "paid", to: "shipped" },
  { from: "paid", to: "cancelled" },
  { from: "shipped", to: "delivered" },
  { from: "shipped", to: "refunded" },
  { from: "delivered", to: "refunded" },
];

export type Action = "ship" | "deliver" | "cancel" | "refund";
export const actionNames: Record<Action, string> = { ship: "Mark as shipped", deliver: "Mark as delivered", cancel: "Cancel order", refund: "Refund" };

// What a person may do now; all else moves by itself.
export function actionsOf(order: Pick<Order, "status" | "captured_amount" | "refunded_amount" | "refund_status">): Action[] {
  const left = order.captured_amount - order.refunded_amount;
  switch (order.status) {
    case "awaiting_payment":
    case "payment_failed":
      return ["cancel"];
    case "paid":
      return ["ship", "cancel"];
    case "shipped":
      return left > 0 && order.refund_status !== "pending" ? ["deliver", "refund"] : ["deliver"];
    case "delivered":
      return left > 0 && order.refund_status !== "pending" ? ["refund"] : [];
    default:
      return [];
  }
}
