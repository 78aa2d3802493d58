export type Environment = Readonly<Record<string, string | undefined>>;
export const MODULE_PLACES: readonly string[];
export function findModule(environment: Environment, isFile: (path: string) => boolean): string | null;
export function findTool(environment: Environment, isFile: (path: string) => boolean): string | null;
export function describeMissing(
  environment: Environment,
  found: { readonly module: string | null; readonly tool: string | null },
): string[];
export function describeNativePackage(name: string, reason: string): string[];
