/**
 * C_GetAttributeValue for many attributes in one call. pkcs11js drops the whole answer when the module says that one attribute is not
 * there (CKR_ATTRIBUTE_TYPE_INVALID) or not to be seen (CKR_ATTRIBUTE_SENSITIVE); then they are read one by one. So that this stays the
 * exception, the reader learns which attributes a module does not have for objects of one class and key type, and leaves them out.
 */
import { CKA, CKR } from '../constants.ts';
import { type AttributeReading, CryptokiError } from '../cryptoki.ts';

/** Reads these attributes of one object in one native call; throws CryptokiError. */
export type ReadAttributes = (types: readonly number[]) => readonly (Uint8Array | null)[];

/**
 * So many objects of a class and key type must lack an attribute, and none have it, before it is left out: one odd object must not
 * hide the attribute of all others.
 */
const OBJECTS_TO_LEARN_FROM = 4;
const NEVER = Number.NEGATIVE_INFINITY;

/** A number is the return value that the attribute was refused with. */
type Reading = Uint8Array | number | null;

/** CKA_CLASS and CKA_KEY_TYPE of an object, as text. */
type Kind = string;

export class AttributeReader {
  /** Kind → attribute → how many objects lacked it; NEVER once an object of that kind had it. */
  readonly #lacking = new Map<Kind, Map<number, number>>();
  /** The kind of the object read last: an enumeration mostly meets the same kind again. */
  #expected: Kind = '';

  read(types: readonly number[], read: ReadAttributes): AttributeReading[] {
    const values = this.#readKnown(types, read);
    return types.map((type) => ({ type, value: values.get(type) ?? null }));
  }

  #readKnown(types: readonly number[], read: ReadAttributes): Map<number, Uint8Array | null> {
    const guessed = this.#present(this.#expected, types);
    const first = tryRead(guessed, read);
    const kind = kindOf(first ?? readSingly([CKA.CLASS, CKA.KEY_TYPE], read));
    this.#expected = kind;
    const present = this.#present(kind, types);
    // A wrong guess does harm only where it left out what an object of this kind may have.
    if (first !== undefined && present.every((type) => first.has(type))) return this.#learn(kind, first);
    const second = tryRead(present, read);
    if (second !== undefined) return this.#learn(kind, second);
    return this.#learn(kind, readSingly(present, read));
  }

  /** The attributes to ask for: those wanted and the two that tell the kind, without those that objects of the kind lack. */
  #present(kind: Kind, types: readonly number[]): readonly number[] {
    const lacking = this.#lacking.get(kind);
    const wanted = withKind(types);
    return lacking === undefined ? wanted : wanted.filter((type) => (lacking.get(type) ?? 0) < OBJECTS_TO_LEARN_FROM);
  }

  /** Gives the values back, refused ones as null. */
  #learn(kind: Kind, values: ReadonlyMap<number, Reading>): Map<number, Uint8Array | null> {
    const counts = this.#lacking.get(kind) ?? new Map<number, number>();
    this.#lacking.set(kind, counts);
    const readable = new Map<number, Uint8Array | null>();
    for (const [type, value] of values) {
      if (value instanceof Uint8Array) counts.set(type, NEVER);
      else if (value === CKR.ATTRIBUTE_TYPE_INVALID) counts.set(type, (counts.get(type) ?? 0) + 1);
      readable.set(type, value instanceof Uint8Array ? value : null);
    }
    return readable;
  }
}

function withKind(types: readonly number[]): readonly number[] {
  const missing = [CKA.CLASS, CKA.KEY_TYPE].filter((type) => !types.includes(type));
  return missing.length === 0 ? types : [...types, ...missing];
}

/** undefined: the module refused the call because of one attribute. */
function tryRead(types: readonly number[], read: ReadAttributes): Map<number, Uint8Array | null> | undefined {
  try {
    const values = read(types);
    return new Map(types.map((type, index) => [type, values[index] ?? null]));
  } catch (error) {
    if (isNotReadable(error)) return undefined;
    throw error;
  }
}

const isNotReadable = (error: unknown): error is CryptokiError =>
  error instanceof CryptokiError &&
  (error.value === CKR.ATTRIBUTE_TYPE_INVALID || error.value === CKR.ATTRIBUTE_SENSITIVE);

/** One call per attribute; a refused one gives its return value instead of bytes. */
function readSingly(types: readonly number[], read: ReadAttributes): Map<number, Reading> {
  const values = new Map<number, Reading>();
  for (const type of types) {
    try {
      values.set(type, read([type])[0] ?? null);
    } catch (error) {
      if (!isNotReadable(error)) throw error;
      values.set(type, error.value);
    }
  }
  return values;
}

function kindOf(values: ReadonlyMap<number, Reading>): Kind {
  const text = (type: number): string => {
    const value = values.get(type);
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : '-';
  };
  return `${text(CKA.CLASS)}/${text(CKA.KEY_TYPE)}`;
}
