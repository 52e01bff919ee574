import type {
  AddInstruction,
  ArgInstruction,
  CopyInstruction,
  EnvInstruction,
  Instruction,
  LabelInstruction,
  WorkdirInstruction,
} from '../dockerfile/instruction.ts';
import { checkIgnored } from './copy-rules.ts';
import { checkExpose } from './expose-rules.ts';
import { isSecretName } from './secret-name.ts';
import type { StageScope } from './stage-scope.ts';
import { InstructionWords } from './variables.ts';

/** Checks one instruction of a stage, and takes into the scope what it changes for the next ones. */
export function checkInstruction(scope: StageScope, instruction: Instruction): void {
  const words = new InstructionWords(scope, instruction);
  switch (instruction.kind) {
    case 'env':
      return checkEnv(scope, instruction, words);
    case 'label':
      return checkLabel(scope, instruction, words);
    case 'arg':
      return checkArg(scope, instruction, words);
    case 'copy':
    case 'add':
      return checkFiles(scope, instruction, words);
    case 'run':
      return instruction.mounts.forEach((mount) => words.expandMount(mount));
    case 'workdir':
      return checkWorkdir(scope, instruction, words);
    case 'user':
      return void words.expand(instruction.user);
    case 'volume':
      return instruction.paths.forEach(words.expand);
    case 'stopsignal':
      return void words.expand(instruction.signal);
    case 'expose':
      return checkExpose(scope, instruction);
    case 'shell':
      scope.hasShell = true;
      return;
    case 'cmd':
    case 'entrypoint':
      checkOnce(scope, instruction);
      return checkForm(scope, instruction);
    case 'healthcheck':
      return checkOnce(scope, instruction);
    case 'onbuild':
      scope.triggers.push(instruction.trigger);
      return;
    case 'maintainer':
    case 'from':
      return;
  }
}

function checkEnv(scope: StageScope, instruction: EnvInstruction, words: InstructionWords): void {
  const pairs = instruction.pairs.map(({ key, value }) => ({
    key: words.expand(key) ?? key,
    value: words.expand(value) ?? '',
  }));
  checkFormat(scope, instruction);
  for (const { key, value } of pairs) {
    checkSecret(scope, instruction, 'ENV', key);
    scope.variables.set(key, value);
  }
}

function checkLabel(scope: StageScope, instruction: LabelInstruction, words: InstructionWords): void {
  for (const { key, value } of instruction.pairs) {
    words.expand(key);
    words.expand(value);
  }
  checkFormat(scope, instruction);
}

function checkFormat(scope: StageScope, instruction: EnvInstruction | LabelInstruction): void {
  if (!instruction.legacy) return;
  const { keyword } = instruction;
  const message = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
  scope.report('LegacyKeyValueFormat', instruction, message);
}

/** A default that the build does not use is not looked at. */
function checkArg(scope: StageScope, instruction: ArgInstruction, words: InstructionWords): void {
  for (const { name, value } of instruction.args) {
    checkSecret(scope, instruction, 'ARG', name);
    const given = scope.input.arguments.get(name);
    const initial = given !== undefined || value === undefined ? undefined : words.expand(value);
    scope.variables.declareArgument(name, given ?? initial ?? scope.globals.get(name));
    scope.declared.add(name);
  }
}

function checkSecret({ report }: StageScope, instruction: Instruction, keyword: string, name: string): void {
  if (!isSecretName(name)) return;
  const message = `Do not use ARG or ENV instructions for sensitive data (${keyword} ${JSON.stringify(name)})`;
  report('SecretsUsedInArgOrEnv', instruction, message);
}

function checkFiles(scope: StageScope, instruction: AddInstruction | CopyInstruction, words: InstructionWords): void {
  const { chown, chmod, excludes, destination, heredocs } = instruction;
  const sources = instruction.sources.map((source) => words.expand(source));
  const checksum = instruction.kind === 'add' ? instruction.checksum : undefined;
  for (const word of [destination, chown, chmod, checksum, ...excludes]) if (word !== undefined) words.expand(word);
  for (const { content, expand } of heredocs) if (expand) words.expandBody(content);
  checkIgnored(
    scope,
    instruction,
    sources.filter((source) => source !== undefined),
  );
}

/** Only the first WORKDIR counts: with it mended, those after it are right. */
function checkWorkdir(scope: StageScope, instruction: WorkdirInstruction, words: InstructionWords): void {
  const path = words.expand(instruction.path) ?? '/';
  if (!scope.hasWorkdir && !path.startsWith('/')) {
    const message = `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`;
    scope.report('WorkdirRelativePath', instruction, message);
  }
  scope.hasWorkdir = true;
}

/** The earlier one is reported, as it is the one without effect. */
function checkOnce({ last, report }: StageScope, instruction: Instruction): void {
  const earlier = last.get(instruction.kind);
  last.set(instruction.kind, instruction);
  if (earlier === undefined) return;
  const message = `Multiple ${instruction.keyword} instructions should not be used in the same stage because only the last one will be used`;
  report('MultipleInstructionsDisallowed', earlier, message, { instructions: [earlier, instruction] });
}

function checkForm(scope: StageScope, instruction: Extract<Instruction, { kind: 'cmd' | 'entrypoint' }>): void {
  // Who chooses a shell means to use it.
  if (instruction.command.form === 'exec' || scope.hasShell) return;
  const message = `JSON arguments recommended for ${instruction.keyword} to prevent unintended behavior related to OS signals`;
  scope.report('JSONArgsRecommended', instruction, message);
}
