/** One option of a command, as data: the grammar, the help and the completion all read it. */
export interface OptionSpec {
  /** `flag`: true or false. `value`: one string, the last one wins. `list`: every occurrence counts. */
  readonly kind: 'flag' | 'value' | 'list';
  readonly short?: string;
  /** What a `value` is when only the name is given: the value itself comes behind `=` then, never in the next word. */
  readonly bare?: string;
  /** What the value is called in the help, e.g. `NAME[:TAG]`. */
  readonly placeholder?: string;
  /** Empty for what the help leaves out. */
  readonly describe: string;
  /** Of a flag that is on unless told otherwise. */
  readonly on?: true;
  readonly choices?: readonly string[];
  /** Docker has it and we do not yet: known to the grammar, refused when used. */
  readonly later?: boolean;
  /** Of a `later` one: what to use in its place. */
  readonly instead?: string;
  /** Docker has it, and here it changes nothing: the reason why scripts may keep it. */
  readonly unused?: string;
}

/** Options by long name, without the dashes. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

type OptionValue<Spec extends OptionSpec> = Spec['kind'] extends 'flag'
  ? boolean
  : Spec['kind'] extends 'list'
    ? readonly string[]
    : string | undefined;

/** What the grammar makes of a table: a boolean, a string or a list for each option. */
export type OptionValues<Table extends OptionTable> = { readonly [Name in keyof Table]: OptionValue<Table[Name]> };

/** Options that every command takes, before or after its name. */
export const globalOptions = {
  root: {
    kind: 'value',
    placeholder: 'DIR',
    describe: 'The image store (env TSBUILD_ROOT; default $XDG_DATA_HOME/tsbuild or ~/.local/share/tsbuild)',
  },
  debug: { kind: 'flag', short: 'D', describe: 'Show stack traces' },
  help: { kind: 'flag', short: 'h', describe: 'Show this help' },
} as const satisfies OptionTable;
