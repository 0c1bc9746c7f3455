/** One animal large, up to eight candidates beside it: which are the same? */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AnswerName, Given, Photo, Question } from "../api/types";
import { act, type Actions, plainKey, useKeys } from "../keys";
import { AnswerBar, AnswerButton } from "../parts/answers";
import { described, Dialog, SideBadge, Thumb } from "../parts/basics";
import { Help } from "../parts/help";
import { focusNote, NO_REMARK, type Remark, Remarks } from "../parts/remarks";
import { START } from "../routes";
import { say } from "../state";
import { text, when } from "../text";
import { thumbnail } from "../api/client";
import { MarksNote, useMarks } from "../viewer/marks";
import { Zoomable } from "../viewer/zoomable";
import { labelOf, type QuestionProps } from "./ask";

type Mark = Exclude<AnswerName, "skip">;
/** Up to so many candidates are shown in two columns. */
const FEW = 4;
const SHAPE: Record<Mark, string> = { same: "=", different: "≠", not_comparable: "∅" };

/** The labels of a gallery: the anchor with each candidate, each with what was said about the answer. */
export function galleryLabels(question: Question, marks: readonly AnswerName[], remark: Remark): Given {
  const { anchor } = question;
  const labels = anchor ? question.photos.map((photo, index) => labelOf(anchor, photo, marks[index] ?? "different", remark)) : [];
  return { labels, bursts: [] };
}

export function GalleryScreen({ survey, session, question, ahead, progress, waiting, onAnswer, onUndo, onRedo }: QuestionProps): VNode {
  const none = question.photos.map((): Mark => "different");
  const [marked, setMarked] = useState<{ key: string; marks: Mark[] }>({ key: question.key, marks: none });
  const marks = marked.key === question.key ? marked.marks : none;
  const [said, setSaid] = useState<{ key: string; remark: Remark }>({ key: question.key, remark: NO_REMARK });
  const remark = said.key === question.key ? said.remark : NO_REMARK;
  const [hidden, setHidden] = useState(false);
  const [help, setHelp] = useState(false);
  const [closer, setCloser] = useState<Photo | null>(null);
  const [settled, setSettled] = useState("");
  const { anchor } = question;
  // what comes later is loaded when the animal is on the screen, whose candidates were asked for before it
  const idle = !anchor || settled === anchor.detection_id;

  useEffect(() => {
    if (anchor) say(`${text.gallery.heading} ${described(anchor)}`);
  }, [question.key]);
  useEffect(() => {
    for (const next of idle ? ahead : []) {
      if (next.kind === "gallery") for (const photo of next.photos) load(thumbnail(survey, photo));
    }
  }, [question.key, idle]);

  const mark = (index: number, wanted: Mark): void => {
    const next = marks[index] === wanted ? "different" : wanted;
    setMarked({ key: question.key, marks: marks.map((one, at) => (at === index ? next : one)) });
  };
  const submit = (given: readonly AnswerName[]): void => onAnswer(galleryLabels(question, given, remark), text.gallery.submit);

  const skip = (): void => submit(question.photos.map(() => "skip"));
  const actions: Actions = {
    skip,
    note: focusNote,
    undo: onUndo,
    redo: onRedo,
    hide: () => setHidden(!hidden),
    help: () => setHelp(true),
    leave: () => {
      location.hash = START;
    },
  };
  useKeys((event) => {
    if (!plainKey(event)) return act(actions, event);
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
    const index = Number(digit) - 1;
    if (digit === "0") submit(none);
    else if (digit && index < question.photos.length) mark(index, event.shiftKey ? "not_comparable" : "same");
    else if (event.key === "Enter" && !(event.target as HTMLElement).closest("button, a")) submit(marks);
    else return act(actions, event);
    return true;
  });

  return (
    <div class="gallery" data-key={question.key}>
      <div class="ask">
        <h1>{text.gallery.heading}</h1>
        <p class="facts">
          <span class="keys-help">{text.gallery.help}</span>
        </p>
      </div>
      <div class="gallery-body">
        {anchor && (
          <figure class="anchor">
            <Zoomable survey={survey} photo={anchor} label={text.gallery.anchor} ahead={anchorsOf(ahead)} onSettled={setSettled} />
            <figcaption>
              <SideBadge side={anchor.side} /> <strong>{anchor.camera}</strong> {when(anchor.captured_at, anchor.zone)}
            </figcaption>
          </figure>
        )}
        <div class={question.photos.length > FEW ? "candidates" : "candidates few"}>
          {question.photos.map((photo, index) => (
            <Candidate
              key={photo.detection_id}
              survey={survey}
              photo={photo}
              index={index}
              mark={marks[index] ?? "different"}
              chance={hidden ? "" : text.server.chance(question.chances[index] ?? "")}
              onMark={mark}
              onCloser={() => setCloser(photo)}
            />
          ))}
        </div>
      </div>
      <AnswerBar
        progress={progress}
        waiting={waiting}
        onUndo={onUndo}
        remarks={<Remarks remark={remark} onRemark={(next) => setSaid({ key: question.key, remark: next })} keys={false} />}
      >
        <button class="answer same" data-answer="submit" onClick={() => submit(marks)}>
          <span class="shape" aria-hidden="true">
            ✓
          </span>
          <span>{text.gallery.submit}</span>
          <kbd aria-hidden="true">Enter</kbd>
        </button>
        <button class="answer different" data-answer="none" onClick={() => submit(none)}>
          <span class="shape" aria-hidden="true">
            ≠
          </span>
          <span>{text.gallery.noneSame}</span>
          <kbd aria-hidden="true">0</kbd>
        </button>
        <AnswerButton kind="skip" action="skip" onClick={skip} />
      </AnswerBar>
      {help && <Help actions={actions} fixed={fixedKeys(question)} onClose={() => setHelp(false)} />}
      {closer && anchor && (
        <Closer survey={survey} session={session.session_id} photos={[anchor, closer]} onClose={() => setCloser(null)} />
      )}
    </div>
  );
}

