// The place of an experiment in the queue: in words, and what moves it.

const ENDINGS: Record<number, string> = { 1: "st", 2: "nd", 3: "rd" };

/** "1st", "2nd", "11th". */
export const ordinal = (place: number): string => {
  const tens = place % 100;
  return `${place}${tens >= 10 && tens <= 20 ? "th" : ENDINGS[place % 10] ?? "th"}`;
};

export interface Queued { place: number; queued: number }

/** "2nd in the queue"; one that this user did not queue here is held until it is started. */
export const inQueue = (at: { place: number; held: boolean }): string => (at.held ? "held in the queue" : `${ordinal(at.place)} in the queue`);

export const canMoveUp = (at: Queued): boolean => at.place > 1;
export const canMoveDown = (at: Queued): boolean => at.place > 0 && at.place < at.queued;
