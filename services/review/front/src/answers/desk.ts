/**
 * One annotator's work on one session: takes answers at once, sends them in order, fetches questions ahead.
 *
 * An answer is on disk before it is sent, and is sent with the same request id until the server has said what
 * became of it.
 */
import { Failure } from "../api/client";
import type { Given, NextQuestions, OtherAnnotator, Outcome, Progress, Question, Submitted } from "../api/types";
import * as books from "./book";
import type { EntryStorage } from "./storage";
import * as supplies from "./supply";

export const LEASE_S = 600;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
/** How long to wait before asking again if all open questions are with others. */
const LEASED_PAUSE_MS = 5000;

export interface DeskCalls {
  next(audit: boolean): Promise<NextQuestions>;
  progress(): Promise<Progress>;
  submit(requestId: string, given: Given): Promise<Submitted>;
  retract(requestId: string, labelIds: readonly string[]): Promise<{ progress: Progress }>;
  /** Lets others be asked what was not answered. */
  leave(): void;
}

export interface Surroundings {
  calls: DeskCalls;
  storage: EntryStorage;
  newId(): string;
  now(): number;
  /** Resolves after a time, or earlier if the connection may be back. */
  pause(ms: number): Promise<void>;
}

export interface DeskState {
  book: books.Book;
  supply: readonly Question[];
  /** null: none was fetched yet. */
  found: NextQuestions["state"] | null;
  others: readonly OtherAnnotator[];
  fetching: boolean;
  /** The last call failed and is repeated. */
  offline: Failure | null;
  progress: Progress | null;
  notice: string;
}

export type Happened =
  | { kind: "outcomes"; question: Question; outcomes: Outcome[] }
  | { kind: "refused"; question: Question; failure: Failure }
  | { kind: "failed"; failure: Failure };

export class Desk {
  state: DeskState = {
    book: books.EMPTY,
    supply: [],
    found: null,
    others: [],
    fetching: false,
    offline: null,
    progress: null,
    notice: "",
  };
  audit = false;
  private sending: string | null = null;
  private running = false;
  private stopped = false;
  private left = false;
  /** Pairs answered while a fetch is under way: its result may still contain them. */
  private answeredMeanwhile = new Set<string>();
  private onDisk: Promise<void> = Promise.resolve();

  constructor(
    private readonly around: Surroundings,
    private readonly changed: () => void,
    private readonly happened: (event: Happened) => void,
  ) {}

  /** Reads what was stored, sends what waits, fetches questions. */
  async open(): Promise<void> {
    this.set({ book: books.restored(await this.around.storage.load()) });
    void this.send();
    void this.refill();
  }

  close(): void {
    this.stopped = true;
  }

  /** Closes, and lets others be asked what was not answered. */
  leave(): void {
    if (this.stopped) return;
    this.close();
    this.left = true;
    this.around.calls.leave();
  }

  get current(): Question | null {
    return this.state.supply[0] ?? null;
  }

  /** Whether answers are taken. */
  get accepting(): boolean {
    return !this.stopped && books.waitingCount(this.state.book) < books.MOST_WAITING;
  }

  /** Answers a question that is on the screen. Returns whether it is the current one and the answer was taken. */
  answer(question: Question, given: Given): boolean {
    // between an answer and the next question on the screen a key belongs to neither
    if (this.current?.key !== question.key || !this.accepting) return false;
    this.take(question, books.answered(this.state.book, this.around.newId(), question, given));
    return true;
  }

  /** Takes the last answer back and shows its question again. Returns whether there was one. */
  undo(): boolean {
    const question = books.lastAnswer(this.state.book)?.question;
    const book = this.stopped ? null : books.undone(this.state.book, this.around.newId(), this.sending);
    if (!question || !book) return false;
    this.keep(book, { supply: supplies.putBack(this.state.supply, question), found: "ready" });
    void this.send();
    return true;
  }

  /** Gives the last undone answer again. Returns whether there was one. */
  redo(): boolean {
    const question = this.state.book.redoable.at(-1)?.question;
    const book = this.accepting ? books.redone(this.state.book, this.around.newId()) : null;
    if (!question || !book) return false;
    this.take(question, book);
    return true;
  }

  /** Lets another question come first, e.g. if a photograph is missing. */
  postpone(): void {
    this.set({ supply: supplies.postponed(this.state.supply) });
  }

  /** Asks again after the kind of questions changed. */
  startOver(): void {
    this.set({ supply: [], found: null });
    void this.refill();
  }

  private take(question: Question, book: books.Book): void {
    for (const pair of supplies.pairsOf(question)) this.answeredMeanwhile.add(pair);
    this.keep(book, { supply: supplies.taken(this.state.supply, question.key) });
    void this.send();
    if (this.state.supply.length < supplies.REFILL_BELOW) void this.refill();
  }

