/** Names of runs: 20261122-101530-1f2ab3, the UTC second, three hex digits for the millisecond and three by chance. They sort by time. */
import { randomBytes } from 'node:crypto';

export interface RunIdSource {
  readonly now?: () => Date;
  readonly random?: (bytes: number) => Uint8Array;
}

export function newRunId({ now = () => new Date(), random = randomBytes }: RunIdSource = {}): string {
  const time = now();
  const [date, clock] = time.toISOString().replaceAll(/[-:]/g, '').slice(0, 15).toLowerCase().split('t');
  const milliseconds = time.getUTCMilliseconds().toString(16).padStart(3, '0');
  const chance = Buffer.from(random(2)).toString('hex').slice(0, 3);
  return `${date}-${clock}-${milliseconds}${chance}`;
}

/** Nothing that could lead out of the folder of runs: no dot, no slash, no control character. */
export function isRunId(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(text);
}

/** The run that was probably meant; undefined when none is near. */
export function nearestRunId(text: string, runs: readonly string[]): string | undefined {
  let nearest: { readonly run: string; readonly distance: number } | undefined;
  for (const run of runs) {
    const distance = editDistance(text.slice(0, 64), run);
    if (nearest === undefined || distance < nearest.distance) nearest = { run, distance };
  }
  return nearest !== undefined && nearest.distance <= Math.max(3, text.length / 3) ? nearest.run : undefined;
}

/** Levenshtein: how many characters to change, add or take away. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, character] of [...a].entries()) {
    const current = [row + 1];
    for (let column = 1; column <= b.length; column++) {
      const replace = (previous[column - 1] ?? 0) + (character === b[column - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
