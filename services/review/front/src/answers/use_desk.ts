/** The desk of a screen: opened when this tab has the lock, closed when another takes it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { call, newRequestId, sessionPath } from "../api/client";
import type { Given, NextQuestions, Progress, SessionInfo, Submitted } from "../api/types";
import { text } from "../text";
import { Desk, type DeskState, type Happened, LEASE_S } from "./desk";
import { lockTab, type TabLock } from "./lock";
import { BrowserStorage } from "./storage";
import { FETCHED } from "./supply";

const GALLERY_SIZE = 8;
const RENEW_MS = 30_000;

let left: Promise<unknown> = Promise.resolve();

/** Ends the leases of a session; the browser sends it although the page closes. */
function leave(path: string): void {
  const sent = { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: "{}" };
  left = fetch(`${path}/leave`, { credentials: "same-origin", ...sent }).catch(() => undefined);
}

/** Resolves after a time, or at once when the browser says that the network is back. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}

export interface OpenDesk {
  desk: Desk;
  state: DeskState;
  /** Whether this tab is the one that works; null until it is known. */
  mine: boolean | null;
  workHere(): void;
}

interface Wanted {
  survey: string;
  session: SessionInfo;
  annotator: string;
  galleries: boolean;
  audit: boolean;
}

function deskOf(wanted: Wanted, scope: string, changed: () => void, happened: (event: Happened) => void): Desk {
  const path = sessionPath(wanted.survey, wanted.session.session_id);
  const shows = wanted.galleries ? ["burst", "gallery"] : [];
  const desk = new Desk(
    {
      calls: {
        next: async (audit) => {
          // questions that are given back late would be given to two people
          await left;
          return call<NextQuestions>(`${path}/next`, {
            count: FETCHED,
            shows: audit ? [] : shows,
            gallery_size: GALLERY_SIZE,
            audit,
            lease_s: LEASE_S,
          });
        },
        progress: () => call<Progress>(`${path}/progress`).then((now) => ({ ...now, advice: text.server.advice(now) })),
        submit: (request_id: string, given: Given) => call<Submitted>(`${path}/answers`, { request_id, ...given }),
        retract: (request_id, label_ids) =>
          call<{ progress: Progress }>(`${path}/retract`, { request_id, label_ids }),
        leave: () => leave(path),
      },
      storage: new BrowserStorage(scope),
      newId: newRequestId,
      now: Date.now,
      pause,
    },
    changed,
    happened,
  );
  desk.audit = wanted.audit;
  return desk;
}

export function useDesk(wanted: Wanted, onHappened: (event: Happened) => void): OpenDesk | null {
  const { survey, session, annotator, galleries, audit } = wanted;
  const [, redraw] = useState(0);
  const [mine, setMine] = useState<boolean | null>(null);
  const current = useRef<Desk | null>(null);
  const lock = useRef<TabLock | null>(null);
  const latest = useRef(onHappened);
  latest.current = onHappened;
  // a session that was deleted and made again has other labels
  const scope = [survey, session.session_id, session.created_at ?? "", annotator].join("\n");

  useEffect(() => {
    const changed = (): void => redraw((n) => n + 1);
    const close = (): void => {
      current.current?.close();
    };
    lock.current = lockTab(scope, (has) => {
      setMine(has);
      close();
      if (!has) return;
      current.current = deskOf(wanted, scope, changed, (event) => latest.current(event));
      void current.current.open();
      changed();
    });
    const renewing = setInterval(() => current.current?.renewLease(), RENEW_MS);
    const onLeave = (): void => current.current?.leave();
    // a page that the browser kept and shows again has given its questions back
    const onReturn = (event: PageTransitionEvent): void => {
      if (event.persisted) location.reload();
    };
    addEventListener("pagehide", onLeave);
    addEventListener("pageshow", onReturn);
    return () => {
      clearInterval(renewing);
      removeEventListener("pagehide", onLeave);
      removeEventListener("pageshow", onReturn);
      onLeave();
      lock.current?.close();
    };
  }, [scope, galleries, audit]);

  const desk = current.current;
  if (!desk) return mine === null ? null : { desk: EMPTY_DESK, state: EMPTY_DESK.state, mine, workHere };
  return { desk, state: desk.state, mine, workHere };

  function workHere(): void {
    lock.current?.takeOver();
  }
}

const refuse = (): Promise<never> => Promise.reject(new Error("closed"));
/** Of a tab that may only look: it has no questions and takes no answers. */
const EMPTY_DESK = new Desk(
  {
    calls: { next: refuse, progress: refuse, submit: refuse, retract: refuse, leave: () => undefined },
    storage: { load: () => Promise.resolve([]), save: () => Promise.resolve() },
    newId: newRequestId,
    now: Date.now,
    pause,
  },
  () => undefined,
  () => undefined,
);
EMPTY_DESK.close();
