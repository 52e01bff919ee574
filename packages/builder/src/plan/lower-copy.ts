import { type Digest, parseDigest } from '@tsbuild/oci';
import type { AddInstruction, CopyInstruction } from '../dockerfile/instruction.ts';
import { expandHeredoc } from '../dockerfile/words.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { copyStep } from '../ops/copy/copy.ts';
import type { CopyRequest, CopySource } from '../ops/copy/copy-request.ts';
import { type ModeOption, parseModeChange } from '../ops/copy/file-mode.ts';
import { type GitReference, parseGitReference, withoutCredentials } from '../ops/add/git-reference.ts';
import { atRange } from './at-range.ts';
import type { FilesFrom } from './from-resolver.ts';
import type { NewStep, StageState } from './stage-state.ts';

/** COPY: `from` is what `--from` names, undefined for the build context. */
export function lowerCopy(stage: StageState, instruction: CopyInstruction, from: FilesFrom | undefined): void {
  const sources = expandAll(stage, instruction, instruction.sources).map((source): CopySource => {
    refuseRemote(source, instruction);
    return { kind: 'paths', pattern: source, unpack: false };
  });
  lower(stage, instruction, sources, from);
}

/** ADD: COPY that unpacks archives, downloads files and checks repositories out. */
export function lowerAdd(stage: StageState, instruction: AddInstruction): void {
  const words = expandAll(stage, instruction, instruction.sources);
  // As in BuildKit, an empty one (an unset ARG) is none.
  const expanded = instruction.checksum === undefined ? '' : stage.expand(instruction.checksum, instruction).trim();
  const checksum = expanded === '' ? undefined : expanded;
  const sources = words.map(
    (word): CopySource => atRange(instruction.range, () => addSource(word, instruction, checksum)),
  );
  if (checksum !== undefined) checkChecksum(sources, instruction);
  lower(stage, instruction, sources, undefined);
}

function lower(
  stage: StageState,
  instruction: AddInstruction | CopyInstruction,
  files: readonly CopySource[],
  from: FilesFrom | undefined,
): void {
  const { range } = instruction;
  const { context } = stage;
  const expanded = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : stage.expand(text, instruction);
  const destination = stage.expand(instruction.destination, instruction);
  const chown = expanded(instruction.chown);
  const chmod = expanded(instruction.chmod);
  const parents = instruction.kind === 'copy' && instruction.parents;
  const request: Omit<CopyRequest, 'id'> = {
    range,
    parent: stage.rootfs,
    from: from ?? { kind: 'context', tree: context.context },
    sources: [...files, ...heredocs(stage, instruction)],
    destination,
    workingDirectory: stage.workingDirectory,
    chown,
    chmod: chmod === undefined || chmod === '' ? undefined : modeOf(chmod, instruction),
    excludes: expandAll(stage, instruction, instruction.excludes),
    parents,
    // With --chmod, BuildKit's --link is an ordinary copy: the mode would hold for folders of the image, too.
    link: instruction.link && chmod === undefined,
    ignoreCache: context.ignoreCache,
  };
  const step: NewStep = {
    // The text of a mode says all of it.
    request: { ...request, chmod: request.chmod?.text },
    make: (id) => copyStep({ ...request, id }, context.dependencies),
  };
  const flags = [
    ...(parents ? ['--parents'] : []),
    ...(chown === undefined || chown === '' ? [] : [`--chown=${chown}`]),
    ...(chmod === undefined || chmod === '' ? [] : [`--chmod=${chmod}`]),
  ];
  const shown = [
    ...flags,
    ...files.map(shownSource),
    ...instruction.heredocs.map(({ name }) => `<<${name}`),
    destination,
  ];
  const keyword = instruction.kind.toUpperCase();
  const fromFlag = instruction.kind === 'copy' && instruction.from !== undefined ? [`--from=${instruction.from}`] : [];
  stage.recordStep(step, instruction, {
    createdBy: `${[keyword, ...shown].join(' ')} # buildkit`,
    name: [keyword, ...fromFlag, ...shown].join(' '),
  });
}

function expandAll(
  stage: StageState,
  instruction: AddInstruction | CopyInstruction,
  words: readonly string[],
): readonly string[] {
  return words.map((word) => stage.expand(word, instruction));
}

