// The gateway and the catalogue behind it, at 50, 100 and 200 users, and activity events.
import http from 'k6/http';
import { active_users, base, expect, headers, pause, products, stages, thresholds } from './shop.js';

export const options = {
  stages: stages([[60, 50], [60, 100], [60, 200], [30, 0]]),
  thresholds: Object.fromEntries(Object.entries(thresholds).filter(([name]) => !name.includes('order'))),
};

export function setup() {
  return { products: products() };
}

export default function (data) {
  active_users.add(__VU);
  const product = data.products[Math.floor(Math.random() * data.products.length)];
  expect(http.get(`${base}/api/v1/products?skip=0&limit=10`), 'list', 200, 200);
  expect(http.get(`${base}/api/v1/products/search?q=tea`), 'search', 200, 300);
  expect(http.get(`${base}/api/v1/products/${product}`, { tags: { name: 'GET /products/{id}' } }), 'detail', 200, 300);
  const event = { event_type: 'VIEW_PRODUCT', product_id: product, user_id: `u-${__VU}`, timestamp: new Date().toISOString(), metadata: { session_id: `s-${__VU}-${__ITER}` } };
  expect(http.post(`${base}/api/v1/events`, JSON.stringify(event), headers()), 'event', 202, 300);
  pause(0.3);
}
