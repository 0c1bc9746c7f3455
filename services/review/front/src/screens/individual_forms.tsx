/** Attributes of an individual, and merging it with another after a look at both. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { query, sessionPath } from "../api/client";
import type { Card, IndividualPage } from "../api/types";
import { useLoaded } from "../state";
import { text } from "../text";
import { Choice, Flanks } from "./catalogue";
import type { Change } from "./individual";

const MOST_FOUND = 20;

export function Attributes({ individual, change }: { individual: IndividualPage; change: Change }): VNode {
  const [name, setName] = useState(individual.display_name);
  const [sex, setSex] = useState(individual.sex);
  const [status, setStatus] = useState(individual.status);
  const [notes, setNotes] = useState(individual.notes);
  const [tags, setTags] = useState(individual.tags.join(", "));
  const save = (event: Event): void => {
    event.preventDefault();
    const split = tags.split(",").map((tag) => tag.trim()).filter(Boolean);
    // only what a person changed becomes their statement
    const changed = {
      ...(name === individual.display_name ? {} : { display_name: name }),
      ...(sex === individual.sex ? {} : { sex }),
      ...(status === individual.status ? {} : { status }),
      ...(notes === individual.notes ? {} : { notes }),
      ...(split.join() === individual.tags.join() ? {} : { tags: split }),
    };
    if (Object.keys(changed).length) void change(individual.individual_id, "", changed);
  };
  return (
    <form class="attributes screen-only" onSubmit={save}>
      <label>
        {text.individual.name} <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <Choice label={text.individual.sex} value={sex} onChange={setSex} options={Object.entries(text.individual.sexes)} />
      <Choice label={text.individual.status} value={status} onChange={setStatus} options={Object.entries(text.individual.statuses)} />
      <label>
        {text.individual.tags} <input value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
      </label>
      <label class="wide">
        {text.individual.notes} <textarea value={notes} onInput={(event) => setNotes(event.currentTarget.value)} />
      </label>
      <button class="primary">{text.individual.save}</button>
    </form>
  );
}

interface FindProps {
  survey: string;
  session: string;
  /** The individual that is not offered. */
  but: string;
  chosen: string;
  onChoose: (card: Card | null) => void;
}

/** Finds another individual by name or id. */
function Find({ survey, session, but, chosen, onChoose }: FindProps): VNode {
  const [name, setName] = useState("");
  const found = useLoaded<{ individuals: Card[] }>(
    name ? `${sessionPath(survey, session)}/individuals${query({ name, limit: MOST_FOUND })}` : "",
  ).data?.individuals.filter((card) => card.individual_id !== but);
  return (
    <span class="row">
      <label>
        {text.catalogue.search} <input type="search" value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      {found && found.length > 0 && (
        <Choice
          label={text.individual.which}
          value={chosen}
          onChange={(id) => onChoose(found.find((one) => one.individual_id === id) ?? null)}
          options={[["", ""], ...found.map((one): [string, string] => [one.individual_id, `${one.name} (${one.photographs})`])]}
        />
      )}
    </span>
  );
}

interface OtherProps {
  survey: string;
  session: string;
  individual: IndividualPage;
  change: Change;
}

/** A change is refused if either individual changed after what the person saw. */
const seen = (one: Card, other: Card): { as_of: number } => ({ as_of: Math.max(one.position, other.position) });

/** Both individuals side by side, and then one decision: never a silent merge. */
export function Merge({ survey, session, individual, change }: OtherProps): VNode {
  const [other, setOther] = useState<Card | null>(null);
  return (
    <details class="screen-only">
      <summary>{text.individual.merge}</summary>
      <p>{text.individual.mergeHelp}</p>
      <Find survey={survey} session={session} but={individual.individual_id} chosen={other?.individual_id ?? ""} onChoose={setOther} />
      {other && (
        <>
          <div class="merge-preview">
            {[individual, other].map((one) => (
              <figure key={one.individual_id}>
                <Flanks survey={survey} best={one.best} />
                <figcaption>
                  <strong>{one.name}</strong>, {text.photographs(one.photographs)}
                </figcaption>
              </figure>
            ))}
          </div>
          <button class="primary" onClick={() => void change(individual.individual_id, "/merge", { others: [other.individual_id], ...seen(individual, other) })}>
            {text.individual.mergeNow}
          </button>
        </>
      )}
    </details>
  );
}

/** Selected photographs become those of another individual. */
export function Move({ survey, session, individual, change, detections }: OtherProps & { detections: string[] }): VNode {
  const [other, setOther] = useState<Card | null>(null);
  return (
    <details>
      <summary>{text.individual.move}</summary>
      <Find survey={survey} session={session} but={individual.individual_id} chosen={other?.individual_id ?? ""} onChoose={setOther} />
      {other && (
        <button class="primary" onClick={() => void change(other.individual_id, "/move", { detections, ...seen(individual, other) })}>
          {text.individual.moveNow(detections.length, other.name)}
        </button>
      )}
    </details>
  );
}
