import type { Tsbuild } from './tsbuild.ts';

/** Removes every container of a store. */
export async function removeAll(builder: Tsbuild): Promise<void> {
  const ids = (await builder.output(['ps', '-aq'])).split('\n').filter((id) => id !== '');
  if (ids.length > 0) await builder.output(['rm', '-f', ...ids]);
}

/** `running 0`, `exited 137` … */
export const stateOf = async (builder: Tsbuild, name: string): Promise<string> =>
  (await builder.output(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name])).trim();

/** `run -d` of a script in busybox's shell, with further `options`. */
export async function startDetached(
  builder: Tsbuild,
  name: string,
  script: string,
  options: readonly string[] = [],
): Promise<void> {
  await builder.output(['run', '-d', '--name', name, ...options, 'busybox', 'sh', '-c', script]);
}
