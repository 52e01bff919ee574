import { samePlatform } from '@tsbuild/oci';
import type { ArgInstruction, Instruction } from '../../dockerfile/instruction.ts';
import type { BuildStep, BuildVertex, PlannedStage } from '../../plan/plan.ts';
import type { StageDeclaration } from '../../plan/stages.ts';
import { durationText } from '../duration-text.ts';
import type { Report } from '../finding.ts';
import { isSameCopy, LEAST_TIME, type MeasuredBuild, stageOfEach, timeOf } from './measured-build.ts';
import type { StepVertices } from './step-vertices.ts';

const OF_TARGET = /^TARGET(?:PLATFORM|OS|ARCH|VARIANT)$/;

/**
 * Commands that ran once for each platform although the stage is the same up to them, because an `ARG TARGET…` above them is
 * in their environment: neither do they name it, nor did it change what they made.
 */
export async function checkEarlyArguments(build: MeasuredBuild, vertices: StepVertices, report: Report): Promise<void> {
  for (const declaration of build.declared) {
    const stages = stageOfEach(build.plan, declaration.index);
    const [first, ...others] = stages ?? [];
    if (stages === undefined || first === undefined) continue;
    if (!others.every(({ platform }) => samePlatform(platform, first.platform))) continue;
    await checkStage({ build, vertices, declaration, stages, report });
  }
}

interface StageLook {
  readonly build: MeasuredBuild;
  readonly vertices: StepVertices;
  readonly declaration: StageDeclaration;
  /** The stage as each platform has it. */
  readonly stages: readonly PlannedStage[];
  readonly report: Report;
}

async function checkStage(look: StageLook): Promise<void> {
  const { declaration, report } = look;
  const names = new Set<string>();
  let declared: ArgInstruction | undefined;
  let isWhole = false;
  let shared = 0;
  let last: Instruction | undefined;
  for (const instruction of declaration.instructions) {
    const own = namesOf(instruction);
    if (own.length > 0 && instruction.kind === 'arg') {
      declared ??= instruction;
      for (const name of own) names.add(name);
      continue;
    }
    if (declared === undefined) continue;
    if (mentions(instruction, names)) break;
    const step = stepOf(look, instruction);
    if (step === undefined) continue;
    // Up to here it is one for all, and what parts it is the ARG.
    isWhole ||= haveSame(step.vertices, 0);
    const saved = isWhole ? await sharedBy(look.build, step) : undefined;
    if (saved === undefined) break;
    shared += saved;
    if (saved > 0) last = instruction;
  }
  if (declared === undefined || last === undefined || shared < LEAST_TIME) return;
  const [all, line, end] = [[...names].join(', '), declared.range.start.line, last.range.end.line];
  const [is, it] = names.size === 1 ? ['is', 'it'] : ['are', 'them'];
  const message = `${all} ${is} declared at line ${line}, before steps that do not use ${it} and ran for each platform: moving ${it} below line ${end} shares ${durationText(shared)}`;
  report('PlatformArgTooEarly', declared, message);
}

/** The platform's arguments that an instruction declares, when it declares nothing else. */
function namesOf(instruction: Instruction): readonly string[] {
  if (instruction.kind !== 'arg') return [];
  const names = instruction.args.map(({ name }) => name);
  return names.every((name) => OF_TARGET.test(name)) ? names : [];
}

/** Any mention counts: a shell may do with a name what it likes. */
function mentions(instruction: Instruction, names: ReadonlySet<string>): boolean {
  const heredocs = 'heredocs' in instruction ? instruction.heredocs.map(({ content }) => content) : [];
  const words = [instruction.text, ...heredocs].flatMap((text) => text.match(/\w+/g) ?? []);
  return words.some((word) => names.has(word));
}

/** The step of an instruction as the platforms have it. */
interface PlatformSteps {
  readonly operation: string;
  /** Each once. */
  readonly ids: readonly string[];
  readonly vertices: readonly BuildStep[];
  readonly isSameCopy: boolean;
}

/** Undefined of an instruction without one. */
function stepOf({ build, stages, vertices }: StageLook, { range }: Instruction): PlatformSteps | undefined {
  const [first] = stages;
  const at = first?.steps.findIndex((step) => step.range === range) ?? -1;
  const operation = first?.steps[at]?.operation;
  if (operation === undefined) return undefined;
  const ids = [...new Set(stages.flatMap(({ steps }) => steps[at]?.id ?? []))];
  return {
    operation,
    ids,
    vertices: ids.flatMap((id) => vertices.get(id) ?? []),
    isSameCopy: isSameCopy(build, stages, at),
  };
}

/**
 * The milliseconds that a step would not have taken, had it been one for all; undefined where it cannot be, or where nobody can
 * tell.
 */
async function sharedBy(build: MeasuredBuild, step: PlatformSteps): Promise<number | undefined> {
  const { operation, ids, vertices } = step;
  if (ids.length === 1 || step.isSameCopy || operation === 'workdir') return 0;
  const mounts = Math.max(...vertices.map(({ inputs }) => inputs.length)) - 1;
  const isSplitElsewhere = Array.from({ length: mounts }, (_, i) => i + 1).some((at) => !haveSame(vertices, at));
  if (operation !== 'run' || isSplitElsewhere) return undefined;
  const times = ids.map((id) => timeOf(build, id));
  const saved = times.reduce((sum, time) => sum + time, 0) - Math.max(...times);
  if (saved === 0) return 0;
  return (await build.haveSameFiles(ids)) ? saved : undefined;
}

/** Whether input `at` of these is the same: the files of their stage are the first, mounts of other stages follow. */
function haveSame([first, ...others]: readonly BuildStep[], at: number): boolean {
  return others.every(({ inputs }) => isSame(inputs[at], first?.inputs[at]));
}

function isSame(a: BuildVertex | undefined, b: BuildVertex | undefined): boolean {
  if (a?.kind !== 'constant' || b?.kind !== 'constant') return a === b;
  const [layers, others] = [a, b].map(({ value }) => value.layers.map(({ digest }) => digest).join());
  return layers === others;
}
