// Renders /openapi.json. Text goes in as text, never as markup; the token stays in its field, nowhere else.
"use strict";

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

const callers = {
  anyone: "anyone", signed_in: "signed in", registered: "registered", operators: "operators", services: "services",
};

let api;

const resolve = (schema) => {
  let found = schema;
  while (found && found.$ref) found = found.$ref.split("/").slice(1).reduce((at, key) => at[key], api);
  return found || {};
};
const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : "");

const typeOf = (schema) => {
  const plain = resolve(schema);
  if (plain.enum) return plain.enum.join(" | ");
  if (plain.type === "array") return `list of ${typeOf(plain.items)}`;
  if (plain.type === "object") return nameOf(schema) || "object";
  if (!plain.type) return "any JSON";
  return plain.format ? `${plain.type} (${plain.format})` : plain.type;
};

const limitsOf = (schema) => {
  const said = [];
  const add = (key, text) => key in schema && said.push(text(schema[key]));
  add("minimum", (n) => `≥ ${n}`);
  add("exclusiveMinimum", (n) => `> ${n}`);
  add("maximum", (n) => `≤ ${n}`);
  add("minLength", (n) => (n === 1 ? "not empty" : `at least ${n} characters`));
  if (!/bytes/.test(schema.description || "")) add("maxLength", (n) => `at most ${n} characters`);
  add("minItems", (n) => `at least ${n}`);
  add("maxItems", (n) => `at most ${n}`);
  return said.join(", ");
};

// Members of a record; records within open on demand, so that one that holds itself ends.
const schemaTable = (schema) => {
  const record = resolve(schema);
  if (record.type === "array") {
    return make("div", {}, make("p", { class: "type" }, typeOf(schema)), schemaTable(record.items));
  }
  if (record.type !== "object") return make("p", { class: "type" }, typeOf(schema));
  const required = new Set(record.required || []);
  const rows = Object.entries(record.properties || {}).map(([name, of]) => memberRow(name, of, required.has(name)));
  if (!rows.length) return make("p", { class: "none" }, "No members.");
  return make("div", { class: "scroll" },
    make("table", {}, make("tbody", {}, ...rows)),
    record["x-server-owned"]
      ? make("p", { class: "also" }, "The shop sets these itself, sending one is an error: " +
          record["x-server-owned"].join(", ") + ".") : null);
};

const memberRow = (name, of, required) => {
  const plain = resolve(of);
  const inner = plain.type === "array" ? plain.items : of;
  const holds = resolve(inner).type === "object" && resolve(inner).properties;
  const about = make("td", {}, make("span", { class: "type" }, typeOf(of)));
  const words = [limitsOf({ ...plain, ...of }), of.description || ""].filter(Boolean).join(". ");
  if (words) about.append(make("div", { class: "says" }, words));
  if (holds) {
    const more = make("details", { class: "nested" }, make("summary", {}, `Members of ${nameOf(inner) || name}`));
    more.addEventListener("toggle", () => more.open && more.children.length === 1 && more.append(schemaTable(inner)));
    about.append(more);
  }
  return make("tr", {}, make("td", {}, make("code", {}, name), required ? make("span", { class: "must" }, "required") : null), about);
};

const exampleOf = (schema, depth = 0) => {
  const plain = resolve(schema);
  if (plain.enum) return plain.enum[0];
  if (depth > 4) return null;
  switch (plain.type) {
    case "boolean": return true;
    case "integer": return Math.max(1, plain.minimum || 0);
    case "number": return 12.5;
    case "string":
      if (plain.format === "email") return "someone@example.com";
      if (plain.format === "uuid") return "00000000-0000-7000-8000-000000000000";
      if (plain.format === "date-time") return new Date().toISOString();
      return plain.format === "iso-4217" ? "USD" : "text";
    case "array": return [exampleOf(plain.items, depth + 1)];
    case "object": {
      const out = {};
      const required = new Set(plain.required || []);
      const all = Object.keys(plain.properties || {});
      const wanted = required.size ? all.filter((name) => required.has(name)) : all;
      for (const name of wanted) out[name] = exampleOf(plain.properties[name], depth + 1);
      return out;
    }
    default: return { street: "1 Stoa Way", city: "Athens", country: "GR" };
  }
};

