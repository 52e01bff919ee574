import { executorContract } from '../../testing/executor-contract.ts';
import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';

executorContract('namespaces', { make: (scratch) => new NamespacesExecutor({ scratch }), blocksUserNamespaces: false });
