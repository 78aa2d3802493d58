/**
 * Quorum tokens between keyferry and the officers, as files: the token as the tool wrote it, beside it the bytes to sign, and the signatures,
 * whose names say which token they are for. Signatures are checked here with the officers' public keys, so that a wrong one is named before
 * the cluster sees it; what counts is the cluster's own check. Nothing in these files is secret.
 */
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { decodeTokenFile, encodeTokenFile, type TokenFile, type TokenSignature, tokenDigest } from './token-file.ts';

/** Officer → PEM file of the public key that the cluster knows as theirs. */
export type Officers = Readonly<Record<string, string>>;

export interface CollectedSignatures {
  readonly valid: readonly TokenSignature[];
  /** Officers whose signature is not there yet, with the file it is expected in. */
  readonly missing: readonly { readonly officer: string; readonly file: string }[];
  /** Why a signature that is there does not count. */
  readonly refused: readonly string[];
}

export const toSignFile = (path: string): string => `${path}.to-sign`;
export const approvedFile = (path: string): string => `${path}.approved`;

/** First 8 hex digits of the token: what tells the files of one token from those of the next. */
const shortName = ({ approvalData }: TokenFile): string => tokenDigest(approvalData).toString('hex').slice(0, 8);

/** null: there is none, or it is no token file. */
export function readTokenFile(path: string): TokenFile | null {
  return existsSync(path) ? decodeTokenFile(readFileSync(path, 'utf8')) : null;
}

/** Moves the files of an earlier token out of the way; none is ever overwritten. */
export function setAside(path: string): void {
  const token = readTokenFile(path);
  const suffix = token === null ? 'unknown' : shortName(token);
  for (const file of [path, toSignFile(path), approvedFile(path)]) {
    if (existsSync(file)) renameSync(file, `${file}.${suffix}`);
  }
}

export function writeBytesToSign(path: string, token: TokenFile): void {
  writeFileSync(toSignFile(path), token.approvalData, { mode: 0o600 });
}

export function writeApproved(path: string, token: TokenFile, signatures: readonly TokenSignature[]): string {
  const file = approvedFile(path);
  writeFileSync(file, encodeTokenFile({ ...token, signatures }), { mode: 0o600 });
  return file;
}

export const signatureFile = (path: string, token: TokenFile, officer: string): string =>
  `${path}.${shortName(token)}.${officer}.sig`;

export function collectSignatures(path: string, token: TokenFile, officers: Officers): CollectedSignatures {
  const valid: TokenSignature[] = [];
  const missing: { officer: string; file: string }[] = [];
  const refused = earlierSignatures(path, token, Object.keys(officers)).map(
    (file) => `${file} is over an earlier token, which is no longer valid`,
  );
  const keys = new Set<string>();
  for (const [officer, keyFile] of Object.entries(officers)) {
    const file = signatureFile(path, token, officer);
    const key = publicKeyOf(keyFile);
    if (key === null) {
      refused.push(`the public key of ${officer} cannot be read from ${keyFile}`);
      continue;
    }
    const name = key.export({ type: 'spki', format: 'der' }).toString('hex');
    if (keys.has(name)) {
      refused.push(`${officer} has the same key as another officer, and counts once`);
      continue;
    }
    keys.add(name);
    if (!existsSync(file)) {
      missing.push({ officer, file });
      continue;
    }
    const signature = new Uint8Array(readFileSync(file));
    if (verify('sha256', token.approvalData, key, signature)) valid.push({ username: officer, signature });
    else refused.push(`${file} is no signature of ${officer} over this token`);
  }
  return { valid, missing, refused };
}

/** Signature files of these officers that are named for another token. */
function earlierSignatures(path: string, token: TokenFile, officers: readonly string[]): string[] {
  const folder = dirname(path);
  if (!existsSync(folder)) return [];
  const start = `${basename(path)}.`;
  return readdirSync(folder)
    .filter((name) => {
      const [digest = '', officer = '', end] = name.slice(start.length).split('.');
      const isSignature = name.startsWith(start) && end === 'sig' && officers.includes(officer);
      return isSignature && /^[0-9a-f]{8}$/.test(digest) && digest !== shortName(token);
    })
    .map((name) => join(folder, name))
    .sort();
}

function publicKeyOf(file: string) {
  try {
    const key = createPublicKey(readFileSync(file, 'utf8'));
    return key.asymmetricKeyType === 'rsa' ? key : null;
  } catch {
    return null;
  }
}
