// Every synced trait of every widget, by its Python twin. tests/ui/test_contracts.py compares this file with Python.
import type { Status } from "./lib/status";

/** Traits that every panel has: what went wrong with the last wish, what could not be drawn, and what is shown, by id or name. */
export interface Common {
  trouble: string;
  broken: string;
  of: string;
}

/** The notice in the place of a studio that is shown in another cell. */
export interface Elsewhere extends Common {
  name: string;
}

export interface Gpu { name: string; use_percent: number | null; memory_used_gib: number; memory_total_gib: number; temperature_c: number | null }
export interface Machine { cpu_percent?: number; memory_used_gib?: number; memory_total_gib?: number; gpus?: Gpu[]; note?: string }
export interface Toast { id: number; kind: "info" | "good" | "bad"; text: string }

export interface Header extends Common {
  project: { name: string; path: string; task: string; n_classes: number };
  recent: { name: string; path: string; running: string[]; current: boolean }[];
  machine: Machine;
  unsaved: string;
  stages: { key: string; label: string }[];
  stage: string;
  toasts: Toast[];
  beat: number;
}

/** What stands between a path that somebody has typed and a data set. */
/** One way to read a path; the key chooses it. */
export interface Reading { key: string; title: string; why: string }
/** Something that is not clear of a path, with the keys of the readings that answer it. */
export interface Question { text: string; readings: string[] }
/** A small picture of an image, "" where it cannot be read, with the names of its classes. */
export interface Picture { src: string; file: string; labels: string }
export interface Adding { path?: string; busy?: boolean; text?: string; fraction?: number | null; facts?: [string, string][]; lines?: string[]; ok?: boolean; elsewhere?: boolean; said?: string; done?: string; pictures?: Picture[]; readings?: Reading[]; reading?: string; questions?: Question[] }

export interface Card {
  id: string; name: string; status: Status; tags: string[]; description: string; edited: boolean; runs: number; evaluations: number; created_s: number;
  progress: number; epoch: number; epochs: number; eta_s: number | null; phase: string;
  metric: string; value: number | null; duration_s: number | null; cause: string; place: number; queued: number; held: boolean;
}

/** A checkpoint that a branch could begin with; `metric` is the watched one. */
export interface Checkpoint { step: number; epoch: number; best: boolean; metric: string; value: number | null }

export interface Experiments extends Common {
  cards: Card[];
  selected: string;
  overlay: string[];
  known_tags: string[];
  branching: { id?: string; checkpoints?: Checkpoint[] };
  blank: boolean;
  notices: string[];
  guided: boolean;
  found: { text?: string; ok?: boolean; busy?: boolean };
  adding: Adding;
}

/** A card of the status table. */
export interface RunRow extends Card { started_s: number | null; best_epoch: number | null; data: string; model: string; device: string }

export interface RunTable extends Common {
  cards: RunRow[];
  selected: string;
  overlay: string[];
}

/** One of the experiments that are compared; the first is what the others are set against. */
export interface Compared { id: string; name: string; status: Status; epoch: number | null; duration_s: number | null; color: string }
/** One metric of all of them; `best` is the place of the best value. */
export interface ComparedMetric { name: string; values: (number | null)[]; ranges: ([number | null, number | null] | null)[]; apart: (number | null)[]; best: number | null }
/** What the images say of one of the others beside the first. */
export interface Verdict { id: string; outcome: "first" | "other" | "tie" | "none" | "busy" | "missing"; short: string; text: string; notes: string[] }

export interface Compare extends Common {
  compared: Compared[];
  rows: ComparedMetric[];
  verdicts: Verdict[];
  lacking: { id: string; why: string; able: boolean }[];
  labels: { old?: boolean; trained?: boolean };
  evaluating: string;
  settings: SideBySide[];
  offered: { id: string; name: string }[];
  metric: string;
}

/** One image of a gallery; `part` is its set, `problems` are in words. */
export interface Tile { file: string; labels: string[]; part: string; problems: string[]; left_out: boolean; trouble: string; note: string }
export interface Counted { value: string; label: string; count: number }

