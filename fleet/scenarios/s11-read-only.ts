import { isWrite } from '../proxy/exchange.ts';
import { FaultPlan } from '../proxy/fault-plan.ts';
import { ofPlace } from '../lab/lab.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s11-cache', tag: 'main' };

/** Transfers that are under way when the first refusal comes. */
const AT_ONCE = 4;

/** Builders that may only read: pull requests of forks. */
export const readOnly: Scenario = {
  id: 'S11',
  title: 'read-only credentials',
  holds: 'the same images; nothing is written with read-only=true, and no more after the first refusal without',
  async run(lab, judge) {
    const build = await lab.generate('s11', { largest: 64 * 1024 });
    judge.succeeded(await lab.buildOnce(build, place), 'the first build');
    const changed = await lab.change(build, 's11-changed', build.files[3] ?? '');
    await using station = await lab.builder('clean');
    const clean = await station.build(changed, undefined);

    const told = await lab.buildOnce(changed, place, { attributes: 'read-only=true' });
    judge.succeeded(told, 'the build that is told');
    const writes = ofPlace(told.exchanges, place).filter(isWrite).length;
    judge.expect(writes === 0, `it wrote ${writes} times although it was told that it may not`);

    const body = JSON.stringify({
      errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }],
    });
    const headers = { 'Content-Type': 'application/json' };
    const fault = { kind: 'status', status: 403, headers, body } as const;
    lab.proxy.plan = new FaultPlan([{ method: /^(?:POST|PUT|PATCH|DELETE)$/, fault }], lab.random('s11'));
    const refused = await lab.buildOnce(changed, place);
    lab.proxy.plan = undefined;
    judge.succeeded(refused, 'the build that is refused');
    const attempts = ofPlace(refused.exchanges, place).filter(isWrite).length;
    judge.expect(attempts <= AT_ONCE, `it went on after the refusal: ${attempts} writes`);
    judge.expect(
      refused.notices.some((notice) => /read.?only|may not|refus|denied/i.test(notice)),
      'it does not say that it may only read',
    );
    judge.oneImage([clean, told, refused], 'a clean build and those that may only read');
    return { 'writes when told': writes, 'writes until the refusal': attempts };
  },
};
