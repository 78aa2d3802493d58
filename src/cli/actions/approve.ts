/** `approve`: checks a signature and records it, or hands it to the process that owns the run. */

import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type HandedIn, refused } from '../../approvals/admit-signature.ts';
import type { ApprovalRecord } from '../../approvals/record.ts';
import {
  type ApproverKey,
  approverKey,
  isSignatureOf,
  MAX_SIGNATURE_BYTES,
  signatureBytes,
} from '../../approvals/signature.ts';
import { statementText } from '../../approvals/statement.ts';
import { loadDevicesFile } from '../../devices/devices-file.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { openHome } from '../../home/home.ts';
import { postToInbox } from '../../journal/inbox.ts';
import { openRunStore } from '../../journal/sqlite/sqlite-run-store.ts';
import { isOver } from '../../report/run-record.ts';
import { suggestion } from '../../source/nearest.ts';
import { checkApproval, recordApproval } from '../../workflows/approval-entries.ts';
import { readApprovals } from '../../workflows/approval-records.ts';
import { adaptersInFile } from '../adapters-in-file.ts';
import { readRun, recordOf, runsIn } from '../recorded-run.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { ApprovalView } from '../views/approval-view.ts';

export interface ApproveOptions {
  readonly as: string;
  readonly signature: string;
}

/** How long the owner of the run may take to read its inbox. */
const ANSWER_MS = 10_000;
const LOOK_MS = 200;
/** Runs that are looked through, newest first, to say which one a foreign signature belongs to. */
const OTHER_RUNS = 50;

interface Approval {
  readonly run: string;
  readonly home: string;
  readonly handed: HandedIn;
  readonly others: ReadonlyMap<string, ApproverKey>;
}

export async function approve(shell: Shell, run: string, options: CommonOptions & ApproveOptions): Promise<number> {
  const { plan, state } = await recordOf(options.home, run);
  if (isOver(state)) throw new KeyferryError('run-finished', `Run ${run} is over (${state}); it waits for nobody.`);
  const approval: Approval = { run, home: options.home, ...(await handedIn(options)) };
  const view = new ApprovalView(createScreen(shell.io, options.carried), options.json);
  try {
    const direct = await recordHere(approval);
    const record = direct ?? (await askOwner(approval));
    if (record === null) await view.handedOver(options.as, run);
    else await view.taken(options.as, record, { plan, run, isOwned: direct === null });
    return 0;
  } catch (error) {
    if (!(error instanceof KeyferryError) || error.code !== 'approval-refused') throw error;
    throw (await ofOtherRun(approval)) ?? error;
  }
}

async function handedIn({ devices, as, signature }: CommonOptions & ApproveOptions) {
  const { approvers } = loadDevicesFile({ path: devices, adapters: await adaptersInFile(devices) });
  const keys = new Map(Object.values(approvers).map(({ name, publicKey }) => [name, approverKey(publicKey)]));
  const key = keys.get(as);
  if (key === undefined)
    throw refused({ approver: as }, 'the devices file has no such approver', suggestion(as, keys.keys()));
  const bytes = signatureBytes(await readSignatureFile(signature));
  if (bytes === null) throw refused({ approver: as }, `${signature} is empty or too long for a signature`);
  return { handed: { approver: as, key, signature: bytes }, others: keys };
}

async function readSignatureFile(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(MAX_SIGNATURE_BYTES + 1),
        0,
        MAX_SIGNATURE_BYTES + 1,
        0,
      );
      return new Uint8Array(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new KeyferryError('file-unreadable', `The signature ${path} cannot be read (${reason}).`, { cause: error });
  }
}

/** Null when another process owns the run. */
async function recordHere({ run, home, handed, others }: Approval): Promise<ApprovalRecord | null> {
  const store = await openRunStore(home);
  try {
    const owned = await store.open(run);
    try {
      return await recordApproval(handed, { journal: owned.journal, now: Date.now(), others });
    } finally {
      await owned.close();
    }
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'run-held') return null;
    throw error;
  }
}

/** Null when the owner has not taken it in time; it will, or the next owner does. */
async function askOwner({ run, home, handed, others }: Approval): Promise<ApprovalRecord | null> {
  const { record } = await readRun(home, run, async (journal) =>
    checkApproval(handed, { journal, now: Date.now(), others }),
  );
  const { approver, key, signature } = handed;
  await postToInbox(await (await openHome(home)).runDir(run), {
    kind: 'approve',
    approver,
    publicKey: Buffer.from(key.spki).toString('base64'),
    signature: Buffer.from(signature).toString('base64'),
  });
  const end = Date.now() + ANSWER_MS;
  while (Date.now() < end) {
    await wait(LOOK_MS);
    const now = await readRun(home, run, async (journal) =>
      readApprovals(journal, Date.now()).records.find(({ request }) => request.nonce === record.request.nonce),
    );
    if (now?.approvers.includes(approver) === true) return now;
  }
  return null;
}

/** A signature for another run of this home is called so. */
async function ofOtherRun({ run, home, handed }: Approval): Promise<KeyferryError | null> {
  const others = (await runsIn(home)).filter((other) => other !== run).slice(0, OTHER_RUNS);
  for (const other of others) {
    const step = await signedStep(other, home, handed);
    if (step !== null) return refused(handed, `it approves step ${step} of run ${other}, not of run ${run}`);
  }
  return null;
}

async function signedStep(run: string, home: string, handed: HandedIn): Promise<string | null> {
  try {
    return await readRun(home, run, async (journal) => {
      const { ground, records } = readApprovals(journal, Date.now());
      const requests = records.flatMap(({ request, earlier }) => [request, ...earlier]);
      const signed = requests.find((request) =>
        isSignatureOf(
          statementText({ ...ground, approver: handed.approver, request }),
          handed.signature,
          handed.key.key,
        ),
      );
      return signed?.step ?? null;
    });
  } catch (error) {
    // It only helps to say more of a refusal; a run that cannot be read is not what was asked about.
    if (error instanceof KeyferryError) return null;
    throw error;
  }
}
