/** What `verify` and `file` do: the actions of no device. Their specifications are in src/playbook/built-ins.ts. */
import type { ActionResult, BoundDevice, Outputs } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { isKeyRef } from '../keys/key-record.ts';
import type { Step } from '../playbook/model.ts';
import { compareKeys } from './compare-keys.ts';
import { readArtifact, requireFolder, writeArtifact } from './file-artifacts.ts';
import { markFile, shredFile, writePlaintext } from './key-files.ts';
import type { SequenceContext } from './sequence-context.ts';

export function isBuiltIn(step: Step): boolean {
  return step.target === 'verify' || step.target === 'file';
}

export interface BuiltInEnvironment {
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly salt: Uint8Array;
  readonly verify: 'strong' | 'weak';
}

const result = (outputs: Outputs): ActionResult => ({ outputs, violations: [] });

export class BuiltIns {
  readonly #env: BuiltInEnvironment;

  constructor(environment: BuiltInEnvironment) {
    this.#env = environment;
  }

  async run(step: Step, args: Readonly<Record<string, unknown>>, context: SequenceContext): Promise<ActionResult> {
    switch (`${step.target}.${step.action}`) {
      case 'verify.same-key':
        return result(await this.#sameKey(args, context));
      case 'file.check-folder':
        await requireFolder(args);
        return result({});
      case 'file.read':
        return result({ data: await readArtifact(args) });
      case 'file.write':
        return result({ path: await writeArtifact(args) });
      case 'file.write-plaintext':
        return result({ path: await writePlaintext(args) });
      case 'file.shred':
        await shredFile(args, this.#env);
        return result({});
      case 'file.mark':
        return result({ path: await markFile(args, this.#env) });
      default:
        throw new Error(`no built-in action ${step.target}.${step.action}`);
    }
  }

  async #sameKey(args: Readonly<Record<string, unknown>>, context: SequenceContext): Promise<Outputs> {
    const { source, target } = args;
    if (!isKeyRef(source) || !isKeyRef(target))
      throw new KeyferryError('argument-invalid', 'verify.same-key compares two keys');
    const known = context.source?.ref.device === source.device ? context.source.fingerprint : null;
    const verification = await compareKeys({
      source,
      target,
      devices: this.#env.devices,
      salt: this.#env.salt,
      sourceFingerprint: known,
      mayBeWeak: this.#env.verify === 'weak',
    });
    context.verification = verification;
    if (verification.result === 'different') {
      throw new KeyferryError(
        'verification-failed',
        `the key on ${target.device} is not the one on ${source.device} (${verification.method})`,
        {
          device: target.device,
          operation: 'verify.same-key',
        },
      );
    }
    if (verification.result === 'not-compared' && this.#env.verify !== 'weak') {
      throw new KeyferryError(
        'capability-missing',
        `no method compares this key on ${source.device} and ${target.device}`,
        {
          hint: 'Say `verify: weak` in the playbook if the KCV, or no comparison, is enough.',
        },
      );
    }
    return { method: verification.method, strength: verification.strength };
  }
}
