/** People who approve, with key pairs and signatures made by the openssl program, as they make them. */
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApproverKey, approverKey } from '../../src/approvals/signature.ts';

const openssl = (args: readonly string[], input?: string): Buffer =>
  execFileSync('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'], ...(input === undefined ? {} : { input }) });

/** Arguments of `openssl genpkey`. */
const KINDS = {
  'rsa-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'rsa-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  'p-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'p-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
} as const;

export interface Person {
  readonly name: string;
  readonly pem: string;
  readonly key: ApproverKey;
  /** `openssl dgst -sha256 -sign`. */
  sign(text: string): Uint8Array;
  /** The same with other arguments before the key, such as another padding or hash. */
  signWith(digest: readonly string[], text: string): Uint8Array;
}

export interface People {
  readonly dir: string;
  person(name: string, kind?: keyof typeof KINDS): Person;
  remove(): void;
}

export function people(): People {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-approvers-'));
  const known = new Map<string, Person>();
  return {
    dir,
    remove: () => rmSync(dir, { recursive: true, force: true }),
    person: (name, kind = 'rsa-2048') => {
      const made = known.get(name) ?? newPerson(dir, name, kind);
      known.set(name, made);
      return made;
    },
  };
}

function newPerson(dir: string, name: string, kind: keyof typeof KINDS): Person {
  const file = join(dir, `${name}.key`);
  openssl(['genpkey', ...KINDS[kind], '-out', file]);
  openssl(['pkey', '-in', file, '-pubout', '-out', join(dir, `${name}.pem`)]);
  const pem = readFileSync(join(dir, `${name}.pem`), 'utf8');
  const signWith = (digest: readonly string[], text: string): Uint8Array => {
    const signed = join(dir, `${name}.signed`);
    writeFileSync(signed, text);
    return new Uint8Array(openssl(['dgst', ...digest, '-sign', file, signed]));
  };
  return {
    name,
    pem,
    key: approverKey(createPublicKey(pem)),
    sign: (text) => signWith(['-sha256'], text),
    signWith,
  };
}
