/** Where a secret is found. The reference may be printed and journalled; what it leads to never is. */

export type SecretReference =
  | { readonly env: string }
  | { readonly file: string }
  /** A program and its arguments, run without a shell; the first line it prints is the secret. */
  | { readonly command: readonly string[] }
  /** What to ask the operator. */
  | { readonly prompt: string };

export const SECRET_SOURCES = ['env', 'file', 'command', 'prompt'] as const;

export function isSecretReference(value: unknown): value is SecretReference {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && SECRET_SOURCES.some((source) => source === keys[0]);
}

/** In words, for messages: never the secret. */
export function describeSecretReference(reference: SecretReference): string {
  if ('env' in reference) return `the environment variable ${reference.env}`;
  if ('file' in reference) return `the file ${reference.file}`;
  return 'command' in reference ? `the command ${reference.command[0] ?? ''}` : 'the prompt';
}
