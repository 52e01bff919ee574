import { formatReference, type JsonValue, rfc3339, spdxDocument } from '@tsbuild/oci';
import { plannedOrigins } from '../packages/planned-origins.ts';
import { imageBill } from '../packages/image-bill.ts';
import { packagesOfBuild } from '../packages/image-packages.ts';
import type { ToolVersion } from './attestation-options.ts';
import type { AttestedBuild } from './attested-build.ts';
import { Masking } from './masking.ts';

/** By which readers know a bill of materials in SPDX. */
export const SPDX_TYPE = 'https://spdx.dev/Document';

/**
 * The packages of a build's image as an SPDX document. It names the image by its ID, which stays when a registry gets layers
 * compressed and the manifest is another one.
 */
export async function spdxPredicate(build: AttestedBuild, at: number, tool: ToolVersion): Promise<JsonValue> {
  const { plan, results, request, images, names, store, signal } = build;
  const [platform, image] = [plan.platforms[at], images[at]];
  if (platform === undefined || image === undefined) throw new RangeError(`the build has no image ${at}`);
  const found = await packagesOfBuild(
    {
      origins: plannedOrigins(plan, results),
      at,
      dockerfile: request.dockerfile.path,
      base: platform.target.base,
      signal,
    },
    store,
  );
  const [name] = names;
  const bill = imageBill(found, {
    name: name === undefined ? 'image' : formatReference(name),
    digest: image.id,
    created: createdOf(build, image.config.created),
    tool,
  });
  const masking = new Masking(request.buildArgs);
  const packages = bill.packages.map((one) =>
    one.origin === undefined ? one : { ...one, origin: masking.text(one.origin) },
  );
  return JSON.parse(spdxDocument({ ...bill, packages })) as JsonValue;
}

/** Whole seconds, as SPDX wants them. */
function createdOf({ request: { epoch } }: AttestedBuild, created: string | undefined): string {
  const time = epoch === undefined ? Date.parse(created ?? '') : epoch * 1000;
  return rfc3339(Number.isNaN(time) ? 0 : Math.floor(time / 1000) * 1000);
}
