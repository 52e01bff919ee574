import { killTest } from '../../testing/kill-test.ts';

killTest('namespaces');
