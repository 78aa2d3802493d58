/** Where the arguments of actions were; they are in adapters/actions. */
export * from '../../actions/arguments.ts';
