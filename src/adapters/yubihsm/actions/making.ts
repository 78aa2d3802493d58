/**
 * The one course of every creating action: preview what the device would refuse, choose the id, send the command, read the object back. What
 * differs from action to action is a Making: what is asked, and the command that makes it.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type Arguments, done, type Source } from '../../actions/action.ts';
import type { ActionCall, ActionResult, ActionSpec, Finding, Outputs, Violation } from '../../adapter.ts';
import { type Asked, differences } from '../objects/asked.ts';
import { forecast, idFor, readBack, reconcileCreation, type Wanted } from '../objects/creation.ts';
import type { Found } from '../objects/key-model.ts';
import { idText } from '../objects/object-id.ts';
import { kindOf } from '../objects/object-kinds.ts';
import { askedProblems, idTaken, logProblem, sessionLacks } from '../objects/permissions.ts';
import type { CapabilityName } from '../wire/capabilities.ts';
import { objectTypeName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';
import { readObjectIdIfGiven } from './arguments.ts';

export interface Making {
  readonly spec: ActionSpec;
  /** What the session needs besides being able to give the object its rights. */
  readonly needs: (args: Arguments) => readonly CapabilityName[];
  /** Throws `argument-invalid`; `hsm` for defaults. */
  readonly asked: (hsm: YubiHsm, args: Arguments) => Promise<Asked> | Asked;
  /** What else speaks against it. */
  readonly problems?: (hsm: YubiHsm, args: Arguments) => Promise<readonly string[]> | readonly string[];
  readonly make: (hsm: YubiHsm, args: Arguments, asked: Asked, id: number) => Promise<unknown>;
  readonly outputs: (hsm: YubiHsm, args: Arguments, found: Found) => Promise<Outputs> | Outputs;
  /** What else is wrong with what was made. */
  readonly violations?: (
    hsm: YubiHsm,
    args: Arguments,
    found: Found,
  ) => Promise<readonly Violation[]> | readonly Violation[];
}

/** Capabilities of the new object that the device sets aside or adds are found by `differences`. */
export function makingAction(making: Making): YubiHsmAction {
  const wantedOf = async (hsm: YubiHsm, args: Arguments): Promise<Wanted & { readonly asked: Asked }> => {
    const asked = await making.asked(hsm, args);
    const kind = kindOf(asked);
    const id = readObjectIdIfGiven(args);
    return { objectTypes: [asked.type], class: kind.class, type: kind.type, label: asked.label, id, asked };
  };
  const problems = async (hsm: YubiHsm, args: Arguments): Promise<readonly string[]> => {
    const lacking = sessionLacks(hsm, ...making.needs(args));
    const own = (await making.problems?.(hsm, args)) ?? [];
    // What the arguments cannot mean has no header that could be looked at.
    if (own.length > 0) return [...(lacking === null ? [] : [lacking]), ...own];
    const asked = await making.asked(hsm, args);
    return [...(lacking === null ? [] : [lacking]), ...askedProblems(hsm, asked)];
  };
  const result = async (hsm: YubiHsm, args: Arguments, found: Found): Promise<ActionResult> => {
    const asked = await making.asked(hsm, args);
    const more = (await making.violations?.(hsm, args, found)) ?? [];
    return done(await making.outputs(hsm, args, found), [...more, ...differences(hsm.name, asked, found.info)]);
  };
  return {
    spec: making.spec,
    async preview(hsm, calls) {
      const all: (readonly Finding[])[] = [];
      const log = await logProblem(hsm, calls.length);
      for (const args of calls) all.push([...blocks(log), ...(await previewOne(hsm, args, problems, wantedOf))]);
      return all;
    },
    async expect(hsm, { args }, source: Source) {
      return await forecast(hsm, await wantedOf(hsm, args), source);
    },
    async perform(hsm, call: ActionCall) {
      const { args } = call;
      const [problem] = await problems(hsm, args);
      if (problem !== undefined) throw hsm.fail('capability-missing', `${problem}.`);
      const wanted = await wantedOf(hsm, args);
      const id = await idFor(hsm, call, wanted);
      await making.make(hsm, args, wanted.asked, id);
      return await hsm.checking(async () => result(hsm, args, await readBack(hsm, wanted.asked.type, id)));
    },
    async reconcile(hsm, call, source) {
      const { args } = call;
      const wanted = await wantedOf(hsm, args);
      return await reconcileCreation(hsm, call, { wanted, source, result: (found) => result(hsm, args, found) });
    },
  };
}

async function previewOne(
  hsm: YubiHsm,
  args: Arguments,
  problems: (hsm: YubiHsm, args: Arguments) => Promise<readonly string[]>,
  wantedOf: (hsm: YubiHsm, args: Arguments) => Promise<Wanted & { readonly asked: Asked }>,
): Promise<readonly Finding[]> {
  try {
    const found = await problems(hsm, args);
    if (found.length > 0) return blocks(...found);
    const { asked, id } = await wantedOf(hsm, args);
    return blocks(await idTaken(hsm, asked.type, id));
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'argument-invalid') return blocks(error.message);
    throw error;
  }
}

/** `put the symmetric-key 0x0100`, for messages. */
export const toMake = (verb: string, asked: Asked, id: number): string =>
  `${verb} the ${objectTypeName(asked.type)} ${idText(id)}`;
