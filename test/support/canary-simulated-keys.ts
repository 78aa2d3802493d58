/** The clear values of a simulated device's keys, read from its state folder, where they lie in clear by design. */
import { createPrivateKey } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CKO } from '../../src/adapters/pkcs11/constants.ts';
import { decodeRecord } from '../../src/adapters/pkcs11/simulator/record-codec.ts';
import { RecordLog } from '../../src/adapters/simulation/record-log.ts';
import type { Canary } from './canary-search.ts';

/** Of each private number: enough to know it by, so that a part of it is found too. */
const PRIVATE_BYTES = 32;

/** Every key that ever was in the folder, also those that were deleted. */
export function simulatedKeys(stateDir: string): Canary[] {
  const keys: Canary[] = [];
  for (const file of readdirSync(stateDir).filter((name) => name.endsWith('.log'))) {
    const log = new RecordLog(join(stateDir, file), (payload) => {
      const record = decodeRecord(Buffer.from(payload));
      if (record.kind !== 'put') return;
      const { class: objectClass, uid, material } = record.object;
      if (objectClass === CKO.SECRET_KEY) keys.push({ name: `secret key ${uid}`, bytes: Buffer.from(material) });
      if (objectClass === CKO.PRIVATE_KEY) keys.push(...privateNumbers(`private key ${uid}`, Buffer.from(material)));
    });
    log.close();
  }
  return keys;
}

function privateNumbers(name: string, der: Buffer): Canary[] {
  const {
    d = '',
    p = '',
    q = '',
  } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  return Object.entries({ d, p, q }).map(([member, value]) => ({
    name: `${member} of ${name}`,
    bytes: Buffer.from(value, 'base64url').subarray(0, PRIVATE_BYTES),
  }));
}