export interface ProblemKind { kind: string; label: string; help: string; count: number; dealt: number }
export interface Scan { state?: "none" | "running" | "done" | "stale"; text?: string; fraction?: number | null; trouble?: string; kinds?: ProblemKind[] }

/** `shown` is the path as the notebook sees it; `there` whether something lies at it. */
export interface Source { name: string; path: string; shown: string; kind: string; there: boolean; images: number | null; classes: number | null; removed: boolean }
/** `words` tell of one that a run has made by itself; `used` names the runs that used it; `leaks` is null where nobody knows. */
export interface Split { name: string; train: number; val: number; test: number; words: string; used: string[]; leaks: number | null }

/** Classes whose names look like one: what they differ in, and the name to merge into. */
export interface Alike { names: string[]; how: string; into: string }

export interface Data extends Common {
  sets: { name: string; images: number; classes: number }[];
  chosen: string;
  facts: { label: string; value: string }[];
  classes: { name: string; count: number }[];
  alike: Alike[];
  notices: string[];
  scan: Scan;
  sources: Source[];
  finding: { source?: string; path?: string; text?: string; busy?: boolean; ok?: boolean; whole?: boolean; done?: string };
  splits: Split[];
  reading: { text?: string; trouble?: string };
  columns: string[];
  user: { name?: string; split?: string; editable?: boolean };
  adding: Adding;
}

export interface Gallery extends Common {
  total: number;
  count: number;
  version: number;
  query: { label: string; part: string; problem: string; words: string };
  choices: { labels: Counted[]; parts: Counted[]; problems: Counted[] };
  title: string;
  can_widen: boolean;
  editable: boolean;
  undo: string;
  redo: string;
  opened: { file?: string; heat?: string; facts?: { label: string; value: string }[] };
}

/** A chart with the rows that are seen, of `total`; `names` say what each stands for, `row` is its number in the whole table. */
export interface Chart {
  key: string; title: string; kind: "bins" | "names" | "grid" | "pairs"; about: string; unit: string; said: string; total: number; columns: string[];
  rows: ({ row: number } & Record<string, number | string | null>)[]; names: string[]; largest: number;
}

export interface Statistics extends Common {
  view: "images" | "statistics";
  text: string;
  busy: boolean;
  failed: string;
  charts: Chart[];
  scan: Scan;
}

/** Shapes of an evaluation's parts. */
export interface Evaluation {
  choice: { value: string; label: string };
  metric: { name: string; label: string; value: number | null; low: number | null; high: number | null };
  /** The last three numbers of a bin: how sure on average, the share that is right, and images. */
  bins: (number | null)[][];
  slice: { name: string; n: number; value: number | null; low: number | null; high: number | null; rest: number | null; worse: boolean };
  points: Record<"threshold" | "precision" | "recall" | "fpr" | "f1", (number | null)[]>;
}

export interface EvaluationPanel extends Common {
  experiment_facts: { name: string; status: string; reason: string };
  offered: { parts: Evaluation["choice"][]; checkpoints: Evaluation["choice"][]; labels: Evaluation["choice"][] };
  listed: { number: number; title: string }[];
  number: number;
  job: { running?: boolean; text?: string; fraction?: number | null; trouble?: string };
  outdated: string;
  notices: string[];
  multilabel: boolean;
  metrics: Evaluation["metric"][];
  confusion: { classes?: string[]; counts?: number[][]; most?: { true: string; predicted: string; count: number }[]; words?: string };
  per_class: { columns?: string[]; rows?: (string | number | null)[][] };
  curve: { classes?: string[]; label?: string; points?: Evaluation["points"]; best?: number | null; best_f1?: number | null; used?: number | null };
  reliability: Evaluation["bins"];
  slices: { offered?: string[]; by?: string; rows?: Evaluation["slice"][] };
  said: string;
}

export interface Choice { value: string; label: string; hint?: string }
export interface FormField {
  path: string; label: string; help?: string;
  type: "float" | "int" | "bool" | "choice" | "text" | "numbers" | "parts" | "kind";
  default: unknown; unit?: string; minimum?: number; maximum?: number; above?: number; below?: number;
  soft?: [number, number]; log?: boolean; live?: boolean; advanced?: boolean; auto?: boolean; length?: number;
  choices?: Choice[]; searchable?: boolean;
}
export interface Trouble { path: string; message: string; advice: string }

