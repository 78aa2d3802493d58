/** The published service model of AWS KMS (test/vectors/kms-service-model.json), and what a request or an answer has against it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ModelShape {
  readonly type: 'structure' | 'list' | 'map' | 'string' | 'blob' | 'boolean' | 'integer' | 'timestamp';
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, string>>;
  readonly of?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
}

export interface ModelOperation {
  readonly input: string;
  /** Absent: the answer has no body. */
  readonly output?: string;
  readonly errors: readonly string[];
}

interface ServiceModel {
  readonly operations: Readonly<Record<string, ModelOperation>>;
  readonly shapes: Readonly<Record<string, ModelShape>>;
}

export const MODEL = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/kms-service-model.json'), 'utf8'),
) as ServiceModel;

/**
 * Errors that every operation may answer with and that no operation lists.
 * https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html, and what AWS JSON services say of requests that they cannot read.
 */
const COMMON_ERRORS: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  // For `alias/aws/…`, as moto recorded it; the model has InvalidAliasNameException for names in general.
  'NotAuthorizedException',
  'SerializationException',
  'ThrottlingException',
  'UnrecognizedClientException',
  'ValidationException',
]);

export function shapeOf(name: string): ModelShape {
  const shape = MODEL.shapes[name];
  if (shape === undefined) throw new Error(`the model has no shape ${name}`);
  return shape;
}

export const operationOf = (name: string): ModelOperation | undefined => MODEL.operations[name];

/** May the operation answer with this error? Of a name that the API does not have, only that it does not know it. */
export function mayRaise(operation: string, error: string): boolean {
  const known = operationOf(operation);
  if (known === undefined) return error === 'UnknownOperationException';
  return COMMON_ERRORS.has(error) || known.errors.includes(error);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What is wrong with a value of AWS JSON, each with its path. Members that the model lacks are wrong too: the service sends none. */
export function problemsOf(name: string, value: unknown, path = name): readonly string[] {
  const shape = shapeOf(name);
  const wrong = (what: string): string[] => [`${path}: ${what}`];
  switch (shape.type) {
    case 'structure':
      return isRecord(value) ? memberProblems(shape, value, path) : wrong('is no structure');
    case 'list':
      if (!Array.isArray(value)) return wrong('is no list');
      return [
        ...lengthProblems(shape, value.length).flatMap(wrong),
        ...value.flatMap((one, at) => problemsOf(shape.of ?? '', one, `${path}[${at}]`)),
      ];
    case 'map':
      return isRecord(value) && Object.values(value).every((one) => typeof one === 'string') ? [] : wrong('is no map');
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong('is no boolean');
    case 'timestamp':
      // Epoch seconds: milliseconds would be far in the future.
      return typeof value === 'number' && value > 0 && value < 1e11 ? [] : wrong('is no number of seconds');
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) && isBetween(shape, value)
        ? []
        : wrong(`is no integer from ${shape.min} to ${shape.max}`);
    case 'blob':
      return typeof value === 'string' && BASE64.test(value)
        ? lengthProblems(shape, Buffer.from(value, 'base64').length).flatMap(wrong)
        : wrong('is not base64');
    case 'string':
      return typeof value === 'string' ? textProblems(shape, value).flatMap(wrong) : wrong('is no text');
  }
}

function memberProblems(shape: ModelShape, value: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const missing = (shape.required ?? [])
    .filter((name) => !(name in value))
    .map((name) => `${path}.${name}: is missing`);
  const given = Object.entries(value).flatMap(([name, one]) => {
    const member = shape.members?.[name];
    return member === undefined ? [`${path}.${name}: is not in the model`] : problemsOf(member, one, `${path}.${name}`);
  });
  return [...missing, ...given];
}

function textProblems(shape: ModelShape, text: string): readonly string[] {
  if (shape.enum !== undefined) return shape.enum.includes(text) ? [] : [`${text} is none of its values`];
  const isMatching = shape.pattern === undefined || new RegExp(`^(?:${shape.pattern})$`).test(text);
  return [...lengthProblems(shape, text.length), ...(isMatching ? [] : [`does not match ${shape.pattern}`])];
}

const lengthProblems = (shape: ModelShape, length: number): readonly string[] =>
  isBetween(shape, length) ? [] : [`has the length ${length}, not ${shape.min} to ${shape.max}`];

const isBetween = (
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: ModelShape,
  n: number,
): boolean => n >= min && n <= max;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What an answer has against the model: the body of a success, or the name of a refusal. */
export function answerProblems(operation: string, status: number, body: string): readonly string[] {
  if (status !== 200) {
    const { __type: error, ...rest } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const words = Object.keys(rest).filter((name) => name !== 'message' && name !== 'Message');
    const strange = words.map((name) => `${operation}: its refusal has a member ${name}`);
    return mayRaise(operation, `${error}`) ? strange : [`${operation}: the model does not list ${error}`, ...strange];
  }
  const output = operationOf(operation)?.output;
  if (output === undefined) return body === '' ? [] : [`${operation}: has a body, which the model has not`];
  return body === '' ? [`${operation}: has no body`] : problemsOf(output, JSON.parse(body));
}