function heredocs(stage: StageState, instruction: AddInstruction | CopyInstruction): readonly CopySource[] {
  return instruction.heredocs.map(({ name, content, expand }) => ({
    kind: 'heredoc',
    name,
    text: expand
      ? atRange(instruction.range, () => expandHeredoc(content, stage.variables.lookup, stage.context))
      : content,
  }));
}

function modeOf(text: string, instruction: AddInstruction | CopyInstruction): ModeOption {
  return { text, change: atRange(instruction.range, () => parseModeChange(text)) };
}

/** A source as the history shows it: passwords in URLs are nobody's business. */
function shownSource(source: CopySource): string {
  switch (source.kind) {
    case 'paths':
      return source.pattern;
    case 'url':
      return withoutCredentials(source.url);
    case 'git':
      return withoutCredentials(source.reference.text);
    case 'heredoc':
      return `<<${source.name}`;
  }
}

function addSource(word: string, instruction: AddInstruction, checksum: string | undefined): CopySource {
  const git = parseGitReference(word);
  if (git !== undefined) return { kind: 'git', reference: withFlags(git, instruction, checksum) };
  if (!isUrl(word)) return { kind: 'paths', pattern: word, unpack: instruction.unpack ?? true };
  return {
    kind: 'url',
    url: word,
    name: fileNameOf(word),
    checksum: checksum === undefined ? undefined : contentDigest(checksum),
    unpack: instruction.unpack ?? false,
  };
}

function isUrl(word: string): boolean {
  return /^https?:\/\//.test(word);
}

/** The last name of the URL's path; BuildKit has one for a URL without, too. */
function fileNameOf(url: string): string {
  if (!URL.canParse(url)) throw new BuildError('DOCKERFILE_INVALID', `invalid URL ${withoutCredentials(url)}`);
  // Decoded first: an encoded slash divides names, too, as in BuildKit.
  const names = decoded(new URL(url).pathname)
    .split('/')
    .filter((name) => name !== '');
  const name = names.at(-1) ?? '';
  return name === '' || name === '.' || name === '..' || name.includes('\0') ? '__unnamed__' : name;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function contentDigest(text: string): Digest {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return parseDigest(text);
  throw new BuildError('DOCKERFILE_INVALID', `invalid checksum ${JSON.stringify(text)}`, {
    hint: 'write --checksum=sha256: and 64 hexadecimal digits',
  });
}

function withFlags(git: GitReference, instruction: AddInstruction, checksum: string | undefined): GitReference {
  const { keepGitDir } = instruction;
  if (keepGitDir && git.keepGitDir === false) {
    throw new BuildError('DOCKERFILE_INVALID', 'inconsistent keep-git-dir configuration');
  }
  if (checksum !== undefined && git.commit !== undefined && checksum !== git.commit) {
    throw new BuildError(
      'DOCKERFILE_INVALID',
      `checksum mismatch ${JSON.stringify(checksum)} != ${JSON.stringify(git.commit)}`,
    );
  }
  if (checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(checksum)) {
    throw new BuildError('DOCKERFILE_INVALID', `invalid checksum ${JSON.stringify(checksum)}`, {
      hint: 'the checksum of a git source is its commit',
    });
  }
  return { ...git, keepGitDir: git.keepGitDir ?? keepGitDir, commit: git.commit ?? checksum };
}

function checkChecksum(sources: readonly CopySource[], { range }: AddInstruction): void {
  if (sources.length !== 1) {
    throw new BuildError('DOCKERFILE_INVALID', "checksum can't be specified for multiple sources", { range });
  }
  if (sources[0]?.kind === 'paths') {
    throw new BuildError('DOCKERFILE_INVALID', 'checksum requires HTTP(S) or Git sources', { range });
  }
}

function refuseRemote(source: string, { range }: CopyInstruction): void {
  const isGit = atRange(range, () => parseGitReference(source)) !== undefined;
  if (!isGit && !isUrl(source)) return;
  throw new BuildError('DOCKERFILE_INVALID', `source can't be a ${isGit ? 'git ref' : 'URL'} for COPY`, {
    range,
    hint: isGit ? 'use ADD, which checks out repositories' : 'use ADD, which downloads files',
  });
}