/** One setting of several configurations: where, in words, and the value of each. */
export interface SideBySide { path: string; label: string; values: string[] }
export interface PresetRow { path: string; label: string; here: string; there: string; why: string }
export interface Auto { value?: string; reason?: string; source?: string; manual?: unknown }
export type Fix = Record<string, unknown>;
export interface Suggestion {
  rule: string; level: "info" | "warning" | "problem"; path: string; text: string; why: string; source: string; fix: Fix; doing: string;
}
export interface Band { low: number; high: number; far_low: number; far_high: number; usual: number; zone: "low" | "good" | "high"; what: string; source: string }
export interface Schedule { epochs: number[]; lrs: number[]; told: [number, number][]; total: number; most?: boolean; warmup: number; still: number; highest: boolean }
/** Something that is measured on request, as a short job. */
export interface Measurement { running: boolean; text: string; fraction: number | null; trouble: string }
export interface LrRange extends Measurement {
  lrs?: number[]; losses?: number[]; suggested?: number | null; steepest?: number | null; diverged?: boolean; why?: string; source?: string; stale?: boolean;
}
export interface ColourValues extends Measurement { mean?: number[]; std?: number[]; n_images?: number; fix?: Fix }
export interface Balance {
  rows: [string, number, number, number][]; left_out: number; ratio: number;
  options: { name: string; label: string; effect: string; fix: Fix; chosen: boolean; recommended: boolean }[];
}
export interface Cards {
  balance: Partial<Balance>;
  optimizers: { kind: string; label: string; memory: string; moved: number; chosen: boolean; stability: string; best_for: string; source: string }[];
  regularisation: { parts: { path: string; label: string; value: string; points: number }[]; augmentation: string; overall: string };
  timeline: { epoch: number; label: string; path: string }[];
  stops: string;
  /** What is kept of the data set's images in decoded form, or will be. */
  cache: { text: string; clear: boolean };
}

/** One row of the batch-size table. */
export interface BatchRow { batch: number; speed: number; steps: number; memory: string; fits: boolean; measured: boolean; chosen: boolean }
export interface Plan {
  state: "none" | "measuring" | "ready" | "stale"; text: string; fraction: number | null; waits?: boolean; trouble: string; actual: string;
  rows: [string, string, string][]; short: string; fits: string; table: BatchRow[];
}

/** Binary values come as views of bytes. */
export interface Picture {
  file: string; label: string; position: number; epoch: number; blobs: number; width?: number; height?: number; partner?: string; note?: string; error?: string;
  before?: DataView; after?: DataView;
}
export interface Preview {
  part: "train" | "val" | "test"; first: number; epoch: number; raw: boolean; one: number; busy: boolean; starting: boolean;
  problem?: string; advice?: string; count?: number; rows?: Record<string, string>;
  facts?: { size?: number[]; lowest?: number; highest?: number; centre?: number; spread?: number; mixed?: boolean };
}

export interface Form extends Common {
  name: string;
  description: string;
  tags: string[];
  known_tags: string[];
  autos: Record<string, Auto>;
  outside: { reason?: string; rows?: SideBySide[] };
  presets: { key: string; label: string; about: string }[];
  preset: { key?: string; label?: string; about?: string; rows?: PresetRow[] };
  compared: { names?: string[]; rows?: SideBySide[] };
  sheet: { number?: number; style?: "python" | "json" | "yaml" | "imported"; name?: string; text?: string };
  said: string;
  sections: { key: string; title: string; open: boolean; fields: FormField[] }[];
  values: Record<string, any>;
  hidden: string[];
  refused: Record<string, { text: any; message: string; advice: string }>;
  problems: Trouble[];
  catalog: Record<string, Choice[]>;
  status: Status | "";
  editable: boolean;
  live: boolean;
  changed: Record<string, string>;
  dirty: boolean;
  can_undo: boolean;
  can_redo: boolean;
  can_train: boolean;
  starting: boolean;
  reason: string;
  advice: Suggestion[];
  band: Partial<Band>;
  schedule: Partial<Schedule>;
  preview: Partial<Preview>;
  pictures: Picture[];
  cards: Partial<Cards>;
  measured: { lr_range?: LrRange; colours?: ColourValues };
  resources: [string, string][];
  plan: Partial<Plan>;
  footer: { batch?: string; multiplier?: number; effective?: string; steps_per_epoch?: number | null; n_train?: number | null };
}

