import { byRoute } from '../proxy/exchange.ts';
import type { Built } from '../lab/lab.ts';
import type { Place } from '../lab/place.ts';
import { ofPlace } from '../lab/lab.ts';

/** Collects what is wrong. */
export class Judge {
  readonly faults: string[] = [];

  /** Notes a fault unless `ok`. */
  expect(ok: boolean, fault: string): void {
    if (!ok) this.faults.push(fault);
  }

  add(faults: readonly string[]): void {
    this.faults.push(...faults);
  }

  /** The build must have succeeded, with nothing that looks like a defect of the command. */
  succeeded(built: Built, what: string): void {
    const { exitCode, stderr } = built;
    this.expect(exitCode === 0, `${what} failed with ${exitCode}: ${lastLines(stderr)}`);
    this.expect(!/unhandled|node:internal|^\s+at .*:\d+:\d+\)?$/im.test(stderr), `${what} shows a stack trace`);
  }

  /** All of them must have made one image. */
  oneImage(builds: readonly Built[], what: string): void {
    const images = new Set(builds.map(({ image }) => image));
    this.expect(images.size === 1, `${what} made ${images.size} images: ${[...images].join(' ')}`);
  }

  /** The build must have run no step. */
  allHit(built: Built, what: string): void {
    const ran = built.steps.filter(({ end }) => end !== 'cached');
    const names = ran.map(({ name, reason }) => `${name} (${reason ?? ''})`);
    this.expect(ran.length === 0, `${what} ran ${ran.length} of ${built.steps.length} steps: ${names.join('; ')}`);
  }

  /** What a build says that it asked of its caches must be what the proxy saw. */
  countsAgree(built: Built, place: Place, what: string): void {
    if (built.cache === undefined) return this.expect(false, `${what} says nothing of its caches in --metadata-file`);
    const seen = ofPlace(built.exchanges, place);
    const { requests, layersFetched } = built.cache;
    const routes = JSON.stringify(byRoute(seen));
    this.expect(
      requests === seen.length,
      `${what} says ${requests} cache requests and ${layersFetched} layers, the proxy saw ${seen.length}: ${routes}`,
    );
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ').slice(-600);
}
