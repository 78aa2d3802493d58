/** key_mgmt_util: extractMaskedObject and insertMaskedObject. */
import { statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keyHandleIn } from '../../support/console-desk.ts';
import { aKmuDesk } from '../../support/kmu-desk.ts';

test('a key that cannot be exported goes out masked and comes back with a handle of its own', async () => {
  const desk = await aKmuDesk();
  const key = await desk.makeAes('-nex', '-u 5');
  const out = await desk.type(`extractMaskedObject -o ${key} -out ${desk.file('masked')}`);
  expect(out).toMatch(
    /^\nObject was masked and written to file "\S+masked"\n\n\tCfm3ExtractMaskedObject returned: 0x00 : HSM Return: SUCCESS\n/,
  );
  expect(statSync(desk.file('masked')).mode & 0o777).toBe(0o600);
  const shown = await desk.type(`insertMaskedObject -f ${desk.file('masked')} -min_srv 2`);
  expect(shown).toMatch(
    /Cfm3InsertMaskedObject returned: 0x00 : HSM Return: SUCCESS\n\tNew Key Handle: \d+\n\n\tCluster Error Status\n\tNode id 1/,
  );
  const copy = keyHandleIn(shown);
  expect(copy).not.toBe(key);
  expect(await desk.kcvOf(copy)).toBe(await desk.kcvOf(key));
  expect(await desk.type(`getKeyInfo -k ${copy}`)).toMatch(/Owned by user 4[\s\S]*following 1 user\(s\):[\s\S]*5/);
  const wrapping = await desk.makeAes();
  expect(await desk.type(`wrapKey -k ${copy} -w ${wrapping} -out ${desk.file('w')}`)).toContain(
    'CKR_KEY_UNEXTRACTABLE',
  );
});

test("another's key, a session key, a handle of nothing: nothing is written", async () => {
  const desk = await aKmuDesk();
  const key = await desk.makeAes('-u 5');
  const bob = await desk.as('bob');
  const extract = (from: typeof desk, handle: string): Promise<string> =>
    from.type(`extractMaskedObject -o ${handle} -out ${desk.file('masked')}`);
  expect(await extract(bob, key)).toContain('Cfm3ExtractMaskedObject returned: 0xc6');
  expect(await extract(desk, '4711')).toContain('Cfm3ExtractMaskedObject returned: 0xa8');
  expect(await extract(desk, await desk.makeAes('-sess'))).toContain('a session key stays on its HSM');
  expect(() => statSync(desk.file('masked'))).toThrow();
});

test('no file, a file of another form or of another cluster: no key', async () => {
  const [desk, elsewhere] = [await aKmuDesk(), await aKmuDesk()];
  const key = await elsewhere.makeAes();
  await elsewhere.type(`extractMaskedObject -o ${key} -out ${desk.file('foreign')}`);
  writeFileSync(desk.file('text'), 'no masked object');
  expect(await desk.type(`insertMaskedObject -f ${desk.file('absent')}`)).toContain('ENOENT');
  expect(await desk.type(`insertMaskedObject -f ${desk.file('text')}`)).toContain('this is no masked object');
  expect(await desk.type(`insertMaskedObject -f ${desk.file('foreign')}`)).toContain('of another cluster');
  expect(await desk.count('')).toBe(0);
});

test('too few servers in time: the inserted key is taken away again', async () => {
  const desk = await aKmuDesk();
  const key = await desk.makeAes();
  await desk.type(`extractMaskedObject -o ${key} -out ${desk.file('masked')}`);
  const line = `insertMaskedObject -f ${desk.file('masked')}`;
  expect(await desk.type(`${line} -min_srv 3`)).toContain('the cluster has 2 HSMs');
  expect(await desk.type(`${line} -timeout 1`)).toContain('-timeout goes with -min_srv only.');
  desk.cluster.fail(2);
  expect(await desk.type(`${line} -min_srv 2 -timeout 0`)).toContain('was removed');
  expect(await desk.count('')).toBe(1);
});

test('a user with whom the key was shared and who is gone is named', async () => {
  const desk = await aKmuDesk();
  const key = await desk.makeAes('-u 5');
  await desk.type(`extractMaskedObject -o ${key} -out ${desk.file('masked')}`);
  for (const node of desk.cluster.nodes) node.login('CO', 'officer', 'officer-password').deleteUser('CU', 'bob');
  await desk.type(`insertMaskedObject -f ${desk.file('masked')}`);
  expect(desk.terminal.notes.at(-1)).toContain('was shared with bob too');
});
