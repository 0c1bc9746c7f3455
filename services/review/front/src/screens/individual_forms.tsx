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
    if (Object.keys(changed).length) void change("", changed);
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

interface MergeProps {
  survey: string;
  session: string;
  individual: IndividualPage;
  change: Change;
}

export function Merge({ survey, session, individual, change }: MergeProps): VNode {
  const [name, setName] = useState("");
  const [other, setOther] = useState("");
  const found = useLoaded<{ individuals: Card[] }>(
    name ? `${sessionPath(survey, session)}/individuals${query({ name, limit: MOST_FOUND })}` : "",
  ).data?.individuals.filter((card) => card.individual_id !== individual.individual_id);
  const card = found?.find((one) => one.individual_id === other);
  return (
    <details class="screen-only">
      <summary>{text.individual.merge}</summary>
      <p>{text.individual.mergeHelp}</p>
      <div class="row">
        <label>
          {text.catalogue.search} <input type="search" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        {found && found.length > 0 && (
          <Choice
            label={text.individual.compare}
            value={other}
            onChange={setOther}
            options={[["", ""], ...found.map((one): [string, string] => [one.individual_id, `${one.name} (${one.photographs})`])]}
          />
        )}
      </div>
      {card && (
        <>
          <div class="merge-preview">
            {[individual, card].map((one) => (
              <figure key={one.individual_id}>
                <Flanks survey={survey} best={one.best} />
                <figcaption>
                  <strong>{one.name}</strong>, {text.photographs(one.photographs)}
                </figcaption>
              </figure>
            ))}
          </div>
          <p class="row">
            <button class="primary" onClick={() => void change("/merge", { others: [card.individual_id] })}>
              {text.individual.mergeNow}
            </button>
          </p>
        </>
      )}
    </details>
  );
}
