/** Simulated modules for tests: initialised, with one session, the user logged in. */
import { CKG, CKM, CKU } from '../../src/adapters/pkcs11/constants.ts';
import type { Handle, Mechanism } from '../../src/adapters/pkcs11/cryptoki.ts';
import type { FaultPlan } from '../../src/adapters/pkcs11/simulator/faults.ts';
import { GENERIC_PERSONALITY, type Personality } from '../../src/adapters/pkcs11/simulator/personality.ts';
import { createSimulatedModule, type SimulatedModule } from '../../src/adapters/pkcs11/simulator/simulated-module.ts';
import { secretKey, type TemplateValues, template } from './cryptoki-templates.ts';

export const USER_PIN = '1234';
export const OFFICER_PIN = '12345678';

export interface ModuleUnderTest {
  readonly module: SimulatedModule;
  readonly session: Handle;
}

export interface ModuleParts {
  readonly personality?: Partial<Personality>;
  readonly stateDir?: string;
  readonly faults?: FaultPlan;
  readonly cryptoWorkers?: number;
  readonly handleSeed?: number;
  readonly slot?: bigint;
  readonly login?: boolean;
}

export function aModule(parts: ModuleParts = {}): ModuleUnderTest {
  const module = createSimulatedModule({
    stateDir: parts.stateDir ?? null,
    personality: { ...GENERIC_PERSONALITY, ...parts.personality },
    cryptoWorkers: parts.cryptoWorkers ?? 0,
    ...(parts.faults === undefined ? {} : { faults: parts.faults }),
    ...(parts.handleSeed === undefined ? {} : { handleSeed: parts.handleSeed }),
  });
  module.C_Initialize();
  const session = module.C_OpenSession(parts.slot ?? 0n);
  if (parts.login !== false) module.C_Login(session, CKU.USER, USER_PIN);
  return { module, session };
}

export const oaep = (hash: number = CKM.SHA_1, mgf: number = CKG.MGF1_SHA1): Mechanism => ({
  type: CKM.RSA_PKCS_OAEP,
  parameter: { kind: 'oaep', hash, mgf },
});

export const makeAes = ({ module, session }: ModuleUnderTest, values: TemplateValues = {}): Promise<Handle> =>
  module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, secretKey({ VALUE_LEN: 32, ...values }));

export const makeRsa = (
  { module, session }: ModuleUnderTest,
  publicValues: TemplateValues = {},
  privateValues: TemplateValues = {},
): Promise<{ readonly publicKey: Handle; readonly privateKey: Handle }> =>
  module.C_GenerateKeyPair(
    session,
    { type: CKM.RSA_PKCS_KEY_PAIR_GEN },
    template({ MODULUS_BITS: 2048, ...publicValues }),
    template(privateValues),
  );

/** A boolean attribute as the device shows it; null when it shows none. */
export function shown({ module, session }: ModuleUnderTest, object: Handle, type: number): Uint8Array | null {
  return module.C_GetAttributeValue(session, object, [type])[0]?.value ?? null;
}

export function isSet(under: ModuleUnderTest, object: Handle, type: number): boolean | null {
  const value = shown(under, object, type);
  return value === null ? null : value[0] === 1;
}
