/** Entries on this machine's disk (IndexedDB), so that closing the page loses no answer. */
import type { Book, Entry } from "./book";

export interface EntryStorage {
  load(): Promise<Entry[]>;
  /** Stores the differences between two books. Resolves when they are on disk. */
  save(before: Book, after: Book): Promise<void>;
}

const DATABASE = "spotted-review";
const ENTRIES = "entries";

function finished<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function opened(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(ENTRIES);
  return finished(request);
}

/** The entries of one annotator of one session; `scope` names both. */
export class BrowserStorage implements EntryStorage {
  private database: Promise<IDBDatabase> | null = null;

  constructor(private readonly scope: string) {}

  private open(): Promise<IDBDatabase> {
    this.database ??= opened();
    return this.database;
  }

  async load(): Promise<Entry[]> {
    const store = (await this.open()).transaction(ENTRIES).objectStore(ENTRIES);
    return (await finished(store.getAll(IDBKeyRange.bound([this.scope], [this.scope, []])))) as Entry[];
  }

  async save(before: Book, after: Book): Promise<void> {
    const { put, removed } = differences(before, after);
    if (!put.length && !removed.length) return;
    const transaction = (await this.open()).transaction(ENTRIES, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(ENTRIES);
    for (const entry of put) store.put(entry, [this.scope, entry.seq]);
    for (const seq of removed) store.delete([this.scope, seq]);
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

/** What changed between two books. */
export function differences(before: Book, after: Book): { put: Entry[]; removed: number[] } {
  const old = new Map(before.entries.map((entry) => [entry.seq, entry]));
  const put = after.entries.filter((entry) => old.get(entry.seq) !== entry);
  const now = new Set(after.entries.map((entry) => entry.seq));
  return { put, removed: [...old.keys()].filter((seq) => !now.has(seq)) };
}