  private set(change: Partial<DeskState>): void {
    this.state = { ...this.state, ...change };
    this.changed();
  }

  private keep(book: books.Book, change: Partial<DeskState> = {}): void {
    const before = this.state.book;
    this.onDisk = this.onDisk.then(() => this.around.storage.save(before, book)).catch(() => undefined);
    this.set({ ...change, book });
  }

  private async send(): Promise<void> {
    if (this.running) return;
    this.running = true;
    let pause = FIRST_PAUSE_MS;
    for (let next = this.nextUp(); next; next = this.nextUp()) {
      this.sending = next.id;
      await this.onDisk;
      const failure = await this.sendOne(next);
      this.sending = null;
      if (failure) {
        this.set({ offline: failure });
        await this.around.pause(failure.retryAfterS ? failure.retryAfterS * 1000 : pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      } else {
        pause = FIRST_PAUSE_MS;
        if (this.state.offline) this.set({ offline: null });
      }
    }
    this.running = false;
  }

  private nextUp(): books.Operation | null {
    return this.stopped ? null : books.nextOperation(this.state.book);
  }

  /** Sends one operation. Returns the failure if it is to be sent again. */
  private async sendOne(next: books.Operation): Promise<Failure | null> {
    const entry = this.state.book.entries.find(({ id, undo }) => id === next.id || undo?.id === next.id);
    try {
      if (next.kind === "answer") {
        const { outcomes, progress, notice } = await this.around.calls.submit(next.id, next.given);
        this.keep(books.kept(this.state.book, next.id, outcomes.map(({ label }) => label.label_id)), {
          progress: advised(progress, this.state.progress),
          notice: notice || this.state.notice,
        });
        if (entry) this.happened({ kind: "outcomes", question: entry.question, outcomes });
      } else {
        // a burst of several animals is closed without a label: it is asked again, and nothing is taken back
        const { progress } = next.labelIds.length ? await this.around.calls.retract(next.id, next.labelIds) : { progress: null };
        const known = progress ? { progress: advised(progress, this.state.progress) } : {};
        this.keep(books.dropped(this.state.book, next.id), known);
      }
      return null;
    } catch (error) {
      const failure = asFailure(error);
      if (failure.temporary) return failure;
      this.keep(books.dropped(this.state.book, next.id));
      if (entry) this.happened({ kind: "refused", question: entry.question, failure });
      return null;
    }
  }

  /** Fetches questions until enough are there, or nothing is left to ask. */
  async refill(): Promise<void> {
    if (this.state.fetching || this.stopped) return;
    this.set({ fetching: true });
    let pause = FIRST_PAUSE_MS;
    while (!this.stopped) {
      this.answeredMeanwhile = new Set(books.waitingQuestions(this.state.book).flatMap(supplies.pairsOf));
      try {
        const found = await this.around.calls.next(this.audit);
        // these were asked for before the person left
        if (this.left) this.around.calls.leave();
        if (this.stopped) return;
        const supply = supplies.refilled(this.state.supply, found.questions, this.answeredMeanwhile);
        this.set({ supply, found: found.state, others: found.others, notice: found.notice || this.state.notice });
        if (this.state.offline && !this.running) this.set({ offline: null });
        void this.look();
        // only questions whose answers wait: the server will have others when it knows these answers
        const nothingNew = found.state === "ready" && !supply.length;
        if (supply.length || (found.state === "finished" && !books.waitingCount(this.state.book))) break;
        await this.around.pause(nothingNew || found.state === "finished" ? FIRST_PAUSE_MS : LEASED_PAUSE_MS);
      } catch (error) {
        const failure = asFailure(error);
        if (!failure.temporary) {
          this.happened({ kind: "failed", failure });
          break;
        }
        this.set({ offline: failure });
        await this.around.pause(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
    this.set({ fetching: false });
  }

  /** Reads what answers to writes leave out: how certain the result is. */
  private async look(): Promise<void> {
    try {
      this.set({ progress: await this.around.calls.progress() });
    } catch {
      // the next fetch looks again
    }
  }

  /** Asks again before the lease of the current question ends. */
  renewLease(): void {
    if (supplies.leaseEnding(this.state.supply[0], this.around.now(), LEASE_S)) void this.refill();
  }
}

/** The progress after a write, with the advice of the last one that had any. */
function advised(progress: Progress, before: Progress | null): Progress {
  return { ...progress, advice: progress.advice || before?.advice || "" };
}

function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure(400, "UNEXPECTED", String(error));
}
