import type { BuildRecord } from './build-record.ts';

/** A record as versions before builds were numbered wrote it: of each image the last, without times of steps. */
type EarlierRecord = Pick<BuildRecord, 'started' | 'dockerfile' | 'target' | 'steps' | 'image' | 'origins'> & {
  readonly version: 1;
};

/** What an earlier version recorded, as far as it goes. */
export function earlierRecord(record: EarlierRecord): BuildRecord {
  const { image, started } = record;
  return {
    ...record,
    version: 2,
    id: '',
    project: record.dockerfile,
    outcome: image === undefined ? 'failed' : 'done',
    ...(image === undefined ? {} : { ended: started + image.milliseconds }),
    names: image?.names ?? [],
    platforms: [],
    arguments: {},
    phases: [],
  };
}

export function isEarlierRecord({ version, steps }: Partial<EarlierRecord>): boolean {
  return version === 1 && Array.isArray(steps);
}
