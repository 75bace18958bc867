// What the load tests share: who buys, what is asked, and what counts as an error. Each answer's status is asserted, and `errors`
// is told of what went well, too: a rate of failures alone would be 100 % after the first.
import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

export const base = (__ENV.BASE_URL || __ENV.API_GATEWAY_URL || 'http://localhost:8080').replace(/\/+$/, '');
export const errors = new Rate('errors');
export const api_latency = new Trend('api_latency', true);
export const order_latency = new Trend('order_latency', true);
export const successful_orders = new Counter('successful_orders');
export const active_users = new Gauge('active_users');

// The documented thresholds, and two of ours; a run against the embedded shop has sharper ones of its own (STRICT=1).
export const thresholds = {
  http_req_duration: ['p(95)<500', 'p(99)<1000'],
  http_req_failed: ['rate<0.10'],
  errors: ['rate<0.05'],
  api_latency: ['p(95)<200'],
  order_latency: ['p(95)<1000'],
  checks: ['rate>0.95'],
  // A shop that sold nothing has not been tested.
  successful_orders: ['count>0'],
};
if (__ENV.STRICT) thresholds.http_req_duration.push('p(95)<20');

// SCALE makes stages shorter and smaller alike: 0.05 is a twentieth of the time; MOST bounds the users.
export function stages(documented) {
  const scale = Number(__ENV.SCALE || 1);
  const most = Number(__ENV.MOST || 1e9);
  return documented.map(([seconds, target]) => ({
    duration: `${Math.max(1, Math.round(seconds * scale))}s`,
    target: Math.min(target, most),
  }));
}

export function headers(token, more) {
  return { headers: Object.assign({ 'Content-Type': 'application/json' }, token ? { Authorization: `Bearer ${token}` } : {}, more || {}) };
}

// One answer: its status and its time are what they should be, or it is an error.
export function expect(answer, name, status, within_ms, trend) {
  (trend || api_latency).add(answer.timings.duration);
  const good = check(answer, {
    [`${name}: ${status}`]: (a) => a.status === status,
  });
  check(answer, { [`${name}: within ${within_ms} ms`]: (a) => a.timings.duration < within_ms });
  errors.add(!good);
  return good;
}

const password = 'correct horse 9';
export const address = { street: '1 Stoa Way', city: 'Athens', country: 'GR' };

// A user a virtual user keeps; registered in the first iteration, logged in again in each.
let known;
export function login() {
  if (!known) {
    const email = `load-${__VU}-${Date.now()}-${Math.floor(Math.random() * 1e9)}@example.com`;
    const made = http.post(`${base}/api/v1/auth/register`,
      JSON.stringify({ email, password, first_name: 'Load', last_name: 'Test' }), headers());
    if (!expect(made, 'register', 201, 2000)) return null;
    known = { email, id: made.json('id') };
  }
  const got = http.post(`${base}/api/v1/auth/login`, JSON.stringify({ email: known.email, password }), headers());
  return expect(got, 'login', 200, 500) ? got.json('token') : null;
}

export function products() {
  const got = http.get(`${base}/api/v1/products?limit=50&in_stock=true`);
  if (got.status !== 200 || !got.json('products').length)
    fail(`${base} has no product in stock: start the shop with --demo, or import a catalogue`);
  return got.json('products').map((each) => each.id);
}

export function order(token, product) {
  const key = `${__VU}-${__ITER}-${Date.now()}`;
  const body = JSON.stringify({ items: [{ product_id: product, quantity: 1 }], shipping_address: address, payment_method: 'credit_card' });
  const got = http.post(`${base}/api/v1/orders`, body, headers(token, { 'Idempotency-Key': key }));
  // What is sold out is refused, rightly, and is no error of the shop.
  if (got.status === 409 && got.json('code') === 'out_of_stock') return null;
  if (!expect(got, 'create order', 201, 2000, order_latency)) return null;
  successful_orders.add(1);
  // A retry has no second effect: the same order, told again.
  if (__ITER % 10 === 0) {
    const again = http.post(`${base}/api/v1/orders`, body, headers(token, { 'Idempotency-Key': key }));
    expect(again, 'the same order again', 201, 2000, order_latency);
    check(again, { 'the same order again: is the same': (a) => a.json('id') === got.json('id') });
  }
  return got.json('id');
}

export function pause(seconds) {
  sleep(seconds * Number(__ENV.PAUSE || 1));
}
