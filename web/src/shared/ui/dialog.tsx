// A panel over the page, on radix-ui: focus stays inside, Escape closes, the page behind is inert. Its own overlay is
// left out, since that injects a <style> element, which the pages' policy refuses; the backdrop here is a plain one.
import { Dialog as Radix } from "radix-ui";
import { useEffect, useRef, type ReactNode } from "react";
import { X } from "./icons";

let open = 0;
function useScrollLock(locked: boolean) {
  useEffect(() => {
    if (!locked) return;
    if (open++ === 0) document.body.classList.add("locked");
    return () => {
      if (--open === 0) document.body.classList.remove("locked");
    };
  }, [locked]);
}

export function Panel(props: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  closeLabel: string;
  description?: string;
  side?: "right" | "center";
  wide?: boolean;
  children: ReactNode;
}) {
  useScrollLock(props.open);
  // Radix gives the focus back to a trigger of its own, and these panels have none.
  const before = useRef<{ at: Element | null; path: string }>(null);
  const place =
    props.side === "right"
      ? "inset-y-0 right-0 w-full max-w-md animate-slide"
      : `left-1/2 top-1/2 max-h-[calc(100dvh-2rem)] w-[calc(100%-2rem)] -translate-x-1/2 -translate-y-1/2 rounded-box ${
          props.wide ? "max-w-2xl" : "max-w-md"
        } animate-fade`;
  return (
    <Radix.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Radix.Portal>
        <div className="fixed inset-0 z-40 animate-fade bg-black/35" aria-hidden="true" />
        <Radix.Content
          onOpenAutoFocus={() => {
            before.current = { at: document.activeElement, path: location.pathname };
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            const { at, path } = before.current ?? { at: null, path: "" };
            // On another page, or where what opened the panel is gone: at the page's beginning.
            const back = path === location.pathname && at instanceof HTMLElement && at !== document.body && at.isConnected ? at : document.querySelector("main");
            if (document.activeElement === document.body) back?.focus({ preventScroll: true });
          }}
          className={`fixed z-50 flex flex-col bg-card text-ink shadow-2xl focus:outline-none ${place}`}
        >
          <header className="flex items-center justify-between gap-4 border-b border-line px-5 py-3.5">
            <Radix.Title className="text-lg font-semibold">{props.title}</Radix.Title>
            <Radix.Close
              className="-mr-2 grid size-11 place-items-center rounded-md text-soft hover:bg-sand hover:text-ink"
              aria-label={props.closeLabel}
            >
              <X />
            </Radix.Close>
          </header>
          <Radix.Description className={props.description ? "px-5 pt-4 text-soft" : "sr-only"}>
            {props.description ?? props.title}
          </Radix.Description>
          <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">{props.children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
