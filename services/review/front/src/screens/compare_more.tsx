/** What Compare shows on request: the map, the scores, all photographs of both groups. */
import type { VNode } from "preact";
import { query, sessionPath } from "../api/client";
import type { Context, Explained, Photo, RelativeMap } from "../api/types";
import { described, Dialog, Problem, SideBadge, Thumb, Waiting } from "../parts/basics";
import { MapView } from "../parts/map";
import { useLoaded } from "../state";
import { text, when } from "../text";

interface PairProps {
  survey: string;
  session: string;
  first: Photo;
  second: Photo;
  onClose: () => void;
}

function pairPath({ survey, session, first, second }: PairProps, what: string): string {
  return `${sessionPath(survey, session)}/${what}${query({ first: first.detection_id, second: second.detection_id })}`;
}

export function MapDrawer(props: PairProps): VNode {
  const { data, error, reload } = useLoaded<RelativeMap>(pairPath(props, "map"));
  return (
    <section class="drawer" aria-label={text.map.title}>
      {error ? <Problem error={error} again={reload} /> : data ? <MapView map={data} named /> : <Waiting />}
    </section>
  );
}

export function InfoDialog(props: PairProps): VNode {
  const { data, error, reload } = useLoaded<Explained>(pairPath(props, "explain"));
  const score = (value: number | null): string => (value === null ? text.unknown : value.toFixed(3));
  return (
    <Dialog title={text.info.title} onClose={props.onClose}>
      {error ? <Problem error={error} again={reload} /> : !data && <Waiting />}
      {data && (
        <>
          <dl class="pairs">
            <dt>{text.info.visual}</dt>
            <dd>{score(data.visual)}</dd>
            <dt>{text.info.feasibility}</dt>
            <dd>{score(data.feasibility)}</dd>
            <dt>{text.info.fused}</dt>
            <dd>
              {score(data.fused)}, {data.scores.calibrated ? text.info.calibrated : text.info.uncalibrated}
            </dd>
          </dl>
          {data.percentile !== null && <p>{text.info.percentile(data.percentile)}</p>}
          <p>{data.journey && text.server.journey(data.journey)}</p>
          <p>{data.reason}</p>
        </>
      )}
    </Dialog>
  );
}

interface GroupsProps {
  survey: string;
  asked: readonly [Photo, Photo];
  contexts: readonly [Context | null, Context | null];
  onChoose: (which: 0 | 1, photo: Photo) => void;
  onClose: () => void;
  candidates: (photo: Photo) => string;
}

export function GroupsDialog({ survey, asked, contexts, onChoose, onClose, candidates }: GroupsProps): VNode {
  const columns: (0 | 1)[] = [0, 1];
  return (
    <Dialog title={text.keys.groups} onClose={onClose} wide>
      <div class="two-groups">
        {columns.map((which) => {
          const context = contexts[which];
          const own = asked[which];
          const others = context?.group.filter((one) => one.detection_id !== own.detection_id) ?? [];
          return (
            <section key={which} aria-label={which ? text.compare.right : text.compare.left}>
              <h3>
                {context?.individual ? text.compare.groupOf(context.individual.name, context.individual.photographs) : described(own)}
              </h3>
              <p>
                <a href={candidates(own)}>{text.candidates.heading}</a>
              </p>
              <div class="grid">
                {[own, ...others].map((photo) => (
                  <button
                    key={photo.detection_id}
                    class="card"
                    onClick={() => {
                      onChoose(which, photo);
                      onClose();
                    }}
                  >
                    <Thumb survey={survey} photo={photo} alt="" />
                    <span>
                      <SideBadge side={photo.side} /> {photo.camera} {when(photo.captured_at, photo.zone)}
                    </span>
                  </button>
                ))}
              </div>
              {!others.length && <p>{text.compare.noOthers}</p>}
            </section>
          );
        })}
      </div>
    </Dialog>
  );
}
