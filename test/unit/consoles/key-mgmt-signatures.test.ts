/** key_mgmt_util: sign, verify and getCert. */
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openCloudhsmMgmtUtil } from '../../../src/consoles/cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts';
import { aDesk, PASSWORDS } from '../../support/console-desk.ts';
import { aKmuDesk, type KmuDesk, pairIn } from '../../support/kmu-desk.ts';

const DATA = Buffer.from('what is signed');

async function aSigningDesk(): Promise<KmuDesk> {
  const desk = await aKmuDesk();
  writeFileSync(desk.file('data'), DATA);
  writeFileSync(desk.file('other'), 'something else');
  return desk;
}

const pair = async (desk: KmuDesk, kind: 'rsa' | 'ec') =>
  pairIn(await desk.type(kind === 'rsa' ? 'genRSAKeyPair -m 2048 -e 65537 -l p' : 'genECCKeyPair -i 2 -l p'));

describe('sign and verify', () => {
  test.each([
    [0, 'rsa', 'sha1'],
    [1, 'rsa', 'sha256'],
    [2, 'rsa', 'sha384'],
    [3, 'rsa', 'sha512'],
    [4, 'rsa', 'sha224'],
    [15, 'ec', 'sha1'],
    [16, 'ec', 'sha224'],
    [17, 'ec', 'sha256'],
    [18, 'ec', 'sha384'],
    [19, 'ec', 'sha512'],
  ] as const)('-m %i signs by %s with %s, as node:crypto verifies', async (m, kind, hash) => {
    const desk = await aSigningDesk();
    const { publicKey, privateKey } = await pair(desk, kind);
    const shown = await desk.type(`sign -f ${desk.file('data')} -k ${privateKey} -m ${m} -out ${desk.file('s')}`);
    expect(shown).toMatch(
      /Cfm3Sign returned: 0x00 : HSM Return: SUCCESS\n\nsignature is written to file \S+\n\n\tCluster Error Status/,
    );
    await desk.type(`exportPubKey -k ${publicKey} -out ${desk.file('pem')}`);
    const key = createPublicKey(readFileSync(desk.file('pem')));
    expect(verify(hash, DATA, { key, dsaEncoding: 'ieee-p1363' }, readFileSync(desk.file('s')))).toBe(true);
    const verified = await desk.type(`verify -f ${desk.file('data')} -s ${desk.file('s')} -k ${publicKey} -m ${m}`);
    expect(verified).toMatch(/Signature verification successful\n\n\tCfm3Verify returned: 0x00/);
  });

  test('another file, signature or mechanism does not verify; the documented number is for RSA', async () => {
    const desk = await aSigningDesk();
    const rsa = await pair(desk, 'rsa');
    await desk.type(`sign -f ${desk.file('data')} -k ${rsa.privateKey} -m 1 -out ${desk.file('s')}`);
    for (const flags of [`-f ${desk.file('other')} -m 1`, `-f ${desk.file('data')} -m 2`]) {
      const shown = await desk.type(`verify ${flags} -s ${desk.file('s')} -k ${rsa.publicKey}`);
      expect(shown).toMatch(/Cfm3Verify returned: 0x1b\s+CSP Error: ERR_BAD_PKCS_DATA/);
    }
    const ec = await pair(desk, 'ec');
    const shown = await desk.type(`verify -f ${desk.file('data')} -s ${desk.file('s')} -k ${ec.publicKey} -m 17`);
    expect(shown).toContain("In keyferry's words");
    expect(shown).not.toContain('0x1b');
  });

  test('keys of another kind, without the right, or of nobody are refused', async () => {
    const desk = await aSigningDesk();
    const { publicKey, privateKey } = await pair(desk, 'ec');
    const sign = (key: string, m: number): Promise<string> =>
      desk.type(`sign -f ${desk.file('data')} -k ${key} -m ${m} -out ${desk.file('s')}`);
    expect(await sign(privateKey, 1)).toContain('private keys of type RSA');
    expect(await sign(publicKey, 17)).toContain('Cfm3Sign was refused');
    expect(await sign('4711', 17)).toContain('0xa8');
    expect(await sign(privateKey, 6)).toContain('-m 6 is not known here');
    const management = aDesk(openCloudhsmMgmtUtil, desk.cluster);
    await management.type(`loginHSM CU alice ${PASSWORDS.user}`);
    await management.type(`setAttribute ${privateKey} 264 0`, 'y');
    await management.type(`setAttribute ${publicKey} 266 0`, 'y');
    expect(await sign(privateKey, 17)).toContain('Cfm3Sign was refused');
    expect(() => statSync(desk.file('s'))).toThrow();
    const line = `verify -f ${desk.file('data')} -s ${desk.file('data')} -k ${publicKey} -m 17`;
    expect(await desk.type(line)).toContain('may not verify');
    await management.console.close();
  });
});

describe('getCert', () => {
  test('writes the certificates that the simulated HSMs have, and says what they are worth', async () => {
    const desk = await aKmuDesk();
    for (const number of [1, 2, 16]) {
      expect(await desk.type(`getCert -f ${desk.file(`${number}`)} -s ${number}`)).toContain(
        'Cfm3GetCert() returned 0 :HSM Return: SUCCESS',
      );
    }
    const [root, hardware, hsm] = [1, 2, 16].map((number) => new X509Certificate(readFileSync(desk.file(`${number}`))));
    expect(hsm && hardware && root && hsm.checkIssued(hardware) && hardware.checkIssued(root)).toBe(true);
    expect(desk.terminal.notes.at(-1)).toContain('vouches for nothing');
  });

  test('has none of a customer, and no others', async () => {
    const desk = await aKmuDesk();
    expect(await desk.type(`getCert -f ${desk.file('c')} -s 4`)).toContain('nobody has claimed this simulated cluster');
    expect(await desk.type(`getCert -f ${desk.file('c')} -s 3`)).toContain('there are the certificates');
    expect(() => statSync(desk.file('c'))).toThrow();
  });
});

test.each([
  ['genDSAKeyPair -m 2048 -l d', 'no DSA'],
  ['genPBEKey -l p', 'FIPS mode'],
  ['getToken', 'cloudhsm_mgmt_util has it'],
  ['loginStatus', 'no document shows what it prints'],
])('%s is left out, with the reason', async (line, reason) => {
  const desk = await aKmuDesk();
  expect(await desk.type(line)).toContain(reason);
  expect(desk.end()).toBe('misused');
});
