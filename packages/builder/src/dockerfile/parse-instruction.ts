import { trim } from './blanks.ts';
import { parseFlags } from './flags.ts';
import type {
  ExposeInstruction,
  FromInstruction,
  Instruction,
  MaintainerInstruction,
  OnbuildInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from './instruction.ts';
import { parseJsonForm } from './json-form.ts';
import { parseCmd, parseEntrypoint, parseHealthcheck, parseRun, parseShell } from './parse-command.ts';
import { parseAdd, parseCopy } from './parse-copy.ts';
import { parseArg, parseEnv, parseLabel } from './parse-pairs.ts';
import { splitAtBlanks } from './raw-words.ts';
import { baseOf, splitStatement, type Statement } from './statement.ts';
import { suggestNear } from './suggest.ts';

/** What no text holds, and what stands for bytes that are none. */
const BINARY = /[\0-\x08\x0e-\x1f\x7f\ufffd]/;
const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

/** One parser per keyword; a new instruction begins with a line here. */
const PARSERS: Readonly<Record<Instruction['kind'], (statement: Statement) => Instruction>> = {
  add: parseAdd,
  arg: parseArg,
  cmd: parseCmd,
  copy: parseCopy,
  entrypoint: parseEntrypoint,
  env: parseEnv,
  expose: parseExpose,
  from: parseFrom,
  healthcheck: parseHealthcheck,
  label: parseLabel,
  maintainer: parseMaintainer,
  onbuild: parseOnbuild,
  run: parseRun,
  shell: parseShell,
  stopsignal: parseStopsignal,
  user: parseUser,
  volume: parseVolume,
  workdir: parseWorkdir,
};

/** Understands a statement. Throws BuildError DOCKERFILE_INVALID for an unknown keyword, wrong flags or wrong arguments. */
export function parseInstruction(statement: Statement): Instruction {
  const { keyword } = statement;
  const kind = keyword.toLowerCase();
  if (isKind(kind)) return PARSERS[kind](statement);
  if (keyword === '') throw statement.fail('an instruction is missing after the line continuation');
  const keywords = Object.keys(PARSERS).map((name) => name.toUpperCase());
  const lost = `If this line continues the previous one, end that line with ${statement.escape}.`;
  const hint = BINARY.test(keyword)
    ? 'The file contains binary data: is it a Dockerfile?'
    : /^[a-z]/i.test(keyword)
      ? undefined
      : lost;
  throw statement.fail(`unknown instruction: ${keyword}${suggestNear(keyword, keywords)}`, keyword, hint);
}

function isKind(name: string): name is Instruction['kind'] {
  return Object.hasOwn(PARSERS, name);
}

function parseFrom(statement: Statement): FromInstruction {
  const platform = parseFlags(statement, { platform: 'value' }).value('platform');
  const [image, as, name, ...more] = splitAtBlanks(statement.rest);
  const named = name !== undefined && as?.toLowerCase() === 'as';
  if (image === undefined || more.length > 0 || (as !== undefined && !named)) {
    throw statement.fail(
      'FROM requires either one or three arguments',
      undefined,
      'Write FROM image or FROM image AS stage.',
    );
  }
  const alias = named ? name.toLowerCase() : undefined;
  if (named && (alias === undefined || !STAGE_NAME.test(alias))) {
    const reason = "name can't start with a number or contain symbols";
    throw statement.fail(`invalid name for build stage: ${JSON.stringify(name)}, ${reason}`, name);
  }
  return {
    ...baseOf(statement),
    kind: 'from',
    image,
    ...(platform !== undefined && { platform }),
    ...(alias !== undefined && { alias }),
  };
}

function parseMaintainer(statement: Statement): MaintainerInstruction {
  return { ...baseOf(statement), kind: 'maintainer', name: oneArgument(statement, 'MAINTAINER') };
}

function parseWorkdir(statement: Statement): WorkdirInstruction {
  return { ...baseOf(statement), kind: 'workdir', path: oneArgument(statement, 'WORKDIR') };
}

function parseUser(statement: Statement): UserInstruction {
  return { ...baseOf(statement), kind: 'user', user: oneArgument(statement, 'USER') };
}

function parseStopsignal(statement: Statement): StopsignalInstruction {
  return { ...baseOf(statement), kind: 'stopsignal', signal: oneArgument(statement, 'STOPSIGNAL') };
}

/** The rest of the line is the argument, blanks and all. */
function oneArgument(statement: Statement, keyword: string): string {
  parseFlags(statement, {});
  if (statement.rest === '') throw statement.fail(`${keyword} requires exactly one argument`);
  return statement.rest;
}

function parseExpose(statement: Statement): ExposeInstruction {
  parseFlags(statement, {});
  const ports = splitAtBlanks(statement.rest);
  if (ports.length === 0) throw statement.fail('EXPOSE requires at least one argument');
  return { ...baseOf(statement), kind: 'expose', ports };
}

function parseVolume(statement: Statement): VolumeInstruction {
  parseFlags(statement, {});
  const words = parseJsonForm(statement.rest, statement.range) ?? splitAtBlanks(statement.rest);
  const paths = words.map((word) => trim(word));
  if (paths.length === 0) throw statement.fail('VOLUME requires at least one argument');
  if (paths.includes('')) throw statement.fail('VOLUME specified can not be an empty string');
  return { ...baseOf(statement), kind: 'volume', paths };
}

/** The trigger is parsed now, so that a mistake shows here and not in the build that uses the image. */
function parseOnbuild(statement: Statement): OnbuildInstruction {
  parseFlags(statement, {});
  if (statement.rest === '') throw statement.fail('ONBUILD requires at least one argument');
  const inner = splitStatement(statement.rest, statement);
  const keyword = inner.keyword.toUpperCase();
  if (keyword === 'ONBUILD') throw statement.fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (keyword === 'FROM' || keyword === 'MAINTAINER') {
    throw statement.fail(`${keyword} isn't allowed as an ONBUILD trigger`, inner.keyword);
  }
  parseInstruction(inner);
  const bodies = statement.heredocs.map(({ heredoc, raw }) => `\n${raw}${heredoc.name}`);
  return { ...baseOf(statement), kind: 'onbuild', trigger: statement.rest + bodies.join('') };
}
