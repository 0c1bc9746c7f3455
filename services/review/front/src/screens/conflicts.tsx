/** Answers that contradict others, each with the smallest set of answers against it. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call, newRequestId, sessionPath } from "../api/client";
import type { Conflict, Label, Photo, Progress } from "../api/types";
import { SHAPES } from "../parts/answers";
import { Problem, Say, SideBadge, Thumb, Waiting } from "../parts/basics";
import { TakeBack } from "../parts/preview";
import { StoredRemark } from "../parts/remarks";
import { pathOf } from "./path";
import { explained, toast, told, useLoaded } from "../state";
import { text, when } from "../text";

interface ConflictsProps {
  survey: string;
  session: string;
}

export function ConflictsScreen({ survey, session }: ConflictsProps): VNode {
  const path = sessionPath(survey, session);
  const { data, error, reload } = useLoaded<{ conflicts: Conflict[] }>(`${path}/conflicts`);
  const [asked, setAsked] = useState<Label | null>(null);
  const [kept, setKept] = useState<ReadonlySet<string>>(new Set());

  const takeBack = async (label: Label): Promise<void> => {
    setAsked(null);
    try {
      const before = await call<Progress>(`${path}/progress`);
      const { progress } = await call<{ progress: Progress }>(`${path}/retract`, {
        request_id: newRequestId(),
        label_ids: [label.label_id],
      });
      toast(text.conflicts.done(before.individuals, progress.individuals));
      reload();
    } catch (failure) {
      toast(explained(failure), true);
    }
  };

  if (error) return <Problem error={error} again={reload} />;
  if (!data) return <Waiting />;
  const shown = data.conflicts.filter(({ label }) => !label || !kept.has(label.label_id));
  return (
    <div class="page">
      <h1>{text.conflicts.heading}</h1>
      <p>{shown.length ? text.conflicts.about : text.conflicts.none}</p>
      {shown.map((conflict, index) => (
        <ConflictCard
          key={conflict.label?.label_id ?? index}
          survey={survey}
          conflict={conflict}
          onTakeBack={setAsked}
          onKeep={(label) => {
            setKept(new Set([...kept, label.label_id]));
            toast(text.conflicts.kept);
          }}
        />
      ))}
      {asked && (
        <TakeBack path={path} labelIds={[asked.label_id]} onClose={() => setAsked(null)} onTakeBack={() => void takeBack(asked)} />
      )}
    </div>
  );
}

interface CardProps {
  survey: string;
  conflict: Conflict;
  onTakeBack: (label: Label) => void;
  onKeep: (label: Label) => void;
}

function ConflictCard({ survey, conflict, onTakeBack, onKeep }: CardProps): VNode {
  const { label, explanation, evidence, photos } = conflict;
  const path = pathOf(explanation, label?.first ?? "");
  const message = text.server.conflict(conflict);
  return (
    <section class="conflict" aria-label={message}>
      <div>
        <Say {...told(message, conflict.message)} />
      </div>
      {label && (
        <>
          <h2>{text.conflicts.this}</h2>
          <Edge survey={survey} label={label} photos={photos}>
            <button onClick={() => onTakeBack(label)}>{text.conflicts.takeBack}</button>
            <button onClick={() => onKeep(label)}>{text.conflicts.keep}</button>
          </Edge>
        </>
      )}
      {(explanation.length > 0 || evidence.length > 0) && <h2>{text.conflicts.against}</h2>}
      <div class="path" role="group" aria-label={text.conflicts.path}>
        {path.map(({ label: one, from, to }, index) => (
          <Edge key={one.label_id} survey={survey} label={one} photos={photos} from={index && path[index - 1]?.to === from ? null : from} to={to}>
            <button onClick={() => onTakeBack(one)}>{text.conflicts.takeBack}</button>
          </Edge>
        ))}
        {evidence.map((fact, index) => (
          <div class="edge" key={index}>
            <End survey={survey} photo={photos[fact.first]} detection={fact.first} />
            <p class="fact">
              {text.conflicts.sources[fact.source] ?? fact.source}
              {fact.names.length > 0 && `: ${fact.names.join(", ")}`}
            </p>
            <End survey={survey} photo={photos[fact.second]} detection={fact.second} />
          </div>
        ))}
      </div>
    </section>
  );
}

interface EdgeProps {
  survey: string;
  label: Label;
  photos: Record<string, Photo>;
  /** Where it is read from; null: the photograph before stands there already. */
  from?: string | null;
  to?: string;
  children?: VNode | VNode[];
}

/** An answer between two photographs. */
export function Edge({ survey, label, photos, from = label.first, to = label.second, children }: EdgeProps): VNode {
  return (
    <div class="edge">
      {from !== null && <End survey={survey} photo={photos[from]} detection={from} />}
      <div class={`link ${label.answer}`}>
        <strong>
          <span aria-hidden="true">{SHAPES[label.answer]}</span> {text.answer[label.answer]}
        </strong>
        <span>{text.conflicts.by(label.annotator, when(label.created_at, "UTC"))}</span>
        <StoredRemark note={label.note} confidence={label.confidence} />
        <span class="row">{children}</span>
      </div>
      <End survey={survey} photo={photos[to]} detection={to} />
    </div>
  );
}

function End({ survey, photo, detection }: { survey: string; photo: Photo | undefined; detection: string }): VNode {
  if (!photo) return <p class="end">{detection}</p>;
  return (
    <figure class="end">
      <Thumb survey={survey} photo={photo} />
      <figcaption>
        <SideBadge side={photo.side} /> {photo.camera}
        <br />
        {when(photo.captured_at, photo.zone)}
      </figcaption>
    </figure>
  );
}
