/** The best candidates of one photograph; each can be answered at once. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call, newRequestId, query, sessionPath, surveyPath } from "../api/client";
import type { AnswerName, Candidates, Photo, Photos, Submitted } from "../api/types";
import { SHAPES } from "../parts/answers";
import { described, Problem, SideBadge, Thumb, Waiting } from "../parts/basics";
import { StoredRemark } from "../parts/remarks";
import { addressOf } from "../routes";
import { explained, toast, told, useLoaded } from "../state";
import { text, when } from "../text";
import { Choice } from "./catalogue";

interface CandidatesProps {
  survey: string;
  session: string;
  detection: string;
}

export function CandidatesScreen(props: CandidatesProps): VNode {
  return props.detection ? <Ranked key={props.detection} {...props} /> : <Pick {...props} />;
}

const PAGE = 60;

function Pick({ survey, session }: CandidatesProps): VNode {
  const [search, setSearch] = useState("");
  const [camera, setCamera] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const { data, error, reload } = useLoaded<Photos>(`${surveyPath(survey)}/photos${query({ text: search, camera, limit })}`);
  return (
    <div class="page">
      <h1>{text.candidates.heading}</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          {text.candidates.search} <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </label>
        <Choice
          label={text.catalogue.camera}
          value={camera}
          onChange={setCamera}
          options={[["", text.catalogue.all], ...(data?.cameras ?? []).map((one): [string, string] => [one, one])]}
        />
      </form>
      {error ? <Problem error={error} again={reload} /> : !data && <Waiting />}
      {data && (
        <>
          <p role="status">{text.photographs(data.total)}</p>
          <div class="grid">
            {data.photos.map((photo) => (
              <a key={photo.detection_id} class="card" href={addressOf(survey, session, "candidates", photo.detection_id)}>
                <Thumb survey={survey} photo={photo} alt="" />
                <span>
                  <SideBadge side={photo.side} /> {photo.camera} {when(photo.captured_at, photo.zone)}
                </span>
              </a>
            ))}
          </div>
          {data.photos.length < data.total && <button onClick={() => setLimit(limit + PAGE)}>{text.more}</button>}
        </>
      )}
    </div>
  );
}

const NAMES = ["same", "different", "not_comparable"] as const;

function Ranked({ survey, session, detection }: CandidatesProps): VNode {
  const [sides, setSides] = useState("comparable");
  const [cameras, setCameras] = useState("");
  const [from, setFrom] = useState("");
  const [before, setBefore] = useState("");
  const [known, setKnown] = useState(false);
  const [others, setOthers] = useState(false);
  const [given, setGiven] = useState<Readonly<Record<string, AnswerName>>>({});
  const filters = { detection, top_k: 20, session, sides, cameras, from, before, known: known ? 1 : null, other_encounters: others ? 1 : null };
  const { data, error, reload } = useLoaded<Candidates>(`${surveyPath(survey)}/candidates${query(filters)}`);
  const all = useLoaded<Photos>(`${surveyPath(survey)}/photos?limit=1`).data?.cameras ?? [];

  const answer = async (photo: Photo, name: AnswerName): Promise<void> => {
    try {
      const { outcomes } = await call<Submitted>(`${sessionPath(survey, session)}/answers`, {
        request_id: newRequestId(),
        labels: [{ first: detection, second: photo.detection_id, answer: name }],
        bursts: [],
      });
      setGiven((now) => ({ ...now, [photo.detection_id]: name }));
      const said = outcomes.filter(({ message }) => message);
      for (const { effect, message } of said) toast(told(text.server.effect(effect, message), message));
      if (!said.length) toast(text.candidates.stored(text.answer[name]));
    } catch (failure) {
      toast(explained(failure), true);
    }
  };

  return (
    <div class="page">
      <h1>{text.candidates.heading}</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label={text.candidates.sides}
          value={sides}
          onChange={setSides}
          options={[["comparable", text.candidates.comparable], ["", text.candidates.allSides]]}
        />
        <Choice
          label={text.catalogue.camera}
          value={cameras}
          onChange={setCameras}
          options={[["", text.catalogue.all], ...all.map((one): [string, string] => [one, one])]}
        />
        <label>
          {text.candidates.from} <input type="date" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label>
          {text.candidates.before} <input type="date" value={before} onInput={(event) => setBefore(event.currentTarget.value)} />
        </label>
        <label>
          <input type="checkbox" checked={known} onChange={(event) => setKnown(event.currentTarget.checked)} /> {text.candidates.known}
        </label>
        <label>
          <input type="checkbox" checked={others} onChange={(event) => setOthers(event.currentTarget.checked)} /> {text.candidates.encounters}
        </label>
        <a href={addressOf(survey, session, "candidates")}>{text.candidates.another}</a>
      </form>
      {error ? <Problem error={error} again={reload} /> : !data && <Waiting />}
      {data && (
        <div class="ranked">
          <figure class="anchor">
            <Thumb survey={survey} photo={data.detection} large lazy={false} />
            <figcaption>{described(data.detection)}</figcaption>
            <p>{text.candidates.compared(data.compared)}</p>
            {data.excluded.map(({ rule, detections }) => (
              <p key={rule}>{text.candidates.excluded(text.candidates.rules[rule] ?? rule, detections)}</p>
            ))}
          </figure>
          <ol class="candidate-list">
            {!data.candidates.length && <p>{text.candidates.none}</p>}
            {data.candidates.map((candidate) => (
              <CandidateRow
                key={candidate.photo.detection_id}
                survey={survey}
                candidate={candidate}
                given={given[candidate.photo.detection_id]}
                onAnswer={(name) => void answer(candidate.photo, name)}
              />
            ))}
          </ol>
        </div>
      )}
    </div>
  );
}

interface RowProps {
  survey: string;
  candidate: Candidates["candidates"][number];
  given: AnswerName | undefined;
  onAnswer: (name: AnswerName) => void;
}

function CandidateRow({ survey, candidate, given, onAnswer }: RowProps): VNode {
  const { photo, visual, feasibility, fused, reason, known_as, labels } = candidate;
  const score = (value: number | null): string => (value === null ? "–" : value.toFixed(2));
  return (
    <li>
      <Thumb survey={survey} photo={photo} />
      <div>
        <p>
          <SideBadge side={photo.side} /> <strong>{photo.camera}</strong> {when(photo.captured_at, photo.zone)}
          {known_as && `, ${known_as}`}
        </p>
        <p>
          {text.candidates.looks} {score(visual)}, {text.candidates.journey} {score(feasibility)}, {text.candidates.fused}{" "}
          {score(fused)}. {reason}
        </p>
        {labels.map((label) => (
          <p key={label.label_id} data-stored={label.answer}>
            {text.candidates.answered} <span aria-hidden="true">{SHAPES[label.answer]}</span> {text.answer[label.answer]},{" "}
            {text.conflicts.by(label.annotator, when(label.created_at, "UTC"))} <StoredRemark note={label.note} confidence={label.confidence} />
          </p>
        ))}
        <p class="row">
          {NAMES.map((name) => (
            <button key={name} class={`answer ${name}`} aria-pressed={given === name} onClick={() => onAnswer(name)}>
              <span aria-hidden="true">{SHAPES[name]}</span> {text.answer[name]}
            </button>
          ))}
        </p>
      </div>
    </li>
  );
}
