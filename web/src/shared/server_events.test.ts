import { describe, expect, it } from "vitest";
import { EventParser } from "./server_events";

const text = ": hello\n\nid: 7\nevent: provisional\ndata: {\"a\":1}\n\ndata: one\r\ndata: two\r\n\r\n";
const whole = [
  { id: "7", event: "provisional", data: '{"a":1}' },
  { id: "7", event: "message", data: "one\ntwo" },
];

describe("server-sent events", () => {
  it("are the same however the stream is cut", () => {
    for (let size = 1; size <= text.length; ++size) {
      const parser = new EventParser();
      const got = [];
      for (let from = 0; from < text.length; from += size) got.push(...parser.feed(text.slice(from, from + size)));
      expect(got, `cut every ${size}`).toEqual(whole);
    }
  });

  it("that have not ended are not told", () => {
    expect(new EventParser().feed("data: half\n")).toEqual([]);
  });
});