const pathParts = (path) => path.split(/(\{[^}]+\})/).filter(Boolean)
  .map((part) => (part.startsWith("{") ? make("var", {}, part) : part));

// Words between backquotes are code.
const prose = (text) => text.split(/(`[^`]+`)/).filter(Boolean)
  .map((part) => (part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part));

const pretty = (text) => {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
};

// The form that sends the request; made when an operation is first opened.
const tryIt = (verb, path, operation) => {
  const fields = [];
  const form = make("form", { class: "try" });
  const grid = make("div", { class: "fields" });
  for (const parameter of operation.parameters || []) {
    const input = make("input", { autocomplete: "off", spellcheck: "false", placeholder: typeOf(parameter.schema) });
    fields.push({ parameter, input });
    grid.append(make("label", {}, parameter.name + (parameter.required ? " *" : ""), input));
  }
  const body = operation.requestBody && operation.requestBody.content["application/json"];
  const text = body ? make("textarea", { spellcheck: "false", "aria-label": "Request body" }) : null;
  if (text) text.value = JSON.stringify(exampleOf(body.schema), null, 2);
  const send = make("button", { type: "submit" }, "Send");
  const answer = make("div", { class: "answer", "aria-live": "polite" });
  form.append(make("h3", {}, "Try it"), grid, text ? make("label", {}, "Body", text) : "",
    make("div", { class: "actions" }, send), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    answer.replaceChildren();
    try {
      answer.append(...await ask(verb, path, fields, text));
    } catch (error) {
      answer.append(make("p", { class: "line" }, `Not sent: ${error.message}`));
    }
    send.disabled = false;
  });
  return form;
};

const ask = async (verb, path, fields, text) => {
  const headers = {};
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") {
      if (!input.value) throw new Error(`${parameter.name} is needed`);
      target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    } else if (input.value) {
      if (parameter.in === "query") query.set(parameter.name, input.value);
      else headers[parameter.name] = input.value;
    }
  }
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token.replace(/^Bearer\s+/i, "")}`;
  const options = { method: verb.toUpperCase(), headers, credentials: "omit", cache: "no-store" };
  if (text) {
    headers["Content-Type"] = "application/json";
    options.body = text.value;
  }
  const began = performance.now();
  const got = await fetch(query.size ? `${target}?${query}` : target, options);
  const body = await got.text();
  const took = Math.max(1, Math.round(performance.now() - began));
  const out = [make("p", { class: "line" }, make("span", { class: `status ${got.ok ? "good" : ""}` }, String(got.status)),
    ` ${got.statusText} in ${took} ms`)];
  out.push(make("pre", {}, body ? pretty(body) : "No body."));
  const issued = got.ok && body.startsWith("{") ? JSON.parse(body).token : undefined;
  if (typeof issued === "string") {
    out.push(make("button", { type: "button", class: "plain", onclick: () => { document.getElementById("token").value = issued; } },
      "Use this token"));
  }
  return out;
};

const operationView = (verb, path, operation) => {
  const view = make("details", { class: "op", id: operation.operationId },
    make("summary", {},
      make("span", { class: `verb ${verb}` }, verb.toUpperCase()), make("span", { class: "path" }, ...pathParts(path)),
      make("span", { class: "says" }, operation.summary || ""),
      make("span", { class: "who" }, callers[operation["x-callers"]] || "")));
  view.addEventListener("toggle", () => {
    if (!view.open || view.children.length > 1) return;
    view.append(insideOf(verb, path, operation));
  });
  return view;
};

