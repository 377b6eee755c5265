// What a folded section says: its kind, then what matters in it, in a few words. Pure functions of the state.
import type { FormField } from "../contracts";
import { counted, typed } from "../lib/format";

const MOST = 4;

/** One line for a folded section. */
export function summary(fields: FormField[], values: Record<string, any>, hidden: string[]): string {
  const shown = fields.filter((field) => !hidden.includes(field.path) && depth(field, fields) === 0);
  const kind = shown.filter((field) => field.type === "kind").map((field) => word(field, values));
  const rest = shown.filter((field) => field.type !== "kind" && !field.advanced).map((field) => word(field, values));
  return [...kind, ...rest].filter(Boolean).slice(0, MOST).join(" · ");
}

/** The value of a field in a summary; "" where it says nothing. */
export function word(field: FormField, values: Record<string, any>): string {
  const value = values[field.path];
  const name = field.label.toLowerCase();
  if (value === null || value === undefined || value === "" || value === false) return "";
  switch (field.type) {
    case "bool": return name;
    case "kind":
    case "choice": return value === "none" ? "" : (field.choices?.find((one) => one.value === value)?.label ?? String(value));
    case "parts": return value.length ? counted(value.length, name.endsWith("s") ? name.slice(0, -1) : `${name} step`) : "";
    case "text": return String(value).split(/[\\/]/).at(-1) ?? "";
    case "numbers": return value.length ? `${name} ${typed(value)}` : "";
    default: return number(field, name, value);
  }
}

/** "50 epochs" where the unit is the name, else "patience 10"; nothing for a default that switches nothing on. */
function number(field: FormField, name: string, value: unknown): string {
  if ((value === 0 || value === 1) && value === field.default) return "";
  if (field.unit === name) return `${typed(value)} ${name}`;
  return `${name} ${typed(value)}${field.unit === "px" ? " px" : ""}`;
}

/** How many parts of lists stand above a field: "augmentation.train.0.p" is 1 deep. */
export function depth(field: FormField, fields: FormField[]): number {
  return fields.filter((one) => one.type === "parts" && field.path.startsWith(`${one.path}.`)).length;
}
