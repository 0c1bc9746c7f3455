/** The frames of a burst: one animal, or several? */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { act, type Actions, plainKey, useKeys } from "../keys";
import { AnswerBar, AnswerButton, SHAPES } from "../parts/answers";
import { described, SideBadge, Thumb } from "../parts/basics";
import { Help } from "../parts/help";
import { focusNote, marked, NO_REMARK, type Remark, Remarks, spoken } from "../parts/remarks";
import { START } from "../routes";
import { say } from "../state";
import { text, when } from "../text";
import { labelOf, type QuestionProps } from "./ask";

export function BurstScreen({ survey, question, progress, waiting, onAnswer, onUndo, onRedo }: QuestionProps): VNode {
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState<{ key: string; remark: Remark }>({ key: question.key, remark: NO_REMARK });
  const remark = said.key === question.key ? said.remark : NO_REMARK;
  const setRemark = (next: Remark): void => setSaid({ key: question.key, remark: next });
  const detections = question.photos.map((photo) => photo.detection_id);
  const [first] = question.photos;
  useEffect(() => {
    if (first) say(`${text.burst.heading} ${described(first)}`);
  }, [question.key]);

  const versions = question.photos.map((photo) => photo.version).filter((version) => version != null);

  const answer = (one_animal: boolean): void =>
    onAnswer({ labels: [], bursts: [{ detections, one_animal, versions, ...spoken(remark) }] }, one_animal ? text.burst.one : text.burst.several);
  const skip = (): void => {
    const labels = first ? question.photos.slice(1).map((photo) => labelOf(first, photo, "skip", remark)) : [];
    onAnswer({ labels, bursts: [] }, text.answer.skip);
  };

  const actions: Actions = {
    skip,
    sure: () => setRemark(marked(remark, "sure")),
    fairly_sure: () => setRemark(marked(remark, "fairly_sure")),
    guess: () => setRemark(marked(remark, "guess")),
    note: focusNote,
    undo: onUndo,
    redo: onRedo,
    help: () => setHelp(true),
    leave: () => {
      location.hash = START;
    },
  };
  useKeys((event) => {
    const key = event.key.toLowerCase();
    if (plainKey(event) && (key === "y" || key === "n")) answer(key === "y");
    else return act(actions, event);
    return true;
  });

  return (
    <div class="burst" data-key={question.key}>
      <div class="ask">
        <h1>{text.burst.heading}</h1>
        <p class="facts">
          <span>
            {first?.camera}, {when(first?.captured_at ?? null, first?.zone)}
          </span>
          <span class="reason">{text.server.reason(question.reason) || text.burst.help}</span>
        </p>
      </div>
      <div class="frames">
        {question.photos.map((photo, index) => (
          <figure key={photo.detection_id}>
            <Thumb survey={survey} photo={photo} large lazy={false} />
            <figcaption>
              <SideBadge side={photo.side} /> {text.burst.frame(index + 1, question.photos.length)},{" "}
              {when(photo.captured_at, photo.zone)}
            </figcaption>
          </figure>
        ))}
      </div>
      <AnswerBar progress={progress} waiting={waiting} onUndo={onUndo} remarks={<Remarks remark={remark} onRemark={setRemark} />}>
        {([true, false] as const).map((one) => (
          <button key={String(one)} class={`answer ${one ? "same" : "different"}`} data-answer={one ? "one" : "several"} onClick={() => answer(one)}>
            <span class="shape" aria-hidden="true">
              {one ? SHAPES.same : SHAPES.different}
            </span>
            <span>{one ? text.burst.one : text.burst.several}</span>
            <kbd aria-hidden="true">{one ? "Y" : "N"}</kbd>
          </button>
        ))}
        <AnswerButton kind="skip" action="skip" onClick={skip} />
      </AnswerBar>
      {help && <Help actions={actions} fixed={[["Y", text.burst.one], ["N", text.burst.several]]} onClose={() => setHelp(false)} />}
    </div>
  );
}
