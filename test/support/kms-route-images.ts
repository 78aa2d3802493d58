/** Images of a site at each write of its run's journal, as a power cut leaves it: home folder, HSM and KMS. */
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { JournalTuning, OnWrite } from '../../src/journal/sqlite/journal-writer.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { EVERY_WRITE } from './engine-harness.ts';
import { resumeKmsRoute } from './kms-route-runs.ts';
import type { KmsSite } from './kms-route-site.ts';

export interface Image {
  readonly site: KmsSite;
  readonly point: Parameters<OnWrite>[0];
  readonly seq: number;
}

export const nameOf = ({ point, seq }: Image): string => `${point} of ${seq}`;

/** Photographs the site at each write, or only at the nth from here. */
export function camera(site: KmsSite, nth?: number): { readonly images: Image[]; readonly tuning: JournalTuning } {
  const images: Image[] = [];
  let writes = 0;
  const onWrite: OnWrite = (point, seq) => {
    writes += 1;
    if (nth === undefined || nth === writes) images.push({ site: site.copy(), point, seq });
  };
  return { images, tuning: { ...EVERY_WRITE, onWrite } };
}

/** Resumes; null: the run was over when it was stopped. */
export async function takeUp(site: KmsSite, id: string, tuning?: JournalTuning): Promise<RunResult | null> {
  try {
    return await resumeKmsRoute(site, id, tuning === undefined ? {} : { tuning });
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'run-finished') return null;
    throw error;
  }
}

export const named = (name: string) => (error: Error) => {
  throw new Error(`stopped ${name}: ${error.message}`, { cause: error });
};