/** The keys of a gallery that are not those of other screens. */
function fixedKeys({ photos }: Question): [string, string][] {
  const digits = `1–${photos.length}`;
  return [
    [digits, text.gallery.keys.same],
    [`Shift+${digits}`, text.gallery.keys.not_comparable],
    ["Enter", text.gallery.keys.submit],
    ["0", text.gallery.keys.none],
  ];
}

interface CloserProps {
  survey: string;
  session: string;
  photos: readonly [Photo, Photo];
  onClose: () => void;
}

/** The animal and a candidate large, with their matched marks if they are asked for. */
function Closer({ survey, session, photos, onClose }: CloserProps): VNode {
  const [wanted, setWanted] = useState(false);
  const marks = useMarks(survey, session, photos, wanted);
  return (
    <Dialog title={text.gallery.closer} onClose={onClose} wide>
      <div class="row">
        <button aria-pressed={wanted} data-marks onClick={() => setWanted(!wanted)}>
          {text.marks.show}
        </button>
        <MarksNote marks={marks} />
      </div>
      <div class="closer">
        {photos.map((photo, which) => (
          <figure key={photo.detection_id}>
            <Zoomable survey={survey} photo={photo} label={described(photo)} dots={marks?.dots[which]} />
            <figcaption>{described(photo)}</figcaption>
          </figure>
        ))}
      </div>
    </Dialog>
  );
}

/** The animals of galleries. */
function anchorsOf(questions: readonly Question[]): Photo[] {
  return questions.flatMap(({ anchor }) => (anchor ? [anchor] : []));
}

function load(address: string): void {
  new Image().src = address;
}

interface CandidateProps {
  survey: string;
  photo: Photo;
  index: number;
  mark: Mark;
  chance: string;
  onMark: (index: number, mark: Mark) => void;
  onCloser: () => void;
}

function Candidate({ survey, photo, index, mark, chance, onMark, onCloser }: CandidateProps): VNode {
  const state = text.gallery.state[mark];
  return (
    <div class={`candidate ${mark}`}>
      <button
        class="candidate-photo"
        aria-pressed={mark === "same"}
        aria-label={text.gallery.candidate(index + 1, state, described(photo))}
        onClick={() => onMark(index, "same")}
      >
        <Thumb survey={survey} photo={photo} alt="" lazy={false} />
        <kbd>{index + 1}</kbd>
        <span class="state">
          <span class="shape">{SHAPE[mark]}</span> {state}
        </span>
      </button>
      <p class="caption">
        <SideBadge side={photo.side} /> <strong>{photo.camera}</strong> <span>{when(photo.captured_at, photo.zone)}</span>
      </p>
      <p class="caption">
        <span>{chance}</span>
        <button class="quiet" onClick={onCloser} title={text.gallery.closer} aria-label={`${text.gallery.closer}: ${index + 1}`}>
          ⤢
        </button>
        <button class="quiet" aria-label={`${text.answer.not_comparable}: ${index + 1}`} aria-pressed={mark === "not_comparable"} onClick={() => onMark(index, "not_comparable")}>
          ∅ <span class="wide-only">{text.answer.not_comparable}</span>
        </button>
      </p>
    </div>
  );
}
