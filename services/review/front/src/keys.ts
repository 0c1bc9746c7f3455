/** Single keys of the page: the usual ones, a person's own ones, and who receives them. */
import { useEffect, useRef } from "preact/hooks";
import { text } from "./text";

export type Action = keyof typeof text.keys;
/** What a screen does, by action; its help lists these. */
export type Actions = Partial<Record<Action, () => void>>;

/** In the order of the help. A letter in upper case is with Shift. */
export const USUAL: Record<Action, readonly string[]> = {
  same: ["s", "ArrowRight"],
  different: ["d", "ArrowLeft"],
  not_comparable: ["x"],
  skip: [" "],
  sure: ["1"],
  fairly_sure: ["2"],
  guess: ["3"],
  note: ["t"],
  undo: ["u"],
  redo: ["r"],
  zoom_in: ["+", "="],
  zoom_out: ["-"],
  fit: ["0"],
  link: ["l"],
  rotate_left_back: ["["],
  rotate_left: ["]"],
  rotate_right_back: ["{"],
  rotate_right: ["}"],
  flip: ["f"],
  brightness: ["b"],
  contrast: ["c"],
  equalise: ["e"],
  blink: ["v"],
  left_next: ["a"],
  left_previous: ["A"],
  right_next: ["j"],
  right_previous: ["k"],
  groups: ["g"],
  map: ["m"],
  marks: ["p"],
  hide: ["h"],
  info: ["i"],
  help: ["?"],
  leave: ["q"],
};

const STORED = "spotted-review keys";

interface Settings {
  own: Partial<Record<Action, readonly string[]>>;
  /** Whether single keys work at all (WCAG 2.1.4). */
  single: boolean;
}

function read(): Settings {
  try {
    return { own: {}, single: true, ...(JSON.parse(localStorage.getItem(STORED) ?? "{}") as Partial<Settings>) };
  } catch {
    return { own: {}, single: true };
  }
}

let settings = read();

function write(changed: Settings): void {
  settings = changed;
  localStorage.setItem(STORED, JSON.stringify(settings));
}

export const keysOf = (action: Action): readonly string[] => settings.own[action] ?? USUAL[action];
export const singleKeys = (): boolean => settings.single;
export const setSingleKeys = (single: boolean): void => write({ ...settings, single });
export const resetKeys = (): void => write({ ...settings, own: {} });

/** Gives an action another key. Returns false if another action has it. */
export function remap(action: Action, key: string): boolean {
  const actions = Object.keys(USUAL) as Action[];
  if (actions.some((other) => other !== action && keysOf(other).includes(key))) return false;
  write({ ...settings, own: { ...settings.own, [action]: [key] } });
  return true;
}

const NAMES: Record<string, string> = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** A key as it is shown on buttons. */
export function keyName(key: string): string {
  if (NAMES[key]) return NAMES[key];
  return key.length === 1 && key !== key.toLowerCase() ? `Shift+${key}` : key.toUpperCase();
}

export const keyLabel = (action: Action): string => (settings.single ? keysOf(action).map(keyName).join(" ") : "");

/** Whether a key goes into a field. */
export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** Keys that a focused control uses itself. */
function usedByFocus(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if ((event.key === " " || event.key === "Enter") && target?.closest("button, a, summary, [role=checkbox]")) return true;
  if (!typing(target)) return false;
  const ranged = target instanceof HTMLInputElement && target.type === "range";
  return !ranged || event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
}

/** The action of a key press; null if it is none, is held down, or belongs to what has the focus. */
export function actionOf(event: KeyboardEvent): Action | null {
  if (event.repeat || event.altKey || usedByFocus(event)) return null;
  const letter = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (letter === "z") return event.shiftKey ? "redo" : "undo";
    return letter === "y" ? "redo" : null;
  }
  if (!settings.single) return null;
  const actions = Object.keys(USUAL) as Action[];
  // with Shift or caps lock a letter still means the same unless it has a meaning of its own
  return (
    actions.find((action) => keysOf(action).includes(event.key)) ??
    actions.find((action) => keysOf(action).includes(letter)) ??
    null
  );
}

/** Does what a key press means on a screen; false if it means nothing there. */
export function act(actions: Actions, event: KeyboardEvent): boolean {
  const wanted = actionOf(event);
  const action = wanted && actions[wanted];
  action?.();
  return Boolean(action);
}

/** Whether this is a key without Ctrl, Alt or Meta that is not held down, and single keys work. */
export function plainKey(event: KeyboardEvent): boolean {
  return settings.single && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target);
}

/** Calls `onKey` for every key press that no open dialog keeps for itself; true: it was used. */
export function useKeys(onKey: (event: KeyboardEvent) => boolean): void {
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (document.querySelector("dialog[open]")) return;
      if (latest.current(event)) event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}

/** Least time between two answers by key: a bouncing key or a second press never answers an unseen question. */
export const GUARD_MS = 250;
