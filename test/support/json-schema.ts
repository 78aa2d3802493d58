/** The keywords of JSON Schema 2020-12 that the generated schemas use, and no others: an unknown keyword throws. */
type Schema = Readonly<Record<string, unknown>>;

const ANNOTATIONS = new Set(['$schema', '$defs', 'title', 'description', 'default']);

/** Paths of what does not fit; empty when all does. */
export function schemaProblems(value: unknown, schema: Schema, root: Schema = schema, path = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, wanted]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    return keywordProblems({ value, schema, root, path, keyword, wanted });
  });
}

interface Check {
  readonly value: unknown;
  readonly schema: Schema;
  readonly root: Schema;
  readonly path: string;
  readonly keyword: string;
  readonly wanted: unknown;
}

function keywordProblems(check: Check): string[] {
  const { value, root, path, keyword, wanted } = check;
  const inner = (item: unknown, schema: unknown, name: string): string[] =>
    schemaProblems(item, record(schema), root, `${path}/${name}`);
  const says = (isRight: boolean): string[] => (isRight ? [] : [`${path}: ${keyword}`]);
  switch (keyword) {
    case '$ref':
      return schemaProblems(value, deref(String(wanted), root), root, path);
    case 'type':
      return says(typeOf(value) === wanted || (wanted === 'number' && typeOf(value) === 'integer'));
    case 'enum':
      return says(list(wanted).includes(value));
    case 'const':
      return says(value === wanted);
    case 'pattern':
      return says(typeof value !== 'string' || new RegExp(String(wanted)).test(value));
    case 'minimum':
      return says(typeof value !== 'number' || value >= Number(wanted));
    case 'maximum':
      return says(typeof value !== 'number' || value <= Number(wanted));
    case 'minLength':
      return says(typeof value !== 'string' || value.length >= Number(wanted));
    case 'minItems':
      return says(!Array.isArray(value) || value.length >= Number(wanted));
    case 'items':
      return Array.isArray(value) ? value.flatMap((item, index) => inner(item, wanted, String(index))) : [];
    case 'minProperties':
      return says(!isRecord(value) || Object.keys(value).length >= Number(wanted));
    case 'maxProperties':
      return says(!isRecord(value) || Object.keys(value).length <= Number(wanted));
    case 'required':
      return isRecord(value)
        ? list(wanted).flatMap((name) => (Object.hasOwn(value, String(name)) ? [] : [`${path}: lacks ${String(name)}`]))
        : [];
    case 'properties':
      return isRecord(value)
        ? Object.entries(record(wanted)).flatMap(([name, schema]) =>
            Object.hasOwn(value, name) ? inner(value[name], schema, name) : [],
          )
        : [];
    case 'propertyNames':
      return isRecord(value) ? Object.keys(value).flatMap((name) => inner(name, wanted, name)) : [];
    case 'additionalProperties':
      return additional(check, inner);
    case 'allOf':
      return list(wanted).flatMap((schema) => schemaProblems(value, record(schema), root, path));
    case 'anyOf':
      return says(list(wanted).some((schema) => schemaProblems(value, record(schema), root, path).length === 0));
    case 'oneOf':
      return says(
        list(wanted).filter((schema) => schemaProblems(value, record(schema), root, path).length === 0).length === 1,
      );
    case 'if':
      return schemaProblems(value, record(wanted), root, path).length > 0
        ? []
        : schemaProblems(value, record(check.schema.then), root, path);
    case 'then':
      return [];
    default:
      throw new Error(`the schema uses ${keyword}, which this checker does not know`);
  }
}

function additional(
  { value, schema, path, wanted }: Check,
  inner: (item: unknown, schema: unknown, name: string) => string[],
): string[] {
  if (!isRecord(value)) return [];
  const known = record(schema.properties ?? {});
  const others = Object.keys(value).filter((name) => !Object.hasOwn(known, name));
  return others.flatMap((name) =>
    wanted === false ? [`${path}/${name}: not known`] : inner(value[name], wanted, name),
  );
}

function deref(reference: string, root: Schema): Schema {
  return reference
    .split('/')
    .slice(1)
    .reduce<Schema>((schema, name) => record(schema[name]), root);
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

const isRecord = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
function record(value: unknown): Schema {
  if (!isRecord(value)) throw new Error('the schema is not an object here');
  return value;
}
