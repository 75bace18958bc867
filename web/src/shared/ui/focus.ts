// The keyboard's focus is not lost to a button that works for a while.
import type { ComponentProps, MouseEvent } from "react";

const refuse = (event: MouseEvent) => {
  event.preventDefault();
  event.stopPropagation();
};

// Of a button while it works: pressed again, nothing happens. `disabled` would take its focus away.
export const working = (now: boolean): ComponentProps<"button"> => (now ? { "aria-disabled": true, onClickCapture: refuse } : {});
