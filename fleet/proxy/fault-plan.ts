import type { Random } from '../../fuzz/random.ts';
import type { Fault } from '../../packages/oci/testing/fault-proxy.ts';
import type { Route } from './route.ts';

/** When a fault happens. Everything that is not named fits. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly lane?: string;
  readonly method?: RegExp;
  readonly kind?: RegExp;
  readonly repository?: RegExp;
  readonly name?: RegExp;
  /** Of a hundred requests that fit, so many fail; all of them unless told. */
  readonly percent?: number;
  /** So many that fit pass before the first one fails. */
  readonly skip?: number;
  /** After so many it is over. */
  readonly times?: number;
}

/** What a request is matched by. */
export interface Incoming extends Route {
  readonly lane: string;
  readonly method: string;
}

/** The faults of one scenario: by rules, and by chance from a seed. */
export class FaultPlan {
  readonly #rules: readonly PlannedFault[];
  readonly #random: Random;
  readonly #fitted = new Map<PlannedFault, number>();
  readonly #made = new Map<PlannedFault, number>();

  constructor(rules: readonly PlannedFault[], random: Random) {
    this.#rules = rules;
    this.#random = random;
  }

  /** The fault that befalls a request; the first rule that fits decides. */
  next(request: Incoming): Fault | undefined {
    for (const rule of this.#rules) {
      if (!fits(rule, request)) continue;
      const fitted = (this.#fitted.get(rule) ?? 0) + 1;
      this.#fitted.set(rule, fitted);
      const made = this.#made.get(rule) ?? 0;
      if (fitted <= (rule.skip ?? 0) || made >= (rule.times ?? Infinity)) continue;
      if (this.#random.below(100) >= (rule.percent ?? 100)) continue;
      this.#made.set(rule, made + 1);
      return rule.fault;
    }
    return undefined;
  }
}

function fits(rule: PlannedFault, { lane, method, kind, repository, name }: Incoming): boolean {
  return (
    (rule.lane === undefined || rule.lane === lane) &&
    (rule.method?.test(method) ?? true) &&
    (rule.kind?.test(kind) ?? true) &&
    (rule.repository?.test(repository) ?? true) &&
    (rule.name?.test(name) ?? true)
  );
}
