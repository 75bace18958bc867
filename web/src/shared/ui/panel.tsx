// The panel without its weight: what makes it comes when one is first opened.
import { lazy, Suspense, useRef, type ComponentProps } from "react";
import type { Panel as Whole } from "./dialog";

const Loaded = lazy(() => import("./dialog").then(({ Panel }) => ({ default: Panel })));

export function Panel(props: ComponentProps<typeof Whole>) {
  const opened = useRef(false);
  opened.current ||= props.open;
  if (!opened.current) return null;
  return (
    <Suspense fallback={null}>
      <Loaded {...props} />
    </Suspense>
  );
}
