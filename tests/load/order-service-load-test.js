// Orders, for four and a half minutes: what makes the order service's autoscaler move (overlay loadtest).
import http from 'k6/http';
import { active_users, base, expect, headers, login, order, pause, products, stages, thresholds } from './shop.js';

export const options = {
  stages: stages([[60, 15], [120, 25], [90, 0]]),
  thresholds,
};

export function setup() {
  return { products: products() };
}

let token;
export default function (data) {
  active_users.add(__VU);
  if (!token || __ITER % 20 === 0) token = login();
  if (!token) return;
  const id = order(token, data.products[(__VU + __ITER) % data.products.length]);
  if (id)
    expect(http.get(`${base}/api/v1/orders/${id}`, Object.assign(headers(token), { tags: { name: 'GET /orders/{id}' } })), 'order status', 200, 500);
  pause(0.2);
}
