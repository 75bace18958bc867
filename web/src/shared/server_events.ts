// Server-sent events over fetch: the browser's own EventSource cannot send a token.
export type ServerEvent = { id?: string; event: string; data: string };

// Feeds on text as it comes, cut anywhere.
export class EventParser {
  #rest = "";
  #event = "message";
  #data: string[] = [];
  #id: string | undefined;

  feed(chunk: string): ServerEvent[] {
    const out: ServerEvent[] = [];
    this.#rest += chunk;
    for (;;) {
      const end = this.#rest.search(/\r\n|\n|\r(?!$)/);
      if (end < 0) return out;
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(this.#rest.startsWith("\r\n", end) ? end + 2 : end + 1);
      if (line === "") {
        if (this.#data.length) out.push({ id: this.#id, event: this.#event, data: this.#data.join("\n") });
        this.#event = "message";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") this.#data.push(value);
      if (name === "event") this.#event = value;
      if (name === "id") this.#id = value;
    }
  }
}

export type StreamState = "connecting" | "live" | "waiting";

// The shop says that it is there four times as often, when nothing happens: what is silent for longer is a connection that
// nobody holds at the other end, as after a night's sleep.
const longest_silence_ms = 60_000;

// Follows a stream until it is stopped: after a cut it goes on behind the last event it has seen.
export function follow(
  open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>,
  on: { event: (event: ServerEvent) => void; state?: (state: StreamState) => void },
): () => void {
  const stopped = new AbortController();
  let last: string | undefined;
  let wait_ms = 500;
  const run = async () => {
    while (!stopped.signal.aborted) {
      on.state?.("connecting");
      const silent = new AbortController();
      const awake = () => setTimeout(() => silent.abort(), longest_silence_ms);
      let watch = awake();
      try {
        const answer = await open(last, AbortSignal.any([stopped.signal, silent.signal]));
        if (!answer.ok || !answer.body) throw new Error(`the stream answered ${answer.status}`);
        on.state?.("live");
        wait_ms = 500;
        const parser = new EventParser();
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          clearTimeout(watch);
          watch = awake();
          for (const event of parser.feed(value)) {
            if (event.id) last = event.id;
            on.event(event);
          }
        }
      } catch {
        if (stopped.signal.aborted) return;
      } finally {
        clearTimeout(watch);
      }
      on.state?.("waiting");
      await new Promise((done) => setTimeout(done, wait_ms));
      wait_ms = Math.min(wait_ms * 2, 10_000);
    }
  };
  void run();
  return () => stopped.abort();
}
