import { existsSync } from 'node:fs';
import { inject } from 'vitest';
import { Docker } from './engine.ts';

/** What the set-up of a test run (`global-setup.ts`) hands to every test file. Plain data: it crosses processes. */
export interface LabFacts {
  /** Scratch folder of this run, readable for everybody; removed at its end. */
  readonly directory: string;
  /** The engine's folder, when one runs. */
  readonly engine: string | undefined;
  /** Why no engine runs. */
  readonly engineObstacle: string | undefined;
  /** The bundled command, where every user can read it. */
  readonly cli: string;
  /** What went wrong while it was bundled or the bases were loaded; tests that need it fail with this. */
  readonly cliFault: string | undefined;
  /** A store that holds the small base images, busybox and alpine: copied, never used. */
  readonly seed: string;
  /** One that holds all of them: with node and debian a copy, a check or a removal is a quarter of a gigabyte more. */
  readonly wholeSeed: string;
  /** Archives of the base images by name: busybox, alpine, node and, where it was made, debian. */
  readonly bases: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    lab: LabFacts;
  }
}

/** The facts of this test run. */
export const lab: LabFacts = inject('lab');

/** The tests' own engine. Only for tests behind {@link withoutEngine}. */
export function docker(): Docker {
  if (lab.engine === undefined) throw new Error(`There is no Docker engine: ${lab.engineObstacle ?? ''}`);
  return new Docker(lab.engine);
}

/** For `describe.skipIf`: true where no engine could be started. On CI the set-up fails instead. */
export const withoutEngine = lab.engine === undefined;

/** For `describe.skipIf`: true for an ordinary user, who cannot become somebody else. */
export const withoutRoot = process.getuid?.() !== 0;

/** For `it.skipIf`: true where this program is not installed. On CI it must be, so there the test runs, and fails. */
export const without = (program: string): boolean =>
  process.env['CI'] !== 'true' &&
  !['/usr/bin', '/usr/sbin', '/usr/local/bin'].some((folder) => existsSync(`${folder}/${program}`));
