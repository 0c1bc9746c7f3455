/** Merges found against answers, with the bound of what may still be missing. */
import type { VNode } from "preact";
import { text } from "../text";
import { ticks } from "./ticks";

export interface Point {
  answers: number;
  merges: number;
}

const [WIDTH, HEIGHT] = [640, 260];
const EDGE = { left: 56, right: 120, top: 16, bottom: 40 };

export function Curve({ points, leftAtMost }: { points: readonly Point[]; leftAtMost: number | null }): VNode | null {
  const last = points.at(-1);
  if (!last || !last.answers) return null;
  const most = last.merges + (leftAtMost ?? 0);
  const x = (answers: number): number => EDGE.left + ((WIDTH - EDGE.left - EDGE.right) * answers) / last.answers;
  const y = (merges: number): number => HEIGHT - EDGE.bottom - ((HEIGHT - EDGE.top - EDGE.bottom) * merges) / Math.max(1, most);
  const [end, level] = [x(last.answers), y(last.merges)];
  return (
    <figure>
      <figcaption>{text.progress.curve}</figcaption>
      <svg class="curve" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={text.progress.curveAlt(last.answers, last.merges)}>
        {ticks(most).map((merges) => (
          <g key={merges}>
            <line class="grid-line" x1={EDGE.left} x2={end} y1={y(merges)} y2={y(merges)} />
            <text x={EDGE.left - 8} y={y(merges) + 4} text-anchor="end">
              {text.number(merges)}
            </text>
          </g>
        ))}
        {ticks(last.answers).map((answers) => (
          <text key={answers} x={x(answers)} y={HEIGHT - EDGE.bottom + 18} text-anchor="middle">
            {text.number(answers)}
          </text>
        ))}
        <polyline class="found" points={points.map((point) => `${x(point.answers)},${y(point.merges)}`).join(" ")} />
        <text x={end + 6} y={level + 4}>
          {text.number(last.merges)}
        </text>
        {leftAtMost !== null && leftAtMost > 0 && (
          <g class="bound">
            <line x1={end} x2={end} y1={level} y2={y(most)} />
            <line x1={end - 6} x2={end + 6} y1={y(most)} y2={y(most)} />
            <text x={end + 10} y={y(most) + 4}>
              {text.number(most)}
            </text>
            <text x={end + 10} y={y(most) + 18}>
              {text.progress.atMost}
            </text>
          </g>
        )}
        <text x={(EDGE.left + end) / 2} y={HEIGHT - 4} text-anchor="middle">
          {text.progress.answersAxis}
        </text>
        <text x={14} y={HEIGHT / 2} text-anchor="middle" transform={`rotate(-90 14 ${HEIGHT / 2})`}>
          {text.progress.mergesAxis}
        </text>
      </svg>
    </figure>
  );
}
