import {
  type CheckoutStep,
  type CheckoutVerification,
  type ConfigDifference,
  describeChange,
  type DifferentStep,
  type MissChange,
  type Verification,
} from '@tsbuild/builder';
import { humanAge } from './human.ts';
import { shownId } from './image-id.ts';
import { sanitizeName, sanitizeText } from './sanitize.ts';
import { verificationLines } from './verification-lines.ts';

/** Of one step so many changes are told; the json output has more. */
const MOST = 20;

/** What a checkout has to do with an image, for people: where the instruction is, and what of it or its files differs. */
export function checkoutLines(
  name: string,
  found: CheckoutVerification,
  { hasEpoch, now }: { readonly hasEpoch: boolean; readonly now: number },
): string {
  const { image, built, verdict, steps, config, dockerfile } = found;
  const age = humanAge(new Date(built).toISOString(), now).toLowerCase();
  const what = `${sanitizeName(name)} (${shownId(image, false)}, built ${age})`;
  const lines = [
    HEADS[verdict](what, found),
    ...config.flatMap((difference) => configLines(difference, dockerfile)),
    ...steps.flatMap((step) => stepLines(step, dockerfile)),
    ...(dependsOnOptions(found)
      ? ['An image is verified with the --build-arg, --label and other options of its build.']
      : []),
    ...(found.by === 'provenance'
      ? ['Compared with the provenance of the image: tsbuild image verify --key tells who signed it.']
      : []),
    ...(found.rebuilt ?? []).flatMap((each) => rebuiltLines(each, found, hasEpoch)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const HEADS: Readonly<Record<CheckoutVerification['verdict'], (what: string, found: CheckoutVerification) => string>> =
  {
    same: (what, { total, dockerfile }) =>
      `Same: ${what} was built from this ${sanitizeName(dockerfile)} and these files (${total === 1 ? '1 step' : `${total} steps`} compared).`,
    different: (what) => `Different: ${what} was not built from just this.`,
    unknown: (what) => `Unknown: not all steps of ${what} can be compared.`,
  };

/** Whether what differs may lie in the command line, and not in the checkout. */
function dependsOnOptions({ config, steps }: CheckoutVerification): boolean {
  const isOption = ({ kind, name }: MissChange): boolean =>
    kind === 'arg' || kind === 'env' || name === 'SOURCE_DATE_EPOCH';
  return config.some(({ kind }) => kind === 'setting') || steps.some(({ changes }) => changes.some(isOption));
}

/** Whether building again gave the same image; times count only where the build had an epoch to set them to. */
export function isRebuiltAlike({ rebuilt = [] }: CheckoutVerification, hasEpoch: boolean): boolean {
  return rebuilt.every((verification) => isAlike(verification, hasEpoch));
}

/** Steps of other stages may differ as long as nothing of it comes into the image. */
function isAlike({ same, steps }: Verification, hasEpoch: boolean): boolean {
  return same || (!hasEpoch && steps.every((step) => !step.inImage || isOnlyTimes(step)));
}

function isOnlyTimes({ total, timesOnly }: DifferentStep): boolean {
  return total > 0 && total === timesOnly;
}

function stepLines({ number, stage, name, range, state, changes, reason }: CheckoutStep, dockerfile: string): string[] {
  const place = range === undefined ? '' : `${sanitizeName(dockerfile)}:${range.start.line}: `;
  const title = `${place}${sanitizeName(name)}  (#${number} [${sanitizeName(stage)}])`;
  if (state === 'new')
    return [title, '     the image was built without this instruction; what follows it was not compared'];
  if (state === 'removed') return [title, '     the image was built with this instruction, which is gone'];
  if (state === 'impossible') return [title, `     a build would fail here: ${sanitizeText(reason ?? '')}`];
  if (state === 'unknown') return [title, `     cannot be compared: ${reason ?? ''}`];
  const shown = changes.slice(0, MOST);
  const rest = changes.length - shown.length;
  return [
    title,
    ...shown.map(
      (change) => `     ${sanitizeText(describeChange(change, () => undefined)).replaceAll('\n', '\n       ')}`,
    ),
    ...(rest > 0 ? [`     and ${rest} more`] : []),
  ];
}

function configLines({ kind, name, before, after }: ConfigDifference, dockerfile: string): string[] {
  const show = (text: string | undefined): string => sanitizeName(text ?? '');
  const file = sanitizeName(dockerfile);
  if (kind === 'base') return [`${file}: the base image is another one than the image was built on`];
  if (kind === 'setting') {
    return [`${file}: ${show(name)} is ${show(after) || 'not set'}; in the image ${show(before) || 'it is not set'}`];
  }
  if (after === undefined) return [`${file}: ${show(before)}  is gone`];
  return [`${file}: ${show(after)}  ${before === undefined ? 'is new' : `(it was ${show(before)})`}`];
}

function rebuiltLines(
  verification: Verification & { readonly platform: string },
  { rebuilt = [], dockerfile }: CheckoutVerification,
  hasEpoch: boolean,
): readonly string[] {
  const which = rebuilt.length === 1 ? '' : `${verification.platform}: `;
  const steps = hasEpoch ? verification.steps : verification.steps.filter((step) => !isOnlyTimes(step));
  const [, ...lines] = verificationLines({ ...verification, same: false, steps }, hasEpoch);
  if (isAlike(verification, hasEpoch)) {
    const times = verification.same ? '' : '; only times differ, which SOURCE_DATE_EPOCH would fix';
    const rest = lines.length === 0 ? [] : ['Not in the image, but different each time:', ...lines];
    return [`${which}Rebuilt: the same files${times}.`, ...rest];
  }
  const first = steps.find(({ inImage }) => inImage) ?? steps[0];
  const cause = steps.find(({ id }) => first?.follows.includes(id) === true) ?? first;
  const file = cause?.files[0]?.path;
  const where =
    cause === undefined
      ? ''
      : ` ${sanitizeName(dockerfile)}:${cause.range.start.line}: ${sanitizeName(cause.name)} gives another ${sanitizeName(file ?? 'layer')}.`;
  return [`${which}Rebuilt: another image.${where}`, ...lines];
}
