import { resolve } from 'node:path';
import { utf8ToByteString } from '@tsbuild/oci';
import type { BuildOptions } from './build-options.ts';
import type { ContextSources } from './context-sources.ts';
import { existingDockerfile, lowerCaseName } from '../context/dockerfile-name.ts';
import { parseIgnoreFile } from '../context/ignore-file.ts';
import { ImportedTree } from '../context/imported-tree.ts';
import { readSourceFile } from '../context/read-source-file.ts';
import type { SourceTree } from '../context/source-tree.ts';
import type { SourceFile } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { DOCKERFILE_LIMIT, readDockerfile } from './read-dockerfile.ts';

/** The build context of one build, and its Dockerfile. */
export interface BuildContext {
  /** Opened when the first COPY asks. */
  readonly tree: () => SourceTree;
  readonly dockerfile: SourceFile;
}

/**
 * Opens what `build` is given: a directory; an archive or Dockerfile on a stream; a repository, archive or Dockerfile at a
 * URL. The Dockerfile comes out of the context unless the options name another.
 * @throws BuildError `CONTEXT_INVALID`, `DOCKERFILE_NOT_FOUND`, `DOWNLOAD_FAILED`, `GIT_FAILED`
 */
export async function openBuildContext(options: BuildOptions, sources: ContextSources): Promise<BuildContext> {
  const { context } = options;
  const elsewhere = await dockerfileElsewhere(options, sources);
  if (typeof context === 'string') {
    const file = elsewhere ?? (await readDockerfile({ ...options, context }));
    const root = resolve(context);
    const beside = existingDockerfile(ignoreName(options, elsewhere) ?? `${root}/Dockerfile`);
    return { tree: sources.directory(root, beside), dockerfile: file };
  }
  const content =
    context.kind === 'stream'
      ? await sources.stream(context.bytes, 'standard input')
      : await sources.url(context.url, keepsGitDir(options));
  if (content.kind === 'text') {
    if (elsewhere !== undefined || options.dockerfile !== undefined) {
      throw new BuildError('OPTION_INVALID', 'the context is a Dockerfile, but -f names another one', {
        hint: 'omit -f, or use an archive or a directory as the context',
      });
    }
    const nothing = sources.nothing();
    return { tree: () => nothing, dockerfile: { name: 'Dockerfile', text: content.text } };
  }
  return importedContext(content.files, options, elsewhere);
}

/** Wraps the files of an archive or repository: their ignore file holds as it would in a directory. */
export function importedTree(files: SourceTree, dockerfile: string | undefined): SourceTree {
  const names = [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), '.dockerignore'];
  for (const name of names) {
    const bytes = readSourceFile(files, name, DOCKERFILE_LIMIT);
    if (bytes !== undefined) return new ImportedTree(files, parseIgnoreFile(name, bytes).matcher);
  }
  return new ImportedTree(files, undefined);
}

function importedContext(files: SourceTree, options: BuildOptions, elsewhere: SourceFile | undefined): BuildContext {
  const path = dockerfileIn(files, options.dockerfile ?? 'Dockerfile');
  const tree = importedTree(files, elsewhere === undefined ? path : undefined);
  if (elsewhere !== undefined) return { tree: () => tree, dockerfile: elsewhere };
  const bytes = readSourceFile(files, path, DOCKERFILE_LIMIT);
  if (bytes === undefined) {
    throw new BuildError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: ${path}: no such file in the context`, {
      hint: 'use -f to name another file in the context',
    });
  }
  return { tree: () => tree, dockerfile: { name: options.dockerfileName ?? path, text: bytes.toString('utf8') } };
}

/** As {@link existingDockerfile}, among the files of an archive or repository. */
function dockerfileIn(files: SourceTree, path: string): string {
  const lower = lowerCaseName(path);
  const exists = (name: string): boolean => files.lookup(utf8ToByteString(name)) !== undefined;
  return lower === undefined || exists(path) || !exists(lower) ? path : lower;
}

/** A Dockerfile that is neither in the context nor a file of this machine. */
async function dockerfileElsewhere(options: BuildOptions, sources: ContextSources): Promise<SourceFile | undefined> {
  const { dockerfileText: text, dockerfile = '' } = options;
  if (text !== undefined) return { name: options.dockerfileName ?? 'Dockerfile', text };
  if (!/^https?:\/\//.test(dockerfile)) return undefined;
  const content = await sources.url(dockerfile, false);
  if (content.kind === 'text') return { name: options.dockerfileName ?? 'Dockerfile', text: content.text };
  throw new BuildError('DOCKERFILE_NOT_FOUND', 'the URL given with -f is a build context, not a Dockerfile', {
    hint: 'pass it as the context, the last argument of build',
  });
}

/** A Dockerfile that is no file has no ignore file beside it. */
function ignoreName({ dockerfile }: BuildOptions, elsewhere: SourceFile | undefined): string | undefined {
  return elsewhere === undefined ? dockerfile : undefined;
}

function keepsGitDir({ buildArgs }: BuildOptions): boolean {
  return ['1', 'true', 't'].includes((buildArgs.get('BUILDKIT_CONTEXT_KEEP_GIT_DIR') ?? '').toLowerCase());
}
