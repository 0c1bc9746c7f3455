/** Questions and surroundings for tests. */
import { Failure } from "../src/api/client";
import type { Given, NextQuestions, Photo, Progress, Question, Submitted } from "../src/api/types";
import type { Book, Entry } from "../src/answers/book";
import { Desk, type Happened, type Surroundings } from "../src/answers/desk";
import type { EntryStorage } from "../src/answers/storage";
import { differences } from "../src/answers/storage";

export function photo(detection_id: string): Photo {
  return {
    detection_id,
    camera: "CAM01",
    captured_at: "2026-02-03T05:12:44+03:00",
    zone: "EAT",
    side: "left",
    file: `${detection_id}.jpg`,
    image_id: detection_id,
    encounter_id: "",
    species: "",
    known_as: "",
    picture: "",
    version: 0,
    box: null,
    others: [],
  };
}

export function pair(first: string, second: string): Question {
  return {
    key: `pair:${first},${second}`,
    kind: "pair",
    anchor: null,
    photos: [photo(first), photo(second)],
    reason: "",
    scores: [0.5],
    chances: [""],
    calibrated: true,
    journey: null,
    opposite_sides: false,
    lease_expires_at: "2026-02-03T02:22:44Z",
  };
}

export const same = (question: Question): Given => ({
  labels: [
    { first: question.photos[0]?.detection_id ?? "", second: question.photos[1]?.detection_id ?? "", answer: "same" },
  ],
  bursts: [],
});

export const progress = { individuals: 1 } as Progress;

/** A server that asks all pairs of some detections and keeps labels as the real one does. */
export class FakeServer {
  readonly labels = new Map<string, string>();
  private readonly answers = new Map<string, Submitted>();
  private readonly retracted = new Set<string>();
  up = true;
  /** The next answer is stored, but its confirmation is lost. */
  loseConfirmation = false;
  calls: string[] = [];

  constructor(private readonly questions: Question[]) {}

  async next(): Promise<NextQuestions> {
    this.reached("next");
    const open = this.questions.filter(({ key }) => ![...this.labels.values()].includes(key)).slice(0, 10);
    return { state: open.length ? "ready" : "finished", notice: "", others: [], questions: open };
  }

  async progress(): Promise<Progress> {
    return progress;
  }

  async submit(requestId: string, given: Given): Promise<Submitted> {
    this.reached("submit");
    let answer = this.answers.get(requestId);
    if (!answer) {
      const outcomes = given.labels.map((label, index) => {
        const label_id = `l-${this.answers.size}-${index}`;
        this.labels.set(label_id, `pair:${label.first},${label.second}`);
        return {
          label: { ...label, label_id, annotator: "anna", created_at: "" },
          effect: "merged" as const,
          implied_same_pairs: 0,
          message: "",
        };
      });
      answer = { outcomes, progress, notice: "" };
      this.answers.set(requestId, answer);
    }
    if (this.loseConfirmation) {
      this.loseConfirmation = false;
      throw new Failure(0, "UNAVAILABLE", "");
    }
    return answer;
  }

  async retract(requestId: string, labelIds: readonly string[]): Promise<{ progress: Progress }> {
    this.reached("retract");
    if (!this.retracted.has(requestId)) {
      this.retracted.add(requestId);
      for (const id of labelIds) {
        if (!this.labels.delete(id)) throw new Failure(404, "NOT_FOUND", `label ${id}`);
      }
    }
    return { progress };
  }

  leave(): void {
    this.calls.push("leave");
  }

  private reached(name: string): void {
    this.calls.push(name);
    if (!this.up) throw new Failure(503, "UNAVAILABLE", "down");
  }
}

/** A disk that outlives pages. */
export class Disk implements EntryStorage {
  private readonly entries = new Map<number, Entry>();

  async load(): Promise<Entry[]> {
    return [...this.entries.values()];
  }

  async save(before: Book, after: Book): Promise<void> {
    const { put, removed } = differences(before, after);
    for (const entry of put) this.entries.set(entry.seq, entry);
    for (const seq of removed) this.entries.delete(seq);
  }
}

let ids = 0;

export function around(server: FakeServer, storage: EntryStorage): Surroundings {
  return {
    calls: server,
    storage,
    newId: () => `request-${++ids}`,
    now: () => 0,
    pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
  };
}

export async function opened(server: FakeServer, storage: EntryStorage, events: Happened[] = []): Promise<Desk> {
  const desk = new Desk(
    around(server, storage),
    () => undefined,
    (event) => events.push(event),
  );
  await desk.open();
  await until(() => desk.current !== null || desk.state.found === "finished" || desk.state.offline !== null);
  return desk;
}

/** Waits for a condition; the runner's own limit ends a test in which it never holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

export function pairs(count: number): Question[] {
  return Array.from({ length: count }, (_, index) => pair(`d${index}`, `e${index}`));
}
