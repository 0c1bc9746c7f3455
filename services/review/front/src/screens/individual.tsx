/** One individual: its photographs, movements and answers, and what people decide about it. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call, newRequestId, sessionPath } from "../api/client";
import type { Changed, IndividualPage, Photo } from "../api/types";
import { Problem, SideBadge, Thumb, Waiting } from "../parts/basics";
import { MapView } from "../parts/map";
import { addressOf } from "../routes";
import { explained, toast, useLoaded } from "../state";
import { day, text, when } from "../text";
import { Edge } from "./conflicts";
import { Attributes, Merge, Move } from "./individual_forms";
import { weakLinks } from "./weakest";

interface IndividualProps {
  survey: string;
  session: string;
  individual: string;
}

/** A change of an individual, this one or another; resolves when it is stored. */
export type Change = (individual: string, what: string, body: object) => Promise<void>;

export function IndividualScreen({ survey, session, individual }: IndividualProps): VNode {
  const base = sessionPath(survey, session);
  const path = `${base}/individuals/${encodeURIComponent(individual)}`;
  const { data, error, reload } = useLoaded<IndividualPage>(path);
  const [last, setLast] = useState<Changed | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const change: Change = async (whose, what, body) => {
    try {
      const changed = await call<Changed>(`${base}/individuals/${encodeURIComponent(whose)}${what}`, { request_id: newRequestId(), as_of: data?.position ?? 0, ...body });
      setLast(changed);
      setSelected(new Set());
      toast(text.individual.changed(changed.superseded_count));
      reload();
    } catch (failure) {
      toast(explained(failure), true);
    }
  };
  const undo = async (position: number): Promise<void> => {
    try {
      await call<Changed>(`${base}/changes/${position}/undo`, { request_id: newRequestId() });
      setLast(null);
      toast(text.individual.undoneChange);
      reload();
    } catch (failure) {
      toast(explained(failure), true);
    }
  };

  if (error) return <Problem error={error} again={reload} />;
  if (!data) return <Waiting />;
  const toggle = (detection: string): void => {
    const next = new Set(selected);
    if (!next.delete(detection)) next.add(detection);
    setSelected(next);
  };
  return (
    <div class="page individual-page">
      <p class="row">
        <a href={addressOf(survey, session, "catalogue")}>← {text.nav.catalogue}</a>
        <button onClick={() => window.print()}>{text.catalogue.print}</button>
      </p>
      <h1>{data.name}</h1>
      <p>
        {text.photographs(data.photographs)}, {text.catalogue.seen(day(data.first_seen), day(data.last_seen))},{" "}
        {data.cameras.join(", ")}
      </p>
      {data.aliases.length > 0 && (
        <p>{text.individual.aliases(data.aliases.map((one) => one.display_name || one.individual_id).join(", "))}</p>
      )}
      {last && (
        <p class="row" role="status">
          {text.individual.changed(last.superseded_count)}
          <button onClick={() => void undo(last.position)}>{text.individual.undoChange}</button>
        </p>
      )}
      <Photographs survey={survey} photos={data.photos} selected={selected} onToggle={toggle} />
      <Selection {...{ survey, session, data, selected, change }} onSelect={(ids) => setSelected(new Set(ids))} />
      <Attributes key={data.position} individual={data} change={change} />
      <Merge survey={survey} session={session} individual={data} change={change} />
      {data.map && (
        <section>
          <h2>{text.individual.map}</h2>
          <MapView map={data.map} named={false} />
        </section>
      )}
      <Labels survey={survey} individual={data} />
    </div>
  );
}

interface PhotographsProps {
  survey: string;
  photos: readonly Photo[];
  selected: ReadonlySet<string>;
  onToggle: (detection: string) => void;
}

const ORDER = ["left", "right", "front", "back", "unknown"] as const;

function Photographs({ survey, photos, selected, onToggle }: PhotographsProps): VNode {
  return (
    <section>
      <h2>{text.individual.photos}</h2>
      <p class="screen-only">{text.individual.splitHelp}</p>
      {ORDER.map((side) => {
        const shown = photos.filter((photo) => photo.side === side);
        if (!shown.length) return null;
        return (
          <div key={side}>
            <h3>{text.sides[side]}</h3>
            <div class="grid">
              {shown.map((photo) => (
                <button
                  key={photo.detection_id}
                  class="card"
                  aria-pressed={selected.has(photo.detection_id)}
                  onClick={() => onToggle(photo.detection_id)}
                >
                  <Thumb survey={survey} photo={photo} alt="" />
                  <span>
                    <SideBadge side={photo.side} /> {photo.camera}
                    <br />
                    {when(photo.captured_at, photo.zone)}
                  </span>
                </button>
              ))}
            </div>
          </div>
        );
      })}
    </section>
  );
}

interface SelectionProps {
  survey: string;
  session: string;
  data: IndividualPage;
  selected: ReadonlySet<string>;
  change: Change;
  onSelect: (detections: readonly string[]) => void;
}

function Selection({ survey, session, data, selected, change, onSelect }: SelectionProps): VNode {
  const detections = [...selected];
  const all = detections.length === data.photos.length;
  const [weakest] = weakLinks(data.photos.map((photo) => photo.detection_id), data.labels);
  return (
    <section class="screen-only">
      <p class="row">
        <span role="status">{text.individual.selected(selected.size)}</span>
        <button disabled={!selected.size || all} onClick={() => void change(data.individual_id, "/split", { detections })}>
          {text.individual.split}
        </button>
      </p>
      {selected.size > 0 && !all && <Move {...{ survey, session, change, detections }} individual={data} />}
      {weakest && (
        <details>
          <summary>{text.individual.weakest}</summary>
          <p>
            {text.individual.weakestHelp} {text.photographs(weakest.detections.length)}.{" "}
            {text.conflicts.by(weakest.label.annotator, when(weakest.label.created_at, "UTC"))}
          </p>
          <button onClick={() => onSelect(weakest.detections)}>{text.individual.selectWeakest}</button>
        </details>
      )}
    </section>
  );
}

function Labels({ survey, individual }: { survey: string; individual: IndividualPage }): VNode {
  const own = Object.fromEntries(individual.photos.map((photo) => [photo.detection_id, photo]));
  const photos = { ...individual.apart_photos, ...own };
  return (
    <section class="screen-only">
      <h2>{text.individual.labels}</h2>
      {!individual.labels.length && <p>{text.individual.noLabels}</p>}
      <div class="path">
        {individual.labels.map((label) => (
          <Edge key={label.label_id} survey={survey} label={label} photos={photos} />
        ))}
      </div>
      {individual.apart.length > 0 && <h2>{text.individual.apart}</h2>}
      <div class="path" data-apart>
        {individual.apart.map((label) => {
          const [from, to] = own[label.first] ? [label.first, label.second] : [label.second, label.first];
          return <Edge key={label.label_id} survey={survey} label={label} photos={photos} from={from} to={to} />;
        })}
      </div>
    </section>
  );
}
