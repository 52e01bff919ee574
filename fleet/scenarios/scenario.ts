import type { Lab } from '../lab/lab.ts';

/** What a scenario found. */
export interface Finding {
  /** What should not be; nothing when the scenario holds. */
  readonly faults: readonly string[];
  /** Numbers for the table, by their names, in order. */
  readonly figures: Readonly<Record<string, number | string>>;
}

/** Something that befalls a fleet of builders. */
export interface Scenario {
  readonly id: string;
  /** For people: what happens. */
  readonly title: string;
  /** What must hold. */
  readonly holds: string;
  run(lab: Lab): Promise<Finding>;
}
