// The keyboard's focus is never lost to what a page does: not to a button that works for a while, and not with
// something that goes.
import type { ComponentProps, MouseEvent } from "react";

const refuse = (event: MouseEvent) => {
  event.preventDefault();
  event.stopPropagation();
};

// Of a button while it works: pressed again, nothing happens. `disabled` would take its focus away.
export const working = (now: boolean): ComponentProps<"button"> => (now ? { "aria-disabled": true, onClickCapture: refuse } : {});

const places = "main, [role=dialog], [tabindex]";

// Where what had the focus leaves the page, the nearest place around it that is still there gets it.
export function keepFocus(page: Document): () => void {
  let path: Element[] = [];
  const remember = ({ target }: FocusEvent) => {
    path = [];
    for (let at = target instanceof Element ? target : null; at; at = at.parentElement) path.push(at);
  };
  const lost = () => {
    if (!path[0] || path[0].isConnected || page.activeElement !== page.body) return;
    const around = path.find((each) => each.isConnected && each.matches(places)) ?? page.querySelector("main");
    path = [];
    if (around instanceof HTMLElement) around.focus({ preventScroll: true });
  };
  // What went may know better where the focus goes, as a panel that closes does: it is asked first.
  const watch = new MutationObserver(() => {
    if (path[0] && !path[0].isConnected) setTimeout(lost);
  });
  page.addEventListener("focusin", remember);
  watch.observe(page.body, { childList: true, subtree: true });
  return () => {
    watch.disconnect();
    page.removeEventListener("focusin", remember);
  };
}
