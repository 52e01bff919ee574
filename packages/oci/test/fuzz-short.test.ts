import { OCI_TARGETS } from '../../../fuzz/oci-targets.ts';
import { fuzzShortly } from '../../../fuzz/short.ts';

const SLOWER = [
  'apply',
  'differ',
  'docker-config',
  'from-archive',
  'gzip',
  'gzip-writer',
  'load-archive',
  'tar-oracle',
  'zstd',
];
fuzzShortly(OCI_TARGETS, new Set(SLOWER));
