/**
 * What one annotator answered: which answers wait to be sent, which are kept, and which were undone.
 *
 * Pure: every function returns a new book. An operation is an answer or the retraction of one; operations are
 * sent in the order of their `seq`, one at a time.
 */
import type { Given, Question } from "../api/types";

/** Most operations that may wait before no more answers are taken. */
export const MOST_WAITING = 20;
/** Answers that can be undone; older ones only by their individuals and conflicts. */
export const DEPTH = 500;

export type SendState = "waiting" | "kept";

export interface Entry {
  /** Its request id. */
  readonly id: string;
  readonly seq: number;
  readonly question: Question;
  readonly given: Given;
  readonly state: SendState;
  /** Known once it is kept. */
  readonly labelIds: readonly string[];
  /** Its retraction, if it was undone after it may have been sent. */
  readonly undo: { readonly id: string; readonly seq: number } | null;
}

export interface Book {
  /** By seq. */
  readonly entries: readonly Entry[];
  /** Answers that can be given again, the last undone one last. */
  readonly redoable: readonly Entry[];
  readonly nextSeq: number;
}

/** What to send next. */
export type Operation =
  | { readonly kind: "answer"; readonly id: string; readonly seq: number; readonly given: Given }
  | { readonly kind: "retract"; readonly id: string; readonly seq: number; readonly labelIds: readonly string[] };

export const EMPTY: Book = { entries: [], redoable: [], nextSeq: 1 };

/** A book with the entries that were stored before the page was opened. */
export function restored(entries: readonly Entry[]): Book {
  const sorted = [...entries].sort((a, b) => a.seq - b.seq);
  const last = sorted.reduce((seq, entry) => Math.max(seq, entry.seq, entry.undo?.seq ?? 0), 0);
  return { entries: sorted, redoable: [], nextSeq: last + 1 };
}

function appended(book: Book, id: string, question: Question, given: Given): Book {
  const entry: Entry = { id, seq: book.nextSeq, question, given, state: "waiting", labelIds: [], undo: null };
  const entries = [...book.entries, entry];
  const surplus = entries.length - DEPTH;
  const kept = surplus > 0 ? entries.filter((one, index) => index >= surplus || one.state === "waiting") : entries;
  return { ...book, entries: kept, nextSeq: book.nextSeq + 1 };
}

/** The book after an answer. */
export function answered(book: Book, id: string, question: Question, given: Given): Book {
  return { ...appended(book, id, question, given), redoable: [] };
}

/** The answer that undo would take back. */
export function lastAnswer(book: Book): Entry | null {
  return book.entries.findLast((entry) => !entry.undo) ?? null;
}

/**
 * The book after the last answer was taken back, or null if there is none.
 *
 * sending: the id of the operation being sent. An answer that was not sent yet is simply removed.
 */
export function undone(book: Book, id: string, sending: string | null): Book | null {
  const entry = lastAnswer(book);
  if (!entry) return null;
  const redoable = [...book.redoable, entry];
  if (entry.state === "waiting" && entry.id !== sending) {
    return { ...book, entries: book.entries.filter((one) => one !== entry), redoable };
  }
  const undo = { id, seq: book.nextSeq };
  const entries = book.entries.map((one) => (one === entry ? { ...one, undo } : one));
  return { entries, redoable, nextSeq: book.nextSeq + 1 };
}

/** The book after the last undone answer was given again, or null if there is none. */
export function redone(book: Book, id: string): Book | null {
  const entry = book.redoable.at(-1);
  if (!entry) return null;
  return { ...appended(book, id, entry.question, entry.given), redoable: book.redoable.slice(0, -1) };
}

/** The operation to send next, in order; null if nothing waits. */
export function nextOperation(book: Book): Operation | null {
  let next: Operation | null = null;
  for (const entry of book.entries) {
    const { id, seq, given, undo } = entry;
    if (entry.state === "waiting" && (!next || seq < next.seq)) next = { kind: "answer", id, seq, given };
    if (undo && entry.state === "kept" && (!next || undo.seq < next.seq)) {
      next = { kind: "retract", id: undo.id, seq: undo.seq, labelIds: entry.labelIds };
    }
  }
  return next;
}

/** How many operations wait to be sent. */
export function waitingCount(book: Book): number {
  return book.entries.reduce((count, one) => count + (one.state === "waiting" ? 1 : 0) + (one.undo ? 1 : 0), 0);
}

/** The book after an answer was stored. */
export function kept(book: Book, id: string, labelIds: readonly string[]): Book {
  const entries = book.entries.map((one): Entry => (one.id === id ? { ...one, state: "kept", labelIds } : one));
  return { ...book, entries };
}

/** The book after an operation was carried out or refused for good, so that its answer counts no more. */
export function dropped(book: Book, id: string): Book {
  return { ...book, entries: book.entries.filter((one) => one.id !== id && one.undo?.id !== id) };
}

/** The questions whose answers are not stored yet: the server may still ask them. */
export function waitingQuestions(book: Book): Question[] {
  return book.entries.filter((one) => one.state === "waiting" && !one.undo).map((one) => one.question);
}
