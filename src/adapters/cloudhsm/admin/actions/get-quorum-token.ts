/** get-quorum-token: what the officers are to sign. A token is good for one operation and, unless used, ends by itself after some minutes. */
import { ambiguous, done } from '../../../actions/action.ts';
import { readText, shape } from '../../../actions/arguments.ts';
import type { Administration } from '../administration.ts';
import { readTokenFile, toSignFile } from '../quorum-tokens.ts';
import { type AdminAction, block } from './action.ts';
import {
  activeToken,
  listedTokens,
  readService,
  requestToken,
  service,
  tokenIn,
  tokenPath,
} from './quorum-arguments.ts';

const outputs = (path: string) => done({ token: path, to_sign: toSignFile(path) });

export const getQuorumToken: AdminAction = {
  spec: {
    name: 'get-quorum-token',
    summary: 'Get a quorum token for officers to sign',
    effect: 'change',
    input: shape({ service: service(['user', 'quorum', 'registration']), file: tokenPath }),
    outputs: {
      token: { type: 'string', lifetime: 'permanent', description: 'The token file' },
      to_sign: { type: 'string', lifetime: 'permanent', description: 'The file that the officers sign' },
    },
  },
  async preview(admin) {
    return admin.has('admin') ? [] : block(`${admin.device} has no admin-pin in the devices file`);
  },
  async perform(admin, { args }) {
    const path = readText(args, 'file');
    const name = readService(args);
    // An active token would be refused a second time: its file, if it is here, is as good as new.
    if (name !== 'registration' && (await activeToken(admin, name)) !== undefined) {
      if (readTokenFile(path) === null) throw admin.fail('device-refused', await elsewhere(admin, name));
      tokenIn(admin, path);
      return outputs(path);
    }
    await requestToken(admin, name, path);
    return outputs(path);
  },
  async reconcile(admin, { args }) {
    const path = readText(args, 'file');
    const name = readService(args);
    if (name === 'registration') return { state: 'absent' };
    if ((await activeToken(admin, name)) === undefined) return { state: 'absent' };
    if (readTokenFile(path) === null) return ambiguous(await elsewhere(admin, name));
    tokenIn(admin, path);
    return { state: 'done', ...outputs(path) };
  },
};

async function elsewhere(admin: Administration, name: string): Promise<string> {
  const token = await activeToken(admin, name);
  return (
    `${admin.userName('admin')} has a token for ${name} whose file is not here; wait until it ends ` +
    `(${token?.secondsLeft ?? '?'} s) or delete it with cloudhsm-cli`
  );
}

export const listQuorumTokens: AdminAction = {
  spec: {
    name: 'list-quorum-tokens',
    summary: 'List the quorum tokens of the cluster',
    effect: 'read',
    input: shape({}),
    outputs: {
      tokens: {
        type: 'list',
        lifetime: 'run',
        description: 'One line for each: user, service, approvals of those required, seconds left',
      },
    },
  },
  async perform(admin) {
    const lines = (await listedTokens(admin)).map(
      (token) =>
        `${token.user} ${token.service} ${token.approvals ?? '?'}/${token.required ?? '?'} ${token.secondsLeft ?? '?'} s`,
    );
    return done({ tokens: lines });
  },
};
