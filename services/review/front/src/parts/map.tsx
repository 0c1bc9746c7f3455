/** Cameras of groups relative to one another, their journeys, and a time line. Never coordinates. */
import type { VNode } from "preact";
import type { MapGroup, RelativeMap, Sighting } from "../api/types";
import { day, text, when } from "../text";
import { labelledCameras } from "./map_labels";

const GROUPS = ["group-a", "group-b"];
const PAD = 0.08;

function Mark({ x, y, group }: { x: number; y: number; group: number }): VNode {
  const r = 0.018;
  return group === 0 ? (
    <circle class={GROUPS[0]} cx={x} cy={y} r={r} />
  ) : (
    <rect class={GROUPS[1]} x={x - r} y={y - r} width={2 * r} height={2 * r} />
  );
}

function Journeys({ map, group, index }: { map: RelativeMap; group: MapGroup; index: number }): VNode {
  const at = new Map(map.cameras.map((camera) => [camera.camera, camera]));
  return (
    <g>
      {group.legs.map((leg, n) => {
        const [from, to] = [at.get(leg.from), at.get(leg.to)];
        if (!from || !to) return null;
        const kind = leg.too_fast ? "leg too-fast" : `leg ${GROUPS[index] ?? ""}`;
        return (
          <line key={n} class={kind} x1={from.x} y1={from.y} x2={to.x} y2={to.y} marker-end="url(#arrow)">
            <title>{text.server.journey(leg.journey)}</title>
          </line>
        );
      })}
      {group.sightings.map((sighting) => {
        const camera = at.get(sighting.camera);
        return camera && <Mark key={sighting.detection_id} x={camera.x} y={camera.y} group={index} />;
      })}
    </g>
  );
}

function Plan({ map }: { map: RelativeMap }): VNode {
  const height = Math.max(map.height, 0.25);
  const offset = (height - map.height) / 2;
  const labelled = labelledCameras(map);
  return (
    <svg
      class="map"
      viewBox={`${-PAD} ${-PAD} ${1 + 2 * PAD} ${height + 2.2 * PAD}`}
      role="img"
      aria-label={text.map.alt(map.cameras.length)}
    >
      <defs>
        <marker id="arrow" viewBox="0 0 10 10" refX="14" refY="5" markerWidth="5" markerHeight="5" orient="auto">
          <path d="M0 0L10 5L0 10z" fill="context-stroke" />
        </marker>
      </defs>
      <g transform={`translate(0 ${offset})`}>
        {map.groups.map((group, index) => (
          <Journeys key={group.detection_id} map={map} group={group} index={index} />
        ))}
        {map.cameras.map(({ camera, x, y }) => (
          <g key={camera}>
            <circle class="camera" cx={x} cy={y} r={0.012} />
            <title>{camera}</title>
            {labelled.has(camera) && (
              <text x={x} y={y - 0.035} text-anchor={x > 0.8 ? "end" : x < 0.2 ? "start" : "middle"}>
                {camera}
              </text>
            )}
          </g>
        ))}
      </g>
      {map.scale_bar && (
        <g class="scale" transform={`translate(0 ${height + 0.6 * PAD})`}>
          <line x1="0" y1="0" x2={map.scale_bar.length} y2="0" />
          <text x={map.scale_bar.length + 0.02} y="0.012">
            {map.scale_bar.text}
          </text>
        </g>
      )}
    </svg>
  );
}

function TimeLine({ groups }: { groups: readonly MapGroup[] }): VNode | null {
  const known = (sightings: readonly Sighting[]): { time: number; sighting: Sighting }[] =>
    sightings.flatMap((sighting) =>
      sighting.captured_at ? [{ time: Date.parse(sighting.captured_at), sighting }] : [],
    );
  const all = groups.flatMap((group) => known(group.sightings)).sort((a, b) => a.time - b.time);
  const [first, last] = [all[0], all.at(-1)];
  if (!first || !last) return null;
  const span = Math.max(1, last.time - first.time);
  const days = [day(first.sighting.captured_at), day(last.sighting.captured_at)];
  // within a day the hours tell them apart
  const ends = days[0] === days[1] ? [when(first.sighting.captured_at), when(last.sighting.captured_at)] : days;
  return (
    <figure class="timeline">
      <svg viewBox="0 0 1 0.12" role="img" aria-label={text.map.timeline}>
        <line class="axis" x1="0.02" y1="0.06" x2="0.98" y2="0.06" />
        {groups.map((group, index) =>
          known(group.sightings).map(({ time, sighting }) => (
            <g key={sighting.detection_id}>
              <title>{`${sighting.camera}, ${when(sighting.captured_at)}`}</title>
              <Mark x={0.03 + (0.94 * (time - first.time)) / span} y={index ? 0.085 : 0.035} group={index} />
            </g>
          )),
        )}
      </svg>
      <figcaption class="ends">
        <span>{ends[0]}</span>
        <span>{ends[1]}</span>
      </figcaption>
    </figure>
  );
}

function Legs({ groups }: { groups: readonly MapGroup[] }): VNode {
  const legs = groups.flatMap((group, index) => group.legs.map((leg) => ({ leg, index })));
  if (!legs.length) return <p>{text.map.noLegs}</p>;
  return (
    <ul class="legs">
      {legs.map(({ leg, index }, n) => (
        <li key={n} class={leg.too_fast ? "too-fast" : ""}>
          <span aria-hidden="true">{index ? "■" : "●"}</span> {leg.from} → {leg.to}: {text.server.journey(leg.journey)}
          {leg.too_fast && <strong> ⚠ {text.map.tooFast}</strong>}
        </li>
      ))}
    </ul>
  );
}

export function MapView({ map, named }: { map: RelativeMap; named: boolean }): VNode {
  return (
    <div class="map-view">
      {map.cameras.length ? <Plan map={map} /> : <p>{text.map.none}</p>}
      <div>
        {named && (
          <p class="legend">
            <span class="mark-a">●</span> {text.map.left} <span class="mark-b">■</span> {text.map.right}
          </p>
        )}
        <TimeLine groups={map.groups} />
        <Legs groups={map.groups} />
        {map.without_position > 0 && <p>{text.map.without(map.without_position)}</p>}
      </div>
    </div>
  );
}
