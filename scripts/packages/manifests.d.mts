/** The version of all packages. */
export function versionOf(project: string): string;
/** Sentences about what is wrong with the package.json files of a project. */
export function manifestFaults(project: string): string[];