const insideOf = (verb, path, operation) => {
  const inside = make("div", { class: "inside" });
  if (operation["x-alias"]) inside.append(make("p", { class: "also" }, "Also at ", make("code", {}, operation["x-alias"])));
  if ((operation.parameters || []).length) {
    inside.append(make("h3", {}, "Parameters"), make("div", { class: "scroll" }, make("table", {}, make("tbody", {},
      ...operation.parameters.map((p) => {
        const row = memberRow(p.name, { ...p.schema, description: p.description || p.schema.description }, p.required);
        row.firstChild.append(make("div", { class: "says" }, p.in));
        return row;
      })))));
  }
  const body = operation.requestBody && operation.requestBody.content["application/json"];
  if (body) inside.append(make("h3", {}, "Body"), schemaTable(body.schema));
  const statuses = make("div", { class: "statuses" });
  let answer = null;
  for (const [status, response] of Object.entries(operation.responses || {})) {
    const good = status.startsWith("2") || status === "304";
    statuses.append(make("span", { class: `status ${good ? "good" : ""}`, title: resolve(response).description || "" }, status));
    const json = response.content && response.content["application/json"];
    if (good && json) answer = json.schema;
  }
  inside.append(make("h3", {}, "Answers"), statuses);
  if (answer) inside.append(schemaTable(answer));
  inside.append(tryIt(verb, path, operation));
  return inside;
};

const render = () => {
  document.title = `${api.info.title} API`;
  document.getElementById("shop").textContent = api.info.title;
  const main = document.getElementById("main");
  const contents = document.getElementById("contents");
  const groups = new Map((api.tags || []).map((tag) => [tag.name, []]));
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const tag = (operation.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push({ verb, path, operation });
    }
  }
  main.replaceChildren(make("div", { class: "intro" }, make("h1", {}, `${api.info.title} API`),
    make("p", {}, `Version ${api.info.version}. `, ...prose(api.info.description)),
    make("p", {}, "The document itself: ", make("a", { href: "/openapi.json" }, "/openapi.json"))));
  const shown = [];
  for (const [tag, entries] of groups) {
    if (!entries.length) continue;
    const heading = make("h2", { class: "tag" }, tag);
    const list = make("section", {}, heading);
    const links = make("section", {}, make("h2", {}, tag));
    for (const { verb, path, operation } of entries) {
      const view = operationView(verb, path, operation);
      const link = make("a", { href: `#${operation.operationId}` }, make("span", { class: `verb ${verb}` }, verb.toUpperCase()),
        operation.operationId.replace(/([a-z])([A-Z])/g, "$1 $2"));
      list.append(view);
      links.append(link);
      shown.push({ view, link, text: `${verb} ${path} ${operation.operationId} ${operation.summary || ""} ${tag}`.toLowerCase() });
    }
    main.append(list);
    contents.append(links);
  }
  const nothing = make("p", { class: "none", hidden: true }, "No operation has all these words.");
  main.append(nothing);
  search(shown, nothing);
  openNamed();
};

const search = (shown, nothing) => {
  const field = document.getElementById("search");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    for (const { view, link, text } of shown) {
      const fits = words.every((word) => text.includes(word));
      view.hidden = link.hidden = !fits;
      any = any || fits;
    }
    for (const section of document.querySelectorAll("main section, nav section")) {
      section.hidden = !section.querySelector("details.op:not([hidden]), a:not([hidden])");
    }
    nothing.hidden = any;
    document.querySelector(".intro").hidden = words.length > 0;  // what was found stands at the top
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || /INPUT|TEXTAREA/.test(document.activeElement.tagName)) return;
    event.preventDefault();
    field.focus();
  });
};

const openNamed = () => {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named || !named.matches("details.op")) return;
  named.open = true;
  named.scrollIntoView();
};
window.addEventListener("hashchange", openNamed);

fetch("/openapi.json").then((got) => {
  if (!got.ok) throw new Error(`/openapi.json answered ${got.status}`);
  return got.json();
}).then((document_) => {
  api = document_;
  render();
}).catch((error) => {
  document.getElementById("main").replaceChildren(make("p", { class: "none" }, `The document could not be read: ${error.message}`));
});
