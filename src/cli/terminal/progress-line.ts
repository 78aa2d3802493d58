/** One line of progress: count, share, rate, ETA, failures. Finished items only; rate and ETA are the engine's sliding window. */
import type { Progress } from '../../workflows/engine.ts';
import { truncate } from './display-width.ts';
import { count, duration } from './quantities.ts';

const PHASE_WORDS: Readonly<Record<Progress['state'], string>> = {
  planned: 'Starting',
  preparing: 'Preparing',
  proving: 'Proving the route',
  moving: 'Moving keys',
  finishing: 'Cleaning up',
  done: 'Done',
  failed: 'Failed',
  paused: 'Paused',
  waiting: 'Waiting for approval',
  cancelled: 'Cancelled',
};

export const phaseWords = (state: Progress['state']): string => PHASE_WORDS[state];

/** `cells`: the line is never wider; null: not cut. */
export function progressLine(progress: Progress, cells: number | null): string {
  const { counts, rate, etaSeconds } = progress;
  const finished = counts.total - counts.pending;
  const parts = [phaseWords(progress.state)];
  if (counts.total > 0) {
    const share = Math.floor((finished / counts.total) * 100);
    parts.push(`${count(finished)} of ${count(counts.total)} (${share} %)`);
  }
  if (progress.state === 'moving' && rate !== null)
    parts.push(`${rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1)}/s`);
  if (progress.state === 'moving' && etaSeconds !== null) parts.push(`${duration(etaSeconds)} left`);
  if (counts.failed > 0) parts.push(`${count(counts.failed)} failed`);
  if (counts.needsAttention > 0) parts.push(`${count(counts.needsAttention)} need attention`);
  const line = parts.join(' · ');
  return cells === null ? line : truncate(line, cells);
}
