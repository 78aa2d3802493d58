export interface TestProgram {
  readonly places: readonly string[];
  readonly debianPackage: string;
  readonly why: string;
}
export declare const PROGRAMS: readonly TestProgram[];
export declare function describeProgram(program: TestProgram): readonly string[];
