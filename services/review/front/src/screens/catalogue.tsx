/** All individuals as cards. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { query, sessionPath, surveyPath } from "../api/client";
import type { Card, Photo, Photos } from "../api/types";
import { Problem, SideBadge, Thumb, Waiting } from "../parts/basics";
import { addressOf } from "../routes";
import { useLoaded } from "../state";
import { day, text } from "../text";

const PAGE = 60;
const SORTS = ["size", "last_seen", "name", "least_photographs"] as const;
const SIDES = ["left", "right", "front", "back"] as const;

interface CatalogueProps {
  survey: string;
  session: string;
}

export function CatalogueScreen({ survey, session }: CatalogueProps): VNode {
  const [sort, setSort] = useState<string>("size");
  const [camera, setCamera] = useState("");
  const [side, setSide] = useState("");
  const [singletons, setSingletons] = useState("0");
  const [name, setName] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const cameras = useLoaded<Photos>(`${surveyPath(survey)}/photos?limit=1`).data?.cameras ?? [];
  const { data, error, reload } = useLoaded<{ total: number; individuals: Card[] }>(
    `${sessionPath(survey, session)}/individuals${query({ sort, camera, side, singletons, name, limit })}`,
  );
  return (
    <div class="page catalogue">
      <h1>{text.catalogue.heading}</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice label={text.catalogue.sort} value={sort} onChange={setSort} options={SORTS.map((one) => [one, text.catalogue.sorts[one]])} />
        <Choice label={text.catalogue.camera} value={camera} onChange={setCamera} options={[["", text.catalogue.all], ...cameras.map((one): [string, string] => [one, one])]} />
        <Choice label={text.catalogue.side} value={side} onChange={setSide} options={[["", text.catalogue.all], ...SIDES.map((one): [string, string] => [one, text.sides[one]])]} />
        <Choice label={text.catalogue.singletons} value={singletons} onChange={setSingletons} options={[["0", text.catalogue.without], ["", text.catalogue.with], ["1", text.catalogue.only]]} />
        <label>
          {text.catalogue.search} <input type="search" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <button type="button" onClick={() => window.print()}>
          {text.catalogue.print}
        </button>
      </form>
      {error ? <Problem error={error} again={reload} /> : !data && <Waiting />}
      {data && (
        <>
          <p role="status">{text.catalogue.total(data.total)}</p>
          <div class="cards">
            {data.individuals.map((card) => (
              <IndividualCard key={card.individual_id} survey={survey} card={card} href={addressOf(survey, session, "catalogue", card.individual_id)} />
            ))}
          </div>
          {data.individuals.length < data.total && <button onClick={() => setLimit(limit + PAGE)}>{text.more}</button>}
        </>
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}

export function Choice({ label, value, options, onChange }: ChoiceProps): VNode {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([key, shown]) => (
          <option key={key} value={key}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Both flanks side by side; what is missing is said. */
export function Flanks({ survey, best }: { survey: string; best: Card["best"] }): VNode {
  const { left, right, other } = best;
  if (!left && !right) return <div class="flanks one">{other && <Thumb survey={survey} photo={other} />}</div>;
  const flank = (photo: Photo | null, side: "left" | "right"): VNode =>
    photo ? (
      <span class="flank">
        <Thumb survey={survey} photo={photo} />
        <SideBadge side={side} />
      </span>
    ) : (
      <span class="flank absent">{text.catalogue.noSide(text.sides[side])}</span>
    );
  return (
    <div class="flanks">
      {flank(left, "left")}
      {flank(right, "right")}
    </div>
  );
}

export function IndividualCard({ survey, card, href }: { survey: string; card: Card; href: string }): VNode {
  return (
    <a class="individual" href={href}>
      <Flanks survey={survey} best={card.best} />
      <strong>{card.name}</strong>
      <span>
        {text.photographs(card.photographs)}
        {card.status !== "unknown" && `, ${text.individual.statuses[card.status] ?? card.status}`}
      </span>
      <span>{text.catalogue.seen(day(card.first_seen), day(card.last_seen))}</span>
      <span class="cameras">{card.cameras.join(", ")}</span>
    </a>
  );
}
