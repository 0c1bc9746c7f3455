/** What an export would write, and a guard against writing unfinished individuals. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { sessionPath } from "../api/client";
import type { ExportState } from "../api/types";
import { Coded, Command, Problem, Waiting } from "../parts/basics";
import { useLoaded } from "../state";
import { text } from "../text";

export function ExportScreen({ survey, session }: { survey: string; session: string }): VNode {
  const path = sessionPath(survey, session);
  const { data, error, reload } = useLoaded<ExportState>(`${path}/export`);
  const [accepted, setAccepted] = useState(false);
  if (error) return <Problem error={error} again={reload} />;
  if (!data) return <Waiting />;
  const open = data.certified || accepted;
  const address = `${path}/export.csv?accept_uncertified=${data.certified ? 0 : 1}`;
  return (
    <div class="page">
      <h1>{text.export.heading}</h1>
      <p>{text.export.writes(data.detections, data.individuals, data.named)}</p>
      <p>{text.export.singletons(data.singletons)}</p>
      {data.certified ? (
        <p>
          <span aria-hidden="true">✓</span> {text.export.certified}
        </p>
      ) : (
        <div class="problem" role="alert">
          <h2>⚠ {text.export.uncertified}</h2>
          {text.server.warnings(data).map((warning) => (
            <p key={warning}>
              <Coded value={warning} />
            </p>
          ))}
          <label>
            <input type="checkbox" checked={accepted} onChange={(event) => setAccepted(event.currentTarget.checked)} /> {text.export.accept}
          </label>
        </div>
      )}
      <p>
        {open ? (
          <a class="button primary" href={address} download={`${survey}-${session}.csv`}>
            {text.export.download}
          </a>
        ) : (
          <button class="primary" disabled>
            {text.export.download}
          </button>
        )}
      </p>
      <p>{text.export.command}</p>
      <Command value={data.command} />
    </div>
  );
}
