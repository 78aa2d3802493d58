/** Bytes that are not what the format says, or values that do not fit into it. The text names fields and lengths, never their content. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
