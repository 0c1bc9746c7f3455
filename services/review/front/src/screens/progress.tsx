/** How far a session is, how certain that is, and who answered. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, newRequestId, sessionPath } from "../api/client";
import type { Label, Progress } from "../api/types";
import { Problem, Waiting } from "../parts/basics";
import { Curve, type Point } from "../parts/curve";
import { TakeBack } from "../parts/preview";
import { StoredRemark } from "../parts/remarks";
import { addressOf } from "../routes";
import { explained, toast, useLoaded } from "../state";
import { text, when } from "../text";

interface ProgressProps {
  survey: string;
  session: string;
}

/** The progress now and after each change. */
function useProgress(path: string): { progress: Progress | null; error: unknown } {
  const { data, error } = useLoaded<Progress>(`${path}/progress`);
  const [latest, setLatest] = useState<Progress | null>(null);
  useEffect(() => {
    const source = new EventSource(`${path}/progress/stream`);
    source.addEventListener("progress", (event) => setLatest(JSON.parse((event as MessageEvent<string>).data) as Progress));
    return () => source.close();
  }, [path]);
  return { progress: latest ?? data, error: latest ? null : error };
}

export function ProgressScreen({ survey, session }: ProgressProps): VNode {
  const path = sessionPath(survey, session);
  const { progress, error } = useProgress(path);
  const curve = useLoaded<{ points: Point[] }>(`${path}/progress/curve`);
  const position = progress?.position;
  useEffect(() => curve.reload(), [position]);
  if (error) return <Problem error={error} />;
  if (!progress) return <Waiting />;
  return (
    <div class="page progress">
      <h1>{text.progress.heading}</h1>
      <p class="advice big">{text.server.advice(progress) || progress.summary}</p>
      <div class="columns">
      {curve.data && <Curve points={curve.data.points} leftAtMost={progress.merges_left_at_most} />}
      <Certainty progress={progress} />
      <Counts progress={progress} />
      <Annotators progress={progress} />
      <RandomCheck progress={progress} href={addressOf(survey, session, "compare", "", "audit=1")} />
      <OwnAnswers path={path} position={progress.position} />
      </div>
    </div>
  );
}

function Certainty({ progress }: { progress: Progress }): VNode {
  const { guarantees, merges_left_at_most, estimated_remaining_pairs } = progress;
  return (
    <section>
      <h2>{text.progress.guarantees}</h2>
      <ul class="guarantees">
        {guarantees.map(({ target, reached }) => (
          <li key={target}>
            <span class={reached ? "yes" : "no"}>
              <span aria-hidden="true">{reached ? "✓" : "○"}</span> {reached ? text.progress.reached : text.progress.open}
            </span>{" "}
            {text.progress.guarantee(text.percent(target))}
          </li>
        ))}
      </ul>
      {merges_left_at_most !== null && <p>{text.progress.left(merges_left_at_most)}</p>}
      {estimated_remaining_pairs !== null && <p>{text.progress.estimate(Math.round(estimated_remaining_pairs))}</p>}
    </section>
  );
}

function Counts({ progress }: { progress: Progress }): VNode {
  const rows = [
    [text.answer.same, progress.same],
    [text.answer.different, progress.different],
    [text.answer.not_comparable, progress.not_comparable],
    [text.answer.skip, progress.skipped],
    [text.nav.conflicts, progress.conflicts],
  ] as const;
  return (
    <section>
      <h2>{text.progress.counts}</h2>
      <dl class="pairs">
        {rows.map(([name, n]) => (
          <>
            <dt>{name}</dt>
            <dd>{text.number(n)}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function Annotators({ progress }: { progress: Progress }): VNode {
  const rate = (value: number | null): string => (value === null ? "–" : value.toFixed(1));
  const share = (value: number | null): string => (value === null ? "–" : text.percent(value));
  const { annotators, agreement, checks } = progress;
  return (
    <section>
      <h2>{text.progress.annotators}</h2>
      <div class="scrolling" tabIndex={0} role="group" aria-label={text.progress.annotators}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.progress.name}</th>
              <th scope="col">{text.progress.given}</th>
              <th scope="col">{text.progress.rate}</th>
              <th scope="col">{text.progress.falseSame}</th>
              <th scope="col">{text.progress.falseDifferent}</th>
            </tr>
          </thead>
          <tbody>
            {annotators.map((one) => (
              <tr key={one.annotator}>
                <th scope="row">{one.annotator}</th>
                <td>{text.number(one.answers)}</td>
                <td>{rate(one.answers_per_minute)}</td>
                <td>{share(one.false_same_rate)}</td>
                <td>{share(one.false_different_rate)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>{agreement === null ? text.progress.noChecks : text.progress.agreement(text.percent(agreement), checks)}</p>
    </section>
  );
}

function RandomCheck({ progress: { audit }, href }: { progress: Progress; href: string }): VNode {
  return (
    <section>
      <h2>{text.progress.audit}</h2>
      <p>{audit ? text.progress.auditState(audit.same, audit.answered, audit.same_at_most) : text.progress.auditHelp}</p>
      <p>
        <a class="button" href={href}>
          {text.progress.auditStart}
        </a>
      </p>
    </section>
  );
}

interface Own {
  answers: { labels: Label[]; created_at: string }[];
}

function OwnAnswers({ path, position }: { path: string; position: number }): VNode | null {
  const { data, reload } = useLoaded<Own>(`${path}/answers?limit=10`);
  useEffect(() => reload(), [position]);
  const [asked, setAsked] = useState<readonly Label[] | null>(null);
  const takeBack = async (labels: readonly Label[]): Promise<void> => {
    setAsked(null);
    try {
      await call(`${path}/retract`, { request_id: newRequestId(), label_ids: labels.map((label) => label.label_id) });
      reload();
    } catch (error) {
      toast(explained(error), true);
    }
  };
  if (!data?.answers.length) return null;
  return (
    <section>
      <h2>{text.progress.own}</h2>
      <ul class="own">
        {data.answers.map(({ labels, created_at }) => (
          <li key={labels[0]?.label_id}>
            <span>{when(created_at, "UTC")}</span>
            <span>{[...new Set(labels.map(({ answer }) => text.answer[answer]))].join(", ")}</span>
            <span>{text.answers(labels.length)}</span>
            {labels.map(({ label_id, note, confidence }) => (
              <StoredRemark key={label_id} note={note} confidence={confidence} />
            ))}
            <button onClick={() => setAsked(labels)}>{text.progress.takeBack}</button>
          </li>
        ))}
      </ul>
      {asked && (
        <TakeBack path={path} labelIds={asked.map((label) => label.label_id)} onClose={() => setAsked(null)} onTakeBack={() => void takeBack(asked)} />
      )}
    </section>
  );
}
