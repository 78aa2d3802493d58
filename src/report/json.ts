/** The report as one JSON document, streamed a line at a time: the run, its plan's head, every item, every check of the whole run. */
import type { Journal } from '../journal/journal.ts';
import { itemJson } from './item-json.ts';
import { readRunRecord } from './run-record.ts';
import { summaryJson } from './summary-json.ts';

export async function* jsonReport(journal: Journal): AsyncIterable<string> {
  const record = readRunRecord(journal);
  const { plan } = record;
  const head = {
    ...summaryJson(record),
    reason: record.reason,
    startedAt: new Date(record.startedAt).toISOString(),
    version: journal.head().version,
    plan: {
      playbook: plan.playbook,
      title: plan.title,
      digest: plan.digest,
      devices: plan.devices,
      inputs: plan.inputs,
      summary: plan.summary,
      exposesPlaintext: plan.exposesPlaintext,
      createdAt: plan.createdAt,
    },
  };
  yield `${JSON.stringify(head).slice(0, -1)},"items":[`;
  let held: string | null = null;
  for await (const stored of journal.items()) {
    if (held !== null) yield `${held},`;
    held = JSON.stringify(itemJson(stored));
  }
  if (held !== null) yield held;
  const checks = [];
  for (const { at, entry } of journal.entries({ kinds: ['check'] })) {
    if (entry.kind === 'check')
      checks.push({ at: new Date(at).toISOString(), name: entry.name, result: entry.result, detail: entry.detail });
  }
  yield `],"checks":${JSON.stringify(checks)}}`;
}
