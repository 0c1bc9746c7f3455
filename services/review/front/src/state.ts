/** What several screens share: who works where, messages, spoken text. */
import { useEffect, useState } from "preact/hooks";
import { call, Failure } from "./api/client";
import type { Me } from "./api/types";
import { text } from "./text";

type Listener = () => void;

/** A value that components follow. */
export class Shared<T> {
  private readonly listeners = new Set<Listener>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set value(next: T) {
    this.current = next;
    for (const listener of this.listeners) listener();
  }

  follow(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export function useShared<T>(shared: Shared<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => shared.follow(() => redraw((n) => n + 1)), [shared]);
  return shared.value;
}

/** A message, and the sentence of the services that it stands for; "" if it is that sentence. */
export interface Told {
  message: string;
  original: string;
}

export const told = (message: string, english: string): Told => ({ message, original: message === english ? "" : english });

export interface Toast extends Told {
  id: number;
  important: boolean;
}

const SHOWN_MS = 6000;
let toastId = 0;

export const toasts = new Shared<readonly Toast[]>([]);
export const spoken = new Shared("");
export const me = new Shared<Me | null>(null);
/** Signed in, signed out by the server, or not known yet. */
export const signedIn = new Shared<boolean | null>(null);

/** Shows a message for some seconds; screen readers read it. */
export function toast(said: string | Told, important = false): void {
  const id = ++toastId;
  const shown = typeof said === "string" ? { message: said, original: "" } : said;
  toasts.value = [...toasts.value.slice(-2), { id, ...shown, important }];
  setTimeout(() => dismiss(id), important ? 3 * SHOWN_MS : SHOWN_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

/** Reads a text in the live region. */
export function say(message: string): void {
  spoken.value = message;
}

/** Notices a session that ended; returns what to show. */
export function explained(error: unknown): Told {
  if (!(error instanceof Failure)) return { message: String(error), original: "" };
  if (error.status === 401) signedIn.value = false;
  const { reason, message } = error;
  return message ? told(text.server.failure(reason, message), message) : { message: text.failure.offline, original: "" };
}

export interface Loaded<T> {
  /** What `data` or `error` answers. */
  path: string;
  data: T | null;
  error: unknown;
  reload(): void;
}

/** The answer of a GET; loads again when the path changes. An empty path loads nothing. */
export function useLoaded<T>(path: string): Loaded<T> {
  const [state, setState] = useState<{ path: string; data: T | null; error: unknown }>({ path, data: null, error: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!path) return;
    let wanted = true;
    call<T>(path).then(
      (data) => wanted && setState({ path, data, error: null }),
      (error: unknown) => wanted && setState({ path, data: null, error }),
    );
    return () => {
      wanted = false;
    };
  }, [path, round]);
  // while a filter changes the last list stays
  return { ...state, reload: () => setRound((n) => n + 1) };
}

const REMEMBERED = "spotted-review ";

/** A setting that this browser keeps. */
export function useKept<T extends string>(name: string, usual: T): [T, (value: T) => void] {
  const key = REMEMBERED + name;
  const [value, setValue] = useState<T>(() => (localStorage.getItem(key) as T | null) ?? usual);
  return [
    value,
    (next) => {
      localStorage.setItem(key, next);
      setValue(next);
    },
  ];
}
