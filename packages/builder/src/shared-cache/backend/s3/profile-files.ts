import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '@tsbuild/oci/node';

/** A profile of the AWS command line's files: its settings by name. */
export type AwsProfile = ReadonlyMap<string, string>;

/** The profile that is meant, from both files; undefined when neither has it. */
export async function readProfile(environment: Environment): Promise<AwsProfile | undefined> {
  const name = environment['AWS_PROFILE'] || environment['AWS_DEFAULT_PROFILE'] || 'default';
  const home = environment['HOME'] || homedir();
  const credentials = environment['AWS_SHARED_CREDENTIALS_FILE'] || join(home, '.aws/credentials');
  const config = environment['AWS_CONFIG_FILE'] || join(home, '.aws/config');
  const sections = [
    (await sectionsOf(config)).get(name === 'default' ? name : `profile ${name}`),
    (await sectionsOf(credentials)).get(name),
  ].filter((section) => section !== undefined);
  return sections.length === 0 ? undefined : new Map(sections.flatMap((section) => [...section]));
}

async function sectionsOf(path: string): Promise<ReadonlyMap<string, AwsProfile>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split('\n')) {
    const title = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (title !== undefined) {
      section = sections.get(title) ?? new Map<string, string>();
      sections.set(title, section);
      continue;
    }
    // Indented lines belong to a nested setting (`s3 =`).
    const [, key, value] = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) section.set(key.toLowerCase(), value);
  }
  return sections;
}
