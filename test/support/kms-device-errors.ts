/** What a call of a device rejected with; a call that succeeds, or fails with a bug, fails the test. */
import { KeyferryError } from '../../src/errors/keyferry-error.ts';

export async function caught(call: Promise<unknown>): Promise<KeyferryError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof KeyferryError) return error;
    throw error;
  }
  throw new Error('the call was expected to fail');
}
