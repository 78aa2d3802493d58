/**
 * Loads a vendor's PKCS#11 module into this process and initialises it. pkcs11js, an optional package, is only asked for here, so that
 * everything else works where it cannot be compiled. Meant for a device host's process: a module may crash or hang.
 */
import type { PKCS11 } from 'pkcs11js';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { CKR, ckrName } from '../constants.ts';
import { type Cryptoki, CryptokiError } from '../cryptoki.ts';
import { NativeCryptoki } from './native-cryptoki.ts';

export interface NativeModuleOptions {
  /** Absolute path of the shared library. */
  readonly path: string;
  /** Whose module it is, for errors. */
  readonly device?: string;
  /** The parameter string that some modules want at C_Initialize. */
  readonly libraryParameters?: string;
  /** How pkcs11js is had; tests replace it. */
  readonly importDriver?: () => Promise<{ readonly PKCS11: new () => PKCS11 }>;
}

const importPkcs11js = async (): Promise<{ readonly PKCS11: new () => PKCS11 }> => (await import('pkcs11js')).default;

/**
 * @throws KeyferryError `driver-missing` without pkcs11js, `module-not-loaded` when the library cannot be loaded or initialised.
 */
export async function loadNativeModule(options: NativeModuleOptions): Promise<Cryptoki> {
  const module = await newModule(options);
  try {
    module.load(options.path);
  } catch (error) {
    throw notLoaded(options, `loading it failed: ${messageOf(error)}`, error);
  }
  const cryptoki = new NativeCryptoki(module, options.libraryParameters);
  try {
    cryptoki.C_Initialize();
  } catch (error) {
    if (error instanceof CryptokiError) throw notInitialised(options, error);
    throw error;
  }
  return cryptoki;
}

async function newModule(options: NativeModuleOptions): Promise<PKCS11> {
  try {
    const { PKCS11 } = await (options.importDriver ?? importPkcs11js)();
    return new PKCS11();
  } catch (error) {
    throw new KeyferryError(
      'driver-missing',
      `${prefixOf(options)}The pkcs11 driver needs the package pkcs11js, which could not be loaded: ${messageOf(error)}`,
      { ...deviceOf(options), cause: error },
    );
  }
}

function notInitialised(options: NativeModuleOptions, error: CryptokiError): KeyferryError {
  const parameters = options.libraryParameters === undefined ? 'without' : 'with';
  const tried = `C_Initialize ${parameters} library parameters said ${ckrName(error.value)}`;
  return notLoaded(options, tried, error, { name: ckrName(error.value), value: error.value }, meaningOf(error.value));
}

/** These values say little; what they mean in practice is worth more. */
function meaningOf(value: number): string {
  if (value === CKR.ARGUMENTS_BAD)
    return 'Check library-parameters: the module may need a string there, or refuse the one that it was given.';
  return "Check that the module's daemon or client runs, that its configuration file is found (and the environment variable that names it), and that your user is in its group.";
}

function notLoaded(
  options: NativeModuleOptions,
  what: string,
  cause: unknown,
  native?: { readonly name: string; readonly value: number },
  hint = 'Check the path, that it is a PKCS#11 module for this platform, and that the libraries it needs are there (ldd).',
): KeyferryError {
  const details = {
    operation: 'C_Initialize',
    hint,
    cause,
    ...(native === undefined ? {} : { native }),
    ...deviceOf(options),
  };
  const message = `${prefixOf(options)}The PKCS#11 module ${options.path} cannot be used: ${what}`;
  return new KeyferryError('module-not-loaded', message, details);
}

const prefixOf = ({ device }: NativeModuleOptions): string => (device === undefined ? '' : `Device ${device}: `);
const deviceOf = ({ device }: NativeModuleOptions) => (device === undefined ? {} : { device });

const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
