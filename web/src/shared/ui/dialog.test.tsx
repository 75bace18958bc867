import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { Panel } from "./dialog";

function Page({ keeps = true }: { keeps?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <main tabIndex={-1}>
      {(keeps || !open) && (
        <button type="button" onClick={() => setOpen(true)}>
          Open
        </button>
      )}
      <Panel open={open} onOpenChange={setOpen} title="A panel" closeLabel="Close">
        <button type="button">Inside</button>
      </Panel>
    </main>
  );
}

describe("a panel", () => {
  it.each([true, false])("gives the focus back when it closes, to what opened it if that is there (%s)", async (keeps) => {
    const { unmount } = render(<Page keeps={keeps} />);
    const opener = screen.getByRole("button", { name: "Open" });
    opener.focus();
    fireEvent.click(opener);
    await waitFor(() => expect(screen.getByRole("dialog").contains(document.activeElement)).toBe(true));
    fireEvent.keyDown(document.activeElement!, { key: "Escape" });
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(document.activeElement).not.toBe(document.body));
    if (keeps) expect(document.activeElement).toBe(opener);
    unmount();
  });
});
