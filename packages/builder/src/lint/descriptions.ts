import type { ArgInstruction, Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import { CHECK_COMMENT } from './check-options.ts';
import type { Report } from './finding.ts';

const DIRECTIVE = /^(?:syntax|escape)\s*=/i;

/** The comments that describe an instruction: right above it, directives left out. */
function commentsOf({ notes }: Instruction): readonly string[] {
  return notes.description.filter((comment) => !CHECK_COMMENT.test(comment) && !DIRECTIVE.test(comment));
}

/** What a comment `# name text` above an ARG or FROM says of `name`; empty when there is none. */
export function descriptionOf(instruction: Instruction, name: string | undefined): string {
  if (name === undefined || name === '') return '';
  const comment = commentsOf(instruction).find((line) => line.startsWith(`${name} `));
  return comment?.slice(name.length + 1) ?? '';
}

/** A comment right above an ARG or a named FROM should be its description (experimental). */
export function checkDescriptions({ instructions }: Dockerfile, report: Report): void {
  for (const instruction of instructions) {
    if (instruction.kind === 'from' && instruction.alias !== undefined) {
      check(instruction, 'FROM', [instruction.alias], report);
    } else if (instruction.kind === 'arg') {
      check(instruction, 'ARG', namesOf(instruction), report);
    }
  }
}

function check(instruction: Instruction, keyword: string, names: readonly string[], report: Report): void {
  const last = commentsOf(instruction).at(-1);
  if (last === undefined || names.includes(last.split(' ')[0] ?? '')) return;
  const shown = names.length > 1 ? '<arg_key>' : (names[0] ?? '');
  const message = `Comment for ${keyword} should follow the format: \`# ${shown} <description>\``;
  report('InvalidDefinitionDescription', instruction, message);
}

function namesOf({ args }: ArgInstruction): readonly string[] {
  return args.map(({ name }) => name);
}
