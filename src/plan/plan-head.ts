/** The first line of a plan file: is it a head this version knows, and is it the one its digest was made of? */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { canonicalJson } from '../keys/canonical-json.ts';
import type { Json } from '../playbook/model.ts';
import { computeDigest, digestDocument, documentDigest, pinnedDocument } from './digest.ts';
import { PLAN_FORMAT, type PlanHead } from './model.ts';

type FieldKind = 'string' | 'number' | 'boolean' | 'object' | 'list';

/** What every reader of a head relies on. */
const FIELDS: Readonly<Record<string, FieldKind>> = {
  playbook: 'string',
  title: 'string',
  digest: 'string',
  document: 'object',
  inputs: 'object',
  devices: 'list',
  approvers: 'object',
  summary: 'object',
  prepare: 'list',
  each: 'list',
  finally: 'list',
  exposesPlaintext: 'boolean',
  estimateSeconds: 'number',
  salt: 'string',
  fingerprinted: 'boolean',
  itemsHash: 'string',
  blocks: 'list',
  warnings: 'list',
  version: 'string',
  createdAt: 'string',
};

const COUNTS = ['total', 'move', 'skip', 'block', 'duplicate'] as const;

function kindOf(value: unknown): string {
  if (Array.isArray(value)) {
    return 'list';
  }
  return value === null ? 'null' : typeof value;
}

/** Throws `plan-format`. */
export function parseHead(text: string, path: string): PlanHead {
  const refuse = (why: string, hint?: string): KeyferryError =>
    new KeyferryError('plan-format', `${path} is not a plan: ${why}`, hint === undefined ? {} : { hint });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('its first line is not JSON, or is cut off');
  }
  if (kindOf(value) !== 'object') {
    throw refuse('its first line is not the head of a plan');
  }
  const head = value as Readonly<Record<string, unknown>>;
  const format = head.format;
  if (typeof format === 'number' && format > PLAN_FORMAT) {
    throw new KeyferryError(
      'plan-format',
      `${path} is a plan of format ${format}, and this version knows formats up to ${PLAN_FORMAT}`,
      { hint: 'Use the version of keyferry that made it, or a newer one.' },
    );
  }
  if (format !== PLAN_FORMAT) {
    throw refuse('its first line names no format that this version knows');
  }
  for (const [name, kind] of Object.entries(FIELDS)) {
    if (kindOf(head[name]) !== kind) {
      throw refuse(`its head has no ${name}`);
    }
  }
  const summary = head.summary as Readonly<Record<string, unknown>>;
  for (const name of COUNTS) {
    if (!Number.isSafeInteger(summary[name])) {
      throw refuse(`its head has no summary.${name}`);
    }
  }
  return value as PlanHead;
}

/** Throws `plan-altered`, naming the first part of the head that differs from what the digest covers. */
export function checkHead(head: PlanHead, path: string): void {
  const altered = (what: string): KeyferryError => new KeyferryError('plan-altered', `${path} was altered: ${what}`);
  try {
    if (documentDigest(head.document) !== head.digest) {
      throw altered('the head differs: its document is not the one of the digest');
    }
    const stated = head.document as { readonly [name: string]: Json };
    const found = digestDocument(head, pinnedDocument(head)) as { readonly [name: string]: Json };
    for (const name of Object.keys({ ...stated, ...found })) {
      if (canonicalJson(stated[name] ?? null) !== canonicalJson(found[name] ?? null)) {
        throw altered(`the head differs: ${name === 'items' ? 'itemsHash' : name}`);
      }
    }
    if (computeDigest(head) !== head.digest) {
      throw altered('the head differs: digest');
    }
  } catch (error) {
    // Canonical JSON has no lone surrogates and no endless nesting: no head that keyferry wrote has them.
    throw error instanceof TypeError ? altered('the head holds what no plan can hold') : error;
  }
}
