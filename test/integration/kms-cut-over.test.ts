/** The cut-over of a finished migration is taken back by what its journal says of it: a playbook with restore-alias. */
import { expect, it } from 'vitest';
import { parsePlaybook } from '../../src/playbook/parse-playbook.ts';
import { ADAPTERS } from '../support/adapters.ts';
import { journalOf } from '../support/engine-harness.ts';
import { runKmsRoute } from '../support/kms-route-runs.ts';
import { kmsPlaybook, newKmsSite } from '../support/kms-route-site.ts';
import { keysInKms } from '../support/kms-route-witness.ts';

const restoring = (cutOver: unknown) =>
  parsePlaybook({
    file: 'restore.yaml',
    text: `keyferry: 1
playbook: restore
title: Take a cut-over back
devices: { account: kms }
prepare:
  - { do: account.restore-alias, with: { cut-over: ${JSON.stringify(cutOver)} } }
`,
    adapters: ADAPTERS,
  });

it('is taken back by restore-alias, and only while the alias is where the run put it', async () => {
  const site = await newKmsSite('classic-to-kms', { aes: 1 });
  const playbook = kmsPlaybook(site.route, (text) => text.replace('default: re-import', 'default: functional'));
  const { run } = await runKmsRoute(site, { playbook });
  const { entries } = await journalOf(site, run);
  const [cutOver] = entries.flatMap(({ entry }) =>
    entry.kind === 'outcome' && entry.outputs?.cut_over !== undefined ? [entry.outputs.cut_over] : [],
  );
  const [moved] = await keysInKms(site.state('account'));
  const [alias] = moved?.aliases ?? [];
  expect(cutOver).toEqual({ alias, key: moved?.id, previous: '' });

  const elsewhere = await runKmsRoute(site, { playbook: restoring({ alias, key: 'another', previous: 'a-third' }) });
  expect(elsewhere.error?.message).toMatch(/points to .* now, which this run did not do; it was left there/);
  expect(await keysInKms(site.state('account'))).toEqual([moved]);

  const result = await runKmsRoute(site, { playbook: restoring(cutOver) });
  expect(result).toMatchObject({ state: 'done', exitCode: 0, leftovers: [] });
  expect(await keysInKms(site.state('account'))).toEqual([{ ...moved, aliases: [] }]);
});
