import type { Instruction } from '../dockerfile/instruction.ts';
import type { FromResolver } from './from-resolver.ts';
import { lowerAdd, lowerCopy } from './lower-copy.ts';
import { lowerWorkdir } from './lower-files.ts';
import * as metadata from './lower-metadata.ts';
import { lowerRun } from './lower-run.ts';
import type { StageState } from './stage-state.ts';

/** Folds one instruction into the stage. A new kind of instruction shows up here as a type error. */
export function lowerInstruction(stage: StageState, instruction: Instruction, resolveFrom: FromResolver): void {
  switch (instruction.kind) {
    case 'env':
      return metadata.lowerEnv(stage, instruction);
    case 'arg':
      return metadata.lowerArg(stage, instruction);
    case 'label':
      return metadata.lowerLabel(stage, instruction);
    case 'user':
      return metadata.lowerUser(stage, instruction);
    case 'expose':
      return metadata.lowerExpose(stage, instruction);
    case 'volume':
      return metadata.lowerVolume(stage, instruction);
    case 'stopsignal':
      return metadata.lowerStopsignal(stage, instruction);
    case 'shell':
      return metadata.lowerShell(stage, instruction);
    case 'maintainer':
      return metadata.lowerMaintainer(stage, instruction);
    case 'cmd':
      return metadata.lowerCmd(stage, instruction);
    case 'entrypoint':
      return metadata.lowerEntrypoint(stage, instruction);
    case 'onbuild':
      return metadata.lowerOnbuild(stage, instruction);
    case 'healthcheck':
      return metadata.lowerHealthcheck(stage, instruction);
    case 'workdir':
      return lowerWorkdir(stage, instruction);
    case 'run':
      return lowerRun(stage, instruction, resolveFrom);
    case 'copy': {
      const from = instruction.from === undefined ? undefined : resolveFrom(instruction.from, instruction);
      return lowerCopy(stage, instruction, from);
    }
    case 'add':
      return lowerAdd(stage, instruction);
    case 'from':
      throw new TypeError('FROM starts a stage; it is never folded into one');
  }
}
