import { describe, expect, it, vi } from "vitest";
import { EventParser, follow } from "./server_events";

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

describe("a stream that is followed", () => {
  it("is opened anew when nothing has come for a minute, and not while something does", async () => {
    vi.useFakeTimers();
    let opened = 0;
    let says: (text: string) => void = () => {};
    const open = (_last: string | undefined, signal: AbortSignal) => {
      ++opened;
      const body = new ReadableStream<Uint8Array>({
        start(to) {
          says = (text) => to.enqueue(new TextEncoder().encode(text));
          signal.addEventListener("abort", () => to.error(signal.reason));
        },
      });
      return Promise.resolve(new Response(body));
    };
    const states: string[] = [];
    const stop = follow(open, { event: () => {}, state: (state) => states.push(state) });
    for (let n = 0; n < 5; ++n) {
      await vi.advanceTimersByTimeAsync(45_000);
      says(": still here\n\n");
    }
    await vi.advanceTimersByTimeAsync(59_000);
    expect([opened, states.at(-1)]).toEqual([1, "live"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([opened, states.at(-1)]).toEqual([2, "live"]);
    stop();
    vi.useRealTimers();
  });
});
