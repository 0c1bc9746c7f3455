/** Two photographs side by side: the same animal? */
import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AnswerName, Context, Photo, Question } from "../api/types";
import { act, type Action, useKeys } from "../keys";
import { AnswerBar, AnswerButton } from "../parts/answers";
import { described } from "../parts/basics";
import { Help } from "../parts/help";
import { focusNote, marked as remarked, NO_REMARK, type Remark, Remarks } from "../parts/remarks";
import { swipes } from "../parts/swipe";
import { addressOf, START } from "../routes";
import { say, toast } from "../state";
import { text } from "../text";
import { contextOf, useContextOf } from "../viewer/contexts";
import type { Dot } from "../viewer/dots";
import { type Look, PLAIN, type Tone, UNCHANGED } from "../viewer/looks";
import { Pane } from "../viewer/pane";
import { MarksNote, useMarks } from "../viewer/marks";
import { AT_BOX, type Stage, type View } from "../viewer/stage";
import { GroupsDialog, InfoDialog, MapDrawer } from "./compare_more";
import { labelOf, type QuestionProps } from "./ask";
import { chanceOf } from "./chances";
import { LookTools } from "./look_tools";

type Which = 0 | 1;
const BLINK_MS = 600;
const ANSWERS: readonly AnswerName[] = ["same", "different", "not_comparable", "skip"];
const ZOOM = 1.25;
const NO_DOTS: readonly Dot[] = [];

type Opened = "help" | "info" | "groups" | null;

/** The next or previous photograph of a group; the asked one comes first. */
export function stepped(asked: Photo, context: Context | null, current: Photo, by: 1 | -1): Photo {
  const all = [asked, ...(context?.group ?? []).filter((one) => one.detection_id !== asked.detection_id)];
  const at = all.findIndex((one) => one.detection_id === current.detection_id);
  return all[(at + by + all.length) % all.length] ?? asked;
}

export function CompareScreen(props: QuestionProps): VNode {
  return <Compare key="compare" {...props} />;
}

