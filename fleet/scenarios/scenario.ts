import type { Lab } from '../lab/lab.ts';
import type { Judge } from './judge.ts';

/** Numbers for the table, by their names, in order. */
type Figures = Readonly<Record<string, number | string>>;

/** What a scenario found. */
export interface Finding {
  /** What should not be; nothing when the scenario holds. */
  readonly faults: readonly string[];
  readonly figures: Figures;
}

/** Something that befalls a fleet of builders. */
export interface Scenario {
  readonly id: string;
  /** For people: what happens. */
  readonly title: string;
  /** What must hold. */
  readonly holds: string;
  /** Shows nothing with the few records and builders of the short form, which leaves it out. */
  readonly isLong?: true;
  /** Tells the judge what should not be. */
  run(lab: Lab, judge: Judge): Promise<Figures>;
}
