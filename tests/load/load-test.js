// The whole shop, for about five minutes: up to a hundred users who look, log in, order and ask how it goes.
//
//   k6 run tests/load/load-test.js --env BASE_URL=http://localhost:8080
//   k6 run tests/load/load-test.js --vus 100 --duration 5m    a constant load instead
import http from 'k6/http';
import { active_users, base, expect, headers, login, order, pause, products, stages, thresholds } from './shop.js';

export const options = {
  stages: stages([[30, 20], [90, 50], [60, 100], [60, 50], [30, 0]]),
  thresholds,
};

export function setup() {
  return { products: products() };
}

export default function (data) {
  active_users.add(__VU);
  expect(http.get(`${base}/health`), 'health', 200, 200);
  expect(http.get(`${base}/api/v1/products?skip=0&limit=10`), 'list', 200, 200);
  const product = data.products[Math.floor(Math.random() * data.products.length)];
  expect(http.get(`${base}/api/v1/products/${product}`, { tags: { name: 'GET /products/{id}' } }), 'detail', 200, 300);
  pause(0.5);
  const token = login();
  if (!token) return;
  const id = order(token, product);
  if (id)
    expect(http.get(`${base}/api/v1/orders/${id}`, Object.assign(headers(token), { tags: { name: 'GET /orders/{id}' } })), 'order status', 200, 500);
  pause(0.5);
}