function Compare({ survey, session, question, ahead, progress, waiting, onAnswer, onUndo, onRedo, onLater }: QuestionProps): VNode {
  const [first, second] = pairOf(question);
  const [chosen, setChosen] = useState<{ key: string; photos: [Photo, Photo] }>({ key: question.key, photos: [first, second] });
  const photos: [Photo, Photo] = chosen.key === question.key ? chosen.photos : [first, second];
  const contexts = [
    useContextOf(survey, session.session_id, first.detection_id),
    useContextOf(survey, session.session_id, second.detection_id),
  ] as const;
  const [said, setSaid] = useState<{ key: string; remark: Remark }>({ key: question.key, remark: NO_REMARK });
  const remark = said.key === question.key ? said.remark : NO_REMARK;
  const setRemark = (next: Remark): void => setSaid({ key: question.key, remark: next });
  const [looks, setLooks] = useState<[Look, Look]>([PLAIN, PLAIN]);
  const [tone, setTone] = useState<Tone>(UNCHANGED);
  const [linked, setLinked] = useState(true);
  const [hidden, setHidden] = useState(false);
  const [map, setMap] = useState(false);
  // images are clean until marks are asked for, pair by pair
  const [marked, setMarked] = useState("");
  const marks = useMarks(survey, session.session_id, photos, marked === question.key);
  const [opened, setOpened] = useState<Opened>(null);
  const [blinking, setBlinking] = useState(false);
  const [settled, setSettled] = useState<[string, string]>(["", ""]);
  // what comes later is loaded when both photographs are on the screen
  const idle = photos.every((photo, which) => photo.detection_id === settled[which]);
  const over = useBlink(blinking) ? photos[1] : null;
  const stages = useRef<[Stage | null, Stage | null]>([null, null]);
  const view = useRef<View>(AT_BOX);

  useEffect(() => {
    setLooks([PLAIN, PLAIN]);
    setBlinking(false);
    view.current = AT_BOX;
    say(text.compare.question(described(first), described(second), journeyOf(question)));
  }, [question.key]);
  useEffect(() => {
    for (const next of idle ? ahead : []) {
      for (const photo of next.kind === "pair" ? next.photos : []) {
        void contextOf(survey, session.session_id, photo.detection_id).catch(() => undefined);
      }
    }
  }, [question.key, idle]);

  const choose = (which: Which, photo: Photo): void => {
    const next: [Photo, Photo] = [...photos];
    next[which] = photo;
    setChosen({ key: question.key, photos: next });
  };
  const answer = (name: AnswerName): void =>
    onAnswer({ labels: [labelOf(first, second, name, remark)], bursts: [] }, text.answer[name]);
  const look = (which: Which, change: (look: Look) => Look): void =>
    setLooks((now) => (which ? [now[0], change(now[1])] : [change(now[0]), now[1]]));
  const turn = (which: Which, by: number): void => look(which, (one) => ({ ...one, rotation: (one.rotation + by + 360) % 360 }));
  const seen = (which: Which, changed: View): void => {
    view.current = changed;
    if (linked) stages.current[which ? 0 : 1]?.place(changed, true);
  };
  const zoom = (factor: number): void => {
    stages.current[0]?.zoomBy(factor);
    if (!linked) stages.current[1]?.zoomBy(factor);
  };
  const fit = (): void => stages.current.forEach((stage) => stage?.place(AT_BOX));
  const step = (which: Which, by: 1 | -1): void => choose(which, stepped(which ? second : first, contexts[which], photos[which], by));
  // a dialog closes a moment after its key: another may be open by then
  const closing = (which: Opened) => (): void => setOpened((now) => (now === which ? null : now));
  const focusTool = (name: string): void => document.getElementById(`tool-${name}`)?.focus();

  const actions: Record<Action, () => void> = {
    same: () => answer("same"),
    different: () => answer("different"),
    not_comparable: () => answer("not_comparable"),
    skip: () => answer("skip"),
    sure: () => setRemark(remarked(remark, "sure")),
    fairly_sure: () => setRemark(remarked(remark, "fairly_sure")),
    guess: () => setRemark(remarked(remark, "guess")),
    note: focusNote,
    undo: onUndo,
    redo: onRedo,
    zoom_in: () => zoom(ZOOM),
    zoom_out: () => zoom(1 / ZOOM),
    fit,
    link: () => {
      toast(linked ? text.compare.unlinked : text.compare.linked);
      setLinked(!linked);
    },
    rotate_left_back: () => turn(0, -90),
    rotate_left: () => turn(0, 90),
    rotate_right_back: () => turn(1, -90),
    rotate_right: () => turn(1, 90),
    flip: () => look(1, (one) => ({ ...one, mirrored: !one.mirrored })),
    brightness: () => focusTool("brightness"),
    contrast: () => focusTool("contrast"),
    equalise: () => setTone((now) => ({ ...now, equalised: !now.equalised })),
    blink: () => setBlinking(!blinking),
    left_next: () => step(0, 1),
    left_previous: () => step(0, -1),
    right_next: () => step(1, 1),
    right_previous: () => step(1, -1),
    groups: () => setOpened("groups"),
    map: () => setMap(!map),
    marks: () => setMarked(marks ? "" : question.key),
    hide: () => setHidden(!hidden),
    info: () => setOpened("info"),
    help: () => setOpened("help"),
    leave: () => {
      location.hash = START;
    },
  };
  useKeys((event) => {
    if (event.key === "Escape" && document.activeElement instanceof HTMLElement) document.activeElement.blur();
    return act(actions, event);
  });

  const touch = useMemo(() => swipes(() => latestAnswer.current("different"), () => latestAnswer.current("same")), []);
  const latestAnswer = useRef(answer);
  latestAnswer.current = answer;
  const panes: Which[] = [0, 1];
  return (
    <div class={`compare ${map ? "with-map" : ""}`} data-key={question.key}>
      <div class="ask" {...touch}>
        <h1>{text.compare.heading}</h1>
        <Facts question={question} hidden={hidden} />
      </div>
      {question.opposite_sides && (
        <p class="opposite" role="note">
          ⚠ {text.compare.opposite}
        </p>
      )}
      <MarksNote marks={marks} />
      <div class="panes">
        {panes.map((which) => (
          <Pane
            key={which}
            survey={survey}
            label={which ? text.compare.right : text.compare.left}
            asked={which ? second : first}
            photo={photos[which]}
            over={which ? null : over}
            context={contexts[which]}
            ahead={ahead.flatMap((next) => (next.kind === "pair" ? [pairOf(next)[which]] : []))}
            idle={idle}
            look={looks[which]}
            tone={tone}
            dots={marks?.dots[which] ?? NO_DOTS}
            onChoose={(photo) => choose(which, photo)}
            onStage={(stage) => {
              stages.current[which] = stage;
            }}
            onView={(changed) => seen(which, changed)}
            onSettled={(detection) => setSettled((now) => (which ? [now[0], detection] : [detection, now[1]]))}
            onLater={onLater}
          />
        ))}
      </div>
      {map && <MapDrawer survey={survey} session={session.session_id} first={first} second={second} onClose={() => setMap(false)} />}
      <AnswerBar progress={progress} waiting={waiting} onUndo={onUndo} remarks={<Remarks remark={remark} onRemark={setRemark} />}>
        {ANSWERS.map((name) => (
          <AnswerButton key={name} kind={name} action={name} onClick={() => answer(name)} />
        ))}
      </AnswerBar>
      <LookTools tone={tone} onTone={setTone} actions={actions} map={map} marks={marks !== null} hidden={hidden} linked={linked} blinking={blinking} />
      {opened === "help" && <Help actions={actions} onClose={closing("help")} />}
      {opened === "info" && <InfoDialog survey={survey} session={session.session_id} first={first} second={second} onClose={closing("info")} />}
      {opened === "groups" && (
        <GroupsDialog survey={survey} asked={[first, second]} contexts={contexts} onChoose={choose} onClose={closing("groups")} candidates={(photo) => addressOf(survey, session.session_id, "candidates", photo.detection_id)} />
      )}
    </div>
  );
}

export function pairOf(question: Question): [Photo, Photo] {
  const [first, second] = question.photos;
  if (!first || !second) throw new Error(`question ${question.key} has not two photographs`);
  return [first, second];
}

function journeyOf({ journey }: Question): string {
  return (journey && text.server.journey(journey)) || text.compare.noJourney;
}

function Facts({ question, hidden }: { question: Question; hidden: boolean }): VNode {
  const chance = chanceOf(question, text);
  return (
    <p class="facts">
      <span>{journeyOf(question)}</span>
      {!hidden && <span class="reason">{text.server.reason(question.reason)}</span>}
      {hidden ? (
        <span>{text.compare.hidden}</span>
      ) : (
        chance && <span>{chance}</span>
      )}
    </p>
  );
}

/** Whether the other photograph is shown now; with reduced motion it changes only by the key. */
function useBlink(blinking: boolean): boolean {
  const [on, setOn] = useState(false);
  useEffect(() => {
    setOn(blinking);
    if (!blinking || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = setInterval(() => setOn((now) => !now), BLINK_MS);
    return () => clearInterval(timer);
  }, [blinking]);
  return on;
}
