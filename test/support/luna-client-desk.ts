/** A simulated Classic partition, or an HA group, and the client's console over it, for tests that type and read. */
import { LUNA_CLASSIC_PIN } from '../../src/adapters/luna-classic/simulator/personality.ts';
import { boolAttribute, ulongAttribute } from '../../src/adapters/pkcs11/attribute-codec.ts';
import { CKA, CKM, CKU } from '../../src/adapters/pkcs11/constants.ts';
import type { Cryptoki, Handle } from '../../src/adapters/pkcs11/cryptoki.ts';
import type { LineEnd } from '../../src/consoles/console.ts';
import { openClassicOf } from '../../src/consoles/luna-client/classic-of-device.ts';
import { openLunaClient } from '../../src/consoles/luna-client/open-luna-client.ts';
import { RecordingTerminal } from './console-transcript.ts';

export const PIN = LUNA_CLASSIC_PIN;

export interface LunaDesk {
  readonly module: Cryptoki;
  readonly terminal: RecordingTerminal;
  /** What one line shows; `answers` to what it asks. */
  type(line: string, ...answers: readonly string[]): Promise<string>;
  /** The line as a transcript shows it. */
  masked(line: string): string;
  /** How the last line ended. */
  end(): LineEnd | null;
  /** Logged in beside the console, for as long as `act` lasts. */
  within<T>(act: (session: Handle) => T | Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function aLunaDesk(values: Readonly<Record<string, unknown>> = {}): Promise<LunaDesk> {
  const settings = { name: 'classic', adapter: 'luna-classic', driver: 'simulated', values };
  const { module, close } = await openClassicOf({
    settings: { ...settings, values: { 'crypto-workers': 0, ...values } },
    pin: undefined,
  });
  const terminal = new RecordingTerminal();
  const console = openLunaClient({ module, terminal });
  let last: LineEnd | null = null;
  return {
    module,
    terminal,
    close,
    masked: (line) => console.masked(line),
    end: () => last,
    async type(line, ...answers) {
      terminal.answers = [...answers];
      last = await console.run(line);
      return terminal.take();
    },
    async within(act) {
      const session = module.C_OpenSession(module.C_GetSlotList(true).at(-1) ?? 0n);
      module.C_Login(session, CKU.USER, PIN);
      try {
        return await act(session);
      } finally {
        module.C_CloseSession(session);
      }
    },
  };
}

export function anAesKey(desk: LunaDesk, label: string, { isExtractable = true } = {}): Promise<Handle> {
  return desk.within((session) =>
    desk.module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, [
      ulongAttribute(CKA.VALUE_LEN, 32),
      boolAttribute(CKA.TOKEN, true),
      boolAttribute(CKA.SENSITIVE, true),
      boolAttribute(CKA.EXTRACTABLE, isExtractable),
      { type: CKA.LABEL, value: Buffer.from(label) },
    ]),
  );
}

export const importedHandle = (shown: string): string =>
  /created -> handle\((\d+)\)/.exec(shown)?.[1] ?? `no handle in: ${shown}`;
