// Numbers, times and names as people read them. Pure functions.
const THIN = "\u202f";

/** 0.9561 → "95.6 %". */
export function percent(fraction: number | null | undefined, digits = 1): string {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return "–";
  return `${(fraction * 100).toFixed(digits)}${THIN}%`;
}

/** 1044 → "1 044". */
export function grouped(whole: number): string {
  return Math.round(whole).toString().replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** 750 → "12 min 30 s"; 7500 → "2 h 5 min". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return s >= 600 || s % 60 === 0 ? `${Math.round(s / 60)} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round((s % 3600) / 60);
  return `${Math.floor(s / 3600)} h${minutes ? ` ${minutes} min` : ""}`;
}

/** A number as a person would type it: 0.0003 → "3e-4", 0.05 → "0.05", 64 → "64". */
export function typed(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(typed).join(", ");
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.01 && size < 1e6)) return String(value);
  return value.toExponential().replace("e+", "e");
}

/** A measured number in few digits: 0.12345 → "0.123", 1234.5 → "1 235". */
export function measured(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return grouped(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1).replace("e+", "e");
  return Number(value.toPrecision(3)).toString();
}

const SHARES = new Set(["accuracy", "top5", "precision", "recall", "f1", "auroc", "map", "exact_match", "f1_micro", "f1_weighted", "waiting"]);
const NAMES: Record<string, string> = {
  top5: "top-5 accuracy", f1: "F1 (macro)", auroc: "AUROC (macro)", map: "mAP", lr: "learning rate",
  precision: "precision (macro)", recall: "recall (macro)", f1_micro: "F1 (micro)", f1_weighted: "F1 (weighted)",
};

/** Whether a metric is a share of one, shown in percent. */
export const isShare = (metric: string): boolean => SHARES.has(metric);
/** The name of a metric for people. */
export const metricName = (metric: string): string => NAMES[metric] ?? metric.replaceAll("_", " ");
/** A metric's value with its unit. */
export const metricValue = (metric: string, value: number | null | undefined): string =>
  isShare(metric) ? percent(value) : measured(value);

/** 8396 MiB as "8.2 GB". */
export const gibibytes = (gib: number): string => (gib >= 100 ? Math.round(gib).toString() : gib.toFixed(1));
/** "1 image", "3 images". */
export const counted = (n: number, one: string, many = `${one}s`): string => `${grouped(n)} ${n === 1 ? one : many}`;
/** A moment (seconds since 1970) as short as it is clear: "14:03" today, "20 Nov 14:03", "20 Nov 2025". */
export function when(seconds: number, now = new Date()): string {
  const at = new Date(seconds * 1000);
  const clock = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
  if (at.toDateString() === now.toDateString()) return clock;
  const day = `${at.getDate()} ${["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][at.getMonth()]}`;
  return at.getFullYear() === now.getFullYear() ? `${day} ${clock}` : `${day} ${at.getFullYear()}`;
}
