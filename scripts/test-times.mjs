// Where the time of a test run went, as text. `times` is a list of `{ file, milliseconds }`, files relative to the project.

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1).padStart(7)} s`;
const sum = (times) => times.reduce((total, { milliseconds }) => total + milliseconds, 0);

/** The `count` slowest files, slowest first, one a line. */
export function slowestFiles(times, count) {
  const slowest = times.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, count);
  return slowest.map(({ file, milliseconds }) => `  ${seconds(milliseconds)}  ${file}`).join('\n');
}

/** The time of the test files of each package and of the end-to-end tests, added up over all workers. */
export function timeByProject(times) {
  const projects = new Map();
  for (const time of times) {
    const project =
      /^packages\/([^/]+)\//.exec(time.file)?.[1] ?? (time.file.startsWith('site/') ? 'site' : 'end to end');
    projects.set(project, [...(projects.get(project) ?? []), time]);
  }
  return [...projects]
    .toSorted(([, a], [, b]) => sum(b) - sum(a))
    .map(([project, list]) => `  ${seconds(sum(list))}  ${project} (${list.length} files)`)
    .join('\n');
}
