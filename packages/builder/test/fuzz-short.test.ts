import { BUILDER_TARGETS } from '../../../fuzz/builder-targets.ts';
import { fuzzShortly } from '../../../fuzz/short.ts';

fuzzShortly(BUILDER_TARGETS, new Set(['plan', 'lint', 'words', 'durations-and-ports']));
