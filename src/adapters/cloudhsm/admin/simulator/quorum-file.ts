/** The signed token file of an operation, brought to each HSM before the operation itself. */
import { readFileSync } from 'node:fs';
import { HsmRefusal, type TokenApproval } from '../../cluster/cluster.ts';
import { serviceNumber } from '../../cluster/token-entry.ts';
import { decodeTokenFile, type TokenFile } from '../token-file.ts';
import type { NodeWork } from './node-sessions.ts';

/** null: none was given. Throws HsmRefusal for a file that is no token file. */
export function readApproval(path: string | undefined): TokenFile | null {
  if (path === undefined) return null;
  const file = readText(path);
  const token = file === null ? null : decodeTokenFile(file);
  if (token === null) throw new HsmRefusal('token-file', null, `${path} is no quorum token file`);
  return token;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Signatures that the HSM has counted already, in a try that failed later, are not handed in again. */
export function approveOn({ node, session }: NodeWork, file: TokenFile | null): void {
  if (file === null) return;
  // A crypto user's token is approved by crypto users.
  const type: TokenApproval['type'] = session.user.type === 'CU' ? 'CU' : 'CO';
  const counted = new Set(
    node
      .quorumTokens()
      .filter((token) => token.user === session.user.name && file.approvalData.length > 0)
      .flatMap((token) => (holdsToken(file, token.id, serviceNumber(token.service)) ? token.approvers : []))
      .map((name) => name.toLowerCase()),
  );
  const approvals = file.signatures
    .filter(({ username }) => !counted.has(username.toLowerCase()))
    .map(({ username, signature }) => ({ user: username, type, signature }));
  if (approvals.length > 0 || counted.size === 0) session.approveToken(file.approvalData, approvals);
}

const ENTRY_BYTES = 80;

/** Whether one of the file's entries bears this id and service. Whether it is that token, the HSM says. */
function holdsToken({ approvalData }: TokenFile, id: number, service: number): boolean {
  const view = new DataView(approvalData.buffer, approvalData.byteOffset, approvalData.byteLength);
  for (let at = 0; at + ENTRY_BYTES <= approvalData.length; at += ENTRY_BYTES) {
    if (view.getUint16(at + 2) === service && view.getUint32(at + 4) === id) return true;
  }
  return false;
}