/** What a step of the guide lacks: the step that mends it, what, and what to do. */
export interface Lacking { step: string; message: string; advice: string }
export interface GuideStep { key: string; label: string; summary: string; missing: Lacking[] }
export interface Offered { key: string; name: string; project: string; where: string; images: number | null; classes: string[]; n_classes: number; several: boolean; place: number; loose?: boolean }
/** Images of a data set or class, in all and by set. */
export interface InSets { name: string; images: number; train?: number; val?: number; test?: number }
export interface GuideReview {
  ready: boolean; name: string; data: string; made: boolean; facts: { label: string; value: string }[];
  changes: { label: string; default: string; value: string }[]; sets: InSets[]; classes: InSets[];
  findings: { level: "info" | "warning" | "problem"; text: string; step: string }[]; missing: Lacking[];
}

export interface GuidePanel extends Common {
  steps: GuideStep[];
  step: string;
  busy: string;
  touched: boolean;
  tasks: { kind: string; label: string; about: string }[];
  task: string;
  offers: Offered[];
  merging: { name?: string; made?: boolean; sets?: string[]; images?: number | null };
  classes: { rows?: { name: string; count: number; per: number[] }[]; dropped?: string[]; undo?: number; leave_out?: boolean; alike?: Alike[] };
  notices: string[];
  adding: Adding;
  name: string;
  presets: { key: string; label: string; about: string; on: boolean }[];
  fields: FormField[];
  values: Record<string, any>;
  own: string[];
  refused: Record<string, { text: any; message: string; advice: string }>;
  catalog: Record<string, Choice[]>;
  review: Partial<GuideReview>;
}

export interface RunBar extends Common {
  name: string;
  status: Status | "";
  phase: string;
  detail: string;
  epoch: number;
  epochs: number;
  step: number;
  steps: number;
  progress: number;
  eta_s: number | null;
  images_per_s: number | null;
  waiting: number | null;
  duration_s: number | null;
  best: { metric?: string; value?: number; epoch?: number; step?: number };
  error: { cause?: string; message?: string; advice?: string[]; traceback?: string; fixes?: { label: string; changes: Record<string, unknown>; restarts?: string }[]; asks?: boolean };
  kept: string;
  resume_first: boolean;
  repeated: { exact?: boolean; text?: string };
  extension: { epochs?: number; text?: string; refused?: string };
  busy: { text?: string };
  place: number;
  queued: number;
  held: string;
  startable: boolean;
  starting: boolean;
  commands: string;
  home: string;
  beat: number;
}

export interface Findings extends Common {
  findings: Suggestion[];
}

export interface Details extends Common {
  status: Status | "";
  metrics: { name: string; now: number | null; best: number | null; epoch: number | null }[];
  per_class: { columns?: string[]; rows?: (string | number | null)[][] };
  facts: { label: string; value: string }[];
  notices: string[];
  resolved: { path: string; value: string; reason: string }[];
  speed: { label: string; value: string }[];
  phases: { phase: string; seconds: number; share: number; ms_per_step: number; meaning: string }[];
  changes: { step: number; text?: string; path?: string; old?: string; value?: string; extends?: boolean }[];
  log: string;
}

export interface Chart {
  key: string; title: string; figure: string; log: boolean; share: boolean; legend: { label: string; color: string }[];
  options: Choice[]; option: string;
}

export interface Curves extends Common {
  charts: Chart[];
  compared: { label: string; color: string }[];
  axis: "step" | "epoch" | "time";
  unit_s: number;
  smoothing: number;
  shown: boolean;
  waiting: boolean;
  painted: boolean;
}
