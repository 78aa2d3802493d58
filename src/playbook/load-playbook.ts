/** A playbook's file → a checked Playbook. */
import { Problems } from '../source/problems.ts';
import { decodeText, readSource } from '../source/text.ts';
import type { Playbook } from './model.ts';
import { type AdapterSpecs, invalidPlaybook, parsePlaybook } from './parse-playbook.ts';

/** Rejects with `file-unreadable` or `playbook-invalid`. */
export function loadPlaybook(path: string, adapters: AdapterSpecs): Playbook {
  const bytes = readSource(path);
  const problems = new Problems();
  const text = decodeText(bytes, path, problems);
  if (text === undefined) throw invalidPlaybook(problems, `The playbook ${path}`);
  return parsePlaybook({ file: path, text, adapters });
}
