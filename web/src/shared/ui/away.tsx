// Says that what a page shows stands still, for as long as the shop is not there.
import { useSyncExternalStore } from "react";
import type { Reach } from "../reach";

export function Away({ reach, text }: { reach: Reach; text: string }) {
  const away = useSyncExternalStore(reach.subscribe, reach.away);
  return (
    <div role="status" className="pointer-events-none fixed inset-x-0 bottom-0 z-40 flex justify-center p-3">
      {away && <p className="pointer-events-auto rounded-md bg-ink px-4 py-2.5 text-paper shadow-lg">{text}</p>}
    </div>
  );
}
