// Jumping to a field by its path: opens what hides it, brings it into view and puts the focus there.
import type { FormView } from "./view";

const FLASH_MS = 1300;

/** Opens the section, and the list part, of the field at `path` and focuses it. */
export function jump(form: FormView, path: string): void {
  const section = form.panel.get("sections").find((one) => path === one.key || path.startsWith(`${one.key}.`));
  if (section) {
    form.open.set(section.key, true);
    if (section.fields.find((one) => one.path === path)?.advanced) form.open.set(`${section.key}.more`, true);
    const part = path.match(/^(.*\.\d+)\./)?.[1];
    if (part) form.open.set(part, true);
  }
  form.panel.draw();
  const find = (selector: string): HTMLElement | null => form.panel.el.querySelector<HTMLElement>(selector);
  const target = find(`[data-path="${CSS.escape(path)}"]`) ?? find(`[data-section="${CSS.escape(section?.key ?? "")}"]`);
  target?.scrollIntoView({ block: "center" });
  target?.querySelector<HTMLElement>(":is(input, select, button):not([tabindex='-1'], :disabled)")?.focus({ preventScroll: true });
  target?.classList.add("flash");
  setTimeout(() => target?.classList.remove("flash"), FLASH_MS);
}
