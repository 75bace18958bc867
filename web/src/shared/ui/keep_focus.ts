// The keyboard's focus is not lost with something that leaves the page: loaded with the first key that is pressed.
const places = "main, [role=dialog], [tabindex]";

// Where what had the focus leaves the page, the nearest place around it that is still there gets it.
export function keepFocus(page: Document): () => void {
  let path: Element[] = [];
  const remember = () => {
    path = [];
    for (let at = page.activeElement; at; at = at.parentElement) path.push(at);
  };
  remember();
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
