import { describe, expect, test } from 'vitest';
import { planItemJson, planJson } from '../../../src/plan/plan-json.ts';
import { planned } from '../../support/plan-making.ts';

async function parsed(source: Awaited<ReturnType<typeof planned>>) {
  const pieces: string[] = [];
  for await (const piece of planJson(source.plan)) pieces.push(piece);
  return { pieces, json: JSON.parse(pieces.join('')) };
}

describe('plan --json', () => {
  test('has the fields of the contract', async () => {
    const made = await planned({ source: { keys: [{ label: 'a' }] }, target: { trust: 'software' } });
    const { json } = await parsed(made);
    expect(json).toMatchObject({
      format: 1,
      playbook: 'test-route',
      digest: made.plan.head.digest,
      summary: { total: 1, move: 1, skip: 0, block: 0, duplicate: 0 },
      items: [{ key: made.items[0]?.key, label: 'a', action: 'move', reason: null }],
      exposesPlaintext: false,
      estimateSeconds: 0.1,
    });
    expect(json.devices[1]).toMatchObject({
      name: 'target',
      adapter: 'fake-adapter',
      driver: 'simulated',
      trust: 'software',
    });
    expect(json.prepare.map((step: { do: string }) => step.do)).toEqual([
      'target.generate-rsa-key-pair',
      'source.import-public-key',
    ]);
    expect(json.finally).toHaveLength(1);
  });

  test('is one object, streamed, for any number of items', async () => {
    for (const count of [0, 1, 256, 257, 600]) {
      const made = await planned({ source: { keys: Array.from({ length: count }, (_, at) => ({ label: `k${at}` })) } });
      const { json, pieces } = await parsed(made);
      expect(json.items).toHaveLength(count);
      expect(pieces).toHaveLength(2 + Math.ceil(count / 256));
    }
  });

  test('gives the bytes of a label that is not UTF-8', async () => {
    const { items } = await planned({ source: { keys: [{ label: '', rawLabel: 'ff01' }, { label: 'plain' }] } });
    const views = items.map(planItemJson);
    expect(views.find((view) => view.label === 'ff01')).toMatchObject({ labelHex: 'ff01' });
    expect(views.find((view) => view.label === 'plain')).not.toHaveProperty('labelHex');
  });
});
