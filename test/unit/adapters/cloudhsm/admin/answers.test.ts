import { describe, expect, it } from 'vitest';
import { disagreementsIn, readKeys, readUsers } from '../../../../../src/adapters/cloudhsm/admin/answers.ts';

describe('a listing of users', () => {
  it('is read as the user guide shows it', () => {
    const users = readUsers({
      users: [
        { username: 'admin', role: 'admin', locked: 'false', mfa: [], 'cluster-coverage': 'full' },
        {
          username: 'Officer1',
          role: 'admin',
          locked: 'true',
          mfa: [],
          quorum: [{ strategy: 'token-sign', status: 'enabled' }],
          'cluster-coverage': 'full',
        },
        {
          username: 'app_user',
          role: 'internal(APPLIANCE_USER)',
          locked: 'false',
          mfa: [],
          'cluster-coverage': 'full',
        },
      ],
    });
    expect(users).toEqual([
      { name: 'admin', role: 'admin', isLocked: false, hasQuorumKey: false, disagreements: [] },
      { name: 'officer1', role: 'admin', isLocked: true, hasQuorumKey: true, disagreements: [] },
      { name: 'app_user', role: 'internal(APPLIANCE_USER)', isLocked: false, hasQuorumKey: false, disagreements: [] },
    ]);
  });

  it('shows what the HSMs do not agree on', () => {
    const [user] =
      readUsers({
        users: [{ username: 'a', role: 'inconsistent', locked: 'inconsistent', 'cluster-coverage': 'partial' }],
      }) ?? [];
    expect(user?.isLocked).toBeNull();
    expect(user?.disagreements).toEqual([
      'role is inconsistent',
      'locked is inconsistent',
      'cluster-coverage is partial',
    ]);
  });

  it.each([null, 'text', [], {}, { users: 'none' }])('is not %j', (data) => {
    expect(readUsers(data)).toBeNull();
  });
});

describe('a listing of keys', () => {
  const key = {
    'key-reference': '0x00000000000c0010',
    'key-info': {
      'key-owners': [{ username: 'Alice', 'key-coverage': 'full' }],
      'shared-users': [{ username: 'bob', 'key-coverage': 'full' }, 'carol'],
      'key-quorum-values': { 'manage-key-quorum-value': 0, 'use-key-quorum-value': 2 },
      'cluster-coverage': 'full',
    },
    attributes: { label: 'k', wrap: 'inconsistent' },
  };

  it('is read with owners, sharing and pages', () => {
    const page = readKeys({ matched_keys: [key], total_key_count: 3, returned_key_count: 1, next_token: '1' });
    expect(page).toMatchObject({ next: '1', total: 3 });
    expect(page?.keys[0]).toMatchObject({
      reference: '0x00000000000c0010',
      owners: ['alice'],
      sharedWith: ['bob', 'carol'],
      useQuorum: 2,
      disagreements: ['attributes.wrap is inconsistent'],
    });
  });

  it.each([null, 7, {}, { matched_keys: {} }])('is not %j', (data) => {
    expect(readKeys(data)).toBeNull();
  });
});

it('finds disagreements wherever they are, with the user they are about', () => {
  const sharing = { info: { 'shared-users': [{ username: 'bob', 'key-coverage': 'inconsistent' }] } };
  expect(disagreementsIn(sharing)).toEqual(['info.shared-users (bob).key-coverage is inconsistent']);
  expect(disagreementsIn({ deep: [{ deeper: { value: 'full' } }] })).toEqual([]);
});
