// The status words of an experiment: their icons, names and which of them are at work. Knows no panel.
export type Status = "created" | "pending" | "preparing" | "training" | "paused" | "completed" | "failed" | "cancelled";

export const ICONS: Record<Status, string> = {
  created: "○", pending: "◔", preparing: "◔", training: "●", paused: "‖", completed: "✓", failed: "✗", cancelled: "⊘",
};
export const WORDS: Record<Status, string> = {
  created: "Not trained", pending: "Waiting", preparing: "Preparing", training: "Training", paused: "Paused",
  completed: "Completed", failed: "Failed", cancelled: "Stopped",
};

/** Whether a run waits or works. */
export const isActive = (status: Status): boolean => ["pending", "preparing", "training"].includes(status);
/** Whether a run has ended, in whatever way. */
export const hasEnded = (status: Status): boolean => ["paused", "completed", "failed", "cancelled"].includes(status);
/** Whether its run can go on. */
export const isResumable = (status: Status): boolean => ["paused", "failed", "cancelled"].includes(status);
