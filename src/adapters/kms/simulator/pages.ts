/** Pages of a list: Limit and Marker in, Truncated and NextMarker out. A marker names the last thing given, so that changes between pages
 * neither repeat nor skip what stays. */
import { refuse } from './service-error.ts';

export interface PageRequest {
  readonly limit: number | undefined;
  readonly marker: string | undefined;
  readonly defaultLimit: number;
  readonly maxLimit: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly rest: Readonly<Record<string, unknown>>;
}

/** `items` are sorted by `nameOf`. Throws ServiceError `InvalidMarkerException`. */
export function pageOf<T>(items: readonly T[], nameOf: (item: T) => string, request: PageRequest): Page<T> {
  const limit = Math.min(request.limit ?? request.defaultLimit, request.maxLimit);
  const after = request.marker === undefined ? undefined : readMarker(request.marker);
  const start = after === undefined ? 0 : firstAfter(items, nameOf, after);
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  if (last === undefined || start + limit >= items.length) return { items: page, rest: { Truncated: false } };
  return { items: page, rest: { Truncated: true, NextMarker: makeMarker(nameOf(last)) } };
}

const MARK = 'kf1:';
const makeMarker = (name: string): string => Buffer.from(MARK + name, 'utf8').toString('base64url');

function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64url').toString('utf8');
  return text.startsWith(MARK) ? text.slice(MARK.length) : refuse('InvalidMarkerException', 'Invalid marker');
}

function firstAfter<T>(items: readonly T[], nameOf: (item: T) => string, name: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && nameOf(item) <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}
