/**
 * The file that approveToken takes (AWS CloudHSM user guide, quorum authentication for crypto officers): `key = value;`, comments from # to
 * the end of the line, the approvers one after the other.
 */
import { Misuse } from '../command.ts';

export interface ApprovalFile {
  /** Path of the token that was signed. */
  readonly token: string;
  readonly approvals: readonly { readonly type: 'CO' | 'CU'; readonly user: string; readonly file: string }[];
}

const MULTI = 'Multi Token File Path';
const SINGLE = 'Token File Path';
const COUNT = 'Number of Approvals';
const TYPE = 'Approver Type';
const NAME = 'Approver Name';
const FILE = 'Approval File';
const KEYS: readonly string[] = [MULTI, SINGLE, COUNT, TYPE, NAME, FILE];
const TYPES: Readonly<Record<string, 'CO' | 'CU'>> = { '1': 'CU', '2': 'CO' };

/** Throws Misuse, with the line where it can be told. */
export function readApprovalFile(text: string): ApprovalFile {
  const head = new Map<string, string>();
  const approvers: Map<string, string>[] = [];
  for (const { line, key, value } of entries(text)) {
    const isApprovers = key === TYPE || key === NAME || key === FILE;
    if (key === TYPE) approvers.push(new Map());
    const place = isApprovers ? approvers.at(-1) : head;
    if (place === undefined) throw new Misuse(`Approval file, line ${line}: ${key} stands before any ${TYPE}.`);
    if (place.has(key)) throw new Misuse(`Approval file, line ${line}: ${key} stands there twice.`);
    place.set(key, value);
  }
  if (!head.has(SINGLE)) throw new Misuse(`Approval file: the line "${SINGLE} = ;" is missing (it may be empty).`);
  const token = head.get(MULTI) || head.get(SINGLE);
  if (token === undefined || token === '') throw new Misuse(`Approval file: ${MULTI} is missing.`);
  const count = head.get(COUNT) ?? '';
  if (!/^\d{1,2}$/.test(count)) throw new Misuse(`Approval file: ${COUNT} must be a number.`);
  if (Number(count) !== approvers.length) {
    throw new Misuse(`Approval file: ${COUNT} is ${count}, and there are ${approvers.length} approvers.`);
  }
  return { token, approvals: approvers.map(readApprover) };
}

function readApprover(entry: ReadonlyMap<string, string>, place: number): ApprovalFile['approvals'][number] {
  const type = TYPES[entry.get(TYPE) ?? ''];
  const user = entry.get(NAME) ?? '';
  const file = entry.get(FILE) ?? '';
  if (type === undefined) throw new Misuse(`Approval file, approver ${place + 1}: ${TYPE} is 2 (CO) or 1 (CU).`);
  if (user === '' || file === '')
    throw new Misuse(`Approval file, approver ${place + 1}: ${NAME} and ${FILE} are needed.`);
  return { type, user, file };
}

function entries(text: string): { readonly line: number; readonly key: string; readonly value: string }[] {
  return text.split(/\r?\n/).flatMap((raw, at) => {
    const content = raw.replace(/#.*$/, '').trim();
    if (content === '') return [];
    const match = /^([A-Za-z ]+?)\s*=\s*([^;]*?)\s*;$/.exec(content);
    if (match === null) throw new Misuse(`Approval file, line ${at + 1}: write it as "name = value;".`);
    const [, key = '', value = ''] = match;
    if (!KEYS.includes(key)) throw new Misuse(`Approval file, line ${at + 1}: "${key}" is none of ${KEYS.join(', ')}.`);
    return [{ line: at + 1, key, value }];
  });
}
