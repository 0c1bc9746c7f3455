/** Asks question after question: the frame of Compare, Gallery and Burst. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { waitingCount } from "../answers/book";
import type { Happened } from "../answers/desk";
import { type OpenDesk, useDesk } from "../answers/use_desk";
import type { AnswerName, Effect, Given, LabelSent, Photo, Progress, Question, SessionInfo } from "../api/types";
import { GUARD_MS } from "../keys";
import { Problem, Say, Waiting } from "../parts/basics";
import { OnlyPart } from "../parts/only";
import { NO_REMARK, type Remark, spoken } from "../parts/remarks";
import { addressOf } from "../routes";
import { explained, say, signedIn, toast, told } from "../state";
import { text } from "../text";
import { forgetContexts } from "../viewer/contexts";
import { BurstScreen } from "./burst";
import { CompareScreen } from "./compare";
import { GalleryScreen } from "./gallery";

export interface AskProps {
  survey: string;
  session: SessionInfo;
  annotator: string;
  galleries: boolean;
  audit: boolean;
}

/** What a screen of one question gets. */
export interface QuestionProps {
  survey: string;
  session: SessionInfo;
  question: Question;
  /** The questions after it, to load their photographs ahead. */
  ahead: readonly Question[];
  /** null until it was read: no question waits for it. */
  progress: Progress | null;
  waiting: number;
  onAnswer: (given: Given, name: string) => void;
  onUndo: () => void;
  onRedo: () => void;
  onLater: () => void;
}

/** Effects after which other photographs belong together. */
const REGROUPING = new Set<Effect>(["merged", "split"]);

function report(event: Happened): void {
  if (event.kind === "outcomes") {
    if (event.outcomes.some(({ effect }) => REGROUPING.has(effect))) forgetContexts();
    for (const { message, effect } of event.outcomes) {
      if (message) toast(told(text.server.effect(effect, message), message), effect === "conflict");
    }
  } else if (event.kind === "refused") {
    const { message, original } = explained(event.failure);
    toast({ message: text.compare.refused(message), original }, true);
  }
}

/** The label of two photographs, about the pictures that were shown. */
export function labelOf(first: Photo, second: Photo, answer: AnswerName, remark: Remark = NO_REMARK): LabelSent {
  return {
    first: first.detection_id,
    second: second.detection_id,
    answer,
    first_version: first.version,
    second_version: second.version,
    ...spoken(remark),
  };
}

/** What an answer is called in messages. */
export function spokenAnswer(given: Given): string {
  const [label] = given.labels;
  if (label && given.labels.length === 1) return text.answer[label.answer];
  if (label) return text.gallery.given;
  return given.bursts[0]?.one_animal ? text.burst.one : text.burst.several;
}

export function Ask(props: AskProps): VNode {
  const [failed, setFailed] = useState<unknown>(null);
  const open = useDesk(props, (event) => (event.kind === "failed" ? setFailed(event.failure) : report(event)));
  const lastAnswer = useRef(-Infinity);
  const notice = open?.state.notice ?? "";
  useEffect(() => {
    if (notice) toast(told(text.server.notice(notice), notice), true);
  }, [notice]);

  const signedOut = open?.state.offline?.status === 401;
  useEffect(() => {
    // answers that wait stay on this computer and are sent when the screen is opened again
    if (signedOut) signedIn.value = false;
  }, [signedOut]);

  if (failed) return <Problem error={failed} again={() => location.reload()} />;
  if (!open) return <Waiting />;
  if (open.mine === false) return <OtherTab open={open} />;
  const { desk, state } = open;
  const question = desk.current;
  const waiting = waitingCount(state.book);
  const onUndo = (): void => {
    const last = state.book.entries.findLast((entry) => !entry.undo);
    toast(last && desk.undo() ? text.compare.undone(spokenAnswer(last.given)) : text.compare.nothingToUndo);
  };
  const shared = {
    survey: props.survey,
    session: props.session,
    progress: state.progress,
    waiting,
    onUndo,
    onRedo: () => void (desk.redo() || toast(text.compare.nothingToRedo)),
    onLater: () => desk.postpone(),
    onAnswer(given: Given, name: string): void {
      // a key that bounces never answers a question that nobody has seen
      if (performance.now() - lastAnswer.current < GUARD_MS) return;
      if (!question || !desk.answer(question, given)) return;
      lastAnswer.current = performance.now();
      say(text.compare.given(name));
    },
  };
  return (
    <>
      <span hidden data-waiting={waiting} />
      <Connection state={state} waiting={waiting} accepting={desk.accepting} />
      <OnlyPart only={props.session.only} />
      {question ? (
        <OneQuestion {...shared} key={question.kind} question={question} ahead={state.supply.slice(1, 4)} />
      ) : (
        <NoQuestion {...props} open={open} onUndo={onUndo} />
      )}
    </>
  );
}

function OneQuestion(props: QuestionProps): VNode {
  if (props.question.kind === "gallery") return <GalleryScreen {...props} />;
  if (props.question.kind === "burst") return <BurstScreen {...props} />;
  return <CompareScreen {...props} />;
}

function Connection({ state, waiting, accepting }: { state: OpenDesk["state"]; waiting: number; accepting: boolean }): VNode | null {
  if (!state.offline) return null;
  return (
    <div class="banner" role="status">
      <Say {...explained(state.offline)} />{" "}
      {waiting > 0 && text.compare.waiting(waiting)} {!accepting && text.compare.full}
    </div>
  );
}

function OtherTab({ open }: { open: OpenDesk }): VNode {
  return (
    <div class="message" role="status">
      <p>{text.compare.otherTab}</p>
      <button class="primary" onClick={open.workHere}>
        {text.compare.workHere}
      </button>
    </div>
  );
}

function NoQuestion({ survey, session, open, onUndo }: AskProps & { open: OpenDesk; onUndo: () => void }): VNode {
  const { state } = open;
  if (state.found === "finished" && !state.fetching) {
    return (
      <div class="message" role="status">
        <h1>{text.compare.finished}</h1>
        <p>{text.compare.finishedMore}</p>
        <p class="row">
          <a class="button primary" href={addressOf(survey, session.session_id, "progress")}>
            {text.nav.progress}
          </a>
          <button onClick={onUndo}>{text.answer.undo}</button>
        </p>
      </div>
    );
  }
  if (state.found === "leased") {
    return (
      <div class="message" role="status">
        <p>{text.compare.leased}</p>
        <ul>
          {state.others.map(({ annotator, answers, answers_per_minute }) => (
            <li key={annotator}>
              {text.compare.leasedBy(annotator, answers, answers_per_minute ? `, ${text.number(answers_per_minute)} / min` : "")}
            </li>
          ))}
        </ul>
      </div>
    );
  }
  return (
    <div class="message">
      <Waiting reason={text.compare.planning} />
      <div class="skeleton" aria-hidden="true">
        <div />
        <div />
      </div>
    </div>
  );
}
