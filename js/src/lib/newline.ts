// Enter in a box of several lines. JupyterLab keeps the key for itself in outputs, so the line break is put in by hand.

/** Puts a line break where the cursor is, in a way that the box's own undo knows where the browser can. */
export function newline(event: KeyboardEvent): void {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
  const box = event.target as HTMLTextAreaElement;
  event.preventDefault();
  event.stopPropagation();
  if (document.execCommand?.("insertText", false, "\n")) return;
  box.setRangeText("\n", box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}
