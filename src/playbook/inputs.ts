/**
 * Values of a playbook's inputs: from `-i NAME=VALUE`, else the declared default. All problems are reported at once. A secret is given
 * as `env:VAR | file:PATH | prompt` and kept apart from the others: it is in no plan, digest or journal.
 */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Secret } from '../keys/secret.ts';
import type { SecretReference } from '../schema/secret-reference.ts';
import { suggestion } from '../source/nearest.ts';
import { expandPath } from '../source/paths.ts';
import { resolveSecret, type SecretPorts } from '../source/resolve-secret.ts';
import type { InputSpec, Json, Playbook } from './model.ts';

/**
 * `needed`: every secret must be given · `if-given`: what is not given is left out, and whoever comes to need it says so · `unused`: none is
 * looked up or asked for.
 */
export type SecretsWanted = 'needed' | 'if-given' | 'unused';

export interface InputRequest {
  readonly playbook: Pick<Playbook, 'inputs'>;
  /** As given on the command line. */
  readonly given: Readonly<Record<string, string>>;
  /** Values that a plan or run was made with: they take the place of defaults. */
  readonly pinned?: Readonly<Record<string, Json>>;
  readonly ports: SecretPorts;
  /** Default: `needed`. */
  readonly secrets?: SecretsWanted;
  /** Where relative paths start; the process's own folder when absent. */
  readonly folder?: string;
}

export interface ResolvedInputs {
  /** Every input but the secrets. */
  readonly inputs: Readonly<Record<string, string | number | boolean>>;
  readonly secrets: Readonly<Record<string, Secret>>;
}

/** Rejects with `input-invalid`, or as resolveSecret does. */
export async function resolveInputs(request: InputRequest): Promise<ResolvedInputs> {
  const { playbook, given, ports } = request;
  const wanted = request.secrets ?? 'needed';
  const problems: string[] = [];
  let isSecretWrong = false;
  const names = Object.keys(playbook.inputs);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(playbook.inputs, name)) continue;
    const hint = suggestion(name, names);
    problems.push(`there is no input ${name}${hint === undefined ? '' : ` (${hint})`}`);
  }
  const inputs: Record<string, string | number | boolean> = {};
  const references: [string, SecretReference][] = [];
  for (const [name, spec] of Object.entries(playbook.inputs)) {
    const text = Object.hasOwn(given, name) ? given[name] : undefined;
    if (spec.type === 'secret') {
      if (text === undefined && wanted !== 'needed') continue;
      const reference = text === undefined ? undefined : secretReference(text, name, request.folder);
      if (reference === undefined) {
        isSecretWrong = true;
        problems.push(`${name} is a secret: give it as env:VAR, file:PATH or prompt`);
      } else references.push([name, reference]);
      continue;
    }
    const value =
      text === undefined
        ? fallback(spec, request.pinned?.[name], request.folder)
        : readInput(text, spec, request.folder);
    if (value === undefined)
      problems.push(
        text === undefined ? `${name} is missing (${expected(spec)})` : `${name} must be ${expected(spec)}`,
      );
    else inputs[name] = value;
  }
  if (problems.length > 0) {
    throw new KeyferryError(
      'input-invalid',
      `The inputs have ${problems.length === 1 ? 'a problem' : 'problems'}: ${problems.join('; ')}.`,
      isSecretWrong
        ? { hint: 'Give a secret with -i NAME=prompt, or env:VAR or file:PATH; any other with -i NAME=VALUE.' }
        : {},
    );
  }
  // One after the other: two questions on one terminal at once cannot be answered.
  const secrets: Record<string, Secret> = {};
  for (const [name, reference] of wanted === 'unused' ? [] : references)
    secrets[name] = await resolveSecret(reference, ports);
  return { inputs, secrets };
}

function fallback(
  spec: InputSpec,
  pinned: Json | undefined,
  folder: string | undefined,
): string | number | boolean | undefined {
  const value = pinned === undefined ? spec.default : pinned;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  return spec.type === 'path' && typeof value === 'string' ? expandPath(value, folder ?? '.') : value;
}

/** undefined: the text is no value of this input. */
function readInput(text: string, spec: InputSpec, folder: string | undefined): string | number | boolean | undefined {
  const value = readTyped(text, spec.type, folder);
  return spec.enum === undefined || spec.enum.some((known) => known === value) ? value : undefined;
}

function readTyped(
  text: string,
  type: InputSpec['type'],
  folder: string | undefined,
): string | number | boolean | undefined {
  switch (type) {
    case 'integer':
      return /^-?[0-9]+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case 'number':
      return /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text))
        ? Number(text)
        : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'path':
      return text === '' ? undefined : expandPath(text, folder ?? '.');
    default:
      return text;
  }
}

function secretReference(text: string, name: string, folder: string | undefined): SecretReference | undefined {
  if (text === 'prompt') return { prompt: name };
  const [, source, rest] = /^(env|file):(.+)$/s.exec(text) ?? [];
  if (source === 'env' && rest !== undefined) return { env: rest };
  return source === 'file' && rest !== undefined ? { file: expandPath(rest, folder ?? '.') } : undefined;
}

function expected(spec: InputSpec): string {
  if (spec.enum !== undefined) return `one of ${spec.enum.join(', ')}`;
  const kinds = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    path: 'a path',
    secret: 'a secret',
  };
  return kinds[spec.type];
}
