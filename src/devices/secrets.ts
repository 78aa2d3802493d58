/** Secret settings of a devices-file entry: always a reference, never a value. */
import type { DeviceSettings } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { isSecretReference, SECRET_SOURCES, type SecretReference } from '../schema/secret-reference.ts';
import { suggestion } from '../source/nearest.ts';
import { type SourceNode, textOf } from '../source/node.ts';
import type { Problems } from '../source/problems.ts';

export { resolveSecret } from '../source/resolve-secret.ts';

const SHOW = '{ env: NAME }, { file: PATH }, { command: [PROGRAM, …] } or { prompt: QUESTION }';

/** undefined when a problem was reported. The value of a secret written in the clear is in no message. */
export function readSecretReference(
  node: SourceNode,
  problems: Problems,
  expand: (path: string) => string,
): SecretReference | undefined {
  if (node.kind === 'broken') return undefined;
  if (node.kind !== 'map') {
    problems.add(node.place, 'a secret may not stand in the devices file', `say where it is found: ${SHOW}`);
    return undefined;
  }
  const [entry, ...more] = node.entries;
  if (entry === undefined || more.length > 0) {
    problems.add(node.place, 'a secret is found in exactly one place', SHOW);
    return undefined;
  }
  const text = textOf(entry.value);
  switch (entry.key) {
    case 'env':
      if (text !== undefined && /^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return { env: text };
      break;
    case 'file':
      if (text !== undefined && text !== '') return { file: expand(text) };
      break;
    case 'prompt':
      if (text !== undefined && text !== '') return { prompt: text };
      break;
    case 'command': {
      const words = entry.value.kind === 'list' ? entry.value.items.map(textOf) : [];
      if (words.length > 0 && words[0] !== '' && words.every((word) => word !== undefined)) return { command: words };
      problems.add(
        entry.value.place,
        'a command is a list of texts: the program and its arguments',
        'for example { command: [pass, show, hsm] }',
      );
      return undefined;
    }
    default:
      // Not quoted: it may be the secret, written in the wrong place.
      problems.add(
        entry.keyPlace,
        'this is no place where a secret is found',
        suggestion(entry.key, SECRET_SOURCES) ?? SHOW,
      );
      return undefined;
  }
  problems.add(
    entry.value.place,
    entry.key === 'env' ? 'must be the name of an environment variable' : `${entry.key} must be text`,
  );
  return undefined;
}

/** The reference behind a secret setting. Rejects with `secret-unavailable` when the entry does not have it. */
export function secretSettingOf(settings: DeviceSettings, setting: string): SecretReference {
  const value = Object.hasOwn(settings.values, setting) ? settings.values[setting] : undefined;
  if (isSecretReference(value)) return value;
  throw new KeyferryError('secret-unavailable', `The device ${settings.name} has no ${setting} in the devices file.`, {
    device: settings.name,
    hint: `Add it: ${setting}: { env: … }`,
  });
}
