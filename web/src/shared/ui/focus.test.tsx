import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { working } from "./focus";
import { keepFocus } from "./keep_focus";

let stop = () => {};
afterEach(() => stop());

function Lines() {
  const [lines, setLines] = useState(["one", "two"]);
  return (
    <main tabIndex={-1}>
      {lines.length > 0 && (
        <ul tabIndex={-1}>
          {lines.map((line) => (
            <li key={line}>
              <button type="button" onClick={() => setLines(lines.filter((each) => each !== line))}>
                {line}
              </button>
            </li>
          ))}
        </ul>
      )}
    </main>
  );
}

describe("the focus", () => {
  it("goes to what is around that which left with it", async () => {
    stop = keepFocus(document);
    render(<Lines />);
    for (const [line, role] of [["one", "list"], ["two", "main"]] as const) {
      const button = screen.getByRole("button", { name: line });
      button.focus();
      fireEvent.click(button);
      await waitFor(() => expect(document.activeElement).toBe(screen.getByRole(role)));
    }
  });

  it("stays on a button that works, which does nothing meanwhile", () => {
    const pressed = vi.fn(), sent = vi.fn((event: { preventDefault: () => void }) => event.preventDefault());
    const form = (now: boolean) => (
      <form onSubmit={sent}>
        <button type="submit" {...working(now)} onClick={pressed}>
          Send
        </button>
      </form>
    );
    const { rerender } = render(form(false));
    const button = screen.getByRole("button", { name: "Send" });
    button.focus();
    fireEvent.click(button);
    rerender(form(true));
    fireEvent.click(button);
    expect(document.activeElement).toBe(button);
    expect(pressed).toHaveBeenCalledTimes(1);
    expect(sent).toHaveBeenCalledTimes(1);
  });
});
