import type { Finding } from '../lint/finding.ts';
import type { MeasuredBuild } from '../lint/platforms/measured-build.ts';
import { ruleOf } from '../lint/rules.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';
import type { StepRuns } from '../explain/step-index.ts';
import type { Instruction } from '../dockerfile/instruction.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { Solution } from '../solver/solver.ts';
import type { BuildSession, ReadDockerfile } from './build-session.ts';
import type { PlatformResult } from './build-options.ts';
import type { Checks } from './checks.ts';
import { eachOnce } from './platforms/each-once.ts';
import { layerFindings, withHistory } from './layer-checks.ts';
import { declareStages, type StageDeclaration } from '../plan/stages.ts';
import { makePlan } from './make-plan.ts';

/** A plan whose Dockerfile passed its checks, and what remains to be said of it. */
export class CheckedPlan {
  readonly plan: BuildPlan;
  readonly #session: BuildSession;
  readonly #checks: Checks;
  readonly #declared: readonly StageDeclaration[];
  /** Findings of our own rules: what they cost is told where time was spent. */
  readonly #own: readonly Finding[];

  private constructor(
    plan: BuildPlan,
    session: BuildSession,
    { checks, dockerfile }: ReadDockerfile,
    own: readonly Finding[],
  ) {
    this.plan = plan;
    this.#session = session;
    this.#checks = checks;
    this.#declared = declareStages(dockerfile).stages;
    this.#own = own;
  }

  /** Reads, plans and checks the Dockerfile; BuildKit's warnings are told. @throws BuildError; `CHECK_FAILED` */
  static async make(session: BuildSession): Promise<CheckedPlan> {
    const read = await session.read();
    const { checks } = read;
    // What is odd in the Dockerfile often is why it cannot be planned.
    const findings = (): readonly Finding[] => checks.findings({ target: session.options.target });
    const plan = await makePlan(session.planInput(read, session.notice)).catch((error: unknown) => {
      warn(session, checks, findings());
      throw error;
    });
    const found = findings();
    warn(
      session,
      checks,
      found.filter(({ rule }) => ruleOf(rule).own !== true),
    );
    checks.enforce(found);
    const own = found.filter(({ rule }) => ruleOf(rule).own === true);
    return new CheckedPlan(plan, session, read, own);
  }

  /** Tells what our own rules found: in the Dockerfile, with what it cost so far if `runs` knows, and in the layers. */
  async warnOfBuilt(
    platforms: readonly PlatformResult[],
    runs: ((run: Instruction) => StepRuns | undefined) | undefined,
  ): Promise<void> {
    warn(this.#session, this.#checks, runs === undefined ? this.#own : withHistory(this.#own, runs));
    const inLayers: (readonly Finding[])[] = [];
    for (const [i, plan] of this.plan.platforms.entries()) {
      const image = platforms[i]?.image;
      if (image !== undefined) inLayers.push(await layerFindings(plan, image, this.#session.store));
    }
    warn(this.#session, this.#checks, this.#checks.wanted(eachOnce(inLayers)));
  }

  /** Tells what was done for each of several platforms, and could have been done once. */
  async warnOfRepeated(
    step: MeasuredBuild['step'],
    { results }: Pick<Solution<Rootfs, LayerOutput>, 'results'>,
  ): Promise<void> {
    if (!this.plan.isForSeveral) return;
    const { repeatedWork } = await import('./platforms/repeated-work.ts');
    const layerOf = (id: string) => results.get(id)?.output.layer.digest;
    const build = { plan: this.plan, declared: this.#declared, step, layerOf };
    warn(this.#session, this.#checks, this.#checks.wanted(await repeatedWork(build, this.#session.store)));
  }
}

function warn({ reporter }: BuildSession, checks: Checks, findings: readonly Finding[]): void {
  for (const finding of findings) reporter.report(checks.warning(finding));
}
